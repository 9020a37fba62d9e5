package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	t.Run("shows the accounts of the demo", func(t *testing.T) {
		t.Parallel()
		status, stdout, stderr := run(t, keyEnv(defaultKey), "check", "--demo")
		if status != 1 || stderr != errorPrefix+"check failed: 1 of 3 accounts\n" {
			t.Errorf("exit status %d, want 1; stderr %q", status, stderr)
		}
		for _, want := range []string{
			"account       ok      demo-fine at http://127.0.0.1:", "account       ok      demo-overdue at http://127.0.0.1:",
			"account       ok      demo-refused at http://127.0.0.1:", "credentials   ok      from the demo\n",
			"monthly bill: OVERDUE since ", "usage         FAILED  NoPermission",
		} {
			if !strings.Contains(stdout, want) {
				t.Errorf("stdout lacks %q:\n%s", want, stdout)
			}
		}
	})
	t.Run("passes for a healthy account", func(t *testing.T) {
		t.Parallel()
		_, endpoint := serveScenario(t, "healthy")
		status, stdout, stderr := run(t, keyEnv(defaultKey),
			"check", "--api.endpoint="+endpoint, "--collector.exports=usage,usage_detail")
		if status != 0 || stderr != "" {
			t.Errorf("exit status %d, want 0; stderr %q", status, stderr)
		}
		var names []string
		results, _, _ := strings.Cut(stdout, "\n\n") // The summaries of the lists follow.
		for line := range strings.Lines(results) {
			fields := strings.Fields(line)
			if len(fields) < 2 || fields[1] != "ok" {
				t.Errorf("%q is not ok", line)
			}
			names = append(names, fields[0])
		}
		if diff := cmp.Diff([]string{"account", "credentials", "usage", "usage_detail", "clock"}, names); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
	for _, tc := range []struct {
		name, scenario string
		stdout         []string
	}{
		{"names the missing RAM actions", "denied", []string{
			"credentials   ok      from ", "usage         FAILED  NoPermission", "usage_detail  FAILED  Forbidden",
			"cdn:DescribeUserUsageDataExportTask ", "cdn:DescribeUserUsageDetailDataExportTask ",
		}},
		{"finds a wrong clock", "clock-skew", []string{
			"usage         FAILED  InvalidTimeStamp.Expired", "clock         FAILED  1h0m0s behind the API's",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, endpoint := serveScenario(t, tc.scenario)
			status, stdout, stderr := run(t, keyEnv(defaultKey),
				"check", "--api.endpoint="+endpoint, "--collector.exports=usage,usage_detail")
			if status != 1 || stderr != fmt.Sprintf(checkFailed, 1) {
				t.Errorf("exit status %d, want 1; stderr %q", status, stderr)
			}
			for _, want := range tc.stdout {
				if !strings.Contains(stdout, want) {
					t.Errorf("stdout lacks %q:\n%s", want, stdout)
				}
			}
		})
	}
	t.Run("says what to do without a key", func(t *testing.T) {
		t.Parallel()
		status, stdout, stderr := run(t, nil, "check")
		if status != 1 || stderr != fmt.Sprintf(checkFailed, 1) || !strings.Contains(stdout, "credentials   FAILED  "+noKey) {
			t.Errorf("exit status %d, stderr %q:\n%s", status, stderr, stdout)
		}
	})
	t.Run("reports every account of a file", func(t *testing.T) {
		t.Parallel()
		_, healthy := serveScenario(t, "healthy")
		_, denied := serveScenario(t, "denied")
		file := writeFile(t, "exporter.yml",
			"accounts: [{name: denied, endpoint: %q}, {name: healthy, endpoint: %q}]", denied, healthy)
		status, stdout, stderr := run(t, keyEnv(defaultKey), "check", "--config.file="+file)
		if status != 1 || stderr != fmt.Sprintf(checkFailed, 2) {
			t.Errorf("exit status %d, want 1; stderr %q", status, stderr)
		}
		first, second, ok := strings.Cut(stdout, nextCheck+"healthy at ")
		if !ok || !strings.HasPrefix(first, checkedOK+"denied at ") ||
			!strings.Contains(first, "cdn:DescribeUserUsageDataExportTask") || !strings.Contains(second, "% covered") {
			t.Errorf("want the report of denied, then that of healthy:\n%s", stdout)
		}
	})
}
