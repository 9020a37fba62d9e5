// Package wire tests what the API client sends: each attempt is one request, with a nonce of its own,
// also when a server asks for it to be repeated.
package wire

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"alicdn_export_exporter/internal/credentials/credentialstest"
)

// emptyList is a page without tasks.
const emptyList = `{"UsageDataPerPage":{"PageNumber":1,"PageSize":50,"TotalCount":0,"Data":{"DataItem":[]}}}`

// request is a request that a server received.
type request struct{ nonce, date string }

// server speaks HTTP/2 by hand. It does what its behavior says with each request.
type server struct {
	address string
	pool    *tls.Config

	mu       sync.Mutex
	requests []request
}

// behavior handles a request on a stream; n counts the requests of all connections from 1. The
// connection is closed if it returns false.
type behavior func(framer *http2.Framer, stream uint32, n int) (keep bool)

// start starts a server for a test.
func start(t *testing.T, behave behavior) *server {
	t.Helper()
	authority, err := credentialstest.NewAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := authority.Issue("127.0.0.1", time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}, NextProtos: []string{"h2"},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := &server{
		address: listener.Addr().String(),
		pool:    &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: authority.Pool()},
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				defer context.AfterFunc(t.Context(), func() { _ = conn.Close() })() // At the test's end.
				s.serve(conn, behave)
			})
		}
	})
	t.Cleanup(func() { _ = listener.Close(); serving.Wait() })
	return s
}

// serve serves one connection until its end.
func (s *server) serve(conn net.Conn, behave behavior) {
	if _, err := io.ReadFull(conn, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	framer := http2.NewFramer(conn, conn)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	if framer.WriteSettings() != nil {
		return
	}
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return
		}
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if !frame.IsAck() && framer.WriteSettingsAck() != nil {
				return
			}
		case *http2.PingFrame:
			if !frame.IsAck() && framer.WritePing(true, frame.Data) != nil {
				return
			}
		case *http2.MetaHeadersFrame:
			if !behave(framer, frame.StreamID, s.note(frame)) {
				return
			}
		}
	}
}

// note records a request and returns how many there were.
func (s *server) note(frame *http2.MetaHeadersFrame) int {
	var r request
	for _, field := range frame.RegularFields() {
		switch field.Name {
		case "x-acs-signature-nonce":
			r.nonce = field.Value
		case "x-acs-date":
			r.date = field.Value
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r)
	return len(s.requests)
}

// received returns the requests so far.
func (s *server) received() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// goAway says that no request of the connection was processed.
func goAway(framer *http2.Framer, _ uint32, _ int) bool {
	return framer.WriteGoAway(0, http2.ErrCodeNo, nil) == nil
}

// goAwayAndClose says so, and closes the connection.
func goAwayAndClose(framer *http2.Framer, stream uint32, n int) bool {
	goAway(framer, stream, n)
	return false
}

// reset ends the stream with an error.
func reset(code http2.ErrCode) behavior {
	return func(framer *http2.Framer, stream uint32, _ int) bool {
		return framer.WriteRSTStream(stream, code) == nil
	}
}

// hangUp closes the connection without a word.
func hangUp(*http2.Framer, uint32, int) bool { return false }

// answer sends an empty list.
func answer(framer *http2.Framer, stream uint32, _ int) bool {
	var head bytes.Buffer
	if hpack.NewEncoder(&head).WriteField(hpack.HeaderField{Name: ":status", Value: "200"}) != nil {
		return false
	}
	err := framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: head.Bytes(), EndHeaders: true})
	return err == nil && framer.WriteData(stream, true, []byte(emptyList)) == nil
}

// first does one thing with the first request and answers the others.
func first(behave behavior) behavior {
	return func(framer *http2.Framer, stream uint32, n int) bool {
		if n == 1 {
			return behave(framer, stream, n)
		}
		return answer(framer, stream, n)
	}
}

// second answers the first request of all and does one thing with the second one, which the connection
// of the first one carries.
func second(behave behavior) behavior {
	return func(framer *http2.Framer, stream uint32, n int) bool {
		if n == 2 {
			return behave(framer, stream, n)
		}
		return answer(framer, stream, n)
	}
}
