package monitoring

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"alicdn_export_exporter/internal/simulator"
)

// waitTimeout is the time after which await fails.
const waitTimeout = 3 * time.Minute

// tool returns the path of a program that "make programs" builds.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(root, ".tools", name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf(`%v: "make programs" builds it`, err)
	}
	return path
}

// run runs a program to its end and returns its output.
func run(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	return string(out), err
}

// mustRun is like run, and fails the test on an error.
func mustRun(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := run(t, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(name), strings.Join(args, " "), err, out)
	}
	return out
}

// process is a program that runs until it is stopped, at the latest at the end of the test.
type process struct {
	t       *testing.T
	command *exec.Cmd
	exited  chan struct{}
	address string // host and port on which it listens

	mu  sync.Mutex
	log bytes.Buffer
}

// Write appends to the program's log.
func (p *process) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(text)
}

var listens = regexp.MustCompile(`msg="Listening on"(?: component=web)? address=(127\.0\.0\.\d:\d+)`)

// start starts a program that listens on a free loopback port, and waits until its log names the
// port. The program sees no proxy, profile or key of this machine.
func start(t *testing.T, environment []string, name string, args ...string) *process {
	t.Helper()
	p := &process{t: t, command: exec.Command(name, args...), exited: make(chan struct{})}
	p.command.Env = append([]string{"HOME=" + t.TempDir(), "ALIBABA_CLOUD_ECS_METADATA_DISABLED=true"}, environment...)
	p.command.Stdout, p.command.Stderr = p, p
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.exited)
		_ = p.command.Wait() // The log contains the reason.
	}()
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			t.Logf("end of the log of %s %q:\n%s", filepath.Base(name), args, p.tail())
		}
	})
	await(t, filepath.Base(name)+" listens", func() error {
		p.mu.Lock()
		defer p.mu.Unlock()
		found := listens.FindSubmatch(p.log.Bytes())
		if found == nil {
			return fmt.Errorf("log:\n%s", p.log.Bytes())
		}
		p.address = string(found[1])
		return nil
	})
	return p
}

// tail returns the end of the log.
func (p *process) tail() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := p.log.String()
	return text[max(0, len(text)-1500):]
}

// stop stops the program and waits until it has exited.
func (p *process) stop() {
	_ = p.command.Process.Signal(syscall.SIGTERM) // An error means that it has already exited.
	select {
	case <-p.exited:
	case <-time.After(30 * time.Second):
		p.t.Errorf("%s does not exit after SIGTERM", p.command.Path)
		_ = p.command.Process.Kill()
		<-p.exited
	}
}

// await waits until the condition returns no error.
func await(t *testing.T, what string, condition func() error) {
	t.Helper()
	timeout := time.After(waitTimeout)
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		err := condition()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("timeout while waiting until %s: %v", what, err)
		}
	}
}

// binaries is the directory for programs that the tests build. TestMain creates and removes it.
var binaries string

// build returns the path of the exporter, which is built once for all tests.
var build = sync.OnceValues(func() (string, error) {
	path := filepath.Join(binaries, "alicdn_export_exporter")
	command := exec.Command("go", "build", "-o", path, ".")
	command.Dir = root
	if out, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	directory, err := os.MkdirTemp("", "monitoring")
	if err != nil {
		panic(err)
	}
	binaries = directory
	// The tests with real programs mostly wait: they must not take the places of tests that compute.
	if err := flag.Set("test.parallel", strconv.Itoa(runtime.GOMAXPROCS(0)+2)); err != nil {
		panic(err)
	}
	status := m.Run()
	_ = os.RemoveAll(directory)
	os.Exit(status)
}

// startExporter starts an exporter that reads its lists on every scrape.
func startExporter(t *testing.T, args ...string) *process {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return start(t, []string{
		"ALIBABA_CLOUD_ACCESS_KEY_ID=" + simulator.DefaultAccessKeyID,
		"ALIBABA_CLOUD_ACCESS_KEY_SECRET=" + simulator.DefaultAccessKeySecret,
	}, path, append(args, "--web.listen-address=127.0.0.1:0", "--cache.ttl=500ms", "--scrape.timeout-offset=100ms")...)
}

// get decodes a response of Prometheus' or Alertmanager's API.
func get(ctx context.Context, address, path string, parameters url.Values, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path+"?"+parameters.Encode(), nil)
	if err != nil {
		return err
	}
	response, err := (&http.Client{Timeout: time.Minute}).Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", response.Status, body)
	}
	return json.Unmarshal(body, into)
}
