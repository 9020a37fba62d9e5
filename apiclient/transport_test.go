package apiclient_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"alicdn_export_exporter/apiclient"
)

// relay forwards connections to a server until it freezes the existing ones.
type relay struct {
	net.Listener
	to string

	mu     sync.Mutex
	opened int
	frozen map[net.Conn]bool // of the clients' ends
}

func newRelay(t *testing.T, to string) *relay {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{Listener: listener, to: to, frozen: make(map[net.Conn]bool)}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { r.pass(t.Context(), conn) })
		}
	})
	t.Cleanup(func() { _ = listener.Close(); serving.Wait() })
	return r
}

func (r *relay) pass(ctx context.Context, client net.Conn) {
	defer client.Close()
	r.mu.Lock()
	r.opened++
	r.frozen[client] = false
	r.mu.Unlock()
	server, err := new(net.Dialer).DialContext(ctx, "tcp", r.to)
	if err != nil {
		return
	}
	defer server.Close()
	defer context.AfterFunc(ctx, func() { _ = client.Close() })()
	go func() {
		defer client.Close()
		_, _ = io.Copy(valve{client, r, client}, server)
	}()
	_, _ = io.Copy(valve{server, r, client}, client)
}

// valve discards what is written to a frozen connection.
type valve struct {
	net.Conn
	relay  *relay
	client net.Conn
}

func (v valve) Write(b []byte) (int, error) {
	v.relay.mu.Lock()
	frozen := v.relay.frozen[v.client]
	v.relay.mu.Unlock()
	if frozen {
		return len(b), nil
	}
	return v.Conn.Write(b)
}

func (r *relay) freeze() (opened int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for conn := range r.frozen {
		r.frozen[conn] = true
	}
	return r.opened
}

func TestConnections(t *testing.T) {
	// One connection may carry the calls of all accounts.
	t.Run("replace one that falls silent", func(t *testing.T) {
		authority := newAuthority(t)
		endpoint := authority.serve(t, "127.0.0.1", time.Now().Add(time.Hour), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.ProtoMajor != 2 {
				t.Errorf("the client speaks %s", r.Proto)
			}
			_, _ = w.Write([]byte(emptyList))
		}))
		way := newRelay(t, strings.TrimPrefix(endpoint, "https://"))
		connections := apiclient.NewTransport()
		if connections.HTTP2.SendPingTimeout <= 0 || connections.HTTP2.PingTimeout <= 0 {
			t.Fatal("silent connections are not pinged")
		}
		connections.HTTP2 = &http.HTTP2Config{SendPingTimeout: 30 * time.Millisecond, PingTimeout: 30 * time.Millisecond}
		t.Cleanup(connections.CloseIdleConnections)
		client := newClient(t, "https://"+way.Addr().String(), func(c *apiclient.Config) {
			c.Transport, c.Timeout = connections, 100*time.Millisecond
		}, authority.trusted)
		read := func() error {
			_, err := client.Page(t.Context(), apiclient.Usage, 1)
			return err
		}
		readInTime := func() {
			t.Helper()
			began := time.Now()
			for err := read(); err != nil; err = read() {
				if time.Since(began) > 10*time.Second {
					t.Fatalf("no answer after ten seconds: %v", err)
				}
			}
		}
		readInTime()
		way.freeze()
		if read() == nil {
			t.Error("an answer came through a frozen connection")
		}
		readInTime()
	})

	t.Run("are shared by clients", func(t *testing.T) {
		endpoint := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(emptyList)) }))
		way := newRelay(t, strings.TrimPrefix(endpoint, "http://"))
		connections := apiclient.NewTransport()
		t.Cleanup(connections.CloseIdleConnections)
		for range 20 {
			client := newClient(t, "http://"+way.Addr().String(), func(c *apiclient.Config) { c.Transport = connections })
			if _, err := client.Page(t.Context(), apiclient.Usage, 1); err != nil {
				t.Fatal(err)
			}
		}
		if opened := way.freeze(); opened != 1 {
			t.Errorf("20 clients that take turns opened %d connections", opened)
		}
	})
}
