package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"alicdn_export_exporter/internal/keyservice"
	"alicdn_export_exporter/internal/simulator"
	"alicdn_export_exporter/internal/simulator/scenario"
)

// network is all that is not this machine.
var network *keyservice.Network

// TestMain keeps the tests from the world outside: no key, profile or proxy of
// the machine counts, and nobody asks the ECS metadata service.
func TestMain(m *testing.M) {
	if nameServer := os.Getenv(asProgram); nameServer != "" {
		net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", nameServer)
		}}
		main()
	}
	home, err := os.MkdirTemp("", "home")
	if err != nil {
		panic(err)
	}
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if upper := strings.ToUpper(name); strings.HasPrefix(upper, "ALI") || strings.HasSuffix(upper, "_PROXY") || upper == "DEBUG" {
			_ = os.Unsetenv(name)
		}
	}
	_ = os.Setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
	_ = os.Setenv("HOME", home)
	if network, err = keyservice.OpenNetwork(home); err != nil {
		panic(err)
	}
	// A signal that comes when no run waits for it must not end the tests.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGTERM, syscall.SIGHUP)
	goleak.VerifyTestMain(m, goleak.Cleanup(func(status int) {
		_ = os.RemoveAll(home)
		os.Exit(status)
	}))
}

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

// program is a run of the whole program inside of the test.
type program struct {
	t              *testing.T
	stdout, stderr *output
	status         chan int
}

// start runs the program until stop.
func start(t *testing.T, args ...string) *program {
	t.Helper()
	p := &program{t: t, stdout: newOutput(), stderr: newOutput(), status: make(chan int, 1)}
	go func() { p.status <- run(args, p.stdout, p.stderr) }()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("stdout of %q:\n%s\nstderr:\n%s", args, p.stdout, p.stderr)
		}
	})
	return p
}

// exporter starts the program with an address of its own and returns its URL.
func exporter(t *testing.T, args ...string) (p *program, address string) {
	t.Helper()
	p = start(t, append(args, "--web.listen-address=127.0.0.1:0")...)
	return p, "http://" + p.stderr.await(t, `(?:Listening on" address=|"address":")(127\.0\.0\.1:\d+)`)
}

// signal tells this process, and so the program, to end.
func (p *program) signal() {
	p.t.Helper()
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
}

// end waits for the program's exit status.
func (p *program) end() int {
	p.t.Helper()
	select {
	case status := <-p.status:
		return status
	case <-time.After(patience):
		p.t.Fatal("the program does not end")
		return -1
	}
}

// stop ends the program as an init system does, and expects that it says so.
func (p *program) stop() {
	p.t.Helper()
	p.signal()
	if status := p.end(); status != 0 {
		p.t.Errorf("exit status %d, want 0", status)
	}
}

// once runs the program to its end.
func once(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	p := start(t, args...)
	status = p.end()
	return status, p.stdout.String(), p.stderr.String()
}

// output keeps what is written and lets a test wait for it.
type output struct {
	mu      sync.Mutex
	text    bytes.Buffer
	written chan struct{} // closed by the next write
}

func newOutput() *output { return &output{written: make(chan struct{})} }

func (o *output) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.written)
	o.written = make(chan struct{})
	return o.text.Write(text)
}

func (o *output) String() string {
	text, _ := o.sofar()
	return text
}

func (o *output) sofar() (text string, more <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String(), o.written
}

// await returns the first group of the expression once it has been written.
func (o *output) await(t *testing.T, expression string) string {
	t.Helper()
	wanted := regexp.MustCompile(expression)
	late := time.After(patience)
	for {
		text, more := o.sofar()
		if match := wanted.FindStringSubmatch(text); match != nil {
			return match[len(match)-1]
		}
		select {
		case <-more:
		case <-late:
			t.Fatalf("%s was never written, but:\n%s", expression, text)
		}
	}
}

// client leaves no connection behind.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}

// get returns the status and the body, or the test fails.
func get(t *testing.T, address string, edits ...func(*http.Request)) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for _, edit := range edits {
		edit(request)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Error(err)
	}
	return response.StatusCode, string(text)
}

// sample returns the value of a sample on a page of metrics, "" where it is absent.
func sample(page, name string) string {
	for line := range strings.Lines(page) {
		if value, found := strings.CutPrefix(line, "alicdn_export_"+name+" "); found {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// afterRefresh scrapes until the nth refresh of the account main has ended: one that
// took long puts off the next one.
func afterRefresh(t *testing.T, address string, n int) (page string) {
	t.Helper()
	for began := time.Now(); time.Since(began) < patience; {
		_, page = get(t, address+"/metrics")
		if sample(page, `refreshes_total{account="main",export="usage"}`) == strconv.Itoa(n) {
			return page
		}
	}
	t.Fatalf("refresh %d never ended:\n%s", n, page)
	return ""
}

func expectSamples(t *testing.T, page string, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got := sample(page, name); got != value {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
}

// newScenario is a simulated API, and the key to it in the environment.
func newScenario(t *testing.T, name string) http.Handler {
	t.Helper()
	api, err := scenario.New(name, simulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	setKey(t, simulator.DefaultAccessKeyID, simulator.DefaultAccessKeySecret, "")
	return api
}

func setKey(t *testing.T, id, secret, token string) {
	t.Helper()
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", id)
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", secret)
	t.Setenv("ALIBABA_CLOUD_SECURITY_TOKEN", token)
}

// serveAPI serves a simulated API and returns the flag that leads to it.
func serveAPI(t *testing.T, api http.Handler) (endpoint string) {
	t.Helper()
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	return fmt.Sprintf("--api.endpoint=%s", server.URL)
}
