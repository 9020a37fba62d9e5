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

// childVariable holds what a process does that this command starts of itself, as
// JSON. What is measured gets a process of its own: only then are processor time
// and peak memory its alone.
const childVariable = "BENCH_CHILD"

// childSpec says what a child does: one of its fields is set.
type childSpec struct {
	API     *apiSpec     `json:",omitempty"`
	Listing *listingSpec `json:",omitempty"`
	Handler *handlerSpec `json:",omitempty"`
}

// runChild does what the spec says. A child writes one JSON value, and what serves
// then serves until its standard input ends, so that none outlives its parent.
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

// startChild starts this command as a child and reads its answer.
func startChild(ctx context.Context, spec childSpec, answer any, environment ...string) (*child, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(spec)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, program) //nolint:gosec // It is this very program.
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
		return nil, fmt.Errorf("no answer of a child (%s): %w", cmd.ProcessState, err)
	}
	return c, nil
}

// stop ends the child and waits for it.
func (c *child) stop() {
	_ = c.stdin.Close()
	_ = c.cmd.Wait()
}

// cleanEnvironment is this process's, but no proxy stands between a client and the
// loopback address, and no client looks for a key in the network.
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
