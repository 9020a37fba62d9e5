package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/config"
	"alicdn_export_exporter/internal/coverage"
	"alicdn_export_exporter/internal/credentials"
)

// defaults has the defaults of the flags.
var defaults = config.Account{
	Name: "default", Endpoint: endpoint("cdn.aliyuncs.com"), TimeZone: zone("Asia/Shanghai"), Exports: []apiclient.Export{"usage"}, RateLimit: 20,
	UsageDelay: 4 * hour, Limits: limits,
}

const (
	hour = coverage.Duration(time.Hour)
	day  = 24 * hour
)

var limits = coverage.Limits{PendingAge: 6 * hour, SuccessAge: 35 * day, MonthGrace: 3 * day}

func endpoint(host string) apiclient.Endpoint {
	endpoint, err := apiclient.ParseEndpoint(host)
	if err != nil {
		panic(err)
	}
	return endpoint
}

func zone(name string) (zone config.Zone) {
	if err := zone.UnmarshalText([]byte(name)); err != nil {
		panic(err)
	}
	return zone
}

func pattern(text string) (pattern coverage.Pattern) {
	if err := pattern.UnmarshalText([]byte(text)); err != nil {
		panic(err)
	}
	return pattern
}

// compare is the options with which cmp compares accounts.
var compare = cmp.Options{
	cmp.Comparer(func(a, b config.Zone) bool { return a.String() == b.String() }),
	cmp.Comparer(func(a, b apiclient.Endpoint) bool { return a == b }),
	cmp.Comparer(coverage.Pattern.Equal),
}

func load(t *testing.T, text string) ([]config.Account, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	accounts, err := config.Load(path, defaults)
	return accounts, relative(err, filepath.Dir(path)+"/")
}

// relative removes a directory from an error.
func relative(err error, dir string) error {
	if err == nil {
		return nil
	}
	return errors.New(strings.ReplaceAll(err.Error(), dir, ""))
}

func TestLoadFile(t *testing.T) {
	t.Run("reads the documented example", func(t *testing.T) {
		got, err := config.Load("../../docs/config.example.yml", defaults)
		if err != nil {
			t.Fatal(err)
		}
		want := []config.Account{{
			Name: "production", Endpoint: endpoint("cdn.aliyuncs.com"), TimeZone: zone("Asia/Shanghai"), Exports: apiclient.Exports(), RateLimit: 20,
			UsageDelay: 4 * hour, Since: coverage.Date{Year: 2026, Month: 1, Day: 1}, Limits: limits,
			Credentials: credentials.Config{
				Type: "ram_role_arn", RoleARN: "acs:ram::1234567890123456:role/cdn-exports", RoleSessionName: "exporter", ExternalID: "tenant-1",
				AccessKeyIDFile: "/etc/alicdn_export_exporter/id", AccessKeySecretFile: "/etc/alicdn_export_exporter/secret",
			},
			Expectations: []coverage.Expectation{
				{
					Name: "monthly usage", Export: "usage", TaskName: pattern("usage-.*"), Every: coverage.Month,
					Grace: coverage.Duration(72 * time.Hour), Since: coverage.Date{Year: 2026, Month: 1, Day: 1},
				},
				{Name: "weekly detail", Export: "usage_detail", Every: coverage.Week, Grace: coverage.Duration(24 * time.Hour)},
			},
		}, {
			Name: "overseas", Endpoint: endpoint("cdn.ap-southeast-1.aliyuncs.com"), TimeZone: zone("Asia/Singapore"),
			Exports: []apiclient.Export{"usage"}, RateLimit: 20, UsageDelay: 4 * hour, Limits: limits,
		}}
		if diff := cmp.Diff(want, got, compare); diff != "" {
			t.Errorf("example (-want +got):\n%s", diff)
		}
	})

	t.Run("reads days, limits and since", func(t *testing.T) {
		accounts, err := load(t, `accounts:
- name: days
  usage_delay: 1d
  since: 2026-10-01
  limits: {pending_age: 60d, success_age: 85d, month_grace: 30d}
  expectations: [{name: m, export: usage, every: month, grace: 45d}]
- name: off
  usage_delay: 0
  limits: {pending_age: 0, success_age: 0s, month_grace: 0d}
- name: rest
  limits: {month_grace: 1w1d}
`)
		if err != nil {
			t.Fatal(err)
		}
		rest := limits
		rest.MonthGrace = 8 * day
		type judged struct {
			usageDelay coverage.Duration
			since      coverage.Date
			limits     coverage.Limits
		}
		want := []judged{
			{day, coverage.Date{Year: 2026, Month: 10, Day: 1}, coverage.Limits{PendingAge: 60 * day, SuccessAge: 85 * day, MonthGrace: 30 * day}},
			{},
			{4 * hour, coverage.Date{}, rest},
		}
		var got []judged
		for _, account := range accounts {
			got = append(got, judged{account.UsageDelay, account.Since, account.Limits})
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(judged{})); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if grace := accounts[0].Expectations[0].Grace; grace != 45*day {
			t.Errorf("grace %s", grace)
		}
	})

	t.Run("reports all mistakes at once", func(t *testing.T) {
		for _, tc := range []struct {
			name, file string
			want       []string
		}{
			{"values that look like left out", "accounts:\n- time_zone: \"\"\n  exports: []\n  expectations: [{name: \" \", export: usage, every: day}]\n- name: b\n  time_zone: Local\n", []string{
				"config.yml:2: accounts[0].time_zone: must not be empty",
				"config.yml:3: accounts[0].exports: must not be empty",
				"config.yml:4: accounts[0].expectations[0].name: must not be empty",
				`config.yml:6: accounts[1].time_zone: unknown time zone "Local" (example: Asia/Shanghai)`,
			}},
			{"several expectations without a name", "accounts:\n- expectations: [{export: usage, every: day}, {export: usage, every: day}]\n", []string{
				"config.yml:2: accounts[0].expectations[0].name: is required",
				"config.yml:2: accounts[0].expectations[1].name: is required",
			}},
			{"durations for which the list is too short", `accounts:
- usage_delay: 46d
  since: soon
  limits:
    pending_age: 61d
    success_age: 2041h
    month_grace: 5w
  expectations:
  - {name: m, export: usage, every: month, grace: 2400h}
- name: b
  limits: {pending_age: -1h, success: 3d, month_grace: 3}
`, []string{
				"config.yml:2: accounts[0].usage_delay: must be at most 45d (got 46d)",
				`config.yml:3: accounts[0].since: must be a date, such as 2026-10-01 (got "soon")`,
				"config.yml:5: accounts[0].limits.pending_age: must be at most 60d (got 61d)",
				"config.yml:6: accounts[0].limits.success_age: must be at most 85d (got 2041h)",
				"config.yml:7: accounts[0].limits.month_grace: must be at most 30d (got 35d)",
				"config.yml:9: accounts[0].expectations[0].grace: must be at most 45d (got 100d)",
				`config.yml:11: accounts[1].limits.pending_age: must be a duration, such as 72h or 3d (got "-1h")`,
				`config.yml:11: accounts[1].limits.success: unknown key; did you mean success_age?`,
				`config.yml:11: accounts[1].limits.month_grace: must be a duration, such as 72h or 3d (got "3")`,
			}},
			{"an endpoint with a password", "accounts: [{endpoint: 'https://user:S3cr3t@cdn.aliyuncs.com/'}]", []string{"config.yml:1: accounts[0].endpoint: must be a host name without user, path or query"}},
			{"nothing", "", []string{"config.yml:1: accounts: must list at least one account"}},
			{"no YAML", "accounts: [", []string{"config.yml:1: did not find expected node content, while parsing a flow node"}},
			{"one name for several accounts", "accounts:\n- name: a\n- {}\n- name: a\n- name: default\n", []string{
				`config.yml:4: accounts[2].name: duplicate account name "a" (also accounts[0])`,
				`config.yml:5: accounts[3].name: duplicate account name "default" (also accounts[1])`,
			}},
			{"no name for several accounts", "accounts:\n- rate_limit: 1\n- rate_limit: 2\n", []string{
				`config.yml:3: accounts[1].name: is required: accounts[0] has the default name "default"`,
			}},
			{"an expectation of an export that is not read", "accounts:\n- name: a\n  expectations: [{name: m, every: month, export: usage_detail}]\n", []string{
				"config.yml:3: accounts[0].expectations[0].export: usage_detail is not one of the account's exports",
			}},
			{"merged and repeated values", "accounts:\n- &a\n  name: a\n  rate_limit: -1\n- <<: *a\n  name: b\n- *a\n", []string{
				`config.yml:4: accounts[0].rate_limit: must be a number greater than 0 (got "-1")`,
				`config.yml:7: accounts[2].name: duplicate account name "a" (also accounts[0])`,
			}},
			{"wrong kinds on one line", "accounts: [{name: a, rate_limit: fast as it can, exports: {usage: yes}}, {time_zone: [], expectations: usage}]", []string{
				`config.yml:1: accounts[0].rate_limit: must be a number greater than 0 (got "fast as it can")`,
				"config.yml:1: accounts[0].exports: must be a list",
				"config.yml:1: accounts[1].time_zone: must be a single value",
				"config.yml:1: accounts[1].expectations: must be a list",
			}},
			{"wrong kinds beside wrong values", "accounts:\n- name: a\n  exports: usage\n  time_zone: Mars\n- rate_limit: fast\n  endpoint: a/b\n", []string{
				"config.yml:3: accounts[0].exports: must be a list",
				`config.yml:4: accounts[0].time_zone: unknown time zone "Mars" (example: Asia/Shanghai)`,
				`config.yml:5: accounts[1].rate_limit: must be a number greater than 0 (got "fast")`,
				"config.yml:6: accounts[1].endpoint: must be a host name without user, path or query",
			}},
			{"a second document", "accounts:\n- name: a\n---\nx: y\n", []string{"config.yml:3: only one document is allowed"}},
			{"unknown keys at every depth", "acounts: []\naccounts:\n- nam: a\n  expectations:\n  - task: b\n", []string{
				"config.yml:1: acounts: unknown key; did you mean accounts?",
				"config.yml:3: accounts[0].nam: unknown key; did you mean name?",
				"config.yml:5: accounts[0].expectations[0].task: unknown key; did you mean task_name?",
				"config.yml:5: accounts[0].expectations[0].name: is required",
				"config.yml:5: accounts[0].expectations[0].export: is required",
				"config.yml:5: accounts[0].expectations[0].every: is required",
			}},
			{"keys of another spelling", "accounts:\n- time-zone: UTC\n  rateLimit: 3\n  Endpoint: a\n  export: [usage]\n  color: red\n  x: y\n" +
				"  limits: {pending-age: 1d}\n  credentials: {typ: default}\n", []string{
				"config.yml:2: accounts[0].time-zone: unknown key; did you mean time_zone?",
				"config.yml:3: accounts[0].rateLimit: unknown key; did you mean rate_limit?",
				"config.yml:4: accounts[0].Endpoint: unknown key; did you mean endpoint?",
				"config.yml:5: accounts[0].export: unknown key; did you mean exports?",
				"config.yml:6: accounts[0].color: unknown key",
				"config.yml:7: accounts[0].x: unknown key",
				"config.yml:8: accounts[0].limits.pending-age: unknown key; did you mean pending_age?",
				"config.yml:9: accounts[0].credentials.typ: unknown key; did you mean type?",
			}},
			{"a secret outside of credentials", "accounts:\n- access_key_secret: Canary\n", []string{
				"config.yml:2: accounts[0].access_key_secret: secrets do not go into this file: use access_key_secret_file or access_key_secret_env",
			}},
			{"an endpoint that may hold a secret", "accounts:\n- {name: a, endpoint: 'https://cdn.aliyuncs.com/Canary'}\n" +
				"- {name: b, endpoint: 'http://canary.example.com'}\n- {name: c, endpoint: 'canary://x'}\n- {name: d, endpoint: 'https://u:Canary@x'}\n", []string{
				"config.yml:2: accounts[0].endpoint: must be a host name without user, path or query",
				"config.yml:3: accounts[1].endpoint: http:// is accepted for loopback addresses only",
				"config.yml:4: accounts[2].endpoint: must use https",
				"config.yml:5: accounts[3].endpoint: must be a host name without user, path or query",
			}},
			{"exports of another spelling", "accounts:\n- exports: [usage-detail, Usages, detail, users]\n", []string{
				`config.yml:2: accounts[0].exports[0]: must be one of usage, usage_detail (got "usage-detail"; did you mean usage_detail?)`,
				`config.yml:2: accounts[0].exports[1]: must be one of usage, usage_detail (got "Usages"; did you mean usage?)`,
				`config.yml:2: accounts[0].exports[2]: must be one of usage, usage_detail (got "detail"; did you mean usage_detail?)`,
				`config.yml:2: accounts[0].exports[3]: must be one of usage, usage_detail (got "users")`,
			}},
			{"a duplicate key", "accounts:\n- name: a\n  name: b\n", []string{"config.yml:3: accounts[0].name: duplicate key (first on line 2)"}},
			{"wrong kinds", "accounts:\n- name: [a]\n  rate_limit: fast\n  exports: usage\n  expectations:\n  - 7\n", []string{
				"config.yml:2: accounts[0].name: must be a single value",
				`config.yml:3: accounts[0].rate_limit: must be a number greater than 0 (got "fast")`,
				"config.yml:4: accounts[0].exports: must be a list",
				"config.yml:6: accounts[0].expectations[0]: must be a mapping",
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
				`config.yml:2: accounts[0].name: must not be empty`,
				`config.yml:3: accounts[0].endpoint: must not be empty`,
				`config.yml:4: accounts[0].time_zone: unknown time zone "Mars/Olympus" (example: Asia/Shanghai)`,
				`config.yml:5: accounts[0].exports[2]: must be one of usage, usage_detail (got "billing")`,
				`config.yml:6: accounts[0].rate_limit: must be a number greater than 0 (got "0")`,
				`config.yml:9: accounts[0].expectations[0].export: must be one of usage, usage_detail (got "usages"; did you mean usage?)`,
				"config.yml:10: accounts[0].expectations[0].task_name: error parsing regexp: missing closing ): `usage-(.*`",
				`config.yml:11: accounts[0].expectations[0].every: must be one of month, week, day (got "fortnight")`,
				`config.yml:12: accounts[0].expectations[0].grace: must be a duration, such as 72h or 3d (got "three days")`,
				`config.yml:13: accounts[0].expectations[0].since: must be a date, such as 2026-10-01 (got "1 May")`,
				`config.yml:14: accounts[0].expectations[1].name: duplicate value "monthly"`,
				`config.yml:17: accounts[0].expectations[1].grace: must be a duration, such as 72h or 3d (got "-1h")`,
				`config.yml:18: accounts[0].expectations[2].name: is required`,
				"config.yml:18: accounts[0].expectations[2].export: is required",
				"config.yml:18: accounts[0].expectations[2].every: is required",
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
		if _, err := config.Load("does/not/exist.yml", defaults); err == nil || !strings.HasPrefix(err.Error(), "--config.file: open does/not/exist.yml") {
			t.Errorf("a file that is not there: %v", err)
		}
	})
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
				if err == nil && (strings.TrimSpace(expectation.Name) == "" || !utf8.ValidString(expectation.Name+expectation.TaskName.String())) {
					t.Errorf("accepted: %+v", expectation)
				}
			}
		}
	})
}
