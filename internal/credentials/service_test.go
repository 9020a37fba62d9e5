package credentials_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
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

// service is a running service that supplies temporary keys, and the settings for getting them.
type service struct {
	server interface {
		Issue(credentialstest.Key, time.Duration)
		Fail(http.HandlerFunc)
		Calls() int
	}
	settings credentials.Config
}

// forEachService runs a test with each service. Its first key is sessionKey("first"), which expires after an hour.
func forEachService(t *testing.T, test func(*testing.T, service)) {
	t.Helper()
	for name, start := range map[string]func(*testing.T) service{
		"ram_role_arn": func(t *testing.T) service {
			sts := new(credentialstest.STS)
			base := credentialstest.Key{ID: "base", Secret: "base-secret"}
			sts.SetRole(credentialstest.Role{Key: base, ARN: testRole, ExternalID: "a+b/c=d"})
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
			s.server.Issue(sessionKey("first"), time.Hour)
			test(t, s)
		})
	}
}

// sessionKey returns a temporary key. Tests check that "Canary" does not appear where a
// secret must not.
func sessionKey(name string) credentialstest.Key {
	return credentialstest.Key{ID: "STS." + name, Secret: "CanarySecret" + name, Token: "CanaryToken" + name}
}

// wantSession expects sessionKey(name) from this provider.
func wantSession(t *testing.T, source *credentials.Source, name, provider string) {
	t.Helper()
	got, err := source.Credentials(context.Background())
	if want := sessionKey(name); err != nil || got != (apiclient.Credentials{
		AccessKeyID: want.ID, AccessKeySecret: apiclient.Secret(want.Secret), SecurityToken: apiclient.Secret(want.Token),
		Provider: provider,
	}) {
		t.Fatalf("key %q from %q (%v), want all of key %s from %s",
			got.AccessKeyID, got.Provider, err, want.ID, provider)
	}
}

func unavailable(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, `{"Code":"ServiceUnavailable"}`, http.StatusServiceUnavailable)
}

func TestSourceWithService(t *testing.T) {
	t.Run("requests a key only shortly before the last one expires or after a rejection", func(t *testing.T) {
		forEachService(t, func(t *testing.T, s service) {
			source := newSource(s.settings)
			wantSession(t, source, "first", s.settings.Type)
			s.server.Issue(sessionKey("second"), 170*time.Second)
			for range 20 {
				credentials.Age(source, time.Minute)
				wantSession(t, source, "first", s.settings.Type)
			}
			if n := s.server.Calls(); n != 1 {
				t.Errorf("%d requests for one valid key, want 1", n)
			}

			key, _ := source.Credentials(context.Background())
			source.Reject(key)
			wantSession(t, source, "second", s.settings.Type)
			s.server.Issue(sessionKey("third"), time.Hour)
			wantSession(t, source, "second", s.settings.Type) // A key is cached for 30 s.
			credentials.Age(source, time.Minute)
			wantSession(t, source, "third", s.settings.Type)
			if n := s.server.Calls(); n != 3 {
				t.Errorf("%d requests for three keys, want 3", n)
			}
		})
	})

	t.Run("uses the last key until the API rejects it, and a new key later", func(t *testing.T) {
		forEachService(t, func(t *testing.T, s service) {
			s.server.Issue(sessionKey("first"), 170*time.Second)
			first, second := sessionKey("first"), sessionKey("second")
			api := simulator.New(simulator.NewFixedAccount(), simulator.Options{
				AccessKeyID: first.ID, AccessKeySecret: first.Secret, SecurityToken: first.Token,
			})
			source := newSource(s.settings)
			client := newClient(t, api, source)
			read := func() error {
				_, err := client.Page(context.Background(), apiclient.Usage, 1)
				return err
			}
			if err := read(); err != nil {
				t.Fatal(err)
			}
			s.server.Fail(unavailable)
			credentials.Age(source, time.Minute)
			if err := read(); err != nil {
				t.Errorf("the last key is not used: %v", err)
			}
			if s.server.Calls() < 2 {
				t.Error("no renewal was tried")
			}

			api.SetCredentials(second.ID, second.Secret, second.Token)
			var failed *apiclient.Error
			for range 2 { // First the API rejects the key, then there is no key.
				if err := read(); !errors.As(err, &failed) || failed.Class != apiclient.ClassCredentials {
					t.Errorf("error = %v, want class credentials", err)
				}
			}
			text := failed.Error()
			if failed.Code != "credentials" || !contains(text, s.settings.Type+": ") || contains(text, "Canary") {
				t.Errorf("error = %v", failed)
			}

			s.server.Issue(second, time.Hour)
			if err := read(); err != nil {
				t.Errorf("the new key is not used: %v", err)
			}
		})
	})

	// A token must not be sent elsewhere, least of all without encryption.
	t.Run("follows no redirect", func(t *testing.T) {
		forEachService(t, func(t *testing.T, s service) {
			for _, status := range []int{301, 302, 303, 307, 308} {
				var followed atomic.Int64
				elsewhere := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Add(1) }))
				s.server.Fail(http.RedirectHandler(elsewhere+"/?Canary", status).ServeHTTP)
				_, err := newSource(s.settings).Credentials(t.Context())
				if err == nil || !contains(err.Error(), "the service redirects, which is not followed") || contains(err.Error(), "Canary") {
					t.Errorf("status %d: error = %v, want one about the redirect", status, err)
				}
				if n := followed.Load(); n > 0 {
					t.Errorf("status %d: the redirect was followed %d times", status, n)
				}
			}
		})
	})

	t.Run("reads little of a response", func(t *testing.T) {
		blanks := bytes.Repeat([]byte(" "), 1<<20)
		var bomb bytes.Buffer
		z := gzip.NewWriter(&bomb)
		for range 20 {
			_, _ = z.Write(blanks)
		}
		_ = z.Close()
		flood := func(w http.ResponseWriter) {
			for range 400 {
				if _, err := w.Write(blanks); err != nil {
					return
				}
			}
		}
		forEachService(t, func(t *testing.T, s service) {
			for name, tc := range map[string]struct {
				answer http.HandlerFunc
				want   string // in the error
			}{
				"400 MB": {func(w http.ResponseWriter, _ *http.Request) { flood(w) }, "larger than 64 KiB"},
				"400 MB of an error": {func(w http.ResponseWriter, _ *http.Request) {
					w.WriteHeader(http.StatusForbidden)
					flood(w)
				}, "larger than 64 KiB"},
				"a little gzip that holds 20 MB": {func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Encoding", "gzip")
					_, _ = w.Write(bomb.Bytes())
				}, "returned no key"},
				"a key after 64 KiB": {func(w http.ResponseWriter, _ *http.Request) {
					_, _ = w.Write(blanks[:64<<10])
					_, _ = w.Write([]byte(`{"AccessKeyId":"Canary"}`))
				}, "larger than 64 KiB"},
			} {
				s.server.Fail(tc.answer)
				source := newSource(s.settings)
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				_, err := source.Credentials(t.Context())
				runtime.ReadMemStats(&after)
				if err == nil || !contains(err.Error(), tc.want) || contains(err.Error(), "Canary") {
					t.Errorf("%s: error = %v, want %q", name, err, tc.want)
				}
				if grown := after.TotalAlloc - before.TotalAlloc; grown > 16<<20 {
					t.Errorf("%s: %d MiB allocated", name, grown>>20)
				}
			}
			s.server.Issue(sessionKey("first"), time.Hour)
			wantSession(t, newSource(s.settings), "first", s.settings.Type)
		})
	})

	// After a 101, the body is the connection, which may never end.
	t.Run("does not switch protocols", func(t *testing.T) {
		forEachService(t, func(t *testing.T, s service) {
			s.server.Fail(func(w http.ResponseWriter, _ *http.Request) {
				connection, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				defer connection.Close()
				_, _ = io.WriteString(connection, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
				_, _ = io.Copy(io.Discard, connection) // Until the client closes it.
			})
			began := time.Now()
			_, err := newSource(s.settings).Credentials(t.Context())
			if err == nil || time.Since(began) > 5*time.Second {
				t.Errorf("error = %v after %s", err, time.Since(began))
			}
		})
	})

	t.Run("says what a proxy answered", func(t *testing.T) {
		forEachService(t, func(t *testing.T, s service) {
			network.RefuseAll(http.StatusProxyAuthRequired)
			_, err := newSource(s.settings).Credentials(t.Context())
			https := s.settings.Type != credentials.TypeECSRAMRole
			if err == nil || contains(err.Error(), "proxy: the proxy answered 407: ") != https {
				t.Errorf("error = %v, want one about the proxy: %t", err, https)
			}
		})
	})

	t.Run("shares one request among many callers", func(t *testing.T) {
		forEachService(t, func(t *testing.T, s service) {
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
			if n := s.server.Calls(); n != 1 {
				t.Errorf("%d requests for 1,000 callers, want 1", n)
			}
			// Now with rejections and renewals at the same time.
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

	t.Run("uses the hardened mode of the metadata service", func(t *testing.T) {
		noKeys(t)
		t.Setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "")
		metadata := &credentialstest.Metadata{RoleName: "exporter"}
		metadata.Issue(sessionKey("first"), time.Hour)
		network.Serve(t, credentialstest.Hosts{credentialstest.MetadataHost: metadata})
		for _, roleName := range []string{"", "exporter"} {
			config := credentials.Config{Type: credentials.TypeECSRAMRole, RoleName: roleName}
			wantSession(t, newSource(config), "first", "ecs_ram_role")
		}
		const roles = "GET /latest/meta-data/ram/security-credentials/"
		const token = "PUT /latest/api/token"
		want := []string{token, roles, roles + "exporter", token, roles + "exporter"}
		if got := metadata.Requests(); !slices.Equal(got, want) {
			t.Errorf("requests %q, want %q", got, want)
		}
	})
}
