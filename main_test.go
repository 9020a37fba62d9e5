package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
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
		{name: "rejects an unknown account", args: []string{"check", "--demo", "x"}, stderr: `there is no account "x", only demo-fine, demo-`},
		{name: "rejects an unknown flag", args: []string{"--nonsense"}, stderr: "unknown long flag '--nonsense'"},
		{name: "rejects an unknown command", args: []string{"chek"}, stderr: "error: unknown command chek: serve, check or simulate\n"},
		{name: "rejects an argument", args: []string{"simulate", "x"}, stderr: "unexpected x, try --help"},
		{name: "rejects an unknown format", args: []string{"check", "--output=xml"}, stderr: `--output: must be one of text, json (got "xml")`},
		{name: "rejects an invalid flag", args: []string{"--demo", "--log.level=loud"}, stderr: "--log.level: "},
		{
			name:   "rejects an invalid file",
			args:   []string{"--config.file=" + config},
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
			status := run(tc.args, &stdout, &stderr, func() {})
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

// brokenPipe is a stdout whose reader has gone.
type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, syscall.EPIPE }

func TestHelpWithoutReader(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"help", "check"}, {"check", "--help"}} {
		var stderr bytes.Buffer
		if status := run(args, brokenPipe{}, &stderr, func() {}); status != 0 || stderr.Len() > 0 {
			t.Errorf("%q: exit status %d, stderr %q", args, status, stderr.String())
		}
	}
}

func TestHelp(t *testing.T) {
	help := func(args ...string) string {
		var stdout, stderr bytes.Buffer
		if status := run(args, &stdout, &stderr, func() {}); status != 0 || stderr.Len() > 0 {
			t.Errorf("%q: exit status %d, stderr %q", args, status, stderr.String())
		}
		return stdout.String()
	}
	for name, tc := range map[string]struct {
		args       []string
		has, lacks []string
	}{
		"of the program": {
			args: []string{"--help"}, has: []string{"--web.listen-address", "--api.endpoint", "simulate"},
			lacks: []string{"forgotten-month"},
		},
		"of check": {
			args: []string{"check", "--help"}, has: []string{"--config.file", "--api.endpoint", "--limit.pending-age", "--help"},
			lacks: []string{"--web.", "--log.", "--cache.", "--scrape.", "--collector.task-info", "--config.enable-auto-reload"},
		},
		"of check, as help check": {args: []string{"help", "check"}, has: []string{"--api.endpoint"}, lacks: []string{"--web."}},
		"of simulate": {
			args:  []string{"simulate", "--help"},
			has:   []string{"\n  stuck  ", "Alerts: CDNExportStuckPending.", "--scenario", "--address", "--help", "--[no-]version"},
			lacks: []string{"--web.", "--api.", "--demo", "--config.file"},
		},
		"of simulate, as help simulate": {args: []string{"help", "simulate"}, has: []string{"\n  stuck  "}, lacks: []string{"--api."}},
		"of serve":                      {args: []string{"serve", "--help"}, has: []string{"--web.listen-address", "--api.endpoint"}},
	} {
		t.Run(name, func(t *testing.T) {
			text := help(tc.args...)
			for _, want := range tc.has {
				if !strings.Contains(text, want) {
					t.Errorf("the help lacks %q:\n%s", want, text)
				}
			}
			for _, other := range tc.lacks {
				if strings.Contains(text, other) {
					t.Errorf("the help has %q:\n%s", other, text)
				}
			}
		})
	}
}
