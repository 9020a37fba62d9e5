package credentials_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/credentials"
)

// The callback renewed of NewSource.
func TestSourceRenewed(t *testing.T) {
	t.Run("is called once for each change", func(t *testing.T) {
		noKeys(t)
		synctest.Test(t, func(t *testing.T) {
			var reported []string
			id, secret := secretFile(t, "known"), secretFile(t, "s")
			source := credentials.NewSource(credentials.Config{
				Type: credentials.TypeAccessKey, AccessKeyIDFile: id, AccessKeySecretFile: secret,
			}, nil, func(err error) { reported = append(reported, fmt.Sprint(err)) })
			expect := func(when string, want ...string) {
				t.Helper()
				for range 3 {
					wantKey(t, source, "known")
					time.Sleep(time.Minute) // Fake time. Each call reads the key again.
				}
				if diff := cmp.Diff(want, reported); diff != "" {
					t.Errorf("%s: -want +reported:\n%s", when, diff)
				}
				reported = nil
			}
			expect("while the file is good")
			overwrite(t, secret, "")
			expect("after the file was emptied", "access_key: access_key_secret_file: "+secret+" is empty")
			if err := os.Remove(secret); err != nil {
				t.Fatal(err)
			}
			expect("after the file was removed",
				"access_key: access_key_secret_file: open "+secret+": no such file or directory")
			overwrite(t, secret, "s")
			expect("after the file was written again", "<nil>")

			overwrite(t, secret, "")
			source.Reject(apiclient.Credentials{
				AccessKeyID: "known", AccessKeySecret: "s", Provider: credentials.TypeAccessKey,
			})
			if _, err := source.Credentials(context.Background()); err == nil || reported != nil {
				t.Errorf("without a key: error = %v, reported %q, want an error and no report", err, reported)
			}
			overwrite(t, secret, "s")
			expect("after the rejected key was replaced")
		})
	})

	t.Run("is not called again if only the local port differs", func(t *testing.T) {
		server := useKeyServer(t)
		server.set(session("known", time.Hour))
		reported := 0
		source := credentials.NewSource(credentials.Config{}, nil, func(error) { reported++ })
		wantKey(t, source, "known")
		for _, text := range []string{
			"read tcp 10.0.0.1:1111->10.0.0.2:443: reset",
			"read tcp 10.0.0.1:2222->10.0.0.2:443: reset",
		} {
			credentials.Report(source, errors.New(text))
			if reported != 1 {
				t.Errorf("after %q: %d reports, want 1", text, reported)
			}
		}
	})
}
