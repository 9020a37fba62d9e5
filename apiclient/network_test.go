package apiclient_test

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"alicdn_export_exporter/apiclient"
)

func impatient(c *apiclient.Config) { c.Timeout = 50 * time.Millisecond }

func TestNetworkError(t *testing.T) {
	t.Run("names the failure", func(t *testing.T) {
		closed, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_ = closed.Close()

		// raw serves each connection with what f writes to it.
		raw := func(f func(net.Conn)) string {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				for {
					conn, err := listener.Accept()
					if err != nil {
						return
					}
					go func() {
						defer conn.Close()
						_, _ = conn.Read(make([]byte, 4096))
						f(conn)
						_, _ = io.Copy(io.Discard, conn) // Until the client gives up.
					}()
				}
			}()
			t.Cleanup(func() { _ = listener.Close(); <-done })
			return "http://" + listener.Addr().String()
		}
		// noNames asks a name server on a port where nothing listens.
		noNames := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", closed.Addr().String())
		}}
		for _, tc := range []struct {
			name, endpoint string
			want           string
			detail         string
			resolver       *net.Resolver
		}{
			{"connection refused", "http://" + closed.Addr().String(), "connection", "connection refused", nil},
			{"a name that does not exist", "https://does-not-exist.invalid", "connection", "lookup does-not-exist.invalid", noNames},
			{"black hole", raw(func(net.Conn) {}), "timeout", "within the time limit", nil},
			{"headers that never end", raw(func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nX-A: b\r\n") }), "timeout", "within the time limit", nil},
			{"a body that stops", raw(func(c net.Conn) {
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
			}), "timeout", "within the time limit", nil},
			{"a reset in the body", raw(func(c net.Conn) {
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
				_ = c.(*net.TCPConn).SetLinger(0)
				_ = c.Close()
			}), "connection", "", nil},
			{"closed without an answer", raw(func(c net.Conn) { _ = c.(*net.TCPConn).CloseWrite() }), "connection", "closed before the response ended", nil},
		} {
			t.Run(tc.name, func(t *testing.T) {
				changes := []func(*apiclient.Config){}
				if tc.want == "timeout" {
					changes = append(changes, impatient)
				}
				if tc.resolver != nil {
					changes = append(changes, func(c *apiclient.Config) {
						c.Transport = &http.Transport{DialContext: (&net.Dialer{Resolver: tc.resolver}).DialContext}
					})
				}
				got := pageError(t, newClient(t, tc.endpoint, changes...))
				if want := (apiclient.ErrorKind{Code: tc.want, Class: apiclient.ClassNetwork}); got.Kind() != want || !contains(got.Detail, tc.detail) {
					t.Errorf("error = %v (%v), want %v with %q", got, got.Kind(), want, tc.detail)
				}
				if contains(got.Error(), "PageNumber") || contains(got.Error(), "://") {
					t.Errorf("the error holds an address: %v", got)
				}
			})
		}
	})

	t.Run("does not show a proxy's password", func(t *testing.T) {
		transport := &http.Transport{Proxy: func(*http.Request) (*url.URL, error) {
			return nil, errors.New(`invalid proxy address "http://user:CanaryPassword@proxy"`)
		}}
		got := pageError(t, newClient(t, "http://127.0.0.1", func(c *apiclient.Config) { c.Transport = transport }))
		if got.Code != "connection" || contains(got.Error(), "Canary") {
			t.Errorf("error = %v", got)
		}
	})
}

func TestResponse(t *testing.T) {
	t.Run("refuses redirects", func(t *testing.T) {
		for _, status := range []int{301, 302, 307, 308} {
			var followed atomic.Bool
			elsewhere := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Store(true) }))
			got := pageError(t, newClient(t, serve(t, http.RedirectHandler(elsewhere, status)), retrying(3)))
			if want := (apiclient.ErrorKind{Code: "redirect", Class: apiclient.ClassMalformed}); got.Kind() != want || followed.Load() {
				t.Errorf("status %d: error = %v, followed = %v", status, got, followed.Load())
			}
		}
	})

	// 300 MB, plain and as a gzip bomb, cost neither their memory nor their time.
	t.Run("cuts off huge bodies", func(t *testing.T) {
		blanks := []byte(strings.Repeat(" ", 1<<20))
		plain := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for range 300 {
				if _, err := w.Write(blanks); err != nil {
					return
				}
			}
		})
		bomb := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			for range 300 {
				if _, err := z.Write(blanks); err != nil {
					return
				}
			}
			_ = z.Close()
		})
		for name, handler := range map[string]http.Handler{"plain": plain, "gzip bomb": bomb} {
			client := newClient(t, serve(t, handler), func(c *apiclient.Config) { c.Timeout = time.Minute })
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			got := pageError(t, client)
			runtime.ReadMemStats(&after)
			if want := (apiclient.ErrorKind{Code: "response_too_large", Class: apiclient.ClassMalformed}); got.Kind() != want {
				t.Errorf("%s: error = %v, want %v", name, got, want)
			}
			if grown := after.TotalAlloc - before.TotalAlloc; grown > 64<<20 {
				t.Errorf("%s: %d MiB allocated for an answer of which 4 MiB are read", name, grown>>20)
			}
		}
	})
}

func TestCancel(t *testing.T) {
	t.Run("does not count a canceled call as an error", func(t *testing.T) {
		arrived := make(chan struct{})
		w := new(witness)
		client := newClient(t, serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			close(arrived)
			<-r.Context().Done()
		})), observedBy(w), retrying(3))
		ctx, cancel := context.WithCancel(context.Background())
		go func() { <-arrived; cancel() }()
		if _, err := client.Page(ctx, apiclient.Usage, 1); !errors.Is(err, context.Canceled) {
			t.Errorf("error = %v, want the context's", err)
		}
		if len(w.attempts) != 1 || w.attempts[0].Err != nil || !w.attempts[0].Sent {
			t.Errorf("attempts = %+v, want one without an error", w.attempts)
		}
	})
}

func TestClockSkew(t *testing.T) {
	t.Run("is our clock minus the server's", func(t *testing.T) {
		for _, off := range []time.Duration{0, time.Hour, -time.Hour} {
			client := newClient(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Date", time.Now().Add(-off).UTC().Format(http.TimeFormat))
				w.WriteHeader(http.StatusInternalServerError)
			})))
			if _, known := client.ClockSkew(); known {
				t.Error("the skew is known before the first answer")
			}
			_ = pageError(t, client)
			skew, known := client.ClockSkew()
			if !known || (skew-off).Abs() > 600*time.Millisecond {
				t.Errorf("skew = %v, %v, want %v", skew, known, off)
			}
		}
	})
}
