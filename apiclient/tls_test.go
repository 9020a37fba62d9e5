package apiclient_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode"

	"go.uber.org/goleak"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/credentials/credentialstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// authority issues the certificates of a test's servers.
type authority struct{ *credentialstest.Authority }

func newAuthority(t *testing.T) authority {
	t.Helper()
	a, err := credentialstest.NewAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return authority{a}
}

// trusted makes a client accept the authority's certificates.
func (a authority) trusted(c *apiclient.Config) {
	c.Transport.(*http.Transport).TLSClientConfig.RootCAs = a.Pool()
}

// serve starts a server whose certificate is for a host and expires at a time.
func (a authority) serve(t *testing.T, host string, notAfter time.Time, handler http.Handler) string {
	t.Helper()
	certificate, err := a.Issue(host, notAfter)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(handler)
	server.EnableHTTP2 = true
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

func TestTransport(t *testing.T) {
	t.Run("speaks HTTP/2 if the server offers it", func(t *testing.T) {
		var protocol string
		authority := newAuthority(t)
		endpoint := authority.serve(t, "127.0.0.1", time.Now().Add(time.Hour), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			protocol = r.Proto
			_, _ = w.Write([]byte(emptyList))
		}))
		if _, err := newClient(t, endpoint, authority.trusted).Page(context.Background(), apiclient.Usage, 1); err != nil {
			t.Fatal(err)
		}
		if protocol != "HTTP/2.0" {
			t.Errorf("the client spoke %s", protocol)
		}
	})

	// The server chooses the names in its certificate.
	t.Run("quotes and cuts the texts of a certificate", func(t *testing.T) {
		authority := newAuthority(t)
		for name, host := range map[string]string{
			"escape sequences": "\x1b[31mred\x1b[0m.example.com",
			"line ends":        "a\nlevel=info msg=forged\r\n.example.com",
			"200 kB":           strings.Repeat("a", 200_000) + ".example.com",
			"not UTF-8":        "\x7f\x01.example.com",
		} {
			endpoint := authority.serve(t, host, time.Now().Add(time.Hour), http.NotFoundHandler())
			got := pageError(t, newClient(t, strings.Replace(endpoint, "127.0.0.1", "localhost", 1), authority.trusted))
			if got.Code != "tls" || len(got.Error()) > 400 || strings.ContainsFunc(got.Error(), unicode.IsControl) {
				t.Errorf("%s: %d bytes, %.500q", name, len(got.Error()), got)
			}
		}
	})

	t.Run("refuses bad TLS", func(t *testing.T) {
		authority := newAuthority(t)
		answer := file(t, "testdata/answers/missing_data_empty_list.json")
		start := func(change func(*tls.Config)) string {
			server := httptest.NewUnstartedServer(answer)
			server.TLS = &tls.Config{}
			change(server.TLS)
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			server.StartTLS()
			t.Cleanup(server.Close)
			return server.URL
		}
		for _, tc := range []struct{ name, endpoint, detail string }{
			{"expired", authority.serve(t, "127.0.0.1", time.Now().Add(-time.Minute), answer), "expired"},
			{"for another host", strings.Replace(authority.serve(t, "cdn.aliyuncs.com", time.Now().Add(time.Hour), answer), "127.0.0.1", "localhost", 1), "localhost"},
			{"from an unknown authority", start(func(*tls.Config) {}), "unknown authority"},
			{"TLS 1.1 at most", start(func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }), "tls: "},
			{"an alert", start(func(c *tls.Config) {
				c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return nil, errors.New("no") }
			}), "tls: "},
			{"no TLS at all", strings.Replace(serve(t, answer), "http://", "https://", 1), "does not speak TLS"},
		} {
			t.Run(tc.name, func(t *testing.T) {
				w := new(witness)
				got := pageError(t, newClient(t, tc.endpoint, authority.trusted, observedBy(w), retrying(3)))
				if want := (apiclient.ErrorKind{Code: "tls", Class: apiclient.ClassNetwork}); got.Kind() != want || !contains(got.Detail, tc.detail) {
					t.Errorf("error = %v (%v), want %v with %q", got, got.Kind(), want, tc.detail)
				}
				if len(w.attempts) != 1 {
					t.Errorf("%d attempts, but a certificate does not get better", len(w.attempts))
				}
			})
		}
	})
}
