// Package e2e_test tests the built program from outside: its arguments, environment, signals, output, exit status and
// HTTP server.
//
// The program is built with the race detector. It gets its own environment and uses only loopback addresses.
package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"testing"

	"alicdn_export_exporter/test/internal/program"
)

// root is the root of the repository.
const root = "../.."

// patience is how long a test waits for an event before it fails.
const patience = program.Patience

// exporter is the path of the built program.
var exporter string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	directory, err := os.MkdirTemp("", "e2e")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(directory)
	if exporter, err = program.Build(directory, root, "-race"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// start starts the program with these environment variables (NAME=value; the last one wins) and arguments. If it still
// runs when the test ends, it is stopped and must exit with status 0. The test fails if the program has a data race or
// a panic.
func start(t *testing.T, env []string, args ...string) *program.Process {
	t.Helper()
	var p *program.Process
	t.Cleanup(func() { // After the process has ended.
		if t.Failed() && p != nil {
			t.Logf("stdout of %q:\n%s\nstderr:\n%s", args, p.Stdout, p.Stderr)
		}
	})
	command := exec.Command(exporter, args...)
	command.Env = env
	p = program.Start(t, command)
	return p
}

// serve starts the exporter on a free port. address is its URL.
func serve(t *testing.T, env []string, args ...string) (p *program.Process, address string) {
	t.Helper()
	p = start(t, env, append(args, "--web.listen-address=127.0.0.1:0")...)
	return p, "http://" + p.Stderr.Await(t, program.Listening)
}

// run runs the program until it exits.
func run(t *testing.T, env []string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	p := start(t, env, args...)
	status = p.Wait()
	return status, p.Stdout.String(), p.Stderr.String()
}
