// Package program builds and runs the exporter for tests, as a user does: with arguments, an environment and signals.
package program

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

// Patience is how long a test waits for an event before it fails.
const Patience = 30 * time.Second

// Listening matches the log line with the address on which the exporter listens.
const Listening = `(?:Listening on" address=|"address":")(127\.0\.0\.1:\d+)`

// Build builds the exporter in the directory and returns its path. The source is in the directory root.
func Build(directory, root string, flags ...string) (path string, err error) {
	path = filepath.Join(directory, "alicdn_export_exporter")
	//nolint:gosec,noctx // Tests choose the flags, and a build ends by itself.
	build := exec.Command("go", append([]string{"build", "-buildvcs=false", "-o", path}, flags...)...)
	build.Dir = root
	build.Env = os.Environ()
	for _, flag := range flags {
		if flag == "-race" {
			build.Env = append(build.Env, "CGO_ENABLED=1")
		}
	}
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, output)
	}
	return path, nil
}

// Process is a running exporter.
type Process struct {
	Command        *exec.Cmd
	Stdout, Stderr *Output
	Ended          chan struct{} // closed when the exit status is known

	t testing.TB
}

// raceStatus is the exit status of a program with a data race.
const raceStatus = 66

// crashed matches Go's report of a data race, a panic or a fatal error.
var crashed = regexp.MustCompile(`(?m)^(WARNING: DATA RACE|panic: .*|fatal error: .*)$|http: panic serving .*`)

// Environment returns the variables of an exporter that sees nothing of this machine's keys and proxies.
func Environment(home string) []string {
	return []string{
		"HOME=" + home,
		"ALIBABA_CLOUD_ECS_METADATA_DISABLED=true",
		"GODEBUG=netdns=go",        // Go's own resolver sends no query for .onion names.
		"GORACE=atexit_sleep_ms=0", // Otherwise, the race detector delays every exit by a second.
	}
}

// Start starts a command that is the exporter, or that runs it. Its environment is the one for tests with what
// command.Env adds. If it still runs when the test ends, it is stopped and must exit with status 0. The test fails if it
// has a data race or a panic.
func Start(t testing.TB, command *exec.Cmd) *Process {
	t.Helper()
	p := &Process{Command: command, Stdout: newOutput(), Stderr: newOutput(), Ended: make(chan struct{}), t: t}
	command.Dir = t.TempDir()
	command.Env = append(Environment(command.Dir), command.Env...)
	if command.Stdout == nil {
		command.Stdout = p.Stdout
	}
	if command.Stderr == nil {
		command.Stderr = p.Stderr
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = command.Wait() // ProcessState has the exit status.
		p.Stdout.close()
		p.Stderr.close()
		close(p.Ended)
	}()
	t.Cleanup(func() {
		if !p.HasEnded() {
			p.Stop()
		}
		if crash := crashed.FindString(p.Stderr.String()); crash != "" || command.ProcessState.ExitCode() == raceStatus {
			t.Errorf("the program has a data race or a panic: %s", crash)
		}
	})
	return p
}

// HasEnded reports whether the program has exited.
func (p *Process) HasEnded() bool {
	select {
	case <-p.Ended:
		return true
	default:
		return false
	}
}

// Signal sends a signal to the program.
func (p *Process) Signal(signal syscall.Signal) {
	p.t.Helper()
	if err := p.Command.Process.Signal(signal); err != nil {
		p.t.Fatal(err)
	}
}

// Wait waits until the program exits and returns its exit status.
func (p *Process) Wait() int {
	p.t.Helper()
	select {
	case <-p.Ended:
	case <-time.After(Patience):
		p.t.Error("the program does not exit")
		_ = p.Command.Process.Kill()
		<-p.Ended
	}
	return p.Command.ProcessState.ExitCode()
}

// Stop sends SIGTERM, as an init system does. The program must exit with status 0.
func (p *Process) Stop() {
	p.t.Helper()
	if err := p.Command.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Error(err)
	}
	if status := p.Wait(); status != 0 {
		p.t.Errorf("exit status %d after SIGTERM, want 0", status)
	}
}
