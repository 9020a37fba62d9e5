package config_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"alicdn_export_exporter/apiclient"
)

var (
	jsonBlock = regexp.MustCompile("(?s)```json\n(.*?)```")
	yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")
)

// The policies in docs/ram.md are valid, the exporter's only lists tasks, and the accounts can be loaded.
func TestRAMPage(t *testing.T) {
	content, err := os.ReadFile("../../docs/ram.md")
	if err != nil {
		t.Fatal(err)
	}
	exporter := []string{apiclient.Usage.Action(), apiclient.UsageDetail.Action()}
	for i := range exporter {
		exporter[i] = "cdn:" + exporter[i]
	}
	person := slices.Concat([]string{
		"cdn:CreateUserUsageDataExportTask", "cdn:CreateUsageDetailDataExportTask",
		"cdn:DeleteUserUsageDataExportTask", "cdn:DeleteUsageDetailDataExportTask",
	}, exporter)
	assume := []string{"sts:AssumeRole"}
	want := [][]string{exporter, person, assume, assume, assume, assume}
	blocks := jsonBlock.FindAllStringSubmatch(string(content), -1)
	if len(blocks) != len(want) {
		t.Fatalf("%d policies, want %d", len(blocks), len(want))
	}
	for i, block := range blocks {
		if actions := policyActions(t, block[1]); !slices.Equal(actions, want[i]) {
			t.Errorf("policy %d allows %q, want %q", i+1, actions, want[i])
		}
	}
	short, err := os.ReadFile("../../docs/ram-policy.json")
	if err != nil {
		t.Fatal(err)
	}
	if actions := policyActions(t, string(short)); !slices.Equal(actions, exporter[:1]) {
		t.Errorf("ram-policy.json allows %q, want %q", actions, exporter[:1])
	}

	text := yamlBlock.FindStringSubmatch(string(content))[1]
	accounts, err := load(t, text)
	if err != nil || len(accounts) != 2 {
		t.Fatalf("%d accounts, %v", len(accounts), err)
	}
	for _, account := range accounts {
		// The hub's policy lists this role, and the trust policy has this external id.
		if role := account.Credentials.RoleARN; !strings.Contains(blocks[3][1], `"`+role+`"`) {
			t.Errorf("the hub may not assume %s", role)
		}
		if id := account.Credentials.ExternalID; !strings.Contains(blocks[2][1], `"`+id+`"`) {
			t.Errorf("the trust policy does not have the external id %s", id)
		}
	}
}

// policyActions returns the actions that a RAM policy allows.
func policyActions(t *testing.T, text string) (actions []string) {
	t.Helper()
	var policy struct {
		Version   string
		Statement []struct {
			Effect    string
			Action    any
			Resource  any
			Principal map[string]any
			Condition map[string]any
		}
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&policy); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	if policy.Version != "1" || len(policy.Statement) != 1 {
		t.Fatalf("version %q, %d statements:\n%s", policy.Version, len(policy.Statement), text)
	}
	statement := policy.Statement[0]
	if statement.Effect != "Allow" || (statement.Resource == nil) == (statement.Principal == nil) {
		t.Errorf("the policy needs the effect Allow, and either resources or principals:\n%s", text)
	}
	switch action := statement.Action.(type) {
	case string:
		actions = []string{action}
	case []any:
		for _, one := range action {
			actions = append(actions, one.(string))
		}
	}
	return actions
}
