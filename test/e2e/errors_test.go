package e2e_test

import (
	"path/filepath"
	"strings"
	"testing"
)

// A mistake at the start makes the program exit with status 1. It prints one line for each mistake.
func TestStartErrors(t *testing.T) {
	t.Parallel()
	occupied := occupiedAddress(t)
	missing := filepath.Join(t.TempDir(), "missing.yml")
	const oneExpectation = "accounts: [{expectations: [{name: x, export: usage_detail, every: week}]}]"
	unknownKeys := writeFile(t, "exporter.yml", "accounts:\n- nam: x\n  exprts: y\n")
	for name, tc := range map[string]struct {
		args  []string
		env   []string
		want  []string
		lines int // of stderr; 0 means 1
	}{
		"an unknown flag": {
			args: []string{"--nonsense"}, want: []string{"unknown long flag '--nonsense'", "try --help"},
		},
		"an unknown command": {
			args: []string{"bake"}, want: []string{errorPrefix + "unknown command bake: serve, check or simulate\n"},
		},
		"a flag's value of the wrong type": {
			args: []string{"--demo", "--cache.ttl=soon"},
			want: []string{`--cache.ttl: must be a duration, such as 30s or 5m (got "soon")`},
		},
		"a variable's value of the wrong type": {
			args: []string{"--demo"}, env: []string{"ALICDN_EXPORT_EXPORTER_API_CONCURRENCY=many"},
			want: []string{`--api.concurrency: must be a whole number (got "many")`},
		},
		"a variable that is neither true nor false": {
			env:  []string{"ALICDN_EXPORT_EXPORTER_DEMO=yes"},
			want: []string{`--demo (ALICDN_EXPORT_EXPORTER_DEMO): must be true or false (got "yes")`},
		},
		"two invalid values": {
			args: []string{"--demo", "--log.level=loud", "--refresh.timeout=0s"},
			want: []string{
				`--log.level: must be one of debug, info, warn, error (got "loud")`,
				"--refresh.timeout: must be greater than 0 (got 0s)",
			},
			lines: 2,
		},
		"an account name that cannot be a label": {
			args: []string{"--account.name=\xff"}, want: []string{"--account.name", "must be UTF-8"},
		},
		"an endpoint in the demo": {
			args: []string{"--demo"}, env: []string{"ALICDN_EXPORT_EXPORTER_API_ENDPOINT=cdn.aliyuncs.com"},
			want: []string{"ALICDN_EXPORT_EXPORTER_API_ENDPOINT cannot be used with --demo, which has accounts of its own\n"},
		},
		"a configuration file in a demo that was left on": {
			args: []string{"--config.file=" + unknownKeys}, env: []string{"ALICDN_EXPORT_EXPORTER_DEMO=true"},
			want: []string{"--config.file cannot be used with ALICDN_EXPORT_EXPORTER_DEMO, which has accounts of its own\n"},
		},
		"an unknown export": {
			args: []string{"--demo", "--collector.exports=users"},
			want: []string{"--collector.exports: ", "usage, usage_detail"},
		},
		"a variable that makes the credentials library print secrets": {
			env: append(keyEnv(defaultKey), "DEBUG=sdk,credential"), want: []string{"DEBUG=credential", "unset it"},
		},
		"an endpoint without TLS": {
			args: []string{"--api.endpoint=http://cdn.aliyuncs.com"}, env: keyEnv(defaultKey),
			want: []string{"--api.endpoint: ", "loopback addresses only"},
		},
		"a telemetry path that cannot be served": {
			args: []string{"--demo", "--log.level=error", "--web.telemetry-path=/a//b"}, want: []string{"--web.telemetry-path: must be a plain path", `(got "/a//b")`},
		},
		"an address in use": {
			args: []string{"--demo", "--log.level=error", "--web.listen-address=" + occupied},
			want: []string{"--web.listen-address: listen tcp " + occupied, "address already in use"},
		},
		"an address without a port": {
			args: []string{"--demo", "--log.level=error", "--web.listen-address=nowhere"},
			want: []string{"nowhere", "missing port"},
		},
		"a missing web configuration": {
			args: []string{
				"--demo", "--log.level=error", "--web.listen-address=127.0.0.1:0", "--web.config.file=" + missing,
			},
			want: []string{missing},
		},
		"an empty web configuration": {
			args: []string{"--demo", "--log.level=error", "--web.config.file=" + writeFile(t, "web.yml", "# cut\n")},
			want: []string{"--web.config.file: ", "web.yml is empty, so everybody would have access"},
		},
		"a web configuration that hangs": {
			args: []string{"--demo", "--log.level=error", "--web.config.file=" + pipe(t)},
			want: []string{"--web.config.file: ", "is not a regular file"},
		},
		"a missing configuration file": {
			args: []string{"--config.file=" + missing}, want: []string{"--config.file: ", missing},
		},
		"an expectation of an export that the account does not have": {
			args: []string{"--config.file=" + writeFile(t, "exporter.yml", oneExpectation)},
			want: []string{"accounts[0].expectations[0].export: usage_detail is not one of the account's exports\n"},
		},
		"a configuration file with several mistakes": {
			args: []string{"--config.file=" + unknownKeys},
			want: []string{
				errorPrefix + unknownKeys + ":2: accounts[0].nam: " + unknownKey + "; did you mean name?\n",
				errorPrefix + unknownKeys + ":3: accounts[0].exprts: " + unknownKey + "; did you mean exports?\n",
			},
			lines: 2,
		},
		"an unknown scenario": {
			args: []string{"simulate", "--scenario=sunshine"},
			want: []string{`unknown scenario "sunshine"`, "healthy", "outage"},
		},
		"an address in use for the simulated API": {
			args: []string{"simulate", "--address=" + occupied}, want: []string{occupied, "address already in use"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, stdout, stderr := run(t, tc.env, tc.args...)
			if status != 1 || stdout != "" {
				t.Errorf("exit status %d, want 1; stdout %q", status, stdout)
			}
			if !strings.HasPrefix(stderr, errorPrefix) || strings.Count(stderr, "\n") != max(1, tc.lines) {
				t.Errorf("stderr, want %d lines:\n%s", max(1, tc.lines), stderr)
			}
			for _, want := range tc.want {
				if !strings.Contains(stderr, want) {
					t.Errorf("stderr lacks %q:\n%s", want, stderr)
				}
			}
		})
	}
	t.Run("an address in use, after the log", func(t *testing.T) {
		t.Parallel()
		status, _, stderr := run(t, nil, "--demo", "--web.listen-address="+occupied)
		want := errorPrefix + "--web.listen-address: listen tcp " + occupied
		lines := strings.Split(strings.TrimSuffix(stderr, "\n"), "\n")
		if status != 1 || !strings.HasPrefix(lines[len(lines)-1], want) {
			t.Errorf("exit status %d, stderr %q, want 1 and a last line with %q", status, stderr, want)
		}
	})
}
