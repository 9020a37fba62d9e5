package e2e_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What hangs is named, does not keep a scrape from being answered, and does not keep the program from ending.
func TestKeysThatHang(t *testing.T) {
	t.Parallel()
	silent := serveHandler(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	var listen net.ListenConfig
	deaf, err := listen.Listen(context.Background(), "tcp", "127.0.0.1:0") // It accepts no connection.
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = deaf.Close() })
	api := serveHandler(t, newEmptyAPI(defaultKey))
	home := t.TempDir()
	if err := os.MkdirAll(filepath.Join(home, ".aliyun"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(home, ".aliyun", "config.json"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		credentials string
		env         []string
		want        string // in the log
	}{
		"a key service that does not answer": {"{type: credentials_uri, uri: '" + silent + "'}", nil, ""},
		"a key service that does not accept": {"{type: credentials_uri, uri: 'http://" + deaf.Addr().String() + "'}", nil, ""},
		"a key file that is a pipe": {
			"{type: access_key, access_key_id_env: ID, access_key_secret_file: '" + pipe(t) + "'}",
			[]string{"ID=x"},
			"access_key_secret_file: ",
		},
		"a CLI profile that is a pipe": {"{type: default}", []string{"HOME=" + home}, "config.json is not a regular file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := writeFile(t, "exporter.yml", "accounts: [{endpoint: %q, credentials: %s}]", api, tc.credentials)
			p, address := serve(t, tc.env, "--config.file="+file, "--cache.ttl=0s")
			began := time.Now()
			resp := do(t, http.MethodGet, address+"/metrics", func(h http.Header) { h.Set("X-Prometheus-Scrape-Timeout-Seconds", "1") })
			if resp.status != http.StatusOK || up(resp.body, "default") != "0" || time.Since(began) > 5*time.Second {
				t.Errorf("status %d after %s:\n%s", resp.status, time.Since(began), resp.body)
			}
			p.Signal(syscall.SIGTERM)
			signaled := time.Now()
			if status := p.Wait(); status != 0 || time.Since(signaled) > drainTimeout {
				t.Errorf("exit status %d after %s, want 0 within %s", status, time.Since(signaled), drainTimeout)
			}
			if log := p.Stderr.String(); !strings.Contains(log, tc.want) {
				t.Errorf("the log does not say %q:\n%s", tc.want, log)
			}
		})
	}
}
