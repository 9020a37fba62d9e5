package credentials_test

import (
	"context"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/credentials"
	"alicdn_export_exporter/internal/credentials/credentialstest"
)

func TestSourceErrors(t *testing.T) {
	t.Run("name the type and the setting", func(t *testing.T) {
		noKeys(t)
		dir := t.TempDir()
		pipe := filepath.Join(dir, "pipe")
		if err := syscall.Mkfifo(pipe, 0o600); err != nil {
			t.Fatal(err)
		}
		good, missing := secretFile(t, "Canary"), filepath.Join(dir, "missing")
		blank := secretFile(t, " \n")
		lines := secretFile(t, "id=CanaryID\nsecret=CanarySecret\n")
		long := secretFile(t, strings.Repeat("Canary", 20_000))
		t.Setenv("BLANK", " ")
		t.Setenv("UNPRINTABLE", "Canary\x01")
		for setting, want := range map[credentials.Config]string{
			{AccessKeySecretFile: missing}: "file: open " + missing + ": no such file or directory",
			{AccessKeySecretFile: dir}:     "file: " + dir + " is not a regular file",
			{AccessKeySecretFile: pipe}:    "file: " + pipe + " is not a regular file",
			{AccessKeySecretFile: blank}:   "file: " + blank + " is empty",
			{AccessKeySecretFile: lines}:   "file: " + lines + " contains whitespace, control or non-ASCII characters",
			{AccessKeySecretFile: long}:    "file: " + long + " is longer than 64 KiB",

			{AccessKeySecretEnv: "BLANK"}:       "env: the variable is empty",
			{AccessKeySecretEnv: "UNPRINTABLE"}: "env: the variable contains whitespace, control or non-ASCII characters",
			// A secret that was pasted in place of the name of a variable.
			{AccessKeySecretEnv: "PastedSecret0001Abcdefghijklmn"}: "env: the variable is empty",
		} {
			setting.Type, setting.AccessKeyIDFile = credentials.TypeAccessKey, good
			want = "access_key: access_key_secret_" + want
			if _, err := newSource(setting).Credentials(context.Background()); err == nil || err.Error() != want {
				t.Errorf("error = %v, want %s", err, want)
			}
		}
		const want = "ecs_ram_role: ALIBABA_CLOUD_ECS_METADATA_DISABLED turns off the metadata service"
		source := newSource(credentials.Config{Type: credentials.TypeECSRAMRole})
		if _, err := source.Credentials(context.Background()); err == nil || err.Error() != want {
			t.Errorf("error = %v, want %s", err, want)
		}
	})

	// The library's errors quote whole responses.
	t.Run("repeat nothing of a response except known codes of STS", func(t *testing.T) {
		answer := func(status int, body string) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(status)
				_, _ = w.Write([]byte(body))
			}
		}
		forEachService(t, func(t *testing.T, s service) {
			for body, code := range map[string]string{
				`{"AccessKeyId":"CanaryID","AccessKeySecret":"CanarySecret","Code":"Success"}`: "",
				`{"Credentials":{"AccessKeyId":"CanaryID","AccessKeySecret":"CanarySecret"}}`:  "",
				`{"Credentials":{"AccessKeyId":"","AccessKeySecret":"CanarySecret",` +
					`"SecurityToken":"CanaryToken","Expiration":"2999-01-01T00:00:00Z"}}`: "",
				`{"Credentials":{"AccessKeyId":"i","AccessKeySecret":"CanarySecret",` +
					`"SecurityToken":"CanaryToken","Expiration":"Canary"}}`: "",
				`{"Credentials":{"AccessKeyId":"i","AccessKeySecret":"CanarySecret",` +
					`"SecurityToken":"CanaryToken"}}`: "",
				`CanarySecret`: "", `null`: "", `[]`: "", ``: "",
				`{"Code":"CanarySecret","Message":"CanaryToken"}`:            "",
				`{"Code":"credentials"}`:                                     "",
				`{"Code":"EntityNotExist.Role","Message":"CanaryToken"}`:     ": EntityNotExist.Role",
				`{"Message":"CanaryToken", "Code" : "NoPermission.Canary"}`:  ": NoPermission",
				`{"Code":"AuthenticationFail.OIDCToken.Expired","a":"b"}`:    ": AuthenticationFail.OIDCToken.Expired",
				`{"Code":"InvalidAccessKeyId.Inactive","Message":"CanaryI"}`: ": InvalidAccessKeyId.Inactive",
			} {
				for _, status := range []int{200, 403} {
					s.server.Fail(answer(status, body))
					_, err := newSource(s.settings).Credentials(context.Background())
					want := map[string]string{
						credentials.TypeRAMRoleARN:  "ram_role_arn: STS returned no key for the role",
						credentials.TypeOIDCRoleARN: "oidc_role_arn: STS returned no key for the role",
						credentials.TypeECSRAMRole:  "ecs_ram_role: the ECS metadata service returned no key for the role",
						credentials.TypeURI:         "credentials_uri: the service returned no key",
					}[s.settings.Type]
					if status == 403 && strings.Contains(want, "STS") {
						want += code
					}
					if strings.HasPrefix(want, "ram_role_arn") && strings.HasSuffix(want, "NoPermission") {
						want += denied
					}
					if err == nil || err.Error() != want {
						t.Errorf("%d %s: error = %v, want %s", status, body, err, want)
					}
				}
			}
		})
	})

	// The user may have pasted a secret into sts_endpoint or uri.
	t.Run("say why STS cannot be reached, without quoting settings", func(t *testing.T) {
		noKeys(t)
		plain := serve(t, http.NotFoundHandler())
		for endpoint, want := range map[string]string{
			strings.TrimPrefix(plain, "http://"): "tls: the endpoint does not speak TLS",
			"127.0.0.1:1":                        "connection: dial tcp sts_endpoint:1: connect: connection refused",
		} {
			_, err := newSource(credentials.Config{
				Type: credentials.TypeOIDCRoleARN, RoleARN: testRole, OIDCProviderARN: testProvider,
				OIDCTokenFile: secretFile(t, "Canary"), STSEndpoint: endpoint,
			}).Credentials(context.Background())
			if want := "oidc_role_arn: STS returned no key for the role: " + want; err == nil || err.Error() != want {
				t.Errorf("error = %v, want %s", err, want)
			}
		}
		source := newSource(credentials.Config{Type: credentials.TypeURI, URI: "http://127.0.0.1:1/Canary"})
		_, err := source.Credentials(context.Background())
		if err == nil || err.Error() != "credentials_uri: the service returned no key: connection: dial tcp uri:1: connect: connection refused" {
			t.Errorf("error = %v", err)
		}
	})

	t.Run("name a hanging service before the API call times out", func(t *testing.T) {
		if testing.Short() {
			t.Skip("takes 8 seconds, the timeouts of the requests")
		}
		noKeys(t)
		hang := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		})
		network.Serve(t, credentialstest.Hosts{"sts.aliyuncs.com": hang, "keys.example.com": hang})
		var sources sync.WaitGroup
		const noSTS = "oidc_role_arn: STS returned no key for the role: timeout: no complete response within the time limit"
		for want, settings := range map[string]credentials.Config{
			"credentials: " + noSTS: {
				Type: credentials.TypeOIDCRoleARN, RoleARN: testRole, OIDCProviderARN: testProvider,
				OIDCTokenFile: secretFile(t, "token"),
			},
			"credentials: credentials_uri: the service returned no key: timeout: no complete response within the time limit": {
				Type: credentials.TypeURI, URI: "http://keys.example.com/",
			},
		} {
			client := newClient(t, http.NotFoundHandler(), newSource(settings))
			sources.Go(func() {
				_, err := client.Page(context.Background(), apiclient.Usage, 1)
				if err == nil || err.Error() != want {
					t.Errorf("error = %v, want %s", err, want)
				}
			})
		}
		sources.Wait()
	})
}
