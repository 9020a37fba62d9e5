package credentials_test

import (
	"context"
	"net/http"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/credentials"
	"alicdn_export_exporter/internal/credentials/credentialstest"
)

func TestSourceDefaultChain(t *testing.T) {
	t.Run("finds a key in the environment", func(t *testing.T) {
		noKeys(t)
		t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "env")
		t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret")
		wantKey(t, newSource(credentials.Config{}), "env")
	})

	// The library's own chain repeats its first failure.
	t.Run("searches again after it found no key", func(t *testing.T) {
		home := noKeys(t)
		chain := newSource(credentials.Config{})
		if _, err := chain.Credentials(context.Background()); err == nil {
			t.Fatal("no error without a key")
		}
		writeProfile(t, home, "late")
		wantKey(t, chain, "late")
	})

	// The library's own chain reads a profile only once.
	t.Run("reads a changed profile again after minutes or a rejection", func(t *testing.T) {
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

	t.Run("says why RRSA gave no key", func(t *testing.T) {
		noKeys(t)
		sts := new(credentialstest.STS)
		sts.SetRole(credentialstest.Role{ARN: testRole, OIDCProviderARN: testProvider, OIDCToken: "CanaryToken"})
		network.Serve(t, credentialstest.Hosts{"sts.aliyuncs.com": sts})
		t.Setenv("ALIBABA_CLOUD_ROLE_ARN", testRole+"-2")
		t.Setenv("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", testProvider)
		token := secretFile(t, "CanaryOther")
		t.Setenv("ALIBABA_CLOUD_OIDC_TOKEN_FILE", token)
		expect := func(want string) {
			t.Helper()
			_, err := newSource(credentials.Config{}).Credentials(context.Background())
			if err == nil || err.Error() != "OIDC: "+want {
				t.Errorf("error = %v, want OIDC: %s", err, want)
			}
		}
		const noKey = "STS returned no key for the role in ALIBABA_CLOUD_ROLE_ARN"
		expect(noKey + ": AuthenticationFail.OIDCToken.Invalid")
		overwrite(t, token, "CanaryToken")
		expect(noKey + ": EntityNotExist.Role")
		sts.Fail(unavailable)
		expect(noKey)
		if err := os.Remove(token); err != nil {
			t.Fatal(err)
		}
		expect("open " + token + ": no such file or directory")
	})

	t.Run("hides what the server sent", func(t *testing.T) {
		server := useKeyServer(t)
		for name, answer := range map[string]func(http.ResponseWriter){
			"an incomplete key": func(w http.ResponseWriter) {
				_, _ = w.Write([]byte(`{"Code":"Success","AccessKeyId":"CanaryID","AccessKeySecret":"CanarySecret"}`))
			},
			"an error": func(w http.ResponseWriter) { http.Error(w, "CanarySecret", http.StatusInternalServerError) },
			"no JSON":  func(w http.ResponseWriter) { _, _ = w.Write([]byte(`CanarySecret`)) },
			"null":     func(w http.ResponseWriter) { _, _ = w.Write([]byte(`null`)) },
		} {
			server.set(answer)
			_, err := newSource(credentials.Config{}).Credentials(context.Background())
			if err == nil || contains(err.Error(), "Canary") || contains(err.Error(), "127.0.0.1") {
				t.Errorf("%s: error = %v, want one without the server's response", name, err)
			}
			got := pageError(t, newClient(t, http.NotFoundHandler(), newSource(credentials.Config{})))
			want := apiclient.ErrorKind{Code: "credentials", Class: apiclient.ClassCredentials}
			if got.Kind() != want || contains(got.Error(), "Canary") {
				t.Errorf("%s: error = %v", name, got)
			}
		}
	})

	t.Run("keeps the last key after a failed renewal until the API rejects it", func(t *testing.T) {
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
			t.Error("every call tries the failed renewal again")
		}
		server.set(session("second", time.Hour))
		credentials.Age(chain, time.Minute)
		wantKey(t, chain, "second")

		server.set(down)
		key, _ := chain.Credentials(context.Background())
		chain.Reject(key)
		if key, err := chain.Credentials(context.Background()); err == nil {
			t.Errorf("the rejected key is returned again: %q", key.AccessKeyID)
		}
		server.set(session("third", time.Hour))
		wantKey(t, chain, "third")
	})
}
