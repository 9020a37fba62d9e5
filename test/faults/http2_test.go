package faults_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// http2Faults are servers that break HTTP/2, or use what it allows.
func http2Faults() []fault {
	network := func(name, code string, respond func(*http2.Framer, uint32) error) fault {
		return overHTTP2(fault{kind: 32, name: name, want: refused, code: code, class: "network"}, respond)
	}
	return []fault{
		network("goaway_on_each_call", "connection", func(f *http2.Framer, _ uint32) error {
			_ = f.WriteGoAway(0, http2.ErrCodeNo, nil)
			return io.EOF
		}),
		network("goaway_with_debug_data", "connection", func(f *http2.Framer, _ uint32) error {
			_ = f.WriteGoAway(0, http2.ErrCodeEnhanceYourCalm, []byte("CanaryDebugData"))
			return io.EOF
		}),
		network("refused_stream", "connection", func(f *http2.Framer, stream uint32) error {
			return f.WriteRSTStream(stream, http2.ErrCodeRefusedStream)
		}),
		network("reset_stream", "connection", func(f *http2.Framer, stream uint32) error {
			return f.WriteRSTStream(stream, http2.ErrCodeInternal)
		}),
		network("silent_stream", "timeout", func(*http2.Framer, uint32) error { return nil }),
		network("flood_of_settings", "timeout|connection",
			flood(func(f *http2.Framer) error { return f.WriteSettings() })),
		network("flood_of_pings", "timeout|connection", flood(func(f *http2.Framer) error {
			return f.WritePing(false,
				[8]byte{})
		})),
		network("flood_of_continuations", "timeout|connection", func(f *http2.Framer, stream uint32) error {
			err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: []byte{0x88}})
			for err == nil {
				err = f.WriteContinuation(stream, false, make([]byte, 0))
			}
			return err
		}),
		network("flood_of_headers", "timeout|connection", func(f *http2.Framer, stream uint32) error {
			err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: []byte{0x88}})
			for err == nil {
				// A literal header field, never indexed, with a value of 16,000 bytes.
				block := append([]byte{0x10, 1, 'x', 0x7f, 0x80 | (16000-127)&0x7f, byte((16000 - 127) >> 7)},
					make([]byte, 16000)...)
				err = f.WriteContinuation(stream, false, block)
			}
			return err
		}),
		network("frame_on_an_unknown_stream", "connection|timeout", func(f *http2.Framer, stream uint32) error {
			return f.WriteData(stream+1000, true, []byte("CanaryData"))
		}),
	}
}

// flood writes frames without end.
func flood(write func(*http2.Framer) error) func(*http2.Framer, uint32) error {
	return func(f *http2.Framer, _ uint32) error {
		for {
			if err := write(f); err != nil {
				return err
			}
		}
	}
}

// overHTTP2 returns a fault that answers each request on an HTTP/2 connection with respond. The requests are recorded.
func overHTTP2(f fault, respond func(f *http2.Framer, stream uint32) error) fault {
	return overTLS(f, func(c *cell) func(net.Conn) {
		certificate, err := c.secured.authority.Issue("localhost", time.Now().Add(time.Hour))
		c.must(err)
		config := &tls.Config{
			Certificates: []tls.Certificate{certificate}, NextProtos: []string{"h2"},
			MinVersion: tls.VersionTLS12,
		}
		return func(conn net.Conn) {
			secured := tls.Server(conn, config)
			if _, err := io.ReadFull(secured, make([]byte, len(http2.ClientPreface))); err != nil {
				return
			}
			framer := http2.NewFramer(secured, secured)
			framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
			err := framer.WriteSettings()
			for err == nil {
				var frame http2.Frame
				if frame, err = framer.ReadFrame(); err != nil {
					return
				}
				switch frame := frame.(type) {
				case *http2.SettingsFrame:
					if !frame.IsAck() {
						err = framer.WriteSettingsAck()
					}
				case *http2.MetaHeadersFrame:
					header := make(http.Header)
					for _, field := range frame.RegularFields() {
						header.Set(field.Name, field.Value)
					}
					c.world.record(header)
					err = respond(framer, frame.StreamID)
				}
			}
		}
	})
}
