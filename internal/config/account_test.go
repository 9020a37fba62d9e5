package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/config"
	"alicdn_export_exporter/internal/coverage"
)

func TestAccounts(t *testing.T) {
	flags := []string{
		"--account.name=flags", "--account.time-zone=Europe/Berlin", "--api.endpoint=flags.example.com", "--api.rate-limit=7",
		"--collector.exports=usage_detail",
	}
	fromFlags := config.Account{
		Name: "flags", TimeZone: zone("Europe/Berlin"), Endpoint: endpoint("flags.example.com"), RateLimit: 7,
		Exports: []apiclient.Export{"usage_detail"}, UsageDelay: 4 * hour, Limits: limits,
	}
	file := func(content string) string {
		path := filepath.Join(t.TempDir(), "exporter.yml")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return "--config.file=" + path
	}
	renamed := fromFlags
	renamed.Name = "file"
	for name, tc := range map[string]struct {
		args []string
		want []config.Account
	}{
		"are the flags' without a file": {flags, []config.Account{fromFlags}},
		"are the file's if it says everything": {
			append(flags, file("accounts: [{name: file, time_zone: UTC, endpoint: file.example.com, rate_limit: 3, exports: [usage, usage_detail]}]")),
			[]config.Account{{Name: "file", TimeZone: zone("UTC"), Endpoint: endpoint("file.example.com"), RateLimit: 3, Exports: apiclient.Exports(), UsageDelay: 4 * hour, Limits: limits}},
		},
		"take what the file leaves out from the flags": {append(flags, file("accounts: [{name: file}]")), []config.Account{renamed}},
		"may take everything from the flags":           {append(flags, file("accounts: [{}]")), []config.Account{fromFlags}},
		"take it for each of several accounts":         {append(flags, file("accounts: [{name: file}, {}]")), []config.Account{renamed, fromFlags}},
	} {
		t.Run(name, func(t *testing.T) {
			flags, err := parse(tc.args...)
			if err != nil {
				t.Fatal(err)
			}
			accounts, err := flags.Accounts()
			if diff := cmp.Diff(tc.want, accounts, compare); err != nil || diff != "" {
				t.Errorf("%v, -want +got:\n%s", err, diff)
			}
		})
	}
	for name, tc := range map[string]struct{ file, want string }{
		"fail without the file":         {"--config.file=/missing/exporter.yml", "--config.file: open /missing/exporter.yml"},
		"fail with a wrong file":        {file("accounts: [{nme: x}]"), "exporter.yml:1"},
		"fail with an infinite rate":    {file("accounts: [{rate_limit: .inf}]"), `rate_limit: must be a number greater than 0 (got ".inf")`},
		"fail with a rate of NaN":       {file("accounts: [{rate_limit: .nan}]"), `rate_limit: must be a number greater than 0 (got ".nan")`},
		"fail with a negative rate":     {file("accounts: [{rate_limit: -1}]"), `rate_limit: must be a number greater than 0 (got "-1")`},
		"list all mistakes of the file": {file("accounts:\n- rate_limit: -1\n  expectations: [{name: m, export: usage_detail, every: day}]\n"), "expectations[0].export"},
	} {
		t.Run(name, func(t *testing.T) {
			flags, err := parse(tc.file)
			if err != nil {
				t.Fatal(err)
			}
			if accounts, err := flags.Accounts(); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, error %v, want %q", accounts, err, tc.want)
			}
		})
	}
}

func TestAccountEqual(t *testing.T) {
	const text = `accounts:
- name: a
  endpoint: a.example.com
  time_zone: Europe/Berlin
  exports: [usage]
  rate_limit: 1
  credentials: {type: ecs_ram_role, role_name: a}
  expectations: [{name: a, export: usage, task_name: a, every: day, grace: 1h, since: 2026-01-01}]
`
	read := func() config.Account {
		accounts, err := load(t, text)
		if err != nil {
			t.Fatal(err)
		}
		return accounts[0]
	}
	account := read()
	if !account.Equal(read()) {
		t.Error("an account read twice is not equal to itself")
	}
	// A new field must take part in the comparison.
	changes := map[string]func(*config.Account){
		"Name":         func(a *config.Account) { a.Name = "b" },
		"Endpoint":     func(a *config.Account) { a.Endpoint = endpoint("b.example.com") },
		"TimeZone":     func(a *config.Account) { a.TimeZone = zone("Europe/Paris") },
		"Exports":      func(a *config.Account) { a.Exports = apiclient.Exports() },
		"RateLimit":    func(a *config.Account) { a.RateLimit = 2 },
		"UsageDelay":   func(a *config.Account) { a.UsageDelay++ },
		"Since":        func(a *config.Account) { a.Since.Day++ },
		"Limits":       func(a *config.Account) { a.Limits.MonthGrace++ },
		"Credentials":  func(a *config.Account) { a.Credentials.RoleName = "b" },
		"Expectations": func(a *config.Account) { a.Expectations[0].TaskName = pattern("b") },
	}
	for field := range reflect.TypeFor[config.Account]().Fields() {
		change, ok := changes[field.Name]
		if !ok {
			t.Errorf("%s is not tried", field.Name)
			continue
		}
		changed := read()
		change(&changed)
		if account.Equal(changed) {
			t.Errorf("an account with another %s is equal", field.Name)
		}
	}
	changed := read()
	changed.Expectations[0].Grace = coverage.Duration(1)
	if account.Equal(changed) {
		t.Error("an account with another grace is equal")
	}
}
