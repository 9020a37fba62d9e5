package credentials_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"alicdn_export_exporter/apiclient"
)

// noKeys removes every source of keys from the environment and disables the metadata service. It returns the home
// directory, which is empty.
func noKeys(t *testing.T) (home string) {
	t.Helper()
	for _, name := range []string{
		"ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN",
		"ALIBABA_CLOUD_OIDC_TOKEN", "ALIBABA_CLOUD_OIDC_TOKEN_FILE", "ALIBABA_CLOUD_CONFIG_FILE", "ALIBABA_CLOUD_PROFILE",
		"ALIBABA_CLOUD_CREDENTIALS_FILE", "ALIBABA_CLOUD_ECS_METADATA", "ALIBABA_CLOUD_CREDENTIALS_URI",
		"ALIBABA_CLOUD_ROLE_ARN", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "ALIBABA_CLOUD_ROLE_SESSION_NAME",
		"ALIBABA_CLOUD_STS_REGION",
	} {
		t.Setenv(name, "")
	}
	t.Setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
	home = t.TempDir()
	t.Setenv("HOME", home)
	return home
}

// wantKey expects a complete key with this id.
func wantKey(t *testing.T, provider apiclient.CredentialsProvider, id string) {
	t.Helper()
	key, err := provider.Credentials(context.Background())
	if err != nil || key.AccessKeyID != id || key.AccessKeySecret == "" || key.Provider == "" {
		t.Fatalf("key %q from %q (%v), want %q", key.AccessKeyID, key.Provider, err, id)
	}
}

// writeProfile writes a profile of the CLI with a key of this id.
func writeProfile(t *testing.T, home, id string) {
	t.Helper()
	path := filepath.Join(home, ".aliyun", "config.json")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	profile := `{"current":"default","profiles":[
		{"name":"default","mode":"AK","access_key_id":%q,"access_key_secret":"s"}]}`
	if err := os.WriteFile(path, fmt.Appendf(nil, profile, id), 0o600); err != nil {
		t.Fatal(err)
	}
}

// keyServer is a service at a credentials URI whose answer a test can change.
type keyServer struct {
	calls  atomic.Int64
	answer atomic.Pointer[func(http.ResponseWriter)]
}

func (k *keyServer) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	k.calls.Add(1)
	(*k.answer.Load())(w)
}

func (k *keyServer) set(answer func(http.ResponseWriter)) { k.answer.Store(&answer) }

// session answers with a temporary key.
func session(id string, lifetime time.Duration) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		_, _ = fmt.Fprintf(w, `{"Code":"Success","AccessKeyId":%q,"AccessKeySecret":"CanarySecret",`+
			`"SecurityToken":"CanaryToken","Expiration":%q}`, id, time.Now().Add(lifetime).UTC().Format(time.RFC3339))
	}
}

// useKeyServer makes a key server the only source of keys.
func useKeyServer(t *testing.T) *keyServer {
	t.Helper()
	noKeys(t)
	server := new(keyServer)
	t.Setenv("ALIBABA_CLOUD_CREDENTIALS_URI", serve(t, server))
	return server
}

// secretFile writes a file and returns its path.
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
