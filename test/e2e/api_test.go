package e2e_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"alicdn_export_exporter/internal/credentials/credentialstest"
	"alicdn_export_exporter/internal/simulator"
	"alicdn_export_exporter/internal/simulator/scenario"
)

// defaultKey is the key that a simulated API accepts by default.
var defaultKey = credentialstest.Key{ID: simulator.DefaultAccessKeyID, Secret: simulator.DefaultAccessKeySecret}

// keyEnv returns the environment variables for a key.
func keyEnv(key credentialstest.Key) []string {
	return []string{
		"ALIBABA_CLOUD_ACCESS_KEY_ID=" + key.ID,
		"ALIBABA_CLOUD_ACCESS_KEY_SECRET=" + key.Secret,
		"ALIBABA_CLOUD_SECURITY_TOKEN=" + key.Token,
	}
}

// newAPI returns a simulated API with the named scenario that accepts the key.
func newAPI(t *testing.T, name string, key credentialstest.Key) *simulator.Server {
	t.Helper()
	api, err := scenario.New(name, simulator.Options{
		AccessKeyID: key.ID, AccessKeySecret: key.Secret, SecurityToken: key.Token,
	})
	if err != nil {
		t.Fatal(err)
	}
	return api
}

// newEmptyAPI returns a simulated API without tasks.
func newEmptyAPI(key credentialstest.Key) *simulator.Server {
	return simulator.New(simulator.NewFixedAccount(), simulator.Options{
		AccessKeyID: key.ID, AccessKeySecret: key.Secret, SecurityToken: key.Token,
	})
}

// serveHandler serves the handler until the test ends and returns the URL.
func serveHandler(t *testing.T, handler http.Handler) (url string) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// serveScenario serves a simulated API with the default key until the test ends.
func serveScenario(t *testing.T, name string) (api *simulator.Server, url string) {
	t.Helper()
	api = newAPI(t, name, defaultKey)
	return api, serveHandler(t, api)
}

// newProxy returns a proxy that serves the hosts until the test ends.
func newProxy(t *testing.T, hosts credentialstest.Hosts) *credentialstest.Proxy {
	t.Helper()
	proxy, err := credentialstest.NewProxy(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	proxy.Serve(t, hosts)
	return proxy
}

// writeFile writes a file in a new directory. Without args, format is the content.
func writeFile(t *testing.T, name, format string, args ...any) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	overwrite(t, path, format, args...)
	return path
}

// overwrite replaces the content of a file.
func overwrite(t *testing.T, path, format string, args ...any) {
	t.Helper()
	text := format
	if len(args) > 0 {
		text = fmt.Sprintf(format, args...)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// pipe returns the path of a named pipe to which nothing writes.
func pipe(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// occupiedAddress returns an address that is in use until the test ends.
func occupiedAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String()
}
