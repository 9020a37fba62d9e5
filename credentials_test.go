package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"alicdn_export_exporter/internal/config"
	"alicdn_export_exporter/internal/keyservice"
	"alicdn_export_exporter/internal/simulator"
	"alicdn_export_exporter/internal/simulator/scenario"
)

const (
	testRole     = "acs:ram::1234567890123456:role/exporter"
	testProvider = "acs:ram::1234567890123456:oidc-provider/cluster"
)

// secretFile makes a file of a secret, with a line end as most have.
func secretFile(t *testing.T, secret string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// accountOf is a configuration file with one account of an API.
func accountOf(t *testing.T, api http.Handler, credentials string) (flag string) {
	t.Helper()
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	return "--config.file=" + write(t, fmt.Sprintf("accounts:\n- name: main\n  endpoint: %s\n  credentials: %s\n", server.URL, credentials))
}

func up(page, account string) string {
	return sample(page, `up{account="`+account+`",export="usage"}`)
}

func TestARoleIsAssumedAndItsKeyReadsTheList(t *testing.T) {
	sts := new(keyservice.STS)
	sts.Trust(keyservice.Trust{Base: keyservice.Key{ID: "LTAIbase", Secret: "base-secret"}, RoleARN: testRole, ExternalID: "tenant-1"})
	sts.Issue(keyservice.Key{ID: "STS.one", Secret: "secret-one", Token: "token-one"}, time.Hour)
	network.Serve(t, map[string]http.Handler{"sts.aliyuncs.com": sts})
	api, err := scenario.New("healthy", simulator.Options{AccessKeyID: "STS.one", AccessKeySecret: "secret-one", SecurityToken: "token-one"})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("BASE_SECRET", "base-secret")
	file := accountOf(t, api, fmt.Sprintf("{type: ram_role_arn, role_arn: %q, external_id: tenant-1, access_key_id_file: %s, access_key_secret_env: BASE_SECRET}",
		testRole, secretFile(t, "LTAIbase")))

	if status, stdout, stderr := once(t, "check", file); status != 0 || !strings.Contains(stdout, "credentials   ok      from ram_role_arn\n") {
		t.Errorf("check exits with %d:\n%s%s", status, stdout, stderr)
	}
	p, address := exporter(t, file, "--cache.ttl=0s")
	refreshes := 0
	scrape := func(want string) {
		t.Helper()
		refreshes++
		if page := afterRefresh(t, address, refreshes); up(page, "main") != want {
			t.Errorf("up is %q, want %s:\n%s", up(page, "main"), want, page)
		}
	}
	scrape("1")
	scrape("1")
	if n := sts.Calls(); n != 2 { // One of the check, one of the exporter.
		t.Errorf("STS was asked %d times", n)
	}

	// A token that the API does not take any more is replaced within the same refresh.
	api.SetCredentials("STS.one", "secret-one", "token-two")
	sts.Issue(keyservice.Key{ID: "STS.one", Secret: "secret-one", Token: "token-two"}, time.Hour)
	scrape("1")

	// A key that is gone is an error, which the next refresh has put right.
	api.SetCredentials("STS.two", "secret-two", "token-three")
	sts.Issue(keyservice.Key{ID: "STS.two", Secret: "secret-two", Token: "token-three"}, time.Hour)
	scrape("0")
	scrape("1")
	p.stop()
}

// Each type, in one program, gets the key with which its account is read.
func TestAccountsOfEveryTypeAreReadByOneProgram(t *testing.T) {
	key := keyservice.Key{ID: "STS.key", Secret: "the-secret", Token: "the-token"}
	base := keyservice.Key{ID: "STS.base", Secret: "base-secret", Token: "base-token"}
	sts, vpc, metadata, uri := new(keyservice.STS), new(keyservice.STS), &keyservice.Metadata{RoleName: "instance"}, new(keyservice.URI)
	sts.Trust(keyservice.Trust{Base: base, RoleARN: testRole})
	vpc.Trust(keyservice.Trust{RoleARN: testRole, ProviderARN: testProvider, OIDCToken: "a.b.c"})
	sts.Issue(key, time.Hour)
	vpc.Issue(key, time.Hour)
	metadata.Issue(key, time.Hour)
	uri.Issue(key, time.Hour)
	network.Serve(t, map[string]http.Handler{
		"sts.aliyuncs.com": sts, "sts-vpc.cn-shanghai.aliyuncs.com": vpc, keyservice.MetadataHost: metadata, "keys.internal": uri,
	})
	t.Setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "")
	setKey(t, key.ID, key.Secret, key.Token) // For default.
	t.Setenv("BASE_TOKEN", base.Token)

	permanent := httptest.NewServer(simulator.New(simulator.NewFixedAccount(), simulator.Options{}))
	defer permanent.Close()
	temporary := httptest.NewServer(simulator.New(simulator.NewFixedAccount(), simulator.Options{AccessKeyID: key.ID, AccessKeySecret: key.Secret, SecurityToken: key.Token}))
	defer temporary.Close()

	keyFiles := func(key keyservice.Key) string {
		return fmt.Sprintf("access_key_id_file: %s, access_key_secret_file: %s", secretFile(t, key.ID), secretFile(t, key.Secret))
	}
	accounts := map[string]string{
		"default":         "{type: default}",
		"access_key":      "{type: access_key, " + keyFiles(keyservice.Key{ID: simulator.DefaultAccessKeyID, Secret: simulator.DefaultAccessKeySecret}) + "}",
		"sts":             "{type: sts, " + keyFiles(key) + ", security_token_file: " + secretFile(t, key.Token) + "}",
		"ram_role_arn":    "{type: ram_role_arn, role_arn: '" + testRole + "', " + keyFiles(base) + ", security_token_env: BASE_TOKEN}",
		"oidc_role_arn":   "{type: oidc_role_arn, role_arn: '" + testRole + "', oidc_provider_arn: '" + testProvider + "', oidc_token_file: " + secretFile(t, "a.b.c") + ", sts_endpoint: sts-vpc.cn-shanghai.aliyuncs.com}",
		"ecs_ram_role":    "{type: ecs_ram_role}",
		"credentials_uri": "{type: credentials_uri, uri: 'http://keys.internal/path'}",
	}
	file := "accounts:\n"
	for _, name := range config.CredentialTypes() {
		endpoint := temporary.URL
		if name == "access_key" {
			endpoint = permanent.URL
		}
		file += fmt.Sprintf("- {name: %s, endpoint: %q, credentials: %s}\n", name, endpoint, accounts[name])
	}
	p, address := exporter(t, "--config.file="+write(t, file))
	_, page := get(t, address+"/metrics")
	for _, name := range config.CredentialTypes() {
		if up(page, name) != "1" {
			t.Errorf("up of %s is %q", name, up(page, name))
		}
	}
	p.stop()
}

// An account of a file begins without its key, says why, and finds the key when it
// comes.
func TestAnAccountWhoseKeyIsMissingDoesNotStopTheStart(t *testing.T) {
	dir := t.TempDir()
	api := newScenario(t, "healthy")
	file := accountOf(t, api, "{type: access_key, access_key_id_file: "+dir+"/id, access_key_secret_file: "+dir+"/secret}")
	p, address := exporter(t, file, "--cache.ttl=0s")
	_, page := get(t, address+"/metrics")
	expectSamples(t, page, map[string]string{
		`up{account="main",export="usage"}`: "0",
		`api_errors_total{account="main",class="credentials",code="credentials",export="usage"}`: "1",
	})
	p.stderr.await(t, `level=warn .*(access_key: access_key_id_file: open `+regexp.QuoteMeta(dir)+`/id: no such file or directory)`)
	for name, content := range map[string]string{"id": simulator.DefaultAccessKeyID, "secret": simulator.DefaultAccessKeySecret} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if page := afterRefresh(t, address, 2); up(page, "main") != "1" {
		t.Errorf("up is %q although the key is there", up(page, "main"))
	}
	p.stop()
}

// A key that is not renewed is trouble to come, and up does not show it.
func TestAKeyThatCannotBeRenewedIsInTheLog(t *testing.T) {
	id, secret := secretFile(t, canaryID), secretFile(t, canarySecret)
	synctest.Test(t, func(t *testing.T) {
		written := newOutput()
		accounts := &accounts{flags: &config.Flags{APITimeout: time.Second, Concurrency: 1, MaxTasks: 1}, logger: newLogs("info", "logfmt", written).gokit, connections: new(http.Transport)}
		main, err := accounts.newAccount(config.Account{Name: "main", Endpoint: "cdn.aliyuncs.com", TimeZone: "UTC", RateLimit: 1, Credentials: config.Credentials{
			Type: "access_key", AccessKeyIDFile: id, AccessKeySecretFile: secret,
		}})
		if err != nil {
			t.Fatal(err)
		}
		logged := func() string {
			for range 3 {
				if _, err := main.credentials.Credentials(t.Context()); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute) // Fake time: the files are read anew with each call.
			}
			return regexp.MustCompile(`time=\S+ caller=\S+ `).ReplaceAllString(written.String(), "")
		}
		if text := logged(); text != "" {
			t.Errorf("a key that is renewed is no news:\n%s", text)
		}
		if err := os.Rename(secret, secret+".gone"); err != nil {
			t.Fatal(err)
		}
		want := "level=warn account=main msg=\"The key cannot be renewed, the last one is used until the API refuses it\" " +
			"err=\"access_key: access_key_secret_file: open " + secret + ": no such file or directory\"\n"
		if text := logged(); text != want {
			t.Errorf("the log is\n%s\nwant\n%s", text, want)
		}
		if err := os.Rename(secret+".gone", secret); err != nil {
			t.Fatal(err)
		}
		if text := logged(); text != want+"level=info account=main msg=\"The key can be renewed again\"\n" {
			t.Errorf("the log is\n%s", text)
		}
	})
}

// No key of the file's credentials is forgotten on the way to who needs it.
func TestEveryKeyOfTheCredentialsCounts(t *testing.T) {
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
