package credentials_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/credentials"
	"alicdn_export_exporter/internal/credentials/credentialstest"
	"alicdn_export_exporter/internal/simulator"
)

const (
	testRole     = "acs:ram::1234567890123456:role/exporter"
	testProvider = "acs:ram::1234567890123456:oidc-provider/cluster"
)

// secretFile writes a file as a mounted Secret has it and returns its path.
func secretFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	overwrite(t, path, content)
	return path
}

func overwrite(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// service is one of the services that give out temporary keys, and the settings
// with which it gives them.
type service struct {
	issuer interface {
		Issue(credentialstest.Key, time.Duration)
		Fail(http.HandlerFunc)
		Calls() int
	}
	settings credentials.Config
}

// services starts one of each.
func services(t *testing.T, f func(*testing.T, service)) {
	t.Helper()
	for name, start := range map[string]func(*testing.T) service{
		"ram_role_arn": func(t *testing.T) service {
			sts := new(credentialstest.STS)
			sts.SetRole(credentialstest.Role{Key: credentialstest.Key{ID: "base", Secret: "base-secret"}, ARN: testRole, ExternalID: "a+b/c=d"})
			network.Serve(t, credentialstest.Hosts{"sts.aliyuncs.com": sts})
			return service{sts, credentials.Config{
				Type:                credentials.TypeRAMRoleARN,
				AccessKeyIDFile:     secretFile(t, "base\n"),
				AccessKeySecretFile: secretFile(t, "base-secret\r\n"),
				RoleARN:             testRole,
				ExternalID:          "a+b/c=d",
			}}
		},
		"oidc_role_arn": func(t *testing.T) service {
			sts := new(credentialstest.STS)
			sts.SetRole(credentialstest.Role{ARN: testRole, OIDCProviderARN: testProvider, OIDCToken: "token.of.cluster"})
			network.Serve(t, credentialstest.Hosts{"sts.cn-shanghai.aliyuncs.com": sts})
			return service{sts, credentials.Config{
				Type: credentials.TypeOIDCRoleARN, RoleARN: testRole, OIDCProviderARN: testProvider,
				OIDCTokenFile: secretFile(t, "token.of.cluster\n"), STSEndpoint: "sts.cn-shanghai.aliyuncs.com",
			}}
		},
		"ecs_ram_role": func(t *testing.T) service {
			metadata := &credentialstest.Metadata{RoleName: "exporter"}
			network.Serve(t, credentialstest.Hosts{credentialstest.MetadataHost: metadata})
			t.Setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "")
			return service{metadata, credentials.Config{Type: credentials.TypeECSRAMRole}}
		},
		"credentials_uri": func(t *testing.T) service {
			uri := new(credentialstest.URI)
			network.Serve(t, credentialstest.Hosts{"keys.example.com": uri})
			return service{uri, credentials.Config{Type: credentials.TypeURI, URI: "https://keys.example.com/CanaryPath?q=1"}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			noKeys(t)
			s := start(t)
			s.issuer.Issue(sessionKey("first"), time.Hour)
			f(t, s)
		})
	}
}

func sessionKey(name string) credentialstest.Key {
	return credentialstest.Key{ID: "STS." + name, Secret: "CanarySecret" + name, Token: "CanaryToken" + name}
}

func wantSession(t *testing.T, source *credentials.Source, want, provider string) {
	t.Helper()
	key, err := source.Credentials(context.Background())
	if wanted := sessionKey(want); err != nil || key != (apiclient.Credentials{
		AccessKeyID: wanted.ID, AccessKeySecret: wanted.Secret, SecurityToken: wanted.Token, Provider: provider,
	}) {
		t.Fatalf("key %q of %q (%v), want %s of %s, whole", key.AccessKeyID, key.Provider, err, wanted.ID, provider)
	}
}

func unavailable(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, `{"Code":"ServiceUnavailable"}`, http.StatusServiceUnavailable)
}

func TestSourceWithService(t *testing.T) {
	// A service is asked once, then when its key has three minutes left, and when the
	// API rejects the key; not in between.
	t.Run("renews a temporary key before it expires", func(t *testing.T) {
		services(t, func(t *testing.T, s service) {
			source := newSource(s.settings)
			wantSession(t, source, "first", s.settings.Type)
			s.issuer.Issue(sessionKey("second"), 170*time.Second)
			for range 20 {
				credentials.Age(source, time.Minute)
				wantSession(t, source, "first", s.settings.Type)
			}
			if n := s.issuer.Calls(); n != 1 {
				t.Errorf("%d requests for a key that holds, want 1", n)
			}

			key, _ := source.Credentials(context.Background())
			source.Reject(key)
			wantSession(t, source, "second", s.settings.Type)
			s.issuer.Issue(sessionKey("third"), time.Hour)
			wantSession(t, source, "second", s.settings.Type) // It is asked after 30 s at the earliest.
			credentials.Age(source, time.Minute)
			wantSession(t, source, "third", s.settings.Type)
			if n := s.issuer.Calls(); n != 3 {
				t.Errorf("%d requests for three keys", n)
			}
		})
	})

	// A renewal that fails costs nothing while the API takes the last key. Once it does
	// not, that is an error of the credentials; and all is well when a key comes again.
	t.Run("uses the last key until the API rejects it", func(t *testing.T) {
		services(t, func(t *testing.T, s service) {
			s.issuer.Issue(sessionKey("first"), 170*time.Second)
			first, second := sessionKey("first"), sessionKey("second")
			api := simulator.New(simulator.NewFixedAccount(), simulator.Options{AccessKeyID: first.ID, AccessKeySecret: first.Secret, SecurityToken: first.Token})
			source := newSource(s.settings)
			client := newClient(t, api, source)
			read := func() error {
				_, err := client.Page(context.Background(), apiclient.Usage, 1)
				return err
			}
			if err := read(); err != nil {
				t.Fatal(err)
			}
			s.issuer.Fail(unavailable)
			credentials.Age(source, time.Minute)
			if err := read(); err != nil {
				t.Errorf("the last key is not used: %v", err)
			}
			if s.issuer.Calls() < 2 {
				t.Error("no renewal was tried")
			}

			api.SetCredentials(second.ID, second.Secret, second.Token)
			var failed *apiclient.Error
			for range 2 { // The API's answer, then that there is no key.
				if err := read(); !errors.As(err, &failed) || failed.Class != apiclient.ClassCredentials {
					t.Errorf("error = %v, want one of the credentials", err)
				}
			}
			if failed.Code != "credentials" || !contains(failed.Error(), s.settings.Type+": ") || contains(failed.Error(), "Canary") {
				t.Errorf("error = %v", failed)
			}

			s.issuer.Issue(second, time.Hour)
			if err := read(); err != nil {
				t.Errorf("the new key is not used: %v", err)
			}
		})
	})

	t.Run("shares one request among many callers", func(t *testing.T) {
		services(t, func(t *testing.T, s service) {
			source := newSource(s.settings)
			var callers sync.WaitGroup
			for range 50 {
				callers.Go(func() {
					for range 20 {
						key, err := source.Credentials(context.Background())
						if err != nil || key.AccessKeyID != "STS.first" {
							t.Errorf("%q, %v", key.AccessKeyID, err)
						}
					}
				})
			}
			callers.Wait()
			if n := s.issuer.Calls(); n != 1 {
				t.Errorf("%d requests for 1,000 callers, want 1", n)
			}
			// Rejections and renewals in the middle of it.
			for range 10 {
				for range 10 {
					callers.Go(func() {
						key, err := source.Credentials(context.Background())
						if err != nil || key.AccessKeySecret != "CanarySecretfirst" {
							t.Errorf("%q, %v", key.AccessKeyID, err)
						}
						credentials.Expire(source)
						source.Reject(key)
					})
				}
				callers.Wait()
			}
		})
	})

	t.Run("asks the metadata service in its hardened mode", func(t *testing.T) {
		noKeys(t)
		t.Setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "")
		metadata := &credentialstest.Metadata{RoleName: "exporter"}
		metadata.Issue(sessionKey("first"), time.Hour)
		network.Serve(t, credentialstest.Hosts{credentialstest.MetadataHost: metadata})
		wantSession(t, newSource(credentials.Config{Type: credentials.TypeECSRAMRole}), "first", "ecs_ram_role")
		wantSession(t, newSource(credentials.Config{Type: credentials.TypeECSRAMRole, RoleName: "exporter"}), "first", "ecs_ram_role")
		const roles = "GET /latest/meta-data/ram/security-credentials/"
		const token = "PUT /latest/api/token"
		if got, want := fmt.Sprint(metadata.Requests()), fmt.Sprint([]string{token, roles, token, roles + "exporter", token, roles + "exporter"}); got != want {
			t.Errorf("it was asked %s, want %s", got, want)
		}
	})

	// Whatever the webhook of RRSA sets is used where the settings leave it out; and a
	// token in the environment, which the library prefers, is not.
	t.Run("uses the variables of RRSA", func(t *testing.T) {
		noKeys(t)
		sts := new(credentialstest.STS)
		sts.SetRole(credentialstest.Role{ARN: testRole, OIDCProviderARN: testProvider, OIDCToken: "token.of.cluster"})
		sts.Issue(sessionKey("first"), time.Hour)
		network.Serve(t, credentialstest.Hosts{"sts.aliyuncs.com": sts})
		t.Setenv("ALIBABA_CLOUD_OIDC_TOKEN", "another.token")
		source := newSource(credentials.Config{Type: credentials.TypeOIDCRoleARN})
		for _, variable := range []struct{ key, name, value string }{
			{"role_arn", "ALIBABA_CLOUD_ROLE_ARN", testRole},
			{"oidc_provider_arn", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN", testProvider},
			{"oidc_token_file", "ALIBABA_CLOUD_OIDC_TOKEN_FILE", secretFile(t, "token.of.cluster")},
		} {
			want := "oidc_role_arn: neither " + variable.key + " nor the variable " + variable.name + " is set"
			if _, err := source.Credentials(context.Background()); err == nil || err.Error() != want {
				t.Errorf("error = %v, want %s", err, want)
			}
			t.Setenv(variable.name, variable.value)
		}
		wantSession(t, source, "first", "oidc_role_arn")
		if name := sts.SessionName(); name != "alicdn_export_exporter" {
			t.Errorf("the session is called %q", name)
		}
		t.Setenv("ALIBABA_CLOUD_ROLE_SESSION_NAME", "from-environment")
		credentials.Age(source, time.Minute)
		wantSession(t, source, "first", "oidc_role_arn")
		if name := sts.SessionName(); name != "from-environment" {
			t.Errorf("the session is called %q", name)
		}
	})

	// A role is assumed with the key in the files as they are when STS is asked.
	t.Run("assumes a role with the current base key", func(t *testing.T) {
		noKeys(t)
		sts := new(credentialstest.STS)
		base := credentialstest.Key{ID: "STS.base", Secret: "s1", Token: "t1"}
		sts.SetRole(credentialstest.Role{Key: base, ARN: testRole})
		sts.Issue(sessionKey("first"), time.Hour)
		network.Serve(t, credentialstest.Hosts{"sts.aliyuncs.com": sts})
		t.Setenv("BASE_TOKEN", base.Token)
		id, secret := secretFile(t, base.ID), secretFile(t, base.Secret)
		source := newSource(credentials.Config{
			Type: credentials.TypeRAMRoleARN, RoleARN: testRole, RoleSessionName: "ours",
			AccessKeyIDFile: id, AccessKeySecretFile: secret, SecurityTokenEnv: "BASE_TOKEN",
		})
		wantSession(t, source, "first", "ram_role_arn")
		if name := sts.SessionName(); name != "ours" {
			t.Errorf("the session is called %q", name)
		}

		base.Secret = "s2"
		sts.SetRole(credentialstest.Role{Key: base, ARN: testRole})
		sts.Issue(sessionKey("second"), time.Hour)
		key, _ := source.Credentials(context.Background())
		source.Reject(key)
		if _, err := source.Credentials(context.Background()); err == nil || err.Error() != "ram_role_arn: STS gives no key for the role: SignatureDoesNotMatch" {
			t.Errorf("error with the old base key: %v", err)
		}
		overwrite(t, secret, base.Secret)
		wantSession(t, source, "second", "ram_role_arn")

		sts.Issue(sessionKey("third"), time.Hour)
		base.ID, base.Token = "STS.other", "t2"
		sts.SetRole(credentialstest.Role{Key: base, ARN: testRole})
		overwrite(t, id, base.ID)
		t.Setenv("BASE_TOKEN", base.Token)
		credentials.Age(source, time.Minute)
		wantSession(t, source, "third", "ram_role_arn")
	})
}

func TestSourceWithFiles(t *testing.T) {
	t.Run("picks up a rotated key", func(t *testing.T) {
		noKeys(t)
		id, secret := secretFile(t, "id1\n"), secretFile(t, " secret1\n\n")
		t.Setenv("TOKEN", "token1")
		source := newSource(credentials.Config{
			Type: credentials.TypeSTS, AccessKeyIDFile: id, AccessKeySecretFile: secret, SecurityTokenEnv: "TOKEN",
		})
		want := func(n int) apiclient.Credentials {
			t.Helper()
			key, err := source.Credentials(context.Background())
			if want := (apiclient.Credentials{
				AccessKeyID: fmt.Sprint("id", n), AccessKeySecret: fmt.Sprint("secret", n), SecurityToken: fmt.Sprint("token", n), Provider: "sts",
			}); err != nil || key != want {
				t.Fatalf("key %q (%v), want number %d, whole", key.AccessKeyID, err, n)
			}
			return key
		}
		change := func(n int) {
			overwrite(t, id, fmt.Sprint("id", n))
			overwrite(t, secret, fmt.Sprint("secret", n))
			t.Setenv("TOKEN", fmt.Sprint("token", n))
		}
		want(1)
		change(2)
		want(1)
		credentials.Age(source, 31*time.Second)
		source.Reject(want(2))
		want(2) // Fetched anew, it is the same: only the API can say when it is right.
		change(3)
		source.Reject(want(2))
		want(3)

		// Half-written files are not used, and a key that is known is.
		overwrite(t, secret, "")
		credentials.Age(source, time.Minute)
		source.Reject(want(3))
		if _, err := source.Credentials(context.Background()); err == nil || err.Error() != "sts: access_key_secret_file: "+secret+" is empty" {
			t.Errorf("error = %v", err)
		}
		change(4)
		want(4)
	})

	// A mounted Secret changes in one instant, but it is read file by file. No half of
	// one key meets a half of another.
	t.Run("never combines halves of two keys", func(t *testing.T) {
		noKeys(t)
		dir := t.TempDir()
		rotate := func(n int) {
			version, next := filepath.Join(dir, fmt.Sprint(n)), filepath.Join(dir, "next")
			if err := errors.Join(
				os.Mkdir(version, 0o700),
				os.WriteFile(filepath.Join(version, "id"), fmt.Append(nil, n), 0o600),
				os.WriteFile(filepath.Join(version, "secret"), fmt.Append(nil, n), 0o600),
				os.Symlink(version, next),
				os.Rename(next, filepath.Join(dir, "data")),
			); err != nil {
				t.Error(err)
			}
		}
		rotate(0)
		source := newSource(credentials.Config{
			Type:                credentials.TypeAccessKey,
			AccessKeyIDFile:     filepath.Join(dir, "data", "id"),
			AccessKeySecretFile: filepath.Join(dir, "data", "secret"),
		})
		done := make(chan struct{})
		var rotating sync.WaitGroup
		rotating.Go(func() {
			for n := 1; ; n++ {
				select {
				case <-done:
					return
				default:
					rotate(n)
				}
			}
		})
		seen := make(map[string]bool)
		for range 3000 {
			credentials.Expire(source)
			key, err := source.Credentials(context.Background())
			if err == nil && key.AccessKeyID != key.AccessKeySecret {
				t.Errorf("the id of key %s with the secret of %s", key.AccessKeyID, key.AccessKeySecret)
				break
			}
			seen[key.AccessKeyID] = true
		}
		close(done)
		rotating.Wait()
		if len(seen) < 10 {
			t.Errorf("%d keys seen: the files hardly changed", len(seen))
		}
	})
}

func TestSourceErrors(t *testing.T) {
	t.Run("name the type and what to change", func(t *testing.T) {
		noKeys(t)
		dir := t.TempDir()
		pipe := filepath.Join(dir, "pipe")
		if err := syscall.Mkfifo(pipe, 0o600); err != nil {
			t.Fatal(err)
		}
		good, missing := secretFile(t, "Canary"), filepath.Join(dir, "missing")
		blank, lines, long := secretFile(t, " \n"), secretFile(t, "id=CanaryID\nsecret=CanarySecret\n"), secretFile(t, strings.Repeat("Canary", 20_000))
		t.Setenv("BLANK", " ")
		t.Setenv("UNPRINTABLE", "Canary\x01")
		for setting, want := range map[credentials.Config]string{
			{AccessKeySecretFile: missing}:      "access_key: access_key_secret_file: open " + missing + ": no such file or directory",
			{AccessKeySecretFile: dir}:          "access_key: access_key_secret_file: " + dir + " is not a regular file",
			{AccessKeySecretFile: pipe}:         "access_key: access_key_secret_file: " + pipe + " is not a regular file",
			{AccessKeySecretFile: blank}:        "access_key: access_key_secret_file: " + blank + " is empty",
			{AccessKeySecretFile: lines}:        "access_key: access_key_secret_file: " + lines + " contains blanks or non-ASCII characters",
			{AccessKeySecretFile: long}:         "access_key: access_key_secret_file: " + long + " is longer than 64 KiB",
			{AccessKeySecretEnv: "BLANK"}:       "access_key: access_key_secret_env: the variable that it names is empty",
			{AccessKeySecretEnv: "UNPRINTABLE"}: "access_key: access_key_secret_env: the variable that it names contains blanks or non-ASCII characters",
			// Somebody took the key's end for the secret itself.
			{AccessKeySecretEnv: "PastedSecret0001Abcdefghijklmn"}: "access_key: access_key_secret_env: the variable that it names is empty",
		} {
			setting.Type, setting.AccessKeyIDFile = credentials.TypeAccessKey, good
			source := newSource(setting)
			if _, err := source.Credentials(context.Background()); err == nil || err.Error() != want {
				t.Errorf("error = %v, want %s", err, want)
			}
		}
		if _, err := newSource(credentials.Config{Type: credentials.TypeECSRAMRole}).Credentials(context.Background()); err == nil ||
			err.Error() != "ecs_ram_role: ALIBABA_CLOUD_ECS_METADATA_DISABLED turns the metadata service off" {
			t.Errorf("error = %v", err)
		}
	})

	// The library's errors quote what the services say. Ours do not: of STS its codes
	// are told where they are known.
	t.Run("do not repeat what a service says", func(t *testing.T) {
		answer := func(status int, body string) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(status)
				_, _ = w.Write([]byte(body))
			}
		}
		services(t, func(t *testing.T, s service) {
			for body, code := range map[string]string{
				`{"AccessKeyId":"CanaryID","AccessKeySecret":"CanarySecret","Code":"Success"}`:                                                          "",
				`{"Credentials":{"AccessKeyId":"CanaryID","AccessKeySecret":"CanarySecret"}}`:                                                           "",
				`{"Credentials":{"AccessKeyId":"","AccessKeySecret":"CanarySecret","SecurityToken":"CanaryToken","Expiration":"2999-01-01T00:00:00Z"}}`: "",
				`{"Credentials":{"AccessKeyId":"i","AccessKeySecret":"CanarySecret","SecurityToken":"CanaryToken","Expiration":"Canary"}}`:              "",
				`{"Credentials":{"AccessKeyId":"i","AccessKeySecret":"CanarySecret","SecurityToken":"CanaryToken"}}`:                                    "",
				`CanarySecret`: "", `null`: "", `[]`: "", ``: "",
				`{"Code":"CanarySecret","Message":"CanaryToken"}`:            "",
				`{"Code":"credentials"}`:                                     "",
				`{"Code":"EntityNotExist.Role","Message":"CanaryToken"}`:     ": EntityNotExist.Role",
				`{"Message":"CanaryToken", "Code" : "NoPermission.Canary"}`:  ": NoPermission",
				`{"Code":"AuthenticationFail.OIDCToken.Expired","a":"b"}`:    ": AuthenticationFail.OIDCToken.Expired",
				`{"Code":"InvalidAccessKeyId.Inactive","Message":"CanaryI"}`: ": InvalidAccessKeyId.Inactive",
			} {
				for _, status := range []int{200, 403} {
					s.issuer.Fail(answer(status, body))
					_, err := newSource(s.settings).Credentials(context.Background())
					want := map[string]string{
						credentials.TypeRAMRoleARN:  "ram_role_arn: STS gives no key for the role",
						credentials.TypeOIDCRoleARN: "oidc_role_arn: STS gives no key for the role",
						credentials.TypeECSRAMRole:  "ecs_ram_role: the ECS metadata service gives no key for the role",
						credentials.TypeURI:         "credentials_uri: the URI gives no key",
					}[s.settings.Type]
					if status == 403 && strings.Contains(want, "STS") {
						want += code
					}
					if err == nil || err.Error() != want {
						t.Errorf("%d %s: error = %v, want %s", status, body, err, want)
					}
				}
			}
		})
	})

	// What keeps STS from being reached is told, without what the settings hold: a secret
	// may have been pasted there.
	t.Run("name an unreachable STS", func(t *testing.T) {
		noKeys(t)
		closed := serve(t, http.NotFoundHandler())
		for endpoint, want := range map[string]string{
			strings.TrimPrefix(closed, "http://"): "tls: the endpoint does not speak TLS",
			"127.0.0.1:1":                         "connection: dial tcp sts_endpoint:1: connect: connection refused",
		} {
			_, err := newSource(credentials.Config{
				Type: credentials.TypeOIDCRoleARN, RoleARN: testRole, OIDCProviderARN: testProvider, OIDCTokenFile: secretFile(t, "Canary"), STSEndpoint: endpoint,
			}).Credentials(context.Background())
			if want := "oidc_role_arn: STS gives no key for the role: " + want; err == nil || err.Error() != want {
				t.Errorf("error = %v, want %s", err, want)
			}
		}
		_, err := newSource(credentials.Config{Type: credentials.TypeURI, URI: "http://127.0.0.1:1/Canary"}).Credentials(context.Background())
		if err == nil || err.Error() != "credentials_uri: the URI gives no key" {
			t.Errorf("error = %v", err)
		}
	})

	// A service that hangs is given up before an API call, which waits for its key, is.
	t.Run("name a service that hangs", func(t *testing.T) {
		if testing.Short() {
			t.Skip("it takes the library's 8 seconds")
		}
		noKeys(t)
		hang := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		})
		network.Serve(t, credentialstest.Hosts{"sts.aliyuncs.com": hang, "keys.example.com": hang})
		var sources sync.WaitGroup
		for want, settings := range map[string]credentials.Config{
			"credentials: oidc_role_arn: STS gives no key for the role: timeout: no complete response within the time limit": {
				Type: credentials.TypeOIDCRoleARN, RoleARN: testRole, OIDCProviderARN: testProvider, OIDCTokenFile: secretFile(t, "token"),
			},
			"credentials: credentials_uri: the URI gives no key": {Type: credentials.TypeURI, URI: "http://keys.example.com/"},
		} {
			client := newClient(t, http.NotFoundHandler(), newSource(settings))
			sources.Go(func() {
				if _, err := client.Page(context.Background(), apiclient.Usage, 1); err == nil || err.Error() != want {
					t.Errorf("error = %v, want %s", err, want)
				}
			})
		}
		sources.Wait()
	})
}
