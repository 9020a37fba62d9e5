package config_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"alicdn_export_exporter/apiclient"
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

func TestLoadItems(t *testing.T) {
	t.Run("keep their place when one cannot be read", func(t *testing.T) {
		for _, tc := range []struct {
			name, file string
			want       []string
		}{
			{"an empty account", "accounts:\n- name: a\n-\n", []string{"config.yml:3: accounts[1]: must not be empty"}},
			{"an empty account by an alias", "accounts:\n- {name: a, endpoint: &n }\n- *n\n", []string{
				`config.yml:2: accounts[0].endpoint: must not be empty`, "config.yml:3: accounts[1]: must not be empty",
			}},
			{"an empty expectation", "accounts: [{expectations: [~, {name: m, export: usage, every: day}]}]", []string{
				"config.yml:1: accounts[0].expectations[0]: must not be empty",
			}},
			{"an empty export", "accounts: [{exports: [usage, ~, billing]}]", []string{
				"config.yml:1: accounts[0].exports[1]: must not be empty", `config.yml:1: accounts[0].exports[2]: must be one of usage, usage_detail (got "billing")`,
			}},
			{"problems after it", "accounts:\n- 5\n- name: c\n  rate_limit: -1\n- name: d\n  time_zone: Mars\n", []string{
				"config.yml:2: accounts[0]: must be a mapping",
				`config.yml:4: accounts[1].rate_limit: must be a number greater than 0 (got "-1")`,
				`config.yml:6: accounts[2].time_zone: unknown time zone "Mars" (example: Asia/Shanghai)`,
			}},
			{"problems after it, one level below", "accounts:\n- expectations:\n  -\n  - [m]\n  - {name: m, export: usage, every: year}\n", []string{
				"config.yml:3: accounts[0].expectations[0]: must not be empty",
				"config.yml:4: accounts[0].expectations[1]: must be a mapping",
				`config.yml:5: accounts[0].expectations[2].every: must be one of month, week, day (got "year")`,
			}},
			{"a wrong account has no name", "accounts:\n- name: [a]\n- name: ''\n- 5\n- name: default\n- name:\n", []string{
				"config.yml:2: accounts[0].name: must be a single value",
				"config.yml:3: accounts[1].name: must not be empty",
				"config.yml:4: accounts[2]: must be a mapping",
				"config.yml:6: accounts[4].name: must not be empty",
			}},
			{"exports that cannot be read are not held against expectations", "accounts: [{exports: 5, expectations: [{name: m, export: usage_detail, every: day}]}]", []string{
				"config.yml:1: accounts[0].exports: must be a list",
			}},
		} {
			expect(t, tc.name, tc.file, tc.want...)
		}
	})

	// An account's number is not the beginning of another's.
	t.Run("are reported beside one that cannot be read", func(t *testing.T) {
		expect(t, "the second of eleven accounts", "accounts: [{name: a}, 5, {name: c}, {name: d}, {name: e}, {name: f}, {name: g}, {name: h}, {name: i}, {name: j},\n {name: k, rate_limit: -1}]",
			"config.yml:1: accounts[1]: must be a mapping", `config.yml:2: accounts[10].rate_limit: must be a number greater than 0 (got "-1")`)
		expect(t, "a key that another begins with", "accounts: [{credentials: {type: ecs_ram_role, role_name: [x], role_arn: x}}]",
			"config.yml:1: accounts[0].credentials.role_name: must be a single value", "config.yml:1: accounts[0].credentials.role_arn: is not allowed with type ecs_ram_role")
	})

	t.Run("have mistakes of kind at their key", func(t *testing.T) {
		for _, tc := range []struct {
			name, file string
			want       []string
		}{
			{"equal values on one line", "accounts: [{name: x, exports: fast, time_zone: fast}]", []string{
				"config.yml:1: accounts[0].exports: must be a list",
				`config.yml:1: accounts[0].time_zone: unknown time zone "fast" (example: Asia/Shanghai)`,
			}},
			{"one of two is right", "accounts: [{name: a, exports: 5, rate_limit: 5}]", []string{"config.yml:1: accounts[0].exports: must be a list"}},
			{"a key that stands below", "accounts:\n- exports:\n    usage\n", []string{"config.yml:2: accounts[0].exports: must be a list"}},
			{"a list of lists", "accounts: [{exports: [[usage]]}]", []string{"config.yml:1: accounts[0].exports[0]: must be a single value"}},
			{"no accounts at all", "accounts: 5", []string{"config.yml:1: accounts: must be a list"}},
			{"no mapping at all", "- a\n", []string{"config.yml:1: must be a mapping"}},
			{"wrong base64", "accounts: [{name: !!binary '*'}]", []string{"config.yml:1: accounts[0].name: must be plain text"}},
			{"unknown names that need quotes", "accounts: [{\"a\\nb\": 1, ? [c] : 2}]", []string{
				`config.yml:1: accounts[0].a\nb: unknown key`, "config.yml:1: must be a single value",
			}},
		} {
			expect(t, tc.name, tc.file, tc.want...)
		}
	})

	t.Run("must not be binary", func(t *testing.T) {
		for _, key := range []string{"name", "endpoint", "time_zone"} {
			expect(t, key, "accounts:\n- "+key+": !!binary /w==\n", "config.yml:2: accounts[0]."+key+": must be plain text")
		}
		for _, key := range []string{"name", "export", "task_name", "every", "grace", "since"} {
			values := map[string]string{"name": "m", "export": "usage", "every": "day"}
			values[key] = "!!binary /w=="
			text := "accounts:\n- expectations:\n  - {"
			for key, value := range values {
				text += key + ": " + value + ", "
			}
			text += "}\n"
			expect(t, key, text, "config.yml:3: accounts[0].expectations[0]."+key+": must be plain text")
		}
	})
}

func TestLoadAliases(t *testing.T) {
	t.Run("yield to the mapping's own values", func(t *testing.T) {
		accounts, err := load(t, `accounts:
- &a {name: a, rate_limit: 1, exports: &both [usage, usage_detail]}
- &b {<<: *a, name: b, rate_limit: 2}
- {name: c, exports: *both, <<: [*b, {time_zone: UTC, rate_limit: 4}]}
`)
		if err != nil {
			t.Fatal(err)
		}
		both := apiclient.Exports()
		a, b, c := defaults, defaults, defaults
		a.Name, a.RateLimit, a.Exports = "a", 1, both
		b.Name, b.RateLimit, b.Exports = "b", 2, both
		c.Name, c.RateLimit, c.Exports, c.TimeZone = "c", 2, both, zone("UTC")
		want := []config.Account{a, b, c}
		if diff := cmp.Diff(want, accounts, compare); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		expect(t, "what cannot be merged", "accounts:\n- &a\n  name: a\n  <<: *a\n- name: b\n  <<: 5\n", "config.yml:4: accounts[0].<<: merge-key: cyclic merge alias",
			"config.yml:6: accounts[1].<<: map merge requires map or sequence of maps as the value")
		expect(t, "empty values of an alias", "accounts:\n- &a {name: a, rate_limit: 0}\n- <<: *a\n  name: b\n",
			`config.yml:2: accounts[0].rate_limit: must be a number greater than 0 (got "0")`)
	})

	t.Run("do not multiply a file without end", func(t *testing.T) {
		const tooMany = "config.yml: more than 100000 accounts and expectations, or mistakes in them"
		for name, text := range map[string]string{
			"lists of lists":       "accounts:\n- &a {expectations: [" + strings.Repeat("{},", 3000) + "]}\n" + strings.Repeat("- *a\n", 3000),
			"mappings of mappings": "accounts:\n- &a {" + strings.Repeat("k: 1,", 3000) + "}\n" + strings.Repeat("- *a\n", 3000),
		} {
			began := time.Now()
			if _, err := load(t, text); err == nil || !strings.Contains(err.Error(), tooMany) && !strings.Contains(err.Error(), "excessive aliasing") || len(err.Error()) > 10_000 {
				t.Errorf("%s: %.200v", name, err)
			}
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("%s took %s", name, took)
			}
		}
		var chain strings.Builder
		chain.WriteString("accounts:\n- &a0 {name: a}\n")
		for i := range 3000 {
			fmt.Fprintf(&chain, "- &a%d {<<: *a%d}\n", i+1, i)
		}
		if _, err := load(t, chain.String()); err == nil || !strings.Contains(err.Error(), "duplicate account name") {
			t.Errorf("merges of merges: %.200v", err)
		}
	})
}
