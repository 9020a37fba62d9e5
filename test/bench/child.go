package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// childVariable names the environment variable that contains the childSpec of a child process, as
// JSON. This command starts itself as a child for each measurement, because CPU time and peak memory
// are counted per process.
const childVariable = "BENCH_CHILD"

// childSpec describes what a child does. Exactly one field is set.
type childSpec struct {
	API     *apiSpec     `json:",omitempty"`
	Listing *listingSpec `json:",omitempty"`
	Handler *handlerSpec `json:",omitempty"`
}

// runChild runs a child and returns its exit status. A child writes one JSON value to stdout. A child
// that serves then continues until its standard input ends, so that it does not outlive its parent.
func runChild(spec string, stdin io.Reader, stdout, stderr io.Writer) int {
	var s childSpec
	err := json.Unmarshal([]byte(spec), &s)
	ctx := context.Background()
	answer := json.NewEncoder(stdout).Encode
	switch {
	case err != nil:
	case s.API != nil:
		err = serveAPI(*s.API, stdin, answer)
	case s.Listing != nil:
		err = runListing(ctx, *s.Listing, answer)
	case s.Handler != nil:
		err = serveHandler(ctx, *s.Handler, stdin, answer)
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "bench child:", err)
		return 1
	}
	return 0
}

// child is a running process.
type child struct {
	cmd   *exec.Cmd
	stdin io.Closer
}

// startChild starts this command as a child and decodes its JSON value into answer.
func startChild(ctx context.Context, spec childSpec, answer any, environment ...string) (*child, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(spec)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, program) //nolint:gosec // It is this program itself.
	cmd.Env = append(cleanEnvironment(), childVariable+"="+string(text))
	cmd.Env = append(cmd.Env, environment...)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &child{cmd, stdin}
	if err := json.NewDecoder(stdout).Decode(answer); err != nil {
		c.stop()
		return nil, fmt.Errorf("reading a child's result (%s): %w", cmd.ProcessState, err)
	}
	return c, nil
}

// stop stops the child and waits until it has exited.
func (c *child) stop() {
	_ = c.stdin.Close()
	_ = c.cmd.Wait()
}

// cleanEnvironment returns this process's environment without proxies, and with the ECS metadata
// service disabled.
func cleanEnvironment() []string {
	var kept []string
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if !strings.HasSuffix(strings.ToUpper(name), "_PROXY") && name != childVariable {
			kept = append(kept, variable)
		}
	}
	return append(kept, "ALIBABA_CLOUD_ECS_METADATA_DISABLED=true")
}
