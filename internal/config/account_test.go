package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"alicdn_export_exporter/internal/config"
)

func TestWhatTheFileSaysCountsInsteadOfTheFlags(t *testing.T) {
	flags := []string{
		"--account.name=flags", "--account.time-zone=Europe/Berlin", "--api.endpoint=flags.example.com", "--api.rate-limit=7",
		"--collector.exports=usage_detail",
	}
	fromFlags := config.Account{
		Name: "flags", TimeZone: "Europe/Berlin", Endpoint: "flags.example.com", RateLimit: 7, Exports: []string{"usage_detail"},
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
		"without a file the flags count": {flags, []config.Account{fromFlags}},
		"the file says everything": {
			append(flags, file("accounts: [{name: file, time_zone: UTC, endpoint: file.example.com, rate_limit: 3, exports: [usage, usage_detail]}]")),
			[]config.Account{{Name: "file", TimeZone: "UTC", Endpoint: "file.example.com", RateLimit: 3, Exports: []string{"usage", "usage_detail"}}},
		},
		"the file says one thing, the flags the others": {append(flags, file("accounts: [{name: file}]")), []config.Account{renamed}},
		"the file says nothing of it":                   {append(flags, file("accounts: [{}]")), []config.Account{fromFlags}},
		"the file says it of several accounts":          {append(flags, file("accounts: [{name: file}, {}]")), []config.Account{renamed, fromFlags}},
	} {
		t.Run(name, func(t *testing.T) {
			flags, err := parse(tc.args...)
			if err != nil {
				t.Fatal(err)
			}
			accounts, err := flags.Accounts(accepted)
			if diff := cmp.Diff(tc.want, accounts); err != nil || diff != "" {
				t.Errorf("%v, -want +got:\n%s", err, diff)
			}
		})
	}
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"a file that is not there":    {[]string{"--config.file=/missing/exporter.yml"}, "--config.file: open /missing/exporter.yml"},
		"a file that is wrong":        {[]string{file("accounts: [{nme: x}]")}, "exporter.yml:1"},
		"a rate that is no limit":     {[]string{file("accounts: [{rate_limit: .inf}]")}, "rate_limit: +Inf is no number above 0"},
		"a rate that is no number":    {[]string{file("accounts: [{rate_limit: .nan}]")}, "rate_limit: NaN is no number above 0"},
		"a negative rate":             {[]string{file("accounts: [{rate_limit: -1}]")}, "rate_limit: -1 is no number above 0"},
		"an endpoint that is none":    {[]string{"--api.endpoint=a/b"}, "--api.endpoint=a/b: not a host name"},
		"a flag that is wrong anyway": {[]string{"--collector.exports=users", file("accounts: [{exports: [usage]}]")}, "--collector.exports=users"},
	} {
		flags, err := parse(tc.args...)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := flags.Accounts(accepted); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want %q", name, err, tc.want)
		}
	}
}

func TestAllThatIsWrongWithFlagsAndFileIsSaidAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "exporter.yml")
	text := "accounts:\n- rate_limit: -1\n  expectations: [{name: m, export: usage_detail, every: day}]\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	flags, err := parse("--collector.exports=users", "--api.endpoint=https://user:S3cr3t@cdn.aliyuncs.com", "--config.file="+path)
	if err != nil {
		t.Fatal(err)
	}
	accounts, err := flags.Accounts(accepted)
	if err == nil || accounts != nil {
		t.Fatalf("%v, error %v", accounts, err)
	}
	if diff := cmp.Diff([]string{
		`--collector.exports=users: "users" is none of usage, usage_detail`,
		"--api.endpoint: not a host name",
		path + ":2: accounts[0].rate_limit: -1 is no number above 0",
	}, strings.Split(err.Error(), "\n")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
