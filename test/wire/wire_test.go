package wire

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"alicdn_export_exporter/apiclient"
)

// attempts is an apiclient.Observer that counts the attempts that were sent.
type attempts struct {
	mu   sync.Mutex
	sent int
}

func (a *attempts) Attempted(attempt apiclient.Attempt) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if attempt.Sent {
		a.sent++
	}
}

func (*attempts) WalkRestarted(apiclient.Export, string) {}

// newClient returns a client of an endpoint with a number of retries.
func newClient(t *testing.T, endpoint string, retries int, change func(*http.Transport)) (*apiclient.Client, *attempts) {
	t.Helper()
	parsed, err := apiclient.ParseEndpoint(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	transport := apiclient.NewTransport()
	transport.Proxy = nil
	change(transport)
	t.Cleanup(transport.CloseIdleConnections)
	observer := new(attempts)
	return apiclient.New(apiclient.Config{
		Endpoint: parsed, Credentials: apiclient.StaticCredentials{AccessKeyID: "LTAIwire", AccessKeySecret: "wire"},
		Timeout: 10 * time.Second, Limiter: apiclient.NewLimiter(1000, 8), MaxRetries: retries, MaxTasks: 100,
		UserAgent: "wire", Observer: observer, Transport: transport,
	}), observer
}

func TestOneTokenIsOneRequest(t *testing.T) {
	for name, tc := range map[string]struct {
		behave   behavior
		pages    int // that are read one after the other
		failed   int // of them
		requests int
	}{
		"all is well":                       {answer, 3, 0, 3},
		"each request gets a GOAWAY":        {goAway, 1, 1, 3},
		"each gets one on a new connection": {goAwayAndClose, 1, 1, 3},
		"the first one gets a GOAWAY":       {first(goAway), 2, 0, 3},
		"a later one gets a GOAWAY":         {second(goAwayAndClose), 3, 0, 4},
		"each request is refused":           {reset(http2.ErrCodeRefusedStream), 1, 1, 3},
		"the first one is refused":          {first(reset(http2.ErrCodeRefusedStream)), 2, 0, 3},
		"each is a protocol error":          {reset(http2.ErrCodeProtocol), 1, 1, 3},
		"each is canceled":                  {reset(http2.ErrCodeCancel), 1, 1, 3},
		"the server hangs up":               {hangUp, 1, 1, 3},
		"it hangs up on an idle connection": {second(hangUp), 3, 0, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := start(t, tc.behave)
			client, observed := newClient(t, server.address, 2, func(transport *http.Transport) {
				transport.TLSClientConfig = server.pool
			})
			failed := 0
			for range tc.pages {
				if _, err := client.Page(t.Context(), apiclient.Usage, 1); err != nil {
					failed++
					if kind := kindOf(err); kind.Class != apiclient.ClassNetwork {
						t.Errorf("error = %v", err)
					}
				}
			}
			check(t, server.received(), tc.requests, observed)
			if failed != tc.failed {
				t.Errorf("%d pages failed, want %d", failed, tc.failed)
			}
		})
	}
}

// TestIdleConnection is about HTTP/1: a server closes a connection at the moment of the next request.
func TestIdleConnection(t *testing.T) {
	for name, hangUp := range map[string]func(net.Conn){
		"it is closed": func(c net.Conn) { _ = c.Close() },
		"it is reset":  func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0); _ = c.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			var requests []request
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				requests = append(requests, request{r.Header.Get("X-Acs-Signature-Nonce"), r.Header.Get("X-Acs-Date")})
				n := len(requests)
				mu.Unlock()
				if n%2 == 1 {
					_, _ = w.Write([]byte(emptyList))
					return
				}
				if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
					hangUp(conn)
				}
			}))
			defer server.Close()
			client, observed := newClient(t, server.URL, 1, func(*http.Transport) {})
			for range 5 {
				if _, err := client.Page(t.Context(), apiclient.Usage, 1); err != nil {
					t.Error(err)
				}
			}
			check(t, requests, 9, observed)
		})
	}
}

// check compares what a server received with what the client counted.
func check(t *testing.T, requests []request, want int, observed *attempts) {
	t.Helper()
	if len(requests) != want || observed.sent != want {
		t.Errorf("%d requests were received and %d counted, want %d", len(requests), observed.sent, want)
	}
	var nonces []string
	for _, r := range requests {
		nonces = append(nonces, r.nonce)
		if _, err := time.Parse(time.RFC3339, r.date); err != nil {
			t.Error(err)
		}
	}
	slices.Sort(nonces)
	if unique := len(slices.Compact(nonces)); unique != len(requests) {
		t.Errorf("%d nonces in %d requests", unique, len(requests))
	}
}

func kindOf(err error) apiclient.ErrorKind {
	if apiErr, ok := errors.AsType[*apiclient.Error](err); ok {
		return apiErr.Kind()
	}
	return apiclient.ErrorKind{}
}
