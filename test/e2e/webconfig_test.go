package e2e_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"alicdn_export_exporter/internal/credentials/credentialstest"
)

// paths are all paths that the exporter serves, and one that does not exist.
var paths = []string{"/metrics", "/", "/-/healthy", "/-/ready", "/-/reload", "/nothing"}

// passwordConfig requires the password "open sesame". The hash is bcrypt's, with the lowest cost.
const passwordConfig = `basic_auth_users:
  prometheus: $2a$04$Rzpyxk4vBMiNLfkitR3//efHFmH5iQy/balVqGx3S6vRlh/mWL8d2
`

// getWithPassword gets a page over a new connection. An empty password means none.
func getWithPassword(t *testing.T, config *tls.Config, address, password string) (body string, status int, err error) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		return "", 0, err
	}
	if password != "" {
		request.SetBasicAuth("prometheus", password)
	}
	resp, err := transport.RoundTrip(request)
	if err != nil {
		return "", 0, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return string(text), resp.StatusCode, err
}

func newAuthority(t *testing.T) *credentialstest.Authority {
	t.Helper()
	authority, err := credentialstest.NewAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return authority
}

func issue(t *testing.T, authority *credentialstest.Authority, host string, notAfter time.Time) tls.Certificate {
	t.Helper()
	certificate, err := authority.Issue(host, notAfter)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// writeCertificate writes name.pem and name.key.
func writeCertificate(t *testing.T, dir, name string, certificate tls.Certificate) {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for suffix, block := range map[string]*pem.Block{
		".pem": {Type: "CERTIFICATE", Bytes: certificate.Certificate[0]},
		".key": {Type: "PRIVATE KEY", Bytes: key},
	} {
		overwrite(t, filepath.Join(dir, name+suffix), "%s", pem.EncodeToMemory(block))
	}
}

func TestWebConfigPassword(t *testing.T) {
	t.Parallel()
	t.Run("protects every path", func(t *testing.T) {
		t.Parallel()
		p, address := serve(t, nil, "--demo", "--web.config.file="+writeFile(t, "web.yml", passwordConfig))
		for _, path := range paths {
			for password, want := range map[string]bool{"": false, "open the door": false, "open sesame": true} {
				_, status, err := getWithPassword(t, nil, address+path, password)
				if got := status != http.StatusUnauthorized; err != nil || got != want {
					t.Errorf("%s with the password %q: status %d, %v", path, password, status, err)
				}
			}
		}
		p.Stop()
		if log := p.Stderr.String(); strings.Contains(log, "open ") {
			t.Errorf("a password is in the log:\n%s", log)
		}
	})
	t.Run("works while requests with wrong passwords flood the exporter", func(t *testing.T) {
		t.Parallel()
		_, address := serve(t, nil, "--demo", "--web.config.file="+writeFile(t, "web.yml", passwordConfig))
		var flood sync.WaitGroup
		for n := range 20 {
			flood.Go(func() {
				for m := range 5 {
					body, status, err := getWithPassword(t, nil, address+"/metrics", fmt.Sprint("guess ", n, m))
					if err != nil || status != http.StatusUnauthorized || len(body) > 100 {
						t.Errorf("status %d, %v: %s", status, err, body)
					}
				}
			})
		}
		for range 10 {
			_, status, err := getWithPassword(t, nil, address+"/metrics", "open sesame")
			if err != nil || status != http.StatusOK {
				t.Errorf("a scrape: status %d, %v", status, err)
			}
		}
		flood.Wait()
	})
}

func TestWebConfigFile(t *testing.T) {
	t.Parallel()
	t.Run("makes every request fail while it is broken", func(t *testing.T) {
		t.Parallel()
		path := writeFile(t, "web.yml", passwordConfig)
		p, address := serve(t, nil, "--demo", "--web.config.file="+path)
		expectStatus := func(when string, want int) {
			t.Helper()
			body, status, err := getWithPassword(t, nil, address+"/metrics", "open sesame")
			if err != nil || status != want || (strings.Contains(body, "alicdn") != (want == http.StatusOK)) {
				t.Errorf("%s: status %d, %v:\n%s", when, status, err, body)
			}
		}
		expectStatus("before", http.StatusOK)
		overwrite(t, path, "basic_auth_users: [")
		expectStatus("while it is broken", http.StatusInternalServerError)
		p.Stderr.Await(t, webConfigFail)
		overwrite(t, path, passwordConfig)
		expectStatus("after it was repaired", http.StatusOK)
	})
	// docs/security.md says so.
	t.Run("lets everybody in while it is empty", func(t *testing.T) {
		t.Parallel()
		path := writeFile(t, "web.yml", passwordConfig)
		_, address := serve(t, nil, "--demo", "--web.config.file="+path)
		expectStatus := func(want int) {
			t.Helper()
			if _, status, err := getWithPassword(t, nil, address+"/metrics", ""); err != nil || status != want {
				t.Errorf("without a password: status %d, %v, want %d", status, err, want)
			}
		}
		expectStatus(http.StatusUnauthorized)
		overwrite(t, path, "")
		expectStatus(http.StatusOK)
		overwrite(t, path, passwordConfig)
		expectStatus(http.StatusUnauthorized)
	})
	t.Run("refuses everybody while it is empty, with TLS", func(t *testing.T) {
		t.Parallel()
		authority, dir := newAuthority(t), t.TempDir()
		path := filepath.Join(dir, "web.yml")
		overwrite(t, path, "tls_server_config: {cert_file: server.pem, key_file: server.key}\n"+passwordConfig)
		writeCertificate(t, dir, "server", issue(t, authority, "exporter.test", time.Now().Add(time.Hour)))
		_, address := serve(t, nil, "--demo", "--web.config.file="+path)
		address = strings.Replace(address, "http:", "https:", 1) + "/metrics"
		trusting := &tls.Config{RootCAs: authority.Pool()}
		if _, status, err := getWithPassword(t, trusting, address, ""); err != nil || status != http.StatusUnauthorized {
			t.Errorf("without a password: status %d, %v", status, err)
		}
		overwrite(t, path, "")
		if _, status, err := getWithPassword(t, trusting, address, "open sesame"); err == nil {
			t.Errorf("while the file is empty: status %d, want no connection", status)
		}
	})
	t.Run("that hangs does not keep the program from ending", func(t *testing.T) {
		t.Parallel()
		path := writeFile(t, "web.yml", passwordConfig)
		p, address := serve(t, nil, "--demo", "--web.config.file="+path)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		connection := connect(t, address, "GET /metrics HTTP/1.1\r\nHost: exporter\r\n\r\n")
		if err := connection.SetReadDeadline(time.Now().Add(500 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if _, err := connection.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a request is answered, or refused: %v", err)
		}
		p.Signal(syscall.SIGTERM)
		signaled := time.Now()
		if status := p.Wait(); status != 0 || time.Since(signaled) > drainTimeout {
			t.Errorf("exit status %d after %s, want 0 within %s", status, time.Since(signaled), drainTimeout)
		}
	})
	t.Run("reads a renewed certificate without a restart", func(t *testing.T) {
		t.Parallel()
		authority, dir := newAuthority(t), t.TempDir()
		config := filepath.Join(dir, "web.yml")
		overwrite(t, config, "tls_server_config: {cert_file: server.pem, key_file: server.key}")
		writeCertificate(t, dir, "server", issue(t, authority, "exporter.test", time.Now().Add(-time.Hour)))
		_, address := serve(t, nil, "--demo", "--web.config.file="+config)
		address = strings.Replace(address, "http:", "https:", 1) + "/-/healthy"
		trusting := &tls.Config{RootCAs: authority.Pool()}
		_, status, err := getWithPassword(t, trusting, address, "")
		if err == nil || !strings.Contains(err.Error(), "expired") {
			t.Errorf("with an expired certificate: status %d, %v", status, err)
		}
		writeCertificate(t, dir, "server", issue(t, authority, "exporter.test", time.Now().Add(time.Hour)))
		if _, status, err := getWithPassword(t, trusting, address, ""); err != nil || status != http.StatusOK {
			t.Errorf("after its renewal: status %d, %v", status, err)
		}
	})
}

// The example in docs requires a client certificate and a password.
func TestWebConfigExample(t *testing.T) {
	t.Parallel()
	example, err := os.ReadFile(filepath.Join(root, "docs", "web-config.example.yml"))
	if err != nil {
		t.Fatal(err)
	}
	authority, stranger, dir := newAuthority(t), newAuthority(t), t.TempDir()
	config := filepath.Join(dir, "web-config.yml")
	overwrite(t, config, "%s", example)
	// Another cost would tell whether a user exists: see docs/security.md.
	if !strings.Contains(string(example), "prometheus: $2a$10$") {
		t.Error("the password of the example is not hashed with cost 10")
	}
	clientsCA, err := os.ReadFile(authority.File())
	if err != nil {
		t.Fatal(err)
	}
	overwrite(t, filepath.Join(dir, "clients-ca.pem"), "%s", clientsCA)
	tomorrow, yesterday := time.Now().Add(24*time.Hour), time.Now().Add(-time.Hour)
	writeCertificate(t, dir, "exporter", issue(t, authority, "exporter.test", tomorrow))
	client := issue(t, authority, "prometheus.test", tomorrow)
	expired := issue(t, authority, "prometheus.test", yesterday)
	foreign := issue(t, stranger, "prometheus.test", tomorrow)

	_, plain := serve(t, nil, "--demo", "--web.config.file="+config)
	address := strings.Replace(plain, "http:", "https:", 1)
	tlsConfig := func() *tls.Config {
		return &tls.Config{RootCAs: authority.Pool(), Certificates: []tls.Certificate{client}}
	}
	for _, path := range paths {
		t.Run("GET "+path, func(t *testing.T) {
			for password, want := range map[string]bool{"open sesame": true, "open the door": false} {
				_, status, err := getWithPassword(t, tlsConfig(), address+path, password)
				if got := status != http.StatusUnauthorized; err != nil || got != want {
					t.Errorf("with a certificate and the password %q: status %d, %v", password, status, err)
				}
			}
			for name, change := range map[string]func(*tls.Config){
				"without a certificate":                   func(c *tls.Config) { c.Certificates = nil },
				"with an expired certificate":             func(c *tls.Config) { c.Certificates = []tls.Certificate{expired} },
				"with a certificate of another authority": func(c *tls.Config) { c.Certificates = []tls.Certificate{foreign} },
				"with TLS 1.1": func(c *tls.Config) {
					c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
				},
				"by a client that trusts another authority":   func(c *tls.Config) { c.RootCAs = stranger.Pool() },
				"by a client that asks for another host name": func(c *tls.Config) { c.ServerName = "another.test" },
			} {
				config := tlsConfig()
				change(config)
				if body, status, err := getWithPassword(t, config, address+path, "open sesame"); err == nil {
					t.Errorf("%s: status %d: %s", name, status, body)
				}
			}
			body, status, _ := getWithPassword(t, nil, plain+path, "open sesame")
			if status != http.StatusBadRequest || strings.Contains(body, "alicdn") {
				t.Errorf("without TLS: status %d: %s", status, body)
			}
		})
	}
	body, status, err := getWithPassword(t, tlsConfig(), address+"/metrics", "open sesame")
	if err != nil || status != http.StatusOK || up(body, "demo-fine") != "1" {
		t.Errorf("the metrics: status %d, %v", status, err)
	}
}
