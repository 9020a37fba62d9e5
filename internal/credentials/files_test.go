package credentials_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/credentials"
)

func TestSourceWithFiles(t *testing.T) {
	t.Run("reads changed files again", func(t *testing.T) {
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
				AccessKeyID: fmt.Sprint("id", n), AccessKeySecret: apiclient.Secret(fmt.Sprint("secret", n)),
				SecurityToken: apiclient.Secret(fmt.Sprint("token", n)), Provider: "sts",
			}); err != nil || key != want {
				t.Fatalf("key %q (%v), want all parts of key %d", key.AccessKeyID, err, n)
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
		want(2) // The files did not change, so the same key is fetched again.
		change(3)
		source.Reject(want(2))
		want(3)

		// An empty file is an error, because the API rejected the last key.
		overwrite(t, secret, "")
		credentials.Age(source, time.Minute)
		source.Reject(want(3))
		wantErr := "sts: access_key_secret_file: " + secret + " is empty"
		if _, err := source.Credentials(context.Background()); err == nil || err.Error() != wantErr {
			t.Errorf("error = %v, want %s", err, wantErr)
		}
		change(4)
		want(4)
	})

	// A mounted Secret changes all its files at once, but they are read one after the other.
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
			if err == nil && key.AccessKeyID != string(key.AccessKeySecret) {
				t.Errorf("the id of key %s came with the secret of key %s", key.AccessKeyID, key.AccessKeySecret)
				break
			}
			seen[key.AccessKeyID] = true
		}
		close(done)
		rotating.Wait()
		if len(seen) < 10 {
			t.Errorf("only %d keys seen, want 10 or more", len(seen))
		}
	})
}
