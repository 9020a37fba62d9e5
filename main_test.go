package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// Tests of the running program are in test/e2e.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRun(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	config := filepath.Join(t.TempDir(), "exporter.yml")
	if err := os.WriteFile(config, []byte("accounts: [{nam: a}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name   string
		args   []string
		stdout string // with which stdout begins
		stderr string // in the one line of stderr; empty for no line
	}{
		{name: "prints its version", args: []string{"--version"}, stdout: "alicdn_export_exporter, version "},
		{name: "prints help", args: []string{"--help"}, stdout: "usage: alicdn_export_exporter "},
		{name: "checks the demo", args: []string{"check", "--demo"}, stdout: "This is a demo"},
		{name: "rejects an unknown flag", args: []string{"--nonsense"}, stderr: "unknown long flag '--nonsense'"},
		{name: "rejects an unknown command", args: []string{"bake"}, stderr: "bake"},
		{name: "rejects an invalid flag", args: []string{"--demo", "--log.level=loud"}, stderr: "--log.level: "},
		{
			name:   "rejects an invalid file",
			args:   []string{"--demo", "--config.file=" + config},
			stderr: config + ":1: accounts[0].nam: ",
		},
		{
			name:   "cannot listen where another program does",
			args:   []string{"--demo", "--log.level=error", "--web.listen-address=" + listener.Addr().String()},
			stderr: "--web.listen-address: listen tcp " + listener.Addr().String(),
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			status := run(tc.args, &stdout, &stderr)
			if !strings.HasPrefix(stdout.String(), tc.stdout) || (stdout.Len() == 0) != (tc.stdout == "") {
				t.Errorf("stdout %q, want it to begin with %q", stdout.String(), tc.stdout)
			}
			if tc.stderr == "" {
				if status != 0 || stderr.Len() > 0 {
					t.Errorf("exit status %d, want 0; stderr %q", status, stderr.String())
				}
			} else {
				line := stderr.String()
				if status != 1 || strings.Count(line, "\n") != 1 || !strings.HasPrefix(line, "alicdn_export_exporter: error: ") ||
					!strings.HasSuffix(line, "\n") || !strings.Contains(line, tc.stderr) {
					t.Errorf("exit status %d, stderr %q, want 1 and one line with %q", status, line, tc.stderr)
				}
			}
			goleak.VerifyNone(t)
		})
	}
}
