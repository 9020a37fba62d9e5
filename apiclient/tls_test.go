package apiclient_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"alicdn_export_exporter/apiclient"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// certificateAuthority issues certificates for a test's servers.
type certificateAuthority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *certificateAuthority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "test authority"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if template, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return &certificateAuthority{template, key}
}

// trusted lets a client accept the authority's certificates.
func (a *certificateAuthority) trusted(c *apiclient.Config) {
	transport := c.Transport.(*http.Transport)
	transport.TLSClientConfig.RootCAs = x509.NewCertPool()
	transport.TLSClientConfig.RootCAs.AddCert(a.certificate)
}

// serve starts a server whose certificate is for a host and ends at a time.
func (a *certificateAuthority) serve(t *testing.T, host string, end time.Time, handler http.Handler) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2),
		NotBefore:    end.Add(-24 * time.Hour),
		NotAfter:     end,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(handler)
	server.EnableHTTP2 = true
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
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
			{"for another host", authority.serve(t, "cdn.aliyuncs.com", time.Now().Add(time.Hour), answer), "127.0.0.1"},
			{"from an unknown authority", start(func(*tls.Config) {}), "unknown authority"},
			{"TLS 1.1 at most", start(func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }), ""},
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
