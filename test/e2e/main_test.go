// Package e2e_test tests the built program from outside: its arguments, environment, signals, output, exit status and
// HTTP server.
//
// The program is built with the race detector. It gets its own environment and uses only loopback addresses.
package e2e_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"
)

// root is the root of the repository.
const root = "../.."

// patience is how long a test waits for an event before it fails.
const patience = 30 * time.Second

// program is the path of the built program.
var program string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "e2e")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "alicdn_export_exporter")
	build := exec.Command("go", "build", "-race", "-buildvcs=false", "-o", program, ".")
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=1")
	if output, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, output)
		return 1
	}
	return m.Run()
}

// process is a running program.
type process struct {
	t              *testing.T
	command        *exec.Cmd
	stdout, stderr *output
	ended          chan struct{} // closed when the exit status is known
}

// start starts the program with these environment variables (NAME=value; the last one wins) and arguments. If it still
// runs when the test ends, it is stopped and must exit with status 0. The test fails if the program has a data race or
// a panic.
func start(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	p := &process{
		t: t, command: exec.Command(program, args...),
		stdout: newOutput(), stderr: newOutput(), ended: make(chan struct{}),
	}
	p.command.Dir = t.TempDir()
	p.command.Env = append([]string{
		"HOME=" + p.command.Dir,
		"ALIBABA_CLOUD_ECS_METADATA_DISABLED=true",
		"GODEBUG=netdns=go",        // Go's own resolver sends no query for .onion names.
		"GORACE=atexit_sleep_ms=0", // Otherwise, the race detector delays every exit by a second.
	}, env...)
	p.command.Stdout, p.command.Stderr = p.stdout, p.stderr
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.command.Wait() // ProcessState has the exit status.
		p.stdout.close()
		p.stderr.close()
		close(p.ended)
	}()
	t.Cleanup(func() {
		select {
		case <-p.ended:
		default:
			p.stop()
		}
		if crash := crashed.FindString(p.stderr.String()); crash != "" || p.command.ProcessState.ExitCode() == raceStatus {
			t.Errorf("the program has a data race or a panic: %s", crash)
		}
		if t.Failed() {
			t.Logf("stdout of %q:\n%s\nstderr:\n%s", args, p.stdout, p.stderr)
		}
	})
	return p
}

// raceStatus is the exit status of a program with a data race.
const raceStatus = 66

// crashed matches Go's report of a data race, a panic or a fatal error.
var crashed = regexp.MustCompile(`(?m)^(WARNING: DATA RACE|panic: .*|fatal error: .*)$|http: panic serving .*`)

// serve starts the exporter on a free port. address is its URL.
func serve(t *testing.T, env []string, args ...string) (p *process, address string) {
	t.Helper()
	p = start(t, env, append(args, "--web.listen-address=127.0.0.1:0")...)
	return p, "http://" + p.stderr.await(t, listening)
}

// run runs the program until it exits.
func run(t *testing.T, env []string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	p := start(t, env, args...)
	status = p.wait()
	return status, p.stdout.String(), p.stderr.String()
}

// signal sends a signal to the program.
func (p *process) signal(signal syscall.Signal) {
	p.t.Helper()
	if err := p.command.Process.Signal(signal); err != nil {
		p.t.Fatal(err)
	}
}

// wait waits until the program exits and returns its exit status.
func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.t.Error("the program does not exit")
		_ = p.command.Process.Kill()
		<-p.ended
	}
	return p.command.ProcessState.ExitCode()
}

// stop sends SIGTERM, as an init system does. The program must exit with status 0.
func (p *process) stop() {
	p.t.Helper()
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Error(err)
	}
	if status := p.wait(); status != 0 {
		p.t.Errorf("exit status %d after SIGTERM, want 0", status)
	}
}
