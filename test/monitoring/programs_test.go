package monitoring

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"alicdn_export_exporter/internal/simulator"
)

// patience is how long a test waits for what must happen.
const patience = 3 * time.Minute

// tool returns the path of a program that "make tools" builds.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(root, ".tools", name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf(`%v: "make tools" builds it`, err)
	}
	return path
}

// run runs a program to its end and returns what it printed.
func run(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	return string(out), err
}

// succeed runs a program that succeeds and returns what it printed.
func succeed(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := run(t, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(name), strings.Join(args, " "), err, out)
	}
	return out
}

// process is a program that runs until it is stopped, at the latest by the end of
// the test.
type process struct {
	t       *testing.T
	command *exec.Cmd
	ended   chan struct{}
	address string // where it listens: host and port

	mu  sync.Mutex
	log bytes.Buffer
}

// Write keeps the program's log.
func (p *process) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(text)
}

var listens = regexp.MustCompile(`msg="Listening on"(?: component=web)? address=(127\.0\.0\.\d:\d+)`)

// start starts a program that listens on a loopback port of its choice, and waits
// until it says on which. It sees no proxy, profile or key of this machine.
func start(t *testing.T, environment []string, name string, args ...string) *process {
	t.Helper()
	p := &process{t: t, command: exec.Command(name, args...), ended: make(chan struct{})}
	p.command.Env = append([]string{"HOME=" + t.TempDir(), "ALIBABA_CLOUD_ECS_METADATA_DISABLED=true"}, environment...)
	p.command.Stdout, p.command.Stderr = p, p
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.command.Wait() // Its log tells why.
	}()
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			t.Logf("the end of the log of %s %q:\n%s", filepath.Base(name), args, p.tail())
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

func (p *process) tail() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := p.log.String()
	return text[max(0, len(text)-1500):]
}

// stop ends the program and waits for its end.
func (p *process) stop() {
	_ = p.command.Process.Signal(syscall.SIGTERM) // An error means that it has ended.
	select {
	case <-p.ended:
	case <-time.After(30 * time.Second):
		p.t.Errorf("%s does not end", p.command.Path)
		_ = p.command.Process.Kill()
		<-p.ended
	}
}

// hangUp tells the program to read its configuration again.
func (p *process) hangUp() {
	p.t.Helper()
	if err := p.command.Process.Signal(syscall.SIGHUP); err != nil {
		p.t.Fatal(err)
	}
}

// await waits until a condition no longer gives an error.
func await(t *testing.T, what string, condition func() error) {
	t.Helper()
	late := time.After(patience)
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		err := condition()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("waiting until %s: %v", what, err)
		}
	}
}

// binaries is a directory for what the tests build; TestMain makes and removes it.
var binaries string

// build returns the path of the exporter, built once for all tests.
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
	status := m.Run()
	_ = os.RemoveAll(directory)
	os.Exit(status)
}

// watching starts an exporter that reads its lists with each scrape.
func watching(t *testing.T, args ...string) *process {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(args, func(arg string) bool { return strings.HasPrefix(arg, "--web.listen-address=") }) {
		args = append(args, "--web.listen-address=127.0.0.1:0")
	}
	return start(t, []string{
		"ALIBABA_CLOUD_ACCESS_KEY_ID=" + simulator.DefaultAccessKeyID, "ALIBABA_CLOUD_ACCESS_KEY_SECRET=" + simulator.DefaultAccessKeySecret,
	}, path, append(args, "--cache.ttl=1500ms", "--api.rate-limit=100", "--api.timeout=20s", "--scrape.timeout-offset=100ms")...)
}

// get decodes what an API of Prometheus or Alertmanager answers.
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
