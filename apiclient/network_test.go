package apiclient_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"alicdn_export_exporter/apiclient"
)

// raw accepts connections, and f writes to each of them.
func raw(t *testing.T, f func(net.Conn)) string {
	t.Helper()
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

// throughProxy makes the client use a proxy, with a password.
func throughProxy(t *testing.T, proxy string) func(*apiclient.Config) {
	t.Helper()
	address, err := url.Parse(strings.Replace(proxy, "://", "://somebody:CanaryPassword@", 1))
	if err != nil {
		t.Fatal(err)
	}
	return func(c *apiclient.Config) { c.Transport.(*http.Transport).Proxy = http.ProxyURL(address) }
}

func impatient(c *apiclient.Config) { c.Timeout = 50 * time.Millisecond }

func TestNetworkError(t *testing.T) {
	t.Run("names the failure", func(t *testing.T) {
		closed, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_ = closed.Close()

		// noNames queries a name server on a port where nothing listens.
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
			{"black hole", raw(t, func(net.Conn) {}), "timeout", "within the time limit", nil},
			{"headers that never end", raw(t, func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nX-A: b\r\n") }), "timeout", "within the time limit", nil},
			{"a body that stops", raw(t, func(c net.Conn) {
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
			}), "timeout", "within the time limit", nil},
			{"a reset in the body", raw(t, func(c net.Conn) {
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
				_ = c.(*net.TCPConn).SetLinger(0)
				_ = c.Close()
			}), "connection", "", nil},
			{"closed without an answer", raw(t, func(c net.Conn) { _ = c.(*net.TCPConn).CloseWrite() }), "connection", "closed before the response ended", nil},
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

	t.Run("names what a proxy answered", func(t *testing.T) {
		for answer, want := range map[string]string{
			"407 Canary":               "the proxy answered 407: it requires a user and a password (HTTPS_PROXY)",
			"403 Forbidden":            "the proxy answered 403 Forbidden",
			"502 tls: Canary":          "the proxy answered 502 Bad Gateway",
			"302 Found\r\nLocation: x": "the proxy answered 302 Found",
			"299 Canary":               "the proxy answered 299",
		} {
			proxy := raw(t, func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 "+answer+"\r\nContent-Length: 0\r\n\r\n") })
			w := new(witness)
			got := pageError(t, newClient(t, "https://cdn.aliyuncs.com", throughProxy(t, proxy), observedBy(w), retrying(3)))
			if kind := (apiclient.ErrorKind{Code: "proxy", Class: apiclient.ClassNetwork}); got.Kind() != kind || got.Detail != want {
				t.Errorf("%s: error = %v (%v), want %v with %q", answer, got, got.Kind(), kind, want)
			}
			if len(w.attempts) != 1 {
				t.Errorf("%s: %d attempts, but a proxy that refuses does so again", answer, len(w.attempts))
			}
		}
		got := pageError(t, newClient(t, "https://cdn.aliyuncs.com", throughProxy(t, "http://127.0.0.1:1")))
		const want = "the proxy cannot be reached: dial tcp 127.0.0.1:1: connect: connection refused"
		if got.Code != "connection" || got.Detail != want {
			t.Errorf("error = %v, want connection: %s", got, want)
		}
	})

	t.Run("names a proxy that does not answer", func(t *testing.T) {
		for name, tc := range map[string]struct {
			proxy func(net.Conn)
			want  string
		}{
			"closes":  {func(c net.Conn) { _ = c.Close() }, "proxy: the proxy did not answer with HTTP: the connection closed before the response ended"},
			"garbage": {func(c net.Conn) { _, _ = io.WriteString(c, "\x00Canary\r\n\r\n") }, "proxy: the proxy did not answer with HTTP: the connection failed"},
			"silent":  {func(net.Conn) {}, "timeout: the proxy did not answer within the time limit"},
			"a host behind it that is silent": {
				func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n") },
				"timeout: no complete response within the time limit",
			},
		} {
			got := pageError(t, newClient(t, "https://cdn.aliyuncs.com", throughProxy(t, raw(t, tc.proxy)), impatient))
			if got.Error() != tc.want {
				t.Errorf("%s: error = %v, want %s", name, got, tc.want)
			}
		}
	})

	// A server's text must not look as if this machine's TLS had failed.
	t.Run("is not misled by what a server says", func(t *testing.T) {
		endpoint := raw(t, func(c net.Conn) { _, _ = io.WriteString(c, "tls: bad certificate, Canary\r\n\r\n"); _ = c.Close() })
		got := pageError(t, newClient(t, endpoint))
		if got.Code != "connection" || contains(got.Error(), "Canary") {
			t.Errorf("error = %v, want code connection", got)
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

	// Neither a body of 300 MB nor a gzip bomb of 64 MB takes its memory or its time.
	t.Run("cuts off huge bodies", func(t *testing.T) {
		blanks := []byte(strings.Repeat(" ", 1<<20))
		plain := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for range 300 {
				if _, err := w.Write(blanks); err != nil {
					return
				}
			}
		})
		var compressed bytes.Buffer
		z := gzip.NewWriter(&compressed)
		for range 64 {
			_, _ = z.Write(blanks)
		}
		_ = z.Close()
		bomb := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(compressed.Bytes())
		})
		failing := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			plain(w, r)
		})
		for name, handler := range map[string]http.Handler{"plain": plain, "gzip bomb": bomb, "error": failing} {
			want := apiclient.ErrorKind{Code: "response_too_large", Class: apiclient.ClassMalformed}
			if name == "error" {
				want = apiclient.ErrorKind{Code: "http_status", Class: apiclient.ClassServer}
			}
			client := newClient(t, serve(t, handler), func(c *apiclient.Config) { c.Timeout = time.Minute })
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			var reading sync.WaitGroup
			for range 8 {
				reading.Go(func() {
					_, err := client.Page(t.Context(), apiclient.Usage, 1)
					apiErr, ok := errors.AsType[*apiclient.Error](err)
					if !ok || apiErr.Kind() != want {
						t.Errorf("%s: error = %v, want %v", name, err, want)
					}
				})
			}
			reading.Wait()
			runtime.ReadMemStats(&after)
			t.Logf("%s: %d MiB allocated", name, (after.TotalAlloc-before.TotalAlloc)>>20)
			if grown := after.TotalAlloc - before.TotalAlloc; grown > 64<<20 {
				t.Errorf("%s: %d MiB allocated for eight answers, of each of which 1 MiB is read", name, grown>>20)
			}
		}
	})

	t.Run("does not read a body whose length is too large", func(t *testing.T) {
		for length, want := range map[int]string{1 << 20: "timeout", 1<<20 + 1: "response_too_large"} {
			endpoint := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Length", strconv.Itoa(length))
				w.WriteHeader(http.StatusOK)
				_ = http.NewResponseController(w).Flush()
				<-r.Context().Done() // No byte of the body.
			}))
			if got := pageError(t, newClient(t, endpoint, impatient)); got.Code != want {
				t.Errorf("a body of %d bytes: %v, want %s", length, got, want)
			}
		}
	})

	// An error body has about 1 kB. The rest of a longer one must cost nothing.
	t.Run("reads only the beginning of an error", func(t *testing.T) {
		long := strings.Repeat("x", 6<<10)
		for _, tc := range []struct {
			name, body string
			status     int
			want       string
		}{
			{"XML that is deep", "<Error>" + strings.Repeat("<a>", 1_000_000), 400, "http_status"},
			{"XML that is long", "<Error><Code>Forbidden</Code>" + strings.Repeat("<a/>", 1_000_000), 400, "Forbidden"},
			{"XML with a long attribute", `<Error a="` + strings.Repeat("a", 4_000_000), 400, "http_status"},
			{"XML with a code inside another element", "<Error><a><Code>Forbidden</Code></a></Error>", 400, "http_status"},
			{"XML of something else", "<Fault><Code>Forbidden</Code></Fault>", 400, "http_status"},
			{"XML that is deep with status 200", "<Error>" + strings.Repeat("<a>", 300_000), 200, "decode"},
			{"JSON that is deep", `{"Code":"Forbidden","a":` + strings.Repeat("[", 1_000_000), 403, "Forbidden"},
			{"JSON with the code at the end", `{"a":"` + long + `","Code":"Forbidden"}`, 403, "Forbidden"},
			{"JSON with the code far away", `{"a":"` + long + long + `","Code":"Forbidden"}`, 403, "http_status"},
			{"JSON that is cut after the code", `{"Code":"Forbidden","Message":"x`, 403, "Forbidden"},
			{"an error with status 200", `{"Code":"Forbidden","a":"` + strings.Repeat("x", 900_000) + `"}`, 200, "Forbidden"},
			{"a page of a proxy", strings.Repeat("<html>", 1_000_000), 502, "http_status"},
		} {
			client := newClient(t, "http://127.0.0.1", through(fail(tc.status, tc.body)))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			got := pageError(t, client)
			runtime.ReadMemStats(&after)
			if got.Code != tc.want {
				t.Errorf("%s: error = %v, want %s", tc.name, got, tc.want)
			}
			// The server's own copy of the body is included.
			if grown := after.TotalAlloc - before.TotalAlloc; grown > uint64(10*len(tc.body)+2<<20) {
				t.Errorf("%s: %d MiB allocated", tc.name, grown>>20)
			}
		}
	})

	// The body of a 101 is the connection itself, which may never end.
	t.Run("refuses to switch protocols", func(t *testing.T) {
		for name, head := range map[string]string{
			"with Upgrade":    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
			"without Upgrade": "HTTP/1.1 101 Switching Protocols\r\n\r\n",
			"with a page":     "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n" + emptyList,
		} {
			endpoint := raw(t, func(c net.Conn) { _, _ = io.WriteString(c, head) })
			got := pageError(t, newClient(t, endpoint))
			if got.Class != apiclient.ClassMalformed || got.Status != http.StatusSwitchingProtocols {
				t.Errorf("%s: error = %v", name, got)
			}
		}
	})

	t.Run("gives up on provisional responses", func(t *testing.T) {
		for name, most := range map[string]int{"one and no more": 1, "without end": math.MaxInt} {
			endpoint := raw(t, func(c net.Conn) {
				for range most {
					if _, err := io.WriteString(c, "HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n"); err != nil {
						return
					}
				}
			})
			began := time.Now()
			got := pageError(t, newClient(t, endpoint, impatient))
			if got.Class != apiclient.ClassNetwork || time.Since(began) > 5*time.Second {
				t.Errorf("%s: error = %v after %s", name, got, time.Since(began))
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
