package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"alicdn_export_exporter/internal/config"
	"alicdn_export_exporter/internal/credentials"
)

const (
	role     = "acs:ram::1234567890123456:role/exporter"
	provider = "acs:ram::1234567890123456:oidc-provider/cluster"
)

// credentialsOf returns the credentials of a file's first account. Paths are relative to the
// file's directory.
func credentialsOf(t *testing.T, block string) (credentials.Config, error) {
	t.Helper()
	accounts, err := load(t, "accounts:\n- credentials:\n    "+strings.ReplaceAll(block, "\n", "\n    ")+"\n")
	if err != nil {
		return credentials.Config{}, err
	}
	return accounts[0].Credentials, nil
}

func TestLoadCredentials(t *testing.T) {
	t.Run("reads every type", func(t *testing.T) {
		key := credentials.Config{AccessKeyIDEnv: "KEY_ID", AccessKeySecretFile: "/run/secret"}
		with := func(c credentials.Config, change func(*credentials.Config)) credentials.Config {
			change(&c)
			return c
		}
		const keyText = "access_key_id_env: KEY_ID\naccess_key_secret_file: /run/secret\n"
		types := make(map[string]bool)
		for block, want := range map[string]credentials.Config{
			"type: default":                {Type: "default"},
			"type: access_key\n" + keyText: with(key, func(c *credentials.Config) { c.Type = "access_key" }),
			"type: ecs_ram_role":           {Type: "ecs_ram_role"},
			"{type: oidc_role_arn}":        {Type: "oidc_role_arn"},
			"{type: credentials_uri, uri: \"http://localhost:1/a?b\"}": {Type: "credentials_uri", URI: "http://localhost:1/a?b"},
			"{type: ecs_ram_role, role_name: KubernetesWorkerRole-1}":  {Type: "ecs_ram_role", RoleName: "KubernetesWorkerRole-1"},
			"type: sts\nsecurity_token_file: /run/token\n" + keyText: with(key, func(c *credentials.Config) {
				c.Type, c.SecurityTokenFile = "sts", "/run/token"
			}),
			"type: ram_role_arn\nrole_arn: " + role:                  {Type: "ram_role_arn", RoleARN: role},
			"type: ram_role_arn\nrole_arn: " + role + "\n" + keyText: with(key, func(c *credentials.Config) { c.Type, c.RoleARN = "ram_role_arn", role }),
			"type: ram_role_arn\nrole_arn: " + role + "\nsecurity_token_env: TOKEN\nexternal_id: a+b/c=d\nrole_session_name: a.b@c\nsts_endpoint: sts.cn-hangzhou.aliyuncs.com\n" + keyText: with(key, func(c *credentials.Config) {
				c.Type, c.RoleARN, c.SecurityTokenEnv, c.ExternalID, c.RoleSessionName, c.STSEndpoint = "ram_role_arn", role, "TOKEN", "a+b/c=d", "a.b@c", "sts.cn-hangzhou.aliyuncs.com"
			}),
			"type: oidc_role_arn\nrole_arn: " + role + "\noidc_provider_arn: " + provider + "\noidc_token_file: /run/token\nrole_session_name: ours\nsts_endpoint: 127.0.0.1:1": {
				Type: "oidc_role_arn", RoleARN: role, OIDCProviderARN: provider, OIDCTokenFile: "/run/token", RoleSessionName: "ours", STSEndpoint: "127.0.0.1:1",
			},
		} {
			got, err := credentialsOf(t, block)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%s: %v, -want +got:\n%s", block, err, diff)
			}
			types[got.Type] = true
		}
		for _, name := range credentials.Types() {
			if !types[name] {
				t.Errorf("%s was not tried", name)
			}
		}
		if accounts, err := load(t, "accounts: [{name: a}]"); err != nil || accounts[0].Credentials != (credentials.Config{}) {
			t.Errorf("without credentials: %v", err)
		}
	})

	t.Run("makes paths relative to the file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "sub", "config.yml")
		text := "accounts: [{credentials: {type: sts, access_key_id_file: id, access_key_secret_file: ../secret, security_token_file: /token}}]"
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		accounts, err := config.Load(path, defaults)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Dir(path)
		want := credentials.Config{
			Type: "sts", AccessKeyIDFile: filepath.Join(dir, "id"), AccessKeySecretFile: filepath.Join(filepath.Dir(dir), "secret"), SecurityTokenFile: "/token",
		}
		if diff := cmp.Diff(want, accounts[0].Credentials); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})

	// Errors name the line and the key, but never a value, which could be a secret.
	t.Run("reports mistakes without values", func(t *testing.T) {
		const types = "default, access_key, sts, ram_role_arn, oidc_role_arn, ecs_ram_role, credentials_uri"
		for _, tc := range []struct {
			name, block string
			want        []string
		}{
			{"nothing", "", []string{"2 accounts[0].credentials: must not be empty"}},
			{"no type", "role_name: a", []string{"2 type: is required, one of " + types}},
			{"an unknown type", "type: rsa_key_pair\nrole_name: a", []string{"3 type: must be one of " + types}},
			{"secrets in the file", "type: access_key\naccess_key_id: Canary\naccess_key_secret: Canary", []string{
				"4 access_key_id: secrets do not go into this file: use access_key_id_file or access_key_id_env",
				"5 access_key_secret: secrets do not go into this file: use access_key_secret_file or access_key_secret_env",
			}},
			{"a secret in the file, in the API's spelling", "type: sts\nSecurityToken: Canary\naccess_key_id_file: a\naccess_key_secret_file: b", []string{
				"4 SecurityToken: secrets do not go into this file: use security_token_file or security_token_env",
			}},
			{"a token in the file", "type: oidc_role_arn\noidc_token: Canary", []string{
				"4 oidc_token: secrets do not go into this file: use oidc_token_file",
			}},
			{"a secret and nothing else", "access_key_secret: Canary", []string{
				"3 access_key_secret: secrets do not go into this file: use access_key_secret_file or access_key_secret_env",
			}},
			{"half a key", "type: access_key\naccess_key_id_file: a", []string{"2 access_key_secret_file: one of access_key_secret_file, access_key_secret_env is required"}},
			{"a key twice", "type: access_key\naccess_key_id_file: a\naccess_key_id_env: B\naccess_key_secret_env: C", []string{
				"5 access_key_id_env: only one of access_key_id_file and access_key_id_env is allowed",
			}},
			{"a token twice", "type: ram_role_arn\nrole_arn: " + role + "\naccess_key_id_file: a\naccess_key_secret_env: C\nsecurity_token_file: a\nsecurity_token_env: B", []string{
				"8 security_token_env: only one of security_token_file and security_token_env is allowed",
			}},
			{"no token", "type: sts\naccess_key_id_file: a\naccess_key_secret_file: b", []string{"2 security_token_file: one of security_token_file, security_token_env is required"}},
			{"an empty value", "type: access_key\naccess_key_id_file: a\naccess_key_secret_file: ''\nrole_arn:", []string{
				"5 access_key_secret_file: must not be empty", "6 role_arn: must not be empty",
			}},
			{"empty values that may be left out", "type: oidc_role_arn\nrole_arn: ''\nsts_endpoint:", []string{"4 role_arn: must not be empty", "5 sts_endpoint: must not be empty"}},
			{"no role and no key", "type: ram_role_arn", []string{"2 role_arn: is required"}},
			{"half a key of a role", "type: ram_role_arn\nrole_arn: " + role + "\naccess_key_secret_file: a", []string{
				"2 access_key_id_file: one of access_key_id_file, access_key_id_env is required",
			}},
			{"only the token of a key", "type: ram_role_arn\nrole_arn: " + role + "\nsecurity_token_env: A", []string{
				"2 access_key_id_file: one of access_key_id_file, access_key_id_env is required",
				"2 access_key_secret_file: one of access_key_secret_file, access_key_secret_env is required",
			}},
			{"keys of other types", "type: default\naccess_key_id_file: a\nuri: b", []string{
				"4 access_key_id_file: is not allowed with type default", "5 uri: is not allowed with type default",
			}},
			{"a role for an instance", "type: ecs_ram_role\nrole_arn: " + role, []string{"4 role_arn: is not allowed with type ecs_ram_role"}},
			{"values that cannot be", "type: ram_role_arn\naccess_key_id_env: $Canary\naccess_key_secret_env: Canary=x\nrole_arn: Canary\nrole_session_name: Canary!\nexternal_id: 'Canary '\nsts_endpoint: https://Canary", []string{
				"4 access_key_id_env: must be the name of an environment variable",
				"5 access_key_secret_env: must be the name of an environment variable",
				"6 role_arn: must be a role's ARN, such as acs:ram::1234567890123456:role/name",
				"7 role_session_name: must be 2 to 64 letters, digits or any of .@-_",
				"8 external_id: must be 2 to 1224 letters, digits or any of +=,.@:/-_",
				"9 sts_endpoint: must be a host name, such as sts.cn-hangzhou.aliyuncs.com",
			}},
			{"an external id that is too short", "type: ram_role_arn\nrole_arn: " + role + "\naccess_key_id_file: a\naccess_key_secret_file: b\nexternal_id: a", []string{
				"7 external_id: must be 2 to 1224 letters, digits or any of +=,.@:/-_",
			}},
			{"an external id that is too long", "type: ram_role_arn\nrole_arn: " + role + "\naccess_key_id_file: a\naccess_key_secret_file: b\nexternal_id: " + strings.Repeat("a", 1225), []string{
				"7 external_id: must be 2 to 1224 letters, digits or any of +=,.@:/-_",
			}},
			{"no identity provider", "type: oidc_role_arn\noidc_provider_arn: " + role, []string{
				"4 oidc_provider_arn: must be an identity provider's ARN, such as acs:ram::1234567890123456:oidc-provider/name",
			}},
			{"a role's ARN for its name", "type: ecs_ram_role\nrole_name: " + role, []string{"4 role_name: must be the name of a role"}},
			{"a URI with a user", "type: credentials_uri\nuri: https://Canary:Canary@example.com/", []string{"4 uri: must be an http:// or https:// address without a user"}},
			{"no URI", "type: credentials_uri\nuri: example.com/Canary", []string{"4 uri: must be an http:// or https:// address without a user"}},
			{"URIs that cannot be read", "type: credentials_uri\nuri: 'http://[Canary'", []string{"4 uri: must be an http:// or https:// address without a user"}},
			{"a list", "[Canary]", []string{"2 accounts[0].credentials: must be a mapping"}},
		} {
			t.Run(tc.name, func(t *testing.T) {
				_, err := credentialsOf(t, tc.block)
				if err == nil {
					t.Fatal("no error")
				}
				var want []string
				for _, problem := range tc.want {
					line, text, _ := strings.Cut(problem, " ")
					if !strings.HasPrefix(text, "accounts") {
						text = "accounts[0].credentials." + text
					}
					want = append(want, "config.yml:"+line+": "+text)
				}
				if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
				if strings.Contains(err.Error(), "Canary") {
					t.Errorf("a value is shown: %v", err)
				}
			})
		}
	})

	t.Run("has an example of every type", func(t *testing.T) {
		example, err := os.ReadFile("../../docs/config.example.yml")
		if err != nil {
			t.Fatal(err)
		}
		shown := make(map[string]bool)
		for _, match := range exampleCredentials.FindAllStringSubmatch(string(example), -1) {
			got, err := credentialsOf(t, match[1])
			if err != nil {
				t.Errorf("%s: %v", match[1], err)
			}
			shown[got.Type] = true
		}
		for _, name := range credentials.Types() {
			if !shown[name] {
				t.Errorf("%s is not shown", name)
			}
		}
	})

	// The table in docs/credentials.md has a row for each type, with keys that the type
	// uses, and no key of any type is missing.
	t.Run("has every type and key in the documentation", func(t *testing.T) {
		content, err := os.ReadFile("../../docs/credentials.md")
		if err != nil {
			t.Fatal(err)
		}
		_, table, _ := strings.Cut(string(content), "| `type` |")
		table, _, _ = strings.Cut(table, "\n\n")
		rows := make(map[string]string) // the keys of each type
		for line := range strings.Lines(table) {
			if cells := strings.Split(line, "|"); len(cells) == 5 {
				rows[strings.Trim(cells[1], " `")] = cells[3]
			}
		}
		for _, name := range credentials.Types() {
			keys, found := rows[name]
			if !found {
				t.Errorf("%s has no row", name)
			}
			for _, key := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(keys, -1) {
				if slices.Contains(credentials.Types(), key[1]) {
					continue
				}
				_, err := credentialsOf(t, "type: "+name+"\n"+key[1]+": x")
				if err != nil && (strings.Contains(err.Error(), "is not allowed") || strings.Contains(err.Error(), "unknown key")) {
					t.Errorf("%s in the row of %s: %v", key[1], name, err)
				}
			}
		}
		for field := range reflect.TypeFor[credentials.Config]().Fields() {
			if key := field.Tag.Get("yaml"); !strings.Contains(table, "`"+key+"`") && key != "type" {
				t.Errorf("%s is not in the table", key)
			}
		}
	})
}

var exampleCredentials = regexp.MustCompile(`(?m)^ *# *(\{type: .*\})$`)
