package apiclient_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/credentials/credentialstest"
)

// authority is the only one that this test process trusts, beside that of the
// network: Go reads SSL_CERT_FILE once, before the first connection.
var authority *certificateAuthority

// network is all that is not this machine; nothing else can be reached.
var network *credentialstest.Proxy

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "apiclient")
	if err == nil {
		network, err = credentialstest.NewProxy(dir)
	}
	if err == nil {
		err = network.Setenv()
	}
	if err == nil {
		authority, err = newAuthority(filepath.Join(dir, "ca.pem"))
	}
	if err != nil {
		log.Fatal(err)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(dir)
		os.Exit(code)
	}))
}

type certificateAuthority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(file string) (*certificateAuthority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
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
		return nil, err
	}
	if template, err = x509.ParseCertificate(der); err != nil {
		return nil, err
	}
	if err := os.Setenv("SSL_CERT_FILE", file); err != nil {
		return nil, err
	}
	return &certificateAuthority{template, key}, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
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

func TestHTTP2IsSpokenWhereItIsOffered(t *testing.T) {
	var protocol string
	endpoint := authority.serve(t, "127.0.0.1", time.Now().Add(time.Hour), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protocol = r.Proto
		_, _ = w.Write([]byte(emptyList))
	}))
	if _, err := newClient(t, endpoint).Page(context.Background(), apiclient.Usage, 1); err != nil {
		t.Fatal(err)
	}
	if protocol != "HTTP/2.0" {
		t.Errorf("the client spoke %s", protocol)
	}
}

func TestBadTLSIsRefused(t *testing.T) {
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
			got := pageError(t, newClient(t, tc.endpoint, observedBy(w), retrying(3)))
			if want := (apiclient.Code{Code: "tls", Class: apiclient.Network}); got.Code != want || !contains(got.Detail, tc.detail) {
				t.Errorf("error = %v (%v), want %v with %q", got, got.Code, want, tc.detail)
			}
			if len(w.attempts) != 1 {
				t.Errorf("%d attempts, but a certificate does not get better", len(w.attempts))
			}
		})
	}
}
