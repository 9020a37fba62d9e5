package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"alicdn_export_exporter/internal/config"
)

// While the last key works, only the log says that its renewal fails.
func TestNewCredentials(t *testing.T) {
	dir := t.TempDir()
	id, secret := filepath.Join(dir, "id"), filepath.Join(dir, "secret")
	for _, path := range []string{id, secret} {
		if err := os.WriteFile(path, []byte("canary\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		accounts := &accounts{
			flags:  &config.Flags{APITimeout: time.Second, Concurrency: 1, MaxTasks: 1},
			logger: newLogs("info", "logfmt", &log).gokit, connections: new(http.Transport),
		}
		account, err := accounts.newAccount(config.Account{
			Name: "main", Endpoint: "cdn.aliyuncs.com", TimeZone: "UTC", RateLimit: 1,
			Credentials: config.Credentials{Type: "access_key", AccessKeyIDFile: id, AccessKeySecretFile: secret},
		})
		if err != nil {
			t.Fatal(err)
		}
		expectLog := func(when, want string) {
			t.Helper()
			for range 3 {
				if _, err := account.credentials.Credentials(t.Context()); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute) // Fake time: each call reads the files again.
			}
			if got := regexp.MustCompile(`time=\S+ caller=\S+ `).ReplaceAllString(log.String(), ""); got != want {
				t.Errorf("%s the log is\n%s\nwant\n%s", when, got, want)
			}
		}
		expectLog("while the key is renewed", "")
		if err := os.Rename(secret, secret+".gone"); err != nil {
			t.Fatal(err)
		}
		failed := `level=warn account=main msg="The key cannot be renewed, the last one is used until the API refuses it" ` +
			`err="access_key: access_key_secret_file: open ` + secret + ": no such file or directory\"\n"
		expectLog("without a file", failed)
		if err := os.Rename(secret+".gone", secret); err != nil {
			t.Fatal(err)
		}
		expectLog("with the file again", failed+"level=info account=main msg=\"The key can be renewed again\"\n")
	})
}

// Every field of the configuration's credentials reaches the client.
func TestKeySettings(t *testing.T) {
	var settings config.Credentials
	fields := reflect.ValueOf(&settings).Elem()
	for n := range fields.NumField() {
		fields.Field(n).SetString(fmt.Sprintf("<value %d>", n))
	}
	translated := fmt.Sprintf("%+v", keySettings(settings))
	for n := range fields.NumField() {
		if strings.Count(translated, fields.Field(n).String()) != 1 {
			t.Errorf("%s is not once in %s", fields.Type().Field(n).Name, translated)
		}
	}
}
