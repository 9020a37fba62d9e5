package credentials_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"alicdn_export_exporter/internal/credentials"
)

func TestDefaultChainErrors(t *testing.T) {
	const nothing = "no key in the environment, OIDC, the CLI profile, the credentials file, " +
		"the ECS metadata service or the credentials URI"
	for name, tc := range map[string]struct {
		env     map[string]string
		profile string // contents of the CLI's profile file; "" for none
		want    string // with HOME for the home directory
	}{
		"nothing is set up": {want: nothing},
		"the secret is missing": {
			env:  map[string]string{"ALIBABA_CLOUD_ACCESS_KEY_ID": "CanaryID"},
			want: "ALIBABA_CLOUD_ACCESS_KEY_ID is set, but not ALIBABA_CLOUD_ACCESS_KEY_SECRET",
		},
		"the id is missing": {
			env:  map[string]string{"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "CanarySecret"},
			want: "ALIBABA_CLOUD_ACCESS_KEY_SECRET is set, but not ALIBABA_CLOUD_ACCESS_KEY_ID",
		},
		"RRSA is set up in part": {
			env: map[string]string{"ALIBABA_CLOUD_ROLE_ARN": "acs:ram::1:role/a"},
			want: "ALIBABA_CLOUD_ROLE_ARN is set, but not ALIBABA_CLOUD_OIDC_PROVIDER_ARN and " +
				"ALIBABA_CLOUD_OIDC_TOKEN_FILE",
		},
		"the profile does not exist": {
			env:     map[string]string{"ALIBABA_CLOUD_PROFILE": "CanaryName"},
			profile: `{"current":"default","profiles":[{"name":"default","mode":"AK"}]}`,
			want:    "the CLI profile: HOME/.aliyun/config.json has no profile with the name in ALIBABA_CLOUD_PROFILE",
		},
		"the current profile does not exist": {
			profile: `{"current":"CanaryName","profiles":[]}`,
			want:    "the CLI profile: HOME/.aliyun/config.json has no profile with the name in current",
		},
		"the profile has no key": {
			profile: `{"current":"default","profiles":[{"name":"default","mode":"AK","access_key_id":"CanaryID"}]}`,
			want:    "the CLI profile: the profile in HOME/.aliyun/config.json gives no key",
		},
		"the profile file is not JSON": {
			profile: "CanarySecret",
			want:    "the CLI profile: HOME/.aliyun/config.json is not a profile file in JSON",
		},
		"there is no profile file": {
			env:  map[string]string{"ALIBABA_CLOUD_PROFILE": "default"},
			want: "the CLI profile: open HOME/.aliyun/config.json: no such file or directory",
		},
		"the credentials file does not exist": {
			env:  map[string]string{"ALIBABA_CLOUD_CREDENTIALS_FILE": "/nowhere/credentials"},
			want: "the credentials file: open /nowhere/credentials: no such file or directory",
		},
		"two sources are wrong": {
			env: map[string]string{
				"ALIBABA_CLOUD_ACCESS_KEY_ID": "CanaryID", "ALIBABA_CLOUD_CREDENTIALS_FILE": "/nowhere/credentials",
			},
			want: "ALIBABA_CLOUD_ACCESS_KEY_ID is set, but not ALIBABA_CLOUD_ACCESS_KEY_SECRET; " +
				"the credentials file: open /nowhere/credentials: no such file or directory",
		},
	} {
		t.Run(name, func(t *testing.T) {
			home := noKeys(t)
			for variable, value := range tc.env {
				t.Setenv(variable, value)
			}
			if tc.profile != "" {
				path := filepath.Join(home, ".aliyun", "config.json")
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(tc.profile), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, err := newSource(credentials.Config{}).Credentials(context.Background())
			if want := strings.ReplaceAll(tc.want, "HOME", home); err == nil || err.Error() != want {
				t.Errorf("error = %v, want %s", err, want)
			}
		})
	}
}

func TestSourceLineEnds(t *testing.T) {
	noKeys(t)
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "id\n")
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", " secret\r\n")
	t.Setenv("ALIBABA_CLOUD_SECURITY_TOKEN", "token\n")
	key, err := newSource(credentials.Config{}).Credentials(context.Background())
	if err != nil || key.AccessKeyID != "id" || key.AccessKeySecret != "secret" || key.SecurityToken != "token" {
		t.Errorf("key %q (%v), want one without line ends", key.AccessKeyID, err)
	}
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "Canary\nSecret")
	_, err = newSource(credentials.Config{}).Credentials(context.Background())
	if err == nil || !strings.Contains(err.Error(), "contains whitespace") || strings.Contains(err.Error(), "Canary") {
		t.Errorf("error = %v, want one about whitespace", err)
	}
}
