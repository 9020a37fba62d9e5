package advice_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/advice"
	"alicdn_export_exporter/internal/credentials"
)

// readWith reads a page with the key of these credentials, and returns the error.
func readWith(t *testing.T, ctx context.Context, config credentials.Config) error {
	t.Helper()
	_, err := newClient(t, http.NotFoundHandler(), 10, credentials.NewSource(config, nil, nil)).Page(ctx, apiclient.Usage, 1)
	if err == nil {
		t.Fatal("no error")
	}
	return err
}

func TestForCredentials(t *testing.T) {
	for _, name := range []string{
		"ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_ROLE_ARN",
		"ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "ALIBABA_CLOUD_OIDC_TOKEN_FILE", "ALIBABA_CLOUD_CONFIG_FILE",
		"ALIBABA_CLOUD_PROFILE", "ALIBABA_CLOUD_CREDENTIALS_FILE", "ALIBABA_CLOUD_CREDENTIALS_URI",
	} {
		t.Setenv(name, "")
	}
	t.Setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, empty := write("good", "value\n"), write("empty", "\n")
	refusing, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = refusing.Close()
	const role, provider = "acs:ram::1:role/a", "acs:ram::1:oidc-provider/b"
	for name, tc := range map[string]struct {
		config credentials.Config
		want   string
	}{
		"the secret's file is missing": {
			credentials.Config{Type: credentials.TypeAccessKey, AccessKeyIDFile: good, AccessKeySecretFile: dir + "/missing"},
			"Create the file, or correct access_key_secret_file.",
		},
		"the secret's file is empty": {
			credentials.Config{Type: credentials.TypeAccessKey, AccessKeyIDFile: good, AccessKeySecretFile: empty},
			"Correct what access_key_secret_file names",
		},
		"the variable is not set": {
			credentials.Config{Type: credentials.TypeSTS, AccessKeyIDFile: good, AccessKeySecretFile: good, SecurityTokenEnv: "MISSING"},
			"Correct what security_token_env names",
		},
		"the token's file is missing": {
			credentials.Config{
				Type: credentials.TypeOIDCRoleARN, RoleARN: role, OIDCProviderARN: provider, OIDCTokenFile: dir + "/missing",
			},
			"Create the file, or correct oidc_token_file.",
		},
		"STS is not reachable": {
			credentials.Config{
				Type: credentials.TypeOIDCRoleARN, RoleARN: role, OIDCProviderARN: provider, OIDCTokenFile: good,
				STSEndpoint: refusing.Addr().String(),
			},
			"STS can be reached (sts_endpoint)",
		},
		"STS is not reachable to assume a role": {
			credentials.Config{
				Type: credentials.TypeRAMRoleARN, RoleARN: role, AccessKeyIDFile: good, AccessKeySecretFile: good,
				STSEndpoint: refusing.Addr().String(),
			},
			"sts:AssumeRole",
		},
		"there is no metadata service": {
			credentials.Config{Type: credentials.TypeECSRAMRole}, "Attach a RAM role to the ECS instance",
		},
		"the service at uri is not reachable": {
			credentials.Config{Type: credentials.TypeURI, URI: "http://" + refusing.Addr().String()}, "Check the service at uri",
		},
		"nothing is set up": {credentials.Config{}, "Set both ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, or"},
	} {
		t.Run(name, func(t *testing.T) {
			err := readWith(t, t.Context(), tc.config)
			if got := advice.For(err, apiclient.Usage); !strings.Contains(got, tc.want) || strings.Contains(got, "report") {
				t.Errorf("%v: the advice is %q, want %q", err, got, tc.want)
			}
		})
	}

	t.Run("a file that may not be read", func(t *testing.T) {
		if os.Geteuid() == 0 {
			t.Skip("root may read every file")
		}
		path := write("private", "value")
		if err := os.Chmod(path, 0); err != nil {
			t.Fatal(err)
		}
		config := credentials.Config{Type: credentials.TypeAccessKey, AccessKeyIDFile: path, AccessKeySecretFile: good}
		err := readWith(t, t.Context(), config)
		if got := advice.For(err, apiclient.Usage); !strings.HasPrefix(got, "Allow the exporter's user to read the file") {
			t.Errorf("%v: the advice is %q", err, got)
		}
	})

	t.Run("a service that does not answer in time", func(t *testing.T) {
		listener, err := net.Listen("tcp", "127.0.0.1:0") // It accepts no connection.
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		config := credentials.Config{Type: credentials.TypeURI, URI: "http://" + listener.Addr().String()}
		err = readWith(t, ctx, config)
		if got := advice.For(err, apiclient.Usage); !errors.Is(err, context.DeadlineExceeded) ||
			got != "Check the service that provides the key, and the network path to it." {
			t.Errorf("%v: the advice is %q", err, got)
		}
	})
}
