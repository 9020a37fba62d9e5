package credentials_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"alicdn_export_exporter/internal/credentials"
	"alicdn_export_exporter/internal/credentials/credentialstest"
)

// The library itself assumes the role of a CLI profile.
func TestRestrictLibrary(t *testing.T) {
	home := noKeys(t)
	path := filepath.Join(home, ".aliyun", "config.json")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	profile := fmt.Sprintf(`{"current":"default","profiles":[{"name":"default","mode":"RamRoleArn","access_key_id":"base",`+
		`"access_key_secret":"base-secret","ram_role_arn":%q,"ram_session_name":"test"}]}`, testRole)
	if err := os.WriteFile(path, []byte(profile), 0o600); err != nil {
		t.Fatal(err)
	}
	sts := new(credentialstest.STS)
	sts.SetRole(credentialstest.Role{Key: credentialstest.Key{ID: "base", Secret: "base-secret"}, ARN: testRole})
	sts.Issue(sessionKey("profile"), time.Hour)
	var followed atomic.Int64
	network.Serve(t, credentialstest.Hosts{
		"sts.aliyuncs.com":  sts,
		"elsewhere.example": http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Add(1) }),
	})
	wantKey(t, newSource(credentials.Config{}), "STS.profile")

	sts.Fail(http.RedirectHandler("http://elsewhere.example/", http.StatusTemporaryRedirect).ServeHTTP)
	if _, err := newSource(credentials.Config{}).Credentials(t.Context()); err == nil || followed.Load() > 0 {
		t.Errorf("error = %v, the redirect was followed %d times", err, followed.Load())
	}
	sts.Fail(func(w http.ResponseWriter, r *http.Request) {
		if encoding := r.Header.Get("Accept-Encoding"); encoding != "identity" && encoding != "" {
			t.Errorf("it accepts %q", encoding)
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	if _, err := newSource(credentials.Config{}).Credentials(t.Context()); err == nil {
		t.Error("no error")
	}
}
