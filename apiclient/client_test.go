package apiclient_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"alicdn_export_exporter/apiclient"
)

var testKey = apiclient.StaticCredentials{AccessKeyID: "LTAItestid", AccessKeySecret: "testsecret"}

// newClient returns a client of the endpoint with what a test changes about it.
func newClient(t *testing.T, endpoint string, change ...func(*apiclient.Config)) *apiclient.Client {
	t.Helper()
	config := apiclient.Config{
		Endpoint:    endpoint,
		Credentials: testKey,
		Timeout:     5 * time.Second,
		RateLimit:   1000,
		Concurrency: 8,
		MaxTasks:    100_000,
		UserAgent:   "alicdn_export_exporter/test",
	}
	connections := apiclient.NewTransport()
	config.Transport = connections
	t.Cleanup(connections.CloseIdleConnections)
	for _, f := range change {
		f(&config)
	}
	client, err := apiclient.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// serve starts a real server for one test.
func serve(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// inMemory carries requests to a handler without a network, so that a test can
// run in a bubble of fake time.
type inMemory struct{ handler http.Handler }

func (m inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	m.handler.ServeHTTP(recorder, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return recorder.Result(), nil
}

func through(handler http.Handler) func(*apiclient.Config) {
	return func(c *apiclient.Config) { c.Transport = inMemory{handler} }
}

func retrying(n int) func(*apiclient.Config) {
	return func(c *apiclient.Config) { c.MaxRetries = n }
}

// witness records what a client tells its observer.
type witness struct {
	mu       sync.Mutex
	attempts []apiclient.Attempt
	restarts []string
}

func (w *witness) Attempted(a apiclient.Attempt) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.attempts = append(w.attempts, a)
}

func (w *witness) WalkRestarted(_ apiclient.Export, reason string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.restarts = append(w.restarts, reason)
}

func observedBy(w *witness) func(*apiclient.Config) {
	return func(c *apiclient.Config) { c.Observer = w }
}

// pageError reads page 1 and returns why that failed.
func pageError(t *testing.T, client *apiclient.Client) *apiclient.Error {
	t.Helper()
	_, err := client.Page(context.Background(), apiclient.Usage, 1)
	var apiErr *apiclient.Error
	if !errors.As(err, &apiErr) {
		t.Fatalf("error = %v, want an *apiclient.Error", err)
	}
	return apiErr
}

func TestNewNamesWhatIsWrong(t *testing.T) {
	good := apiclient.Config{
		Endpoint: "cdn.aliyuncs.com", Credentials: testKey, Timeout: 1, RateLimit: 1, Concurrency: 1, MaxTasks: 1,
		Transport: inMemory{},
	}
	for _, tc := range []struct {
		change func(*apiclient.Config)
		want   string
	}{
		{func(c *apiclient.Config) { c.Endpoint = "" }, `API endpoint "": not a host name`},
		{func(c *apiclient.Config) { c.Endpoint = "a b" }, `API endpoint "a b": not a host name`},
		{func(c *apiclient.Config) { c.Endpoint = "http://cdn.aliyuncs.com" }, `API endpoint "http://cdn.aliyuncs.com": http:// is for loopback addresses only, not for cdn.aliyuncs.com`},
		{func(c *apiclient.Config) { c.Endpoint = "ftp://127.0.0.1" }, `API endpoint "ftp://127.0.0.1": the scheme "ftp" is not https`},
		{func(c *apiclient.Config) { c.Endpoint = "cdn.aliyuncs.com/x" }, `API endpoint "cdn.aliyuncs.com/x": a host name is wanted, without user, path or query`},
		{func(c *apiclient.Config) { c.Credentials = nil }, "no credentials provider"},
		{func(c *apiclient.Config) { c.Timeout = 0 }, "API timeout 0s: must be above 0"},
		{func(c *apiclient.Config) { c.RateLimit = 0 }, "API rate limit 0: must be above 0"},
		{func(c *apiclient.Config) { c.Concurrency = 0 }, "API concurrency 0: must be at least 1"},
		{func(c *apiclient.Config) { c.MaxRetries = -1 }, "API retries -1: must be at least 0"},
		{func(c *apiclient.Config) { c.MaxTasks = 0 }, "API task limit 0: must be at least 1"},
		{func(c *apiclient.Config) { c.Transport = nil }, "no transport"},
	} {
		config := good
		tc.change(&config)
		if _, err := apiclient.New(config); err == nil || err.Error() != tc.want {
			t.Errorf("error = %v, want %s", err, tc.want)
		}
	}
	for _, endpoint := range []string{"cdn.aliyuncs.com", "https://cdn.aliyuncs.com:443", "http://127.0.0.1:1", "http://[::1]:1", "http://localhost/"} {
		config := good
		config.Endpoint = endpoint
		if _, err := apiclient.New(config); err != nil {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
}
