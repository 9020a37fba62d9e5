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

// newClient returns a client of the endpoint. change modifies its configuration.
func newClient(t *testing.T, endpoint string, change ...func(*apiclient.Config)) *apiclient.Client {
	t.Helper()
	parsed, err := apiclient.ParseEndpoint(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	config := apiclient.Config{
		Endpoint:    parsed,
		Credentials: testKey,
		Timeout:     5 * time.Second,
		Limiter:     apiclient.NewLimiter(1000, 8),
		MaxTasks:    100_000,
		UserAgent:   "alicdn_export_exporter/test",
	}
	connections := apiclient.NewTransport()
	config.Transport = connections
	t.Cleanup(connections.CloseIdleConnections)
	for _, f := range change {
		f(&config)
	}
	return apiclient.New(config)
}

// serve starts a real server for one test.
func serve(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// inMemory sends requests to a handler without a network, as fake time requires.
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

// witness is an Observer that records all events.
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

// pageError reads page 1 and returns its error.
func pageError(t *testing.T, client *apiclient.Client) *apiclient.Error {
	t.Helper()
	_, err := client.Page(context.Background(), apiclient.Usage, 1)
	var apiErr *apiclient.Error
	if !errors.As(err, &apiErr) {
		t.Fatalf("error = %v, want an *apiclient.Error", err)
	}
	return apiErr
}
