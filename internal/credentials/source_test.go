package credentials_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	library "github.com/aliyun/credentials-go/credentials"
	"github.com/google/go-cmp/cmp"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/credentials"
)

// noKeys takes every source of keys away, the metadata service above all.
func noKeys(t *testing.T) (home string) {
	t.Helper()
	for _, name := range []string{
		"ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN",
		"ALIBABA_CLOUD_OIDC_TOKEN", "ALIBABA_CLOUD_OIDC_TOKEN_FILE", "ALIBABA_CLOUD_CONFIG_FILE", "ALIBABA_CLOUD_PROFILE",
		"ALIBABA_CLOUD_CREDENTIALS_FILE", "ALIBABA_CLOUD_ECS_METADATA", "ALIBABA_CLOUD_CREDENTIALS_URI",
		"ALIBABA_CLOUD_ROLE_ARN", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "ALIBABA_CLOUD_ROLE_SESSION_NAME", "ALIBABA_CLOUD_STS_REGION",
	} {
		t.Setenv(name, "")
	}
	t.Setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
	home = t.TempDir()
	t.Setenv("HOME", home)
	return home
}

func wantKey(t *testing.T, provider apiclient.CredentialsProvider, id string) {
	t.Helper()
	key, err := provider.Credentials(context.Background())
	if err != nil || key.AccessKeyID != id || key.AccessKeySecret == "" || key.Provider == "" {
		t.Fatalf("key %q from %q (%v), want %q", key.AccessKeyID, key.Provider, err, id)
	}
}

func writeProfile(t *testing.T, home, id string) {
	t.Helper()
	path := filepath.Join(home, ".aliyun", "config.json")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	profile := `{"current":"default","profiles":[{"name":"default","mode":"AK","access_key_id":%q,"access_key_secret":"s"}]}`
	if err := os.WriteFile(path, fmt.Appendf(nil, profile, id), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestDefaultChain(t *testing.T) {
	t.Run("finds a key in the environment", func(t *testing.T) {
		noKeys(t)
		t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "env")
		t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret")
		wantKey(t, newSource(credentials.Config{}), "env")
	})

	// A library chain that found nothing finds nothing for ever; ours looks again.
	t.Run("looks again after it found nothing", func(t *testing.T) {
		home := noKeys(t)
		chain := newSource(credentials.Config{})
		if _, err := chain.Credentials(context.Background()); err == nil {
			t.Fatal("a key where there is none")
		}
		writeProfile(t, home, "late")
		wantKey(t, chain, "late")
	})

	// The library never reads a changed profile again. Ours does within minutes, and
	// at once when the API rejects the old key.
	t.Run("picks up a rotated key", func(t *testing.T) {
		home := noKeys(t)
		synctest.Test(t, func(t *testing.T) {
			writeProfile(t, home, "old")
			chain := newSource(credentials.Config{})
			wantKey(t, chain, "old")
			writeProfile(t, home, "new")
			wantKey(t, chain, "old")
			time.Sleep(6 * time.Minute) // Fake time.
			wantKey(t, chain, "new")

			writeProfile(t, home, "newest")
			chain.Reject(apiclient.Credentials{AccessKeyID: "another"})
			wantKey(t, chain, "new")
			key, _ := chain.Credentials(context.Background())
			chain.Reject(key)
			wantKey(t, chain, "newest")
		})
	})

	t.Run("does not show the library's errors", func(t *testing.T) {
		server := useKeyServer(t)
		for name, answer := range map[string]func(http.ResponseWriter){
			"incomplete": func(w http.ResponseWriter) {
				_, _ = w.Write([]byte(`{"Code":"Success","AccessKeyId":"CanaryID","AccessKeySecret":"CanarySecret"}`))
			},
			"an error":  func(w http.ResponseWriter) { http.Error(w, "CanarySecret", http.StatusInternalServerError) },
			"not JSON":  func(w http.ResponseWriter) { _, _ = w.Write([]byte(`CanarySecret`)) },
			"not a key": func(w http.ResponseWriter) { _, _ = w.Write([]byte(`null`)) },
		} {
			server.set(answer)
			_, err := newSource(credentials.Config{}).Credentials(context.Background())
			if err == nil || contains(err.Error(), "Canary") || contains(err.Error(), "127.0.0.1") {
				t.Errorf("%s: error = %v, want one without what the server said", name, err)
			}
			got := pageError(t, newClient(t, http.NotFoundHandler(), newSource(credentials.Config{})))
			if want := (apiclient.ErrorKind{Code: "credentials", Class: apiclient.ClassCredentials}); got.Kind() != want || contains(got.Error(), "Canary") {
				t.Errorf("%s: error = %v", name, got)
			}
		}
	})

	// A token's renewal that fails once costs nothing: the old one is used until the
	// API rejects it.
	t.Run("keeps the last key when a renewal fails", func(t *testing.T) {
		server := useKeyServer(t)
		down := func(w http.ResponseWriter) { http.Error(w, "", http.StatusInternalServerError) }
		server.set(session("first", 4*time.Minute))
		chain := newSource(credentials.Config{})
		wantKey(t, chain, "first")
		server.set(down)
		credentials.Age(chain, 6*time.Minute)
		wantKey(t, chain, "first")
		calls := server.calls.Load()
		wantKey(t, chain, "first")
		if server.calls.Load() != calls {
			t.Error("a renewal that failed is tried again with every call")
		}
		server.set(session("second", time.Hour))
		credentials.Age(chain, time.Minute)
		wantKey(t, chain, "second")

		server.set(down)
		key, _ := chain.Credentials(context.Background())
		chain.Reject(key)
		if key, err := chain.Credentials(context.Background()); err == nil {
			t.Errorf("the rejected key is given again: %q", key.AccessKeyID)
		}
		server.set(session("third", time.Hour))
		wantKey(t, chain, "third")
	})
}

// keyServer stands in for a credentials URI.
type keyServer struct {
	calls  atomic.Int64
	answer atomic.Pointer[func(http.ResponseWriter)]
}

func (k *keyServer) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	k.calls.Add(1)
	(*k.answer.Load())(w)
}

func (k *keyServer) set(answer func(http.ResponseWriter)) { k.answer.Store(&answer) }

func session(id string, life time.Duration) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		_, _ = fmt.Fprintf(w, `{"Code":"Success","AccessKeyId":%q,"AccessKeySecret":"CanarySecret","SecurityToken":"CanaryToken","Expiration":%q}`,
			id, time.Now().Add(life).UTC().Format(time.RFC3339))
	}
}

func useKeyServer(t *testing.T) *keyServer {
	t.Helper()
	noKeys(t)
	server := new(keyServer)
	t.Setenv("ALIBABA_CLOUD_CREDENTIALS_URI", serve(t, server))
	return server
}

func TestRenewed(t *testing.T) {
	// While the last key is good nothing else says that there will be no other.
	t.Run("is called once for each change", func(t *testing.T) {
		noKeys(t)
		synctest.Test(t, func(t *testing.T) {
			var told []string
			id, secret := secretFile(t, "known"), secretFile(t, "s")
			source := credentials.NewSource(credentials.Config{
				Type: credentials.TypeAccessKey, AccessKeyIDFile: id, AccessKeySecretFile: secret,
			}, func(err error) { told = append(told, fmt.Sprint(err)) })
			expect := func(what string, want ...string) {
				t.Helper()
				for range 3 {
					wantKey(t, source, "known")
					time.Sleep(time.Minute) // Fake time: the key is read anew with each call.
				}
				if diff := cmp.Diff(want, told); diff != "" {
					t.Errorf("%s: -want +told:\n%s", what, diff)
				}
				told = nil
			}
			expect("all is well")
			overwrite(t, secret, "")
			expect("the file is empty", "access_key: access_key_secret_file: "+secret+" is empty")
			if err := os.Remove(secret); err != nil {
				t.Fatal(err)
			}
			expect("the file is gone", "access_key: access_key_secret_file: open "+secret+": no such file or directory")
			overwrite(t, secret, "s")
			expect("it is there again", "<nil>")

			overwrite(t, secret, "")
			source.Reject(apiclient.Credentials{AccessKeyID: "known", AccessKeySecret: "s", Provider: credentials.TypeAccessKey})
			if _, err := source.Credentials(context.Background()); err == nil || told != nil {
				t.Errorf("without a key: %v is the caller's, %q is told", err, told)
			}
			overwrite(t, secret, "s")
			expect("a key again")
		})
	})

	// A connection has another local port each time: that is no news.
	t.Run("is not called again for another local port", func(t *testing.T) {
		server := useKeyServer(t)
		server.set(session("known", time.Hour))
		told := 0
		source := credentials.NewSource(credentials.Config{}, func(error) { told++ })
		wantKey(t, source, "known")
		for port, text := range []string{"read tcp 10.0.0.1:1111->10.0.0.2:443: reset", "read tcp 10.0.0.1:2222->10.0.0.2:443: reset"} {
			credentials.Report(source, errors.New(text))
			if told != 1 {
				t.Errorf("after %d ports it was told %d times, want once", port+1, told)
			}
		}
	})
}

func TestSource(t *testing.T) {
	t.Run("does not fetch a key that it has", func(t *testing.T) {
		server := useKeyServer(t)
		server.set(session("one", time.Hour))
		chain := newSource(credentials.Config{})
		var callers sync.WaitGroup
		for range 100 {
			callers.Go(func() {
				for range 10 {
					if _, err := chain.Credentials(context.Background()); err != nil {
						t.Error(err)
					}
				}
			})
		}
		callers.Wait()
		if n := server.calls.Load(); n != 1 {
			t.Errorf("%d calls of the credentials service for 1,000 requests, want 1", n)
		}
	})

	// The library takes no context. Whoever waits leaves in time all the same, and
	// the next one finds the key.
	t.Run("is bounded by the context", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			slow := credentials.NewChain(func() (library.Credential, error) {
				time.Sleep(time.Minute) // Fake time.
				return library.NewCredential(new(library.Config).SetType("access_key").SetAccessKeyId("slow").SetAccessKeySecret("s"))
			})
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			began := time.Now()
			if _, err := slow.Credentials(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
				t.Errorf("error = %v after %s, want the deadline's after 1 s", err, time.Since(began))
			}
			wantKey(t, slow, "slow")
			if took := time.Since(began); took != time.Minute {
				t.Errorf("the second caller had the key after %s, want it after the one fetch of a minute", took)
			}
		})
	})

	t.Run("turns a panic of the library into an error", func(t *testing.T) {
		chain := credentials.NewChain(func() (library.Credential, error) { panic("CanarySecret") })
		if _, err := chain.Credentials(context.Background()); err == nil || contains(err.Error(), "Canary") {
			t.Errorf("error = %v", err)
		}
	})

	// A token that the API calls expired is fetched anew, once, within the same call.
	t.Run("renews an expired token within the call", func(t *testing.T) {
		server := useKeyServer(t)
		server.set(session("STS.old", time.Hour))
		chain := newSource(credentials.Config{})
		wantKey(t, chain, "STS.old")
		server.set(session("STS.new", time.Hour))
		var signatures []string
		client := newClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			signatures = append(signatures, r.Header.Get("Authorization"))
			if len(signatures) == 1 {
				http.Error(w, `{"Code":"InvalidSecurityToken.Expired"}`, http.StatusForbidden)
				return
			}
			_, _ = w.Write([]byte(`{"UsageDataPerPage":{"PageNumber":1,"TotalCount":0}}`))
		}), chain)
		if _, err := client.Page(context.Background(), apiclient.Usage, 1); err != nil {
			t.Fatal(err)
		}
		if len(signatures) != 2 || !contains(signatures[0], "STS.old") || !contains(signatures[1], "STS.new") {
			t.Error("the second attempt was not signed with the new token")
		}
	})

	// A renewal that hangs holds nobody up who has a key already.
	t.Run("keeps the last key when a renewal hangs", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			chain := credentials.NewChain(hanging())
			wantKey(t, chain, "known")
			time.Sleep(6 * time.Minute) // Fake time.
			began := time.Now()
			wantKey(t, chain, "known")
			if waited := time.Since(began); waited > time.Second {
				t.Errorf("waited %s for a renewal, want a second at most", waited)
			}
			time.Sleep(2 * time.Minute) // The renewal ends.
		})
	})

	// A renewal that was under way when the API rejected the key may have got the same
	// one: it does not count.
	t.Run("drops a key that is rejected during its renewal", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var builds atomic.Int64
			chain := credentials.NewChain(func() (library.Credential, error) {
				n := builds.Add(1)
				if n == 2 {
					time.Sleep(500 * time.Millisecond) // Fake time.
				}
				return library.NewCredential(new(library.Config).SetType("access_key").SetAccessKeyId(fmt.Sprint("key", max(n, 2))).SetAccessKeySecret("s"))
			})
			wantKey(t, chain, "key2")
			time.Sleep(6 * time.Minute) // The second build gives the same key.
			var renewal sync.WaitGroup
			renewal.Go(func() { wantKey(t, chain, "key3") })
			synctest.Wait()
			chain.Reject(apiclient.Credentials{AccessKeyID: "key2", AccessKeySecret: "s", Provider: "static_ak"})
			renewal.Wait()
			wantKey(t, chain, "key3")
		})
	})
}

// hanging gives a key at once and then never again within the test's patience.
func hanging() func() (library.Credential, error) {
	var builds atomic.Int64
	return func() (library.Credential, error) {
		if builds.Add(1) > 1 {
			time.Sleep(time.Minute) // Fake time.
		}
		return library.NewCredential(new(library.Config).SetType("access_key").SetAccessKeyId("known").SetAccessKeySecret("s"))
	}
}
