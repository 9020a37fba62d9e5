package main

import (
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"alicdn_export_exporter/internal/simulator"
)

// asProgram in the environment makes the test binary the program: Go reads the
// proxy variables once in the life of a process. Its value is the address of the
// name server that is asked, where nobody answers.
const asProgram = "ALICDN_EXPORT_EXPORTER_TEST_AS_PROGRAM"

// apiHost is a name that only the proxy can resolve.
const apiHost = "cdn.example.test"

// connectProxy is a real HTTP proxy that leads one host to a server of the test.
type connectProxy struct {
	*httptest.Server
	to       string // where apiHost is
	password string // that is wanted, as in the header; empty for none
	refuse   int    // the status that everybody gets; 0 for none

	mu     sync.Mutex
	asked  []string     // hosts
	passed bytes.Buffer // what clients sent through it
}

// open starts the proxy: what it does is fixed from then on.
func (p *connectProxy) open(t *testing.T) *connectProxy {
	t.Helper()
	p.Server = httptest.NewServer(http.HandlerFunc(p.connect))
	t.Cleanup(p.Close)
	return p
}

func (p *connectProxy) connect(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked = append(p.asked, r.Method+" "+r.Host)
	p.mu.Unlock()
	switch {
	case p.refuse != 0:
		http.Error(w, "no", p.refuse)
		return
	case r.Header.Get("Proxy-Authorization") != p.password:
		http.Error(w, "who are you?", http.StatusProxyAuthRequired)
		return
	case r.Method != http.MethodConnect || r.Host != apiHost+":443":
		http.Error(w, "nobody knows that host", http.StatusBadGateway)
		return
	}
	server, err := new(net.Dialer).DialContext(r.Context(), "tcp", p.to)
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
	go func() {
		_, _ = io.Copy(io.MultiWriter(server, p), buffered)
		_ = server.Close()
	}()
	_, _ = io.Copy(client, server)
}

// Write keeps what clients send.
func (p *connectProxy) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.passed.Write(b)
}

// seen is what the proxy saw: who was asked for, and what was sent there.
func (p *connectProxy) seen() (asked []string, passed string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked, p.passed.String()
}

// tlsAPI is a simulated account that speaks TLS under apiHost's name.
func tlsAPI(t *testing.T, ca *authority) (address string) {
	t.Helper()
	server := httptest.NewUnstartedServer(newScenario(t, "healthy"))
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{ca.issue("api", apiHost, time.Now().Add(time.Hour))}}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// closed is an address where nobody listens.
func closed(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// programAs is the program as a process of its own, with these variables and the debug log.
func programAs(t *testing.T, ca *authority, variables []string, arguments ...string) *exec.Cmd {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0], append(arguments, "--api.endpoint="+apiHost, "--api.max-retries=0", "--log.level=debug")...)
	command.Env = append([]string{
		asProgram + "=" + closed(t), "HOME=" + t.TempDir(), "ALIBABA_CLOUD_ECS_METADATA_DISABLED=true", "SSL_CERT_FILE=" + ca.path("ca.pem"),
		"ALIBABA_CLOUD_ACCESS_KEY_ID=" + simulator.DefaultAccessKeyID, "ALIBABA_CLOUD_ACCESS_KEY_SECRET=" + simulator.DefaultAccessKeySecret,
	}, variables...)
	return command
}

// checkAs runs "check".
func checkAs(t *testing.T, ca *authority, variables ...string) (output string, err error) {
	t.Helper()
	out, err := programAs(t, ca, variables, "check").CombinedOutput()
	return string(out), err
}

// servedAs runs the exporter, scrapes it, and returns the metrics, and all that
// it showed to anybody: the log, the pages, the metrics.
func servedAs(t *testing.T, ca *authority, variables ...string) (metrics, seen string) {
	t.Helper()
	log := newOutput()
	command := programAs(t, ca, variables, "serve", "--web.listen-address=127.0.0.1:0", "--cache.ttl=0s")
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Wait() }) // Whatever comes, it ends with the test's context.
	address := "http://" + log.await(t, `Listening on" address=(127\.0\.0\.1:\d+)`)
	for _, path := range []string{"/metrics", "/", "/-/healthy", "/-/ready", "/nothing", "/metrics"} {
		seen += shown(t, http.MethodGet, address+path, "*/*")
	}
	_, metrics = get(t, address+"/metrics")
	if err := command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := command.Wait(); err != nil {
		t.Errorf("it ends with %v", err)
	}
	return metrics, seen + metrics + log.String()
}

func TestTheAPIIsAskedThroughAProxy(t *testing.T) {
	ca := newAuthority(t)
	proxy := (&connectProxy{to: tlsAPI(t, ca)}).open(t)
	output, err := checkAs(t, ca, "HTTPS_PROXY="+proxy.URL)
	if err != nil || !strings.Contains(output, "usage         ok") {
		t.Errorf("%v:\n%s", err, output)
	}
	asked, passed := proxy.seen()
	if len(asked) == 0 || asked[0] != "CONNECT "+apiHost+":443" {
		t.Errorf("the proxy was asked for %q", asked)
	}
	for _, secret := range []string{simulator.DefaultAccessKeyID, "DescribeUserUsage", "HMAC"} {
		if passed == "" || strings.Contains(passed, secret) {
			t.Errorf("the proxy sees %q in %d bytes", secret, len(passed))
		}
	}
}

func TestAProxysPasswordIsSentAndToldNobody(t *testing.T) {
	ca := newAuthority(t)
	password := "Basic " + base64.StdEncoding.EncodeToString([]byte("somebody:open-sesame"))
	proxy := (&connectProxy{to: tlsAPI(t, ca), password: password}).open(t)
	with := func(password string) string {
		return strings.Replace(proxy.URL, "http://", "http://somebody:"+password+"@", 1)
	}
	if output, err := checkAs(t, ca, "HTTPS_PROXY="+with("open-sesame")); err != nil {
		t.Errorf("%v:\n%s", err, output)
	}
	output, err := checkAs(t, ca, "HTTPS_PROXY="+with("let-me-in"))
	if err == nil || !strings.Contains(output, "proxy") {
		t.Errorf("%v:\n%s", err, output)
	}
	for _, secret := range proxySecrets("let-me-in") {
		expectHidden(t, output, secret)
	}

	// The exporter says more than check does: each call at debug, and its pages.
	for password, tc := range map[string]struct{ up, call string }{
		"open-sesame": {"1", `msg="API call ended"`},
		"let-me-in":   {"0", `msg="API call failed"`},
	} {
		metrics, seen := servedAs(t, ca, "HTTPS_PROXY="+with(password))
		if up(metrics, "default") != tc.up || !strings.Contains(seen, tc.call) || !strings.Contains(seen, "Newest tasks") {
			t.Errorf("with %s up is %q, want %s, a line %s and the page:\n%s", password, up(metrics, "default"), tc.up, tc.call, seen)
		}
		for _, secret := range proxySecrets(password) {
			expectHidden(t, seen, secret)
		}
	}
}

// proxySecrets are what nobody may see of a proxy's user.
func proxySecrets(password string) []string {
	return []string{password, "somebody", base64.StdEncoding.EncodeToString([]byte("somebody:" + password))}
}

func TestNoProxyIsRespected(t *testing.T) {
	ca := newAuthority(t)
	api := tlsAPI(t, ca)
	proxy := (&connectProxy{to: api}).open(t)
	for _, exception := range []string{apiHost, ".example.test", "*"} {
		// Nobody but the proxy knows the name: without it the name is looked up in vain.
		output, err := checkAs(t, ca, "HTTPS_PROXY="+proxy.URL, "NO_PROXY="+exception)
		if err == nil || !strings.Contains(output, "lookup "+apiHost) {
			t.Errorf("NO_PROXY=%s: %v:\n%s", exception, err, output)
		}
	}
	if asked, _ := proxy.seen(); len(asked) > 0 {
		t.Errorf("the proxy was asked for %q", asked)
	}
	if output, err := checkAs(t, ca, "HTTPS_PROXY="+proxy.URL, "NO_PROXY=100.100.100.200,another.test"); err != nil {
		t.Errorf("an exception for others: %v:\n%s", err, output)
	}
}

func TestAProxyThatRefusesIsNamed(t *testing.T) {
	ca := newAuthority(t)
	for _, refusal := range []int{http.StatusForbidden, http.StatusProxyAuthRequired, http.StatusBadGateway} {
		proxy := (&connectProxy{refuse: refusal}).open(t)
		output, err := checkAs(t, ca, "HTTPS_PROXY="+proxy.URL)
		if err == nil || !strings.Contains(output, "connection") || !strings.Contains(output, "HTTPS_PROXY, NO_PROXY") {
			t.Errorf("a proxy that answers %d: %v:\n%s", refusal, err, output)
		}
	}
	if output, err := checkAs(t, ca, "HTTPS_PROXY=http://"+closed(t)); err == nil || !strings.Contains(output, "connection") {
		t.Errorf("a proxy that is down: %v:\n%s", err, output)
	}
	if output, err := checkAs(t, ca, "HTTPS_PROXY=http://["); err == nil || !strings.Contains(output, "FAILED") {
		t.Errorf("a proxy that is none: %v:\n%s", err, output)
	}
}
