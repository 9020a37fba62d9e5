package main

import (
	"strings"
	"testing"
)

func TestTheAccountsOfAFileAreNotInEachOthersWay(t *testing.T) {
	_, sound := simulated(t, "healthy")
	_, denied := simulated(t, "denied")
	_, down := simulated(t, "outage")
	file := newConfigFile(t, `accounts:
- {name: sound, endpoint: %q}
- {name: denied, endpoint: %q, exports: [usage, usage_detail]}
- {name: down, endpoint: %q, time_zone: UTC}
`, sound, denied, down)
	p, address := exporter(t, "--config.file="+file.path, "--api.max-retries=0")
	defer p.stop()
	_, page := get(t, address+"/metrics")
	expectSamples(t, page, map[string]string{
		`up{account="sound",export="usage"}`:                                                        "1",
		`tasks{account="sound",export="usage",status="failed"}`:                                     "1",
		`refresh_failures_total{account="sound",export="usage"}`:                                    "0",
		`up{account="denied",export="usage"}`:                                                       "0",
		`up{account="denied",export="usage_detail"}`:                                                "0",
		`up{account="sound",export="usage_detail"}`:                                                 "",
		`api_errors_total{account="denied",class="denied",code="NoPermission",export="usage"}`:      "1",
		`api_errors_total{account="sound",class="denied",code="NoPermission",export="usage"}`:       "0",
		`up{account="down",export="usage"}`:                                                         "0",
		`refresh_failures_total{account="down",export="usage"}`:                                     "1",
		`api_errors_total{account="sound",class="server",code="ServiceUnavailable",export="usage"}`: "0",
	})
}

func TestTheAccountsOfAFileBeginWithoutAKey(t *testing.T) {
	_, endpoint := simulated(t, "healthy")
	setKey(t, "", "", "")
	file := newConfigFile(t, "accounts: [{name: a, endpoint: %q}]", endpoint)
	p, address := exporter(t, "--config.file="+file.path)
	defer p.stop()
	_, page := get(t, address+"/metrics")
	expectSamples(t, page, map[string]string{
		`up{account="a",export="usage"}`: "0",
		`api_errors_total{account="a",class="credentials",code="credentials",export="usage"}`: "1",
	})
}

func TestCheckTriesEveryAccountOfAFile(t *testing.T) {
	_, sound := simulated(t, "healthy")
	_, denied := simulated(t, "denied")
	file := newConfigFile(t, "accounts: [{name: denied, endpoint: %q}, {name: sound, endpoint: %q}]", denied, sound)
	status, stdout, stderr := once(t, "check", "--config.file="+file.path)
	if status != 1 || !strings.HasSuffix(stderr, "error: not all is right, see above\n") {
		t.Errorf("exit status %d, %q", status, stderr)
	}
	first, second, found := strings.Cut(stdout, "\n\naccount       ok      sound at ")
	if !found || !strings.HasPrefix(first, "account       ok      denied at ") ||
		!strings.Contains(first, "cdn:DescribeUserUsageDataExportTask") || !strings.Contains(second, "% covered") {
		t.Errorf("not one report after the other:\n%s", stdout)
	}
}
