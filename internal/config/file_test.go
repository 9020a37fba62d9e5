package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"alicdn_export_exporter/internal/config"
)

// The defaults and what the program accepts, as main has them.
var (
	defaults = config.Account{Name: "default", Endpoint: "cdn.aliyuncs.com", TimeZone: "Asia/Shanghai", Exports: []string{"usage"}, RateLimit: 20}
	accepted = config.Accepted{Exports: []string{"usage", "usage_detail"}, Endpoint: func(endpoint string) error {
		if endpoint == "" || strings.Contains(endpoint, "/") {
			return text("not a host name")
		}
		return nil
	}}
)

func load(t *testing.T, text string) ([]config.Account, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	accounts, err := config.Load(path, defaults, accepted)
	return accounts, relative(err, filepath.Dir(path)+"/")
}

type text string

func (t text) Error() string { return string(t) }

func relative(err error, dir string) error {
	if err == nil {
		return nil
	}
	return text(strings.ReplaceAll(err.Error(), dir, ""))
}

func TestTheDocumentedExampleIsRead(t *testing.T) {
	got, err := config.Load("../../docs/config.example.yml", defaults, accepted)
	if err != nil {
		t.Fatal(err)
	}
	want := []config.Account{{
		Name: "production", Endpoint: "cdn.aliyuncs.com", TimeZone: "Asia/Shanghai", Exports: []string{"usage", "usage_detail"}, RateLimit: 20,
		Credentials: config.Credentials{
			Type: "ram_role_arn", RoleARN: "acs:ram::1234567890123456:role/cdn-exports", RoleSessionName: "exporter", ExternalID: "tenant-1",
			AccessKeyIDFile: "/etc/alicdn_export_exporter/id", AccessKeySecretFile: "/etc/alicdn_export_exporter/secret",
		},
		Expectations: []config.Expectation{
			{Name: "monthly usage", Export: "usage", TaskName: "usage-.*", Every: "month", Grace: "72h", Since: "2026-01-01"},
			{Name: "weekly detail", Export: "usage_detail", TaskName: "", Every: "week", Grace: "24h"},
		},
	}, {
		Name: "overseas", Endpoint: "cdn.ap-southeast-1.aliyuncs.com", TimeZone: "Asia/Singapore", Exports: []string{"usage"}, RateLimit: 20,
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("example (-want +got):\n%s", diff)
	}
}

func TestAllThatIsWrongInAFileIsSaidAtOnce(t *testing.T) {
	for _, tc := range []struct {
		name, file string
		want       []string
	}{
		{"values that look like left out", "accounts:\n- time_zone: \"\"\n  exports: []\n  expectations: [{name: \" \", export: usage, every: day}]\n- name: b\n  time_zone: Local\n", []string{
			`config.yml:2: accounts[0].time_zone: "" is no time zone, such as Asia/Shanghai`,
			"config.yml:3: accounts[0].exports: is empty",
			"config.yml:4: accounts[0].expectations[0].name: is missing",
			`config.yml:6: accounts[1].time_zone: "Local" is no time zone, such as Asia/Shanghai`,
		}},
		{"several expectations without a name", "accounts:\n- expectations: [{export: usage, every: day}, {export: usage, every: day}]\n", []string{
			"config.yml:2: accounts[0].expectations[0].name: is missing",
			"config.yml:2: accounts[0].expectations[1].name: is missing",
		}},
		{"an endpoint with a password", "accounts: [{endpoint: 'https://user:S3cr3t@cdn.aliyuncs.com/'}]", []string{"config.yml:1: accounts[0].endpoint: not a host name"}},
		{"nothing", "", []string{"config.yml:1: accounts: no account to watch"}},
		{"no YAML", "accounts: [", []string{"config.yml:1: did not find expected node content"}},
		{"one name for several accounts", "accounts:\n- name: a\n- {}\n- name: a\n- name: default\n", []string{
			`config.yml:4: accounts[2].name: "a" is the name of accounts[0] already`,
			`config.yml:5: accounts[3].name: "default" is the name of accounts[1] already`,
		}},
		{"an expectation of what is not watched", "accounts:\n- name: a\n  expectations: [{name: m, every: month, export: usage_detail}]\n", []string{
			"config.yml:3: accounts[0].expectations[0].export: usage_detail is not among the exports of the account",
		}},
		{"merged and repeated values", "accounts:\n- &a\n  name: a\n  rate_limit: -1\n- <<: *a\n  name: b\n- *a\n", []string{
			"config.yml:4: accounts[0].rate_limit: -1 is no number above 0",
			"config.yml:5: accounts[1].rate_limit: -1 is no number above 0",
			"config.yml:7: accounts[2].rate_limit: -1 is no number above 0",
			`config.yml:7: accounts[2].name: "a" is the name of accounts[0] already`,
		}},
		{"wrong kinds on one line", "accounts: [{name: a, rate_limit: fast as it can, exports: {usage: yes}}, {time_zone: [], expectations: usage}]", []string{
			"config.yml:1: accounts[0].rate_limit: is not a number",
			"config.yml:1: accounts[0].exports: is not a list",
			"config.yml:1: accounts[1].time_zone: is not a text",
			"config.yml:1: accounts[1].expectations: is not a list",
		}},
		{"wrong kinds beside wrong values", "accounts:\n- name: a\n  exports: usage\n  time_zone: Mars\n- rate_limit: fast\n  endpoint: a/b\n", []string{
			"config.yml:3: accounts[0].exports: is not a list",
			`config.yml:4: accounts[0].time_zone: "Mars" is no time zone, such as Asia/Shanghai`,
			"config.yml:5: accounts[1].rate_limit: is not a number",
			`config.yml:6: accounts[1].endpoint: "a/b": not a host name`,
		}},
		{"a second document", "accounts:\n- name: a\n---\nx: y\n", []string{"config.yml:3: a second document is not read"}},
		{"unknown keys at every depth", "acounts: []\naccounts:\n- nam: a\n  expectations:\n  - task: b\n", []string{
			"config.yml:1: acounts: is not a known key",
			"config.yml:3: accounts[0].nam: is not a known key",
			"config.yml:5: accounts[0].expectations[0].task: is not a known key",
			"config.yml:5: accounts[0].expectations[0].name: is missing",
			`config.yml:5: accounts[0].expectations[0].export: "" is none of usage, usage_detail`,
			`config.yml:5: accounts[0].expectations[0].every: "" is none of month, week, day`,
		}},
		{"a key that stands there twice", "accounts:\n- name: a\n  name: b\n", []string{"config.yml:3: accounts[0].name: stands there twice, first in line 2"}},
		{"wrong kinds", "accounts:\n- name: [a]\n  rate_limit: fast\n  exports: usage\n  expectations:\n  - 7\n", []string{
			"config.yml:2: accounts[0].name: is not a text",
			"config.yml:3: accounts[0].rate_limit: is not a number",
			"config.yml:4: accounts[0].exports: is not a list",
			"config.yml:6: accounts[0].expectations[0]: is not a mapping",
		}},
		{"wrong values", `accounts:
- name: " "
  endpoint:
  time_zone: Mars/Olympus
  exports: [usage, usage, billing]
  rate_limit: 0
  expectations:
  - name: monthly
    export: usages
    task_name: "usage-(.*"
    every: fortnight
    grace: three days
    since: 1 May
  - name: monthly
    export: usage
    every: day
    grace: -1h
  - {}
`, []string{
			`config.yml:2: accounts[0].name: is empty`,
			`config.yml:3: accounts[0].endpoint: "": not a host name`,
			`config.yml:4: accounts[0].time_zone: "Mars/Olympus" is no time zone, such as Asia/Shanghai`,
			`config.yml:5: accounts[0].exports: "usage" stands there twice`,
			`config.yml:5: accounts[0].exports: "billing" is none of usage, usage_detail`,
			`config.yml:6: accounts[0].rate_limit: 0 is no number above 0`,
			`config.yml:9: accounts[0].expectations[0].export: "usages" is none of usage, usage_detail`,
			"config.yml:10: accounts[0].expectations[0].task_name: error parsing regexp: missing closing ): `usage-(.*`",
			`config.yml:11: accounts[0].expectations[0].every: "fortnight" is none of month, week, day`,
			`config.yml:12: accounts[0].expectations[0].grace: "three days" is no duration, such as 72h`,
			`config.yml:13: accounts[0].expectations[0].since: "1 May" is no date, such as 2026-10-01`,
			`config.yml:14: accounts[0].expectations[1].name: "monthly" stands there twice`,
			`config.yml:17: accounts[0].expectations[1].grace: "-1h" is no duration, such as 72h`,
			`config.yml:18: accounts[0].expectations[2].name: is missing`,
			`config.yml:18: accounts[0].expectations[2].export: "" is none of usage, usage_detail`,
			`config.yml:18: accounts[0].expectations[2].every: "" is none of month, week, day`,
		}},
	} {
		_, err := load(t, tc.file)
		if err == nil {
			t.Errorf("%s: no error", tc.name)
			continue
		}
		if diff := cmp.Diff(tc.want, strings.Split(err.Error(), "\n")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
	if _, err := config.Load("does/not/exist.yml", defaults, accepted); err == nil || !strings.HasPrefix(err.Error(), "--config.file: open does/not/exist.yml") {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestExpectationsAreTranslated(t *testing.T) {
	e := config.Expectation{TaskName: "a|b", Grace: "72h", Since: "2026-10-01"}
	pattern, err := e.Pattern()
	if err != nil || !pattern.MatchString("a") || pattern.MatchString("ab") || pattern.MatchString("xb") {
		t.Errorf("pattern = %v, %v", pattern, err)
	}
	grace, err := e.GracePeriod()
	if err != nil || grace != 72*time.Hour {
		t.Errorf("grace = %v, %v", grace, err)
	}
	zone := time.FixedZone("", 8*3600)
	since, err := e.Begin(zone)
	if err != nil || !since.Equal(time.Date(2026, 10, 1, 0, 0, 0, 0, zone)) {
		t.Errorf("since = %v, %v", since, err)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("accounts:\n- name: a\n  expectations:\n  - {name: m, export: usage, every: month}\n")
	f.Add("accounts: [{}]\n---\n")
	f.Add("a: &a [*a]\n")
	f.Add("accounts:\n- name: !!binary /w==\n-\n- &a {<<: *a, exports: [usage, ~]}\n")
	f.Add("accounts:\n- name: !!binary YQ==\n  expectations: [{name: !!binary /w==, export: usage, every: day}]\n")
	f.Fuzz(func(t *testing.T, content string) {
		accounts, err := load(t, content)
		if err == nil && len(accounts) == 0 {
			t.Error("no account without an error")
		}
		names := make(map[string]bool)
		for _, account := range accounts {
			if err == nil && (names[account.Name] || strings.TrimSpace(account.Name) == "" || len(account.Exports) == 0 || !(account.RateLimit > 0) || !utf8.ValidString(account.Name)) {
				t.Errorf("accepted: %+v", account)
			}
			names[account.Name] = true
			for _, expectation := range account.Expectations {
				if err == nil && (strings.TrimSpace(expectation.Name) == "" || !utf8.ValidString(expectation.Name+expectation.TaskName)) {
					t.Errorf("accepted: %+v", expectation)
				}
			}
		}
	})
}
