package credentials_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/credentials"
	"alicdn_export_exporter/internal/credentials/credentialstest"
)

// network is the proxy of this process. No request leaves the machine.
var network *credentialstest.Proxy

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "credentials")
	if err != nil {
		panic(err)
	}
	if network, err = credentialstest.NewProxy(dir); err != nil {
		panic(err)
	}
	if err := network.Setenv(); err != nil {
		panic(err)
	}
	credentials.RestrictLibrary()
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(dir)
		os.Exit(code)
	}))
}

func newSource(config credentials.Config) *credentials.Source {
	return credentials.NewSource(config, nil, nil)
}

// newClient returns a client that signs with the source's key and calls api without a network.
func newClient(t *testing.T, api http.Handler, source *credentials.Source) *apiclient.Client {
	t.Helper()
	endpoint, err := apiclient.ParseEndpoint("http://127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	return apiclient.New(apiclient.Config{
		Endpoint: endpoint, Credentials: source, Transport: inMemory{api},
		Timeout: 10 * time.Second, Limiter: apiclient.NewLimiter(1000, 8), MaxTasks: 100,
	})
}

// inMemory passes requests to a handler without a network.
type inMemory struct{ handler http.Handler }

func (m inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	m.handler.ServeHTTP(recorder, r)
	return recorder.Result(), nil
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

// serve starts a server on a loopback address for one test and returns its URL.
func serve(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func contains(text, part string) bool { return strings.Contains(text, part) }
