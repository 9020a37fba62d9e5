package credentials_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	library "github.com/aliyun/credentials-go/credentials"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/credentials"
)

func TestSource(t *testing.T) {
	t.Run("caches a key", func(t *testing.T) {
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
			t.Errorf("%d requests to the key server for 1,000 calls, want 1", n)
		}
	})

	t.Run("returns at the deadline and keeps the key for the next caller", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			slow := credentials.NewChain(func() (library.Credential, error) {
				time.Sleep(time.Minute) // Fake time.
				return permanentKey("slow")
			})
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			began := time.Now()
			if _, err := slow.Credentials(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
				t.Errorf("error = %v after %s, want DeadlineExceeded after 1 s", err, time.Since(began))
			}
			wantKey(t, slow, "slow")
			if took := time.Since(began); took != time.Minute {
				t.Errorf("the second caller got the key after %s, want 1 minute, when the first fetch ends", took)
			}
		})
	})

	t.Run("turns a panic of the library into an error", func(t *testing.T) {
		chain := credentials.NewChain(func() (library.Credential, error) { panic("CanarySecret") })
		if _, err := chain.Credentials(context.Background()); err == nil || contains(err.Error(), "Canary") {
			t.Errorf("error = %v", err)
		}
	})

	t.Run("renews a token that the API calls expired, within the same call", func(t *testing.T) {
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

	t.Run("returns the last key if a renewal takes more than a second", func(t *testing.T) {
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

	// The renewal in flight may have got the rejected key.
	t.Run("fetches again if the API rejects the key during a renewal", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var providers atomic.Int64
			chain := credentials.NewChain(func() (library.Credential, error) {
				n := providers.Add(1)
				if n == 2 {
					time.Sleep(500 * time.Millisecond) // Fake time.
				}
				return permanentKey(fmt.Sprint("key", max(n, 2)))
			})
			wantKey(t, chain, "key2")
			time.Sleep(6 * time.Minute) // Fake time. The second provider returns the same key.
			var renewal sync.WaitGroup
			renewal.Go(func() { wantKey(t, chain, "key3") })
			synctest.Wait()
			chain.Reject(apiclient.Credentials{AccessKeyID: "key2", AccessKeySecret: "s", Provider: "static_ak"})
			renewal.Wait()
			wantKey(t, chain, "key3")
		})
	})
}

// permanentKey returns a provider of a permanent key.
func permanentKey(id string) (library.Credential, error) {
	config := new(library.Config).SetType("access_key").SetAccessKeyId(id).SetAccessKeySecret("s")
	return library.NewCredential(config)
}

// hanging returns a function that makes the first provider at once and every other one after a minute.
func hanging() func() (library.Credential, error) {
	var providers atomic.Int64
	return func() (library.Credential, error) {
		if providers.Add(1) > 1 {
			time.Sleep(time.Minute) // Fake time.
		}
		return permanentKey("known")
	}
}
