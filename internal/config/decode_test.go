package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"alicdn_export_exporter/internal/config"
)

// expect loads a text and compares the problems, one a line.
func expect(t *testing.T, name, text string, want ...string) {
	t.Helper()
	_, err := load(t, text)
	if err == nil {
		t.Errorf("%s: no error", name)
		return
	}
	if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func TestAnItemThatCannotBeReadKeepsItsPlace(t *testing.T) {
	for _, tc := range []struct {
		name, file string
		want       []string
	}{
		{"an empty account", "accounts:\n- name: a\n-\n", []string{"config.yml:3: accounts[1]: is empty"}},
		{"an empty account by an alias", "accounts:\n- {name: a, endpoint: &n }\n- *n\n", []string{
			`config.yml:2: accounts[0].endpoint: "": not a host name`, "config.yml:3: accounts[1]: is empty",
		}},
		{"an empty expectation", "accounts: [{expectations: [~, {name: m, export: usage, every: day}]}]", []string{
			"config.yml:1: accounts[0].expectations[0]: is empty",
		}},
		{"an empty export", "accounts: [{exports: [usage, ~, billing]}]", []string{
			"config.yml:1: accounts[0].exports[1]: is empty", `config.yml:1: accounts[0].exports: "billing" is none of usage, usage_detail`,
		}},
		{"problems after it", "accounts:\n- 5\n- name: c\n  rate_limit: -1\n- name: d\n  time_zone: Mars\n", []string{
			"config.yml:2: accounts[0]: is not a mapping",
			"config.yml:4: accounts[1].rate_limit: -1 is no number above 0",
			`config.yml:6: accounts[2].time_zone: "Mars" is no time zone, such as Asia/Shanghai`,
		}},
		{"problems after it, one level below", "accounts:\n- expectations:\n  -\n  - [m]\n  - {name: m, export: usage, every: year}\n", []string{
			"config.yml:3: accounts[0].expectations[0]: is empty",
			"config.yml:4: accounts[0].expectations[1]: is not a mapping",
			`config.yml:5: accounts[0].expectations[2].every: "year" is none of month, week, day`,
		}},
		{"the name of an account that is wrong is nobody's", "accounts:\n- name: [a]\n- name: ''\n- 5\n- name: default\n- name:\n", []string{
			"config.yml:2: accounts[0].name: is not a text",
			"config.yml:3: accounts[1].name: is empty",
			"config.yml:4: accounts[2]: is not a mapping",
			"config.yml:6: accounts[4].name: is empty",
		}},
		{"exports that cannot be read are not held against expectations", "accounts: [{exports: 5, expectations: [{name: m, export: usage_detail, every: day}]}]", []string{
			"config.yml:1: accounts[0].exports: is not a list",
		}},
	} {
		expect(t, tc.name, tc.file, tc.want...)
	}
}

// An account's number is not the beginning of another's.
func TestWhatCannotBeReadHidesNothingElse(t *testing.T) {
	expect(t, "the second of eleven accounts", "accounts: [{name: a}, 5, {name: c}, {name: d}, {name: e}, {name: f}, {name: g}, {name: h}, {name: i}, {name: j},\n {name: k, rate_limit: -1}]",
		"config.yml:1: accounts[1]: is not a mapping", "config.yml:2: accounts[10].rate_limit: -1 is no number above 0")
	expect(t, "a key that another begins with", "accounts: [{credentials: {type: ecs_ram_role, role_name: [x], role_arn: x}}]",
		"config.yml:1: accounts[0].credentials.role_name: is not a text", "config.yml:1: accounts[0].credentials.role_arn: the type ecs_ram_role does not use it")
}

func TestAValueOfTheWrongKindIsBlamedOnItsKey(t *testing.T) {
	for _, tc := range []struct {
		name, file string
		want       []string
	}{
		{"equal values on one line", "accounts: [{name: x, exports: fast, time_zone: fast}]", []string{
			"config.yml:1: accounts[0].exports: is not a list",
			`config.yml:1: accounts[0].time_zone: "fast" is no time zone, such as Asia/Shanghai`,
		}},
		{"one of two is right", "accounts: [{name: a, exports: 5, rate_limit: 5}]", []string{"config.yml:1: accounts[0].exports: is not a list"}},
		{"a key that stands below", "accounts:\n- exports:\n    usage\n", []string{"config.yml:2: accounts[0].exports: is not a list"}},
		{"a list of lists", "accounts: [{exports: [[usage]]}]", []string{"config.yml:1: accounts[0].exports[0]: is not a text"}},
		{"no accounts at all", "accounts: 5", []string{"config.yml:1: accounts: is not a list"}},
		{"no mapping at all", "- a\n", []string{"config.yml:1: is not a mapping"}},
		{"wrong base64", "accounts: [{name: !!binary '*'}]", []string{"config.yml:1: accounts[0].name: is not a text"}},
		{"unknown names that need quotes", "accounts: [{\"a\\nb\": 1, ? [c] : 2}]", []string{
			`config.yml:1: accounts[0].a\nb: is not a known key`, "config.yml:1: accounts[0].: is not a known key",
		}},
	} {
		expect(t, tc.name, tc.file, tc.want...)
	}
}

func TestTextThatIsNotUTF8IsRefused(t *testing.T) {
	for _, key := range []string{"name", "endpoint", "time_zone"} {
		expect(t, key, "accounts:\n- "+key+": !!binary /w==\n", "config.yml:2: accounts[0]."+key+": is not UTF-8")
	}
	for _, key := range []string{"name", "export", "task_name", "every", "grace", "since"} {
		values := map[string]string{"name": "m", "export": "usage", "every": "day"}
		values[key] = "!!binary /w=="
		text := "accounts:\n- expectations:\n  - {"
		for key, value := range values {
			text += key + ": " + value + ", "
		}
		text += "}\n"
		expect(t, key, text, "config.yml:3: accounts[0].expectations[0]."+key+": is not UTF-8")
	}
	accounts, err := load(t, "accounts: [{name: !!binary 5LiK5rW3}]")
	if err != nil || accounts[0].Name != "上海" {
		t.Errorf("a name that is UTF-8: %v, %v", accounts, err)
	}
}

func TestMergedValuesYieldToTheMappingsOwn(t *testing.T) {
	accounts, err := load(t, `accounts:
- &a {name: a, rate_limit: 1, exports: &both [usage, usage_detail]}
- &b {<<: *a, name: b, rate_limit: 2}
- {name: c, exports: *both, <<: [*b, {time_zone: UTC, rate_limit: 4}]}
`)
	if err != nil {
		t.Fatal(err)
	}
	both := []string{"usage", "usage_detail"}
	want := []config.Account{
		{Name: "a", Endpoint: "cdn.aliyuncs.com", TimeZone: "Asia/Shanghai", RateLimit: 1, Exports: both},
		{Name: "b", Endpoint: "cdn.aliyuncs.com", TimeZone: "Asia/Shanghai", RateLimit: 2, Exports: both},
		{Name: "c", Endpoint: "cdn.aliyuncs.com", TimeZone: "UTC", RateLimit: 2, Exports: both},
	}
	if diff := cmp.Diff(want, accounts); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	expect(t, "what cannot be merged", "accounts:\n- &a\n  name: a\n  <<: *a\n- name: b\n  <<: 5\n", "config.yml:6: accounts[1].<<: is not a mapping")
	expect(t, "empty values of an alias", "accounts:\n- &a {name: a, rate_limit: 0}\n- <<: *a\n  name: b\n",
		"config.yml:2: accounts[0].rate_limit: 0 is no number above 0", "config.yml:3: accounts[1].rate_limit: 0 is no number above 0")
}

func TestAliasesDoNotMultiplyAFileWithoutEnd(t *testing.T) {
	const want = "config.yml: there are more than 250000 values, with those that aliases repeat"
	expect(t, "lists of lists", "accounts:\n- &a {expectations: ["+strings.Repeat("{},", 3000)+"]}\n"+strings.Repeat("- *a\n", 3000), want)
	expect(t, "mappings of mappings", "accounts:\n- &a {"+strings.Repeat("k: ,", 3000)+"}\n"+strings.Repeat("- *a\n", 3000), want)
	var chain strings.Builder
	chain.WriteString("accounts:\n- &a0 {name: a}\n")
	for i := range 3000 {
		fmt.Fprintf(&chain, "- &a%d {<<: *a%d}\n", i+1, i)
	}
	expect(t, "merges of merges", chain.String(), want)
}
