package keyservice

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Network is all of the network that is not this machine, for a test process: a
// proxy that nothing can pass, with hosts behind it that speak HTTP and HTTPS.
type Network struct {
	listener *net.TCPListener
	ca       *x509.Certificate
	key      *ecdsa.PrivateKey
}

// OpenNetwork takes the place of the network for this process, which must not have
// used it yet. Dir takes a certificate and stays until the process ends. No goroutine
// runs before Serve: connections wait until then.
func OpenNetwork(dir string) (*Network, error) {
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, err
	}
	n := &Network{listener: listener}
	if err := n.newAuthority(filepath.Join(dir, "network.pem")); err != nil {
		return nil, err
	}
	proxy := "http://" + listener.Addr().String()
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
		if err := os.Setenv(name, proxy); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{"NO_PROXY", "no_proxy", "REQUEST_METHOD"} {
		_ = os.Unsetenv(name)
	}
	if err := os.Setenv("SSL_CERT_DIR", dir); err != nil {
		return nil, err
	}
	for _, address := range []string{"http://" + MetadataHost + "/", "https://sts.aliyuncs.com/"} {
		request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, address, http.NoBody)
		if err != nil {
			return nil, err
		}
		used, err := http.ProxyFromEnvironment(request)
		if err != nil {
			return nil, err
		}
		if used == nil || used.String() != proxy {
			return nil, fmt.Errorf("%s would be asked through %v, not through %s", address, used, proxy)
		}
	}
	return n, nil
}

// Traffic is what a network sees while it serves.
type Traffic struct {
	hosts map[string]http.Handler
	proxy *httptest.Server // what clients connect to
	inner *httptest.Server // where the tunnels end

	mu     sync.Mutex
	open   map[net.Conn]bool
	strays []string
}

// Serve lets the hosts be reached until the test ends: names without a port. The test
// fails where another one was wanted.
func (n *Network) Serve(t testing.TB, hosts map[string]http.Handler) *Traffic {
	t.Helper()
	traffic := &Traffic{hosts: hosts, open: make(map[net.Conn]bool)}
	traffic.inner = httptest.NewUnstartedServer(http.HandlerFunc(traffic.serve))
	traffic.inner.TLS = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: n.certificate}
	traffic.inner.Config.ErrorLog = log.New(io.Discard, "", 0)
	traffic.inner.StartTLS()
	_ = n.listener.SetDeadline(time.Time{})
	traffic.proxy = &httptest.Server{
		Listener: reusable{n.listener},
		Config: &http.Server{
			Handler:           http.HandlerFunc(traffic.forward),
			ReadHeaderTimeout: time.Minute,
			ConnState:         traffic.count,
		},
	}
	traffic.proxy.Start()
	t.Cleanup(func() {
		traffic.inner.Close()
		traffic.proxy.Close()
		traffic.mu.Lock()
		defer traffic.mu.Unlock()
		if len(traffic.strays) > 0 {
			t.Errorf("the network was asked for %q", traffic.strays)
		}
	})
	return traffic
}

// Open counts the connections that clients hold.
func (t *Traffic) Open() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.open)
}

func (t *Traffic) count(conn net.Conn, state http.ConnState) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if state == http.StateClosed {
		delete(t.open, conn)
	} else {
		t.open[conn] = true
	}
}

// forward is the proxy: it opens a tunnel, or serves a request of plain HTTP.
func (t *Traffic) forward(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		t.serve(w, r)
		return
	}
	if t.host(r) == nil {
		http.Error(w, "", http.StatusBadGateway)
		return
	}
	server, err := new(net.Dialer).DialContext(r.Context(), "tcp", t.inner.Listener.Addr().String())
	if err != nil {
		http.Error(w, "", http.StatusBadGateway)
		return
	}
	defer server.Close()
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer t.count(client, http.StateClosed)
	defer client.Close()
	_, _ = io.WriteString(client, "HTTP/1.1 200 Connection Established\r\n\r\n")
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = io.Copy(server, buffered)
		_ = server.Close()
	}()
	_, _ = io.Copy(client, server)
	_ = client.Close()
	<-sent
}

func (t *Traffic) serve(w http.ResponseWriter, r *http.Request) {
	host := t.host(r)
	if host == nil {
		http.Error(w, "", http.StatusBadGateway)
		return
	}
	host.ServeHTTP(w, r)
}

func (t *Traffic) host(r *http.Request) http.Handler {
	name, _, _ := strings.Cut(r.Host, ":")
	host, known := t.hosts[name]
	if !known {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.strays = append(t.strays, r.Host)
		return nil
	}
	return host
}

// reusable is a listener that a server's end only interrupts.
type reusable struct{ *net.TCPListener }

func (r reusable) Close() error { return r.SetDeadline(time.Unix(1, 0)) }

func (r reusable) Accept() (net.Conn, error) {
	conn, err := r.TCPListener.Accept()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, net.ErrClosed
	}
	return conn, err
}

func (n *Network) newAuthority(file string) error {
	var err error
	if n.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return err
	}
	n.ca = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "network of a test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, n.ca, n.ca, n.key.Public(), n.key)
	if err != nil {
		return err
	}
	if n.ca, err = x509.ParseCertificate(der); err != nil {
		return err
	}
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
}

// certificate is one for the host that a client wants.
func (n *Network) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: []string{hello.ServerName},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, n.ca, n.key.Public(), n.key)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: n.key}, nil
}
