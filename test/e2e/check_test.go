package e2e_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	t.Run("shows the accounts of the demo", func(t *testing.T) {
		t.Parallel()
		status, stdout, stderr := run(t, keyEnv(defaultKey), "check", "--demo")
		if status != 1 || stderr != "" {
			t.Errorf("exit status %d, want 1; stderr %q", status, stderr)
		}
		for _, want := range []string{
			"This is a demo: the accounts are simulated.\n", "\ndemo-fine at http://127.0.0.1:", "  credentials     from the demo\n",
			"  overdue         monthly bill is overdue since ", "  failed          ", "  stuck           ",
			"\ndemo-refused cannot be read; demo-overdue needs an export; 1 of 3 accounts fine\n",
		} {
			if !strings.Contains(stdout, want) {
				t.Errorf("stdout lacks %q:\n%s", want, stdout)
			}
		}
	})
	for _, tc := range []struct {
		name, scenario string
		status         int
		stdout         []string
	}{
		{"finds nothing wrong", "healthy", 0, []string{"  credentials     from ", "default is fine\n"}},
		{"says which export to make", "forgotten-month", 2, []string{
			"  month_missing   ", "aliyun cdn CreateUserUsageDataExportTask --TaskName usage-", "default needs an export\n",
		}},
		{"names the missing RAM actions", "denied", 1, []string{
			"default usage: cannot be read\n", "NoPermission", "default usage_detail: cannot be read\n", "Forbidden",
			"cdn:DescribeUserUsageDataExportTask ", "cdn:DescribeUserUsageDetailDataExportTask ",
		}},
		{"finds a wrong clock", "clock-skew", 1, []string{"InvalidTimeStamp.Expired", "This machine's clock is 60 min behind the API's."}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, endpoint := serveScenario(t, tc.scenario)
			status, stdout, stderr := run(t, keyEnv(defaultKey),
				"check", "--api.endpoint="+endpoint, "--collector.exports=usage,usage_detail")
			if status != tc.status || stderr != "" {
				t.Errorf("exit status %d, want %d; stderr %q", status, tc.status, stderr)
			}
			for _, want := range tc.stdout {
				if !strings.Contains(stdout, want) {
					t.Errorf("stdout lacks %q:\n%s", want, stdout)
				}
			}
		})
	}
	// One cause has one remedy: in check, on the page, in the report's JSON and in the log.
	t.Run("gives the same advice as the exporter", func(t *testing.T) {
		t.Parallel()
		missing := filepath.Join(t.TempDir(), "secret")
		_, endpoint := serveScenario(t, "healthy")
		const want = "Create the file, or correct access_key_secret_file."
		file := writeFile(t, "exporter.yml",
			"accounts: [{endpoint: %q, credentials: {type: access_key, access_key_id_env: ID, access_key_secret_file: %q}}]", endpoint, missing)
		env := []string{"ID=id"}
		status, stdout, _ := run(t, env, "check", "--config.file="+file)
		if status != 1 || !strings.Contains(stdout, "open "+missing+": no such file or directory") || !strings.Contains(stdout, want) {
			t.Errorf("exit status %d, want 1 and the advice %q:\n%s", status, want, stdout)
		}
		p, address := serve(t, env, "--config.file="+file)
		scrape(t, address)
		for _, path := range []string{"/", "/api/v1/exports"} {
			if _, body := get(t, address+path); !strings.Contains(body, want) {
				t.Errorf("%s lacks the advice %q:\n%s", path, want, body)
			}
		}
		p.Stop()
		if log := p.Stderr.String(); !strings.Contains(log, `advice="`+want+`"`) {
			t.Errorf("the log lacks the advice %q:\n%s", want, log)
		}
	})
	t.Run("says what to do without a key", func(t *testing.T) {
		t.Parallel()
		status, stdout, stderr := run(t, nil, "check")
		if status != 1 || stderr != "" || !strings.Contains(stdout, noKey) {
			t.Errorf("exit status %d, stderr %q:\n%s", status, stderr, stdout)
		}
	})
	t.Run("reads the accounts of a file that are named", func(t *testing.T) {
		t.Parallel()
		_, healthy := serveScenario(t, "healthy")
		_, denied := serveScenario(t, "denied")
		file := "--config.file=" + writeFile(t, "exporter.yml",
			"accounts: [{name: denied, endpoint: %q}, {name: healthy, endpoint: %q}]", denied, healthy)
		for _, tc := range []struct {
			accounts []string
			status   int
			verdict  string
		}{
			{nil, 1, "denied cannot be read; 1 of 2 accounts fine\n"},
			{[]string{"healthy"}, 0, "healthy is fine\n"},
			{[]string{"healthy", "denied"}, 1, "denied cannot be read; 1 of 2 accounts fine\n"},
		} {
			status, stdout, stderr := run(t, keyEnv(defaultKey), append([]string{"check", file}, tc.accounts...)...)
			if status != tc.status || stderr != "" || !strings.HasSuffix(stdout, "\n"+tc.verdict) {
				t.Errorf("%v: exit status %d, stderr %q:\n%s", tc.accounts, status, stderr, stdout)
			}
		}
		status, stdout, stderr := run(t, keyEnv(defaultKey), "check", file, "nobody")
		if want := errorPrefix + "there is no account \"nobody\", only denied, healthy\n"; status != 1 || stdout != "" || stderr != want {
			t.Errorf("exit status %d, stderr %q:\n%s", status, stderr, stdout)
		}
	})
	t.Run("prints the JSON that the exporter serves", func(t *testing.T) {
		t.Parallel()
		_, endpoint := serveScenario(t, "forgotten-month")
		status, stdout, stderr := run(t, keyEnv(defaultKey), "check", "--output=json", "--api.endpoint="+endpoint)
		if status != 2 || stderr != "" {
			t.Errorf("exit status %d, stderr %q", status, stderr)
		}
		_, address := serve(t, keyEnv(defaultKey), "--api.endpoint="+endpoint)
		scrape(t, address)
		_, served := get(t, address+"/api/v1/exports")
		problems := func(text string) (kinds []string) {
			var document struct {
				Accounts []struct {
					Exports []struct{ Problems []struct{ Kind string } }
				}
			}
			if err := json.Unmarshal([]byte(text), &document); err != nil {
				t.Fatalf("%v:\n%s", err, text)
			}
			for _, problem := range document.Accounts[0].Exports[0].Problems {
				kinds = append(kinds, problem.Kind)
			}
			return kinds
		}
		if diff := cmp.Diff(problems(served), problems(stdout)); diff != "" || len(problems(stdout)) == 0 {
			t.Errorf("-served +printed:\n%s", diff)
		}
	})
	t.Run("reads only the configuration on demand", func(t *testing.T) {
		t.Parallel()
		status, stdout, stderr := run(t, nil, "check", "--syntax-only", "--api.endpoint=nowhere.invalid")
		if status != 0 || stderr != "" || stdout != "The configuration is correct: 1 account.\n" {
			t.Errorf("exit status %d, stderr %q:\n%s", status, stderr, stdout)
		}
	})
}
