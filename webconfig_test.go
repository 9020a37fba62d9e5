package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// everyPath is all that is served.
var everyPath = []string{"/metrics", "/", "/-/healthy", "/-/ready", "/-/reload", "/nothing"}

// The password is "open sesame"; the hash is bcrypt's, at the least cost.
const webConfig = `basic_auth_users:
  prometheus: $2a$04$Rzpyxk4vBMiNLfkitR3//efHFmH5iQy/balVqGx3S6vRlh/mWL8d2
`

func TestAPasswordProtectsEveryPath(t *testing.T) {
	p, address := exporter(t, "--demo", "--web.config.file="+write(t, webConfig))
	for _, path := range everyPath {
		_, refused, _ := ask(t, new(http.Transport), address+path, "")
		if refused != http.StatusUnauthorized {
			t.Errorf("%s without a password: answer %d", path, refused)
		}
		for password, want := range map[string]bool{"open the door": false, "open sesame": true} {
			_, status, _ := ask(t, new(http.Transport), address+path, password)
			if (status != http.StatusUnauthorized) != want {
				t.Errorf("%s with the password %q: answer %d", path, password, status)
			}
		}
	}
	p.stop()
	if text := p.stderr.String(); strings.Contains(text, "open ") {
		t.Errorf("a password is logged:\n%s", text)
	}
}

// ask gets an address over one connection of its own. The error is why there was no answer.
func ask(t *testing.T, transport *http.Transport, address, password string) (body string, status int, err error) {
	t.Helper()
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if password != "" {
		request.SetBasicAuth("prometheus", password)
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return "", 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return string(text), response.StatusCode, err
}

// over is a connection with this TLS.
func over(config *tls.Config) *http.Transport { return &http.Transport{TLSClientConfig: config} }

func TestTLSAndClientCertificates(t *testing.T) {
	ca, stranger := newAuthority(t), newAuthority(t)
	example, err := os.ReadFile("docs/web-config.example.yml")
	if err != nil {
		t.Fatal(err)
	}
	config := ca.path("web-config.yml")
	if err := os.WriteFile(config, example, 0o600); err != nil {
		t.Fatal(err)
	}
	ca.write("clients-ca.pem", "CERTIFICATE", ca.cert.Raw)
	tomorrow, yesterday := time.Now().Add(24*time.Hour), time.Now().Add(-time.Hour)
	ca.issue("exporter", "exporter.test", tomorrow)
	right, expired, foreign := ca.issue("right", "prometheus.test", tomorrow), ca.issue("expired", "prometheus.test", yesterday),
		stranger.issue("foreign", "prometheus.test", tomorrow)
	p, plain := exporter(t, "--demo", "--web.config.file="+config)
	defer p.stop()
	address := strings.Replace(plain, "http:", "https:", 1)
	trusting := func(change func(*tls.Config)) *http.Transport {
		config := &tls.Config{RootCAs: ca.pool(), Certificates: []tls.Certificate{right}}
		change(config)
		return over(config)
	}
	for _, path := range everyPath {
		if _, status, err := ask(t, trusting(func(*tls.Config) {}), address+path, "open sesame"); err != nil || status == http.StatusUnauthorized {
			t.Errorf("%s with certificate and password: answer %d, %v", path, status, err)
		}
		if _, status, err := ask(t, trusting(func(*tls.Config) {}), address+path, "open the door"); err != nil || status != http.StatusUnauthorized {
			t.Errorf("%s with a wrong password: answer %d, %v", path, status, err)
		}
		for name, change := range map[string]func(*tls.Config){
			"without a certificate":         func(c *tls.Config) { c.Certificates = nil },
			"with one that has expired":     func(c *tls.Config) { c.Certificates = []tls.Certificate{expired} },
			"with a stranger's certificate": func(c *tls.Config) { c.Certificates = []tls.Certificate{foreign} },
			"with TLS 1.1":                  func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 },
			"trusting a stranger":           func(c *tls.Config) { c.RootCAs = stranger.pool() },
			"asking for another name":       func(c *tls.Config) { c.ServerName = "another.test" },
		} {
			if body, status, err := ask(t, trusting(change), address+path, "open sesame"); err == nil {
				t.Errorf("%s %s: answer %d: %s", path, name, status, body)
			}
		}
		if body, status, _ := ask(t, new(http.Transport), plain+path, "open sesame"); status != http.StatusBadRequest || strings.Contains(body, "alicdn") {
			t.Errorf("%s without TLS: answer %d: %s", path, status, body)
		}
	}
	if body, status, err := ask(t, trusting(func(*tls.Config) {}), address+"/metrics", "open sesame"); err != nil || status != http.StatusOK ||
		sample(body, `up{account="default",export="usage"}`) != "1" {
		t.Errorf("the metrics: answer %d, %v", status, err)
	}
}

func TestAServersCertificateIsReadAgainWhenItChanges(t *testing.T) {
	ca := newAuthority(t)
	ca.issue("server", "exporter.test", time.Now().Add(-time.Hour))
	p, plain := exporter(t, "--demo", "--web.config.file="+write(t, fmt.Sprintf(
		"tls_server_config: {cert_file: %q, key_file: %q}", ca.path("server.pem"), ca.path("server.key"))))
	defer p.stop()
	address := strings.Replace(plain, "http:", "https:", 1) + "/-/healthy"
	if _, status, err := ask(t, over(&tls.Config{RootCAs: ca.pool()}), address, ""); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("a client accepts the server's expired certificate: answer %d, %v", status, err)
	}
	ca.issue("server", "exporter.test", time.Now().Add(time.Hour))
	if _, status, err := ask(t, over(&tls.Config{RootCAs: ca.pool()}), address, ""); err != nil || status != http.StatusOK {
		t.Errorf("after it was renewed: answer %d, %v", status, err)
	}
}

func TestAWebConfigurationThatBreaksLetsNobodyIn(t *testing.T) {
	path := write(t, webConfig)
	p, address := exporter(t, "--demo", "--web.config.file="+path)
	defer p.stop()
	if _, status, err := ask(t, new(http.Transport), address+"/metrics", "open sesame"); err != nil || status != http.StatusOK {
		t.Errorf("before it breaks: answer %d, %v", status, err)
	}
	if err := os.WriteFile(path, []byte("basic_auth_users: ["), 0o600); err != nil {
		t.Fatal(err)
	}
	if body, status, err := ask(t, new(http.Transport), address+"/metrics", "open sesame"); err != nil || status != http.StatusInternalServerError || strings.Contains(body, "alicdn") {
		t.Errorf("while it is broken: answer %d, %v", status, err)
	}
	p.stderr.await(t, `level=error .*(Unable to parse configuration)`)
	if err := os.WriteFile(path, []byte(webConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, status, err := ask(t, new(http.Transport), address+"/metrics", "open sesame"); err != nil || status != http.StatusOK {
		t.Errorf("after it was repaired: answer %d, %v", status, err)
	}
}

func TestWrongPasswordsInAFloodAreRefusedAndScrapesGoOn(t *testing.T) {
	p, address := exporter(t, "--demo", "--web.config.file="+write(t, webConfig))
	defer p.stop()
	var flood sync.WaitGroup
	for n := range 20 {
		flood.Go(func() {
			transport := new(http.Transport)
			for m := range 10 {
				if body, status, err := ask(t, transport, address+"/metrics", fmt.Sprint("guess ", n, m)); err != nil || status != http.StatusUnauthorized || len(body) > 100 {
					t.Errorf("answer %d, %v: %s", status, err, body)
				}
			}
		})
	}
	for range 10 {
		if _, status, err := ask(t, new(http.Transport), address+"/metrics", "open sesame"); err != nil || status != http.StatusOK {
			t.Errorf("a scrape meanwhile: answer %d, %v", status, err)
		}
	}
	flood.Wait()
}
