package credentialstest

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Hosts maps host names without a port to their handlers. The hosts serve HTTP and, with certificates of the proxy's
// authority, HTTPS.
type Hosts map[string]http.Handler

// Proxy is an HTTP proxy in front of Hosts. It reaches no other host. Tests can use it one after the other. Its
// address stays the same.
type Proxy struct {
	authority *Authority
	address   string
	socket    *os.File // keeps listening between two tests

	mu            sync.Mutex
	hosts         Hosts
	tunnelEnd     string // address of the server behind all tunnels
	authorization string // the required header Proxy-Authorization; "" for none
	status        int    // if not 0, the answer to every request
	requests      []string
	sent          bytes.Buffer
	unknown       []string // requested hosts that are not in hosts
}

// NewProxy returns a proxy with its own authority, and writes the authority's certificate to dir. The proxy does
// not answer before the first call of Serve.
func NewProxy(dir string) (*Proxy, error) {
	authority, err := NewAuthority(dir)
	if err != nil {
		return nil, err
	}
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, err
	}
	defer listener.Close()
	socket, err := listener.File()
	if err != nil {
		return nil, err
	}
	return &Proxy{authority: authority, address: listener.Addr().String(), socket: socket}, nil
}

// URL returns the proxy's URL, without a user and a password.
func (p *Proxy) URL() string { return "http://" + p.address }

// Env returns the environment variables that make a Go program use the proxy and trust its authority.
func (p *Proxy) Env() []string {
	env := p.authority.Env()
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
		env = append(env, name+"="+p.URL())
	}
	return env
}

// Setenv makes this process use the proxy. Go reads the variables only once, so the first request must come later. If
// it came earlier, Setenv returns an error.
func (p *Proxy) Setenv() error {
	for _, name := range []string{"NO_PROXY", "no_proxy", "REQUEST_METHOD"} {
		if err := os.Unsetenv(name); err != nil {
			return err
		}
	}
	for _, variable := range p.Env() {
		name, value, _ := strings.Cut(variable, "=")
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	for _, address := range []string{"http://" + MetadataHost + "/", "https://sts.aliyuncs.com/"} {
		request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, address, http.NoBody)
		if err != nil {
			return err
		}
		used, err := http.ProxyFromEnvironment(request)
		if err != nil {
			return err
		}
		if used == nil || used.String() != p.URL() {
			return fmt.Errorf("the proxy of %s is %v, want %s", address, used, p.URL())
		}
	}
	return nil
}

// Serve makes the proxy serve these hosts until the test ends. The test fails if a client requests another host.
func (p *Proxy) Serve(t testing.TB, hosts Hosts) {
	t.Helper()
	listener, err := net.FileListener(p.socket)
	if err != nil {
		t.Fatal(err)
	}
	inner := httptest.NewUnstartedServer(http.HandlerFunc(p.serveHost))
	inner.TLS = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: p.certificate}
	inner.Config.ErrorLog = log.New(io.Discard, "", 0)
	inner.StartTLS()
	p.mu.Lock()
	p.hosts, p.tunnelEnd = hosts, inner.Listener.Addr().String()
	p.authorization, p.status, p.requests, p.unknown = "", 0, nil, nil
	p.sent.Reset()
	p.mu.Unlock()
	outer := &httptest.Server{Listener: listener, Config: &http.Server{
		Handler: http.HandlerFunc(p.serve), ReadHeaderTimeout: time.Minute,
	}}
	outer.Start()
	t.Cleanup(func() {
		inner.Close() // This ends the tunnels. outer.Close would wait for them.
		outer.Close()
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(p.unknown) > 0 {
			t.Errorf("requests to unknown hosts: %q", p.unknown)
		}
	})
}

// RequirePassword makes the proxy refuse clients without this user and password.
func (p *Proxy) RequirePassword(user, password string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.authorization = "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// RefuseAll makes the proxy answer every request with this status.
func (p *Proxy) RefuseAll(status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status = status
}

// Requests returns the method and the host of each request to the proxy, in order.
func (p *Proxy) Requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.requests)
}

// Sent returns all bytes that clients have sent through tunnels.
func (p *Proxy) Sent() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sent.String()
}

// Write records bytes that a client sent through a tunnel.
func (p *Proxy) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sent.Write(b)
}

func (p *Proxy) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.requests = append(p.requests, r.Method+" "+r.Host)
	status, authorization, tunnelEnd := p.status, p.authorization, p.tunnelEnd
	p.mu.Unlock()
	switch {
	case status != 0:
		http.Error(w, "refused", status)
	case r.Header.Get("Proxy-Authorization") != authorization:
		http.Error(w, "wrong user or password", http.StatusProxyAuthRequired)
	case r.Method == http.MethodConnect:
		p.tunnel(w, r, tunnelEnd)
	default:
		p.serveHost(w, r)
	}
}

// tunnel connects the client with the server at this address.
func (p *Proxy) tunnel(w http.ResponseWriter, r *http.Request, address string) {
	if p.host(r) == nil {
		http.Error(w, "unknown host", http.StatusBadGateway)
		return
	}
	server, err := new(net.Dialer).DialContext(r.Context(), "tcp", address)
	if err != nil {
		http.Error(w, "", http.StatusBadGateway)
		return
	}
	defer server.Close()
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer client.Close()
	_, _ = io.WriteString(client, "HTTP/1.1 200 Connection Established\r\n\r\n")
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(io.MultiWriter(server, p), buffered)
		_ = server.Close()
	}()
	_, _ = io.Copy(client, server)
	_ = client.Close()
	<-done
}

// serveHost answers a request that came over plain HTTP or through a tunnel.
func (p *Proxy) serveHost(w http.ResponseWriter, r *http.Request) {
	host := p.host(r)
	if host == nil {
		http.Error(w, "unknown host", http.StatusBadGateway)
		return
	}
	host.ServeHTTP(w, r)
}

// host returns the handler of the requested host, or nil if the host is unknown.
func (p *Proxy) host(r *http.Request) http.Handler {
	name, _, _ := strings.Cut(r.Host, ":")
	p.mu.Lock()
	defer p.mu.Unlock()
	host, ok := p.hosts[name]
	if !ok {
		p.unknown = append(p.unknown, r.Host)
		return nil
	}
	return host
}

func (p *Proxy) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	certificate, err := p.authority.Issue(hello.ServerName, time.Now().Add(time.Hour))
	return &certificate, err
}
