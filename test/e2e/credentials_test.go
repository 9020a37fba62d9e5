package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"alicdn_export_exporter/internal/credentials/credentialstest"
	"alicdn_export_exporter/internal/simulator"
)

const (
	roleARN         = "acs:ram::1234567890123456:role/exporter"
	oidcProviderARN = "acs:ram::1234567890123456:oidc-provider/cluster"
	vpcHost         = "sts-vpc.cn-shanghai.aliyuncs.com" // STS inside a region's network
)

// secretFile writes a secret to a file. Like most such files, it ends with a newline.
func secretFile(t *testing.T, secret string) (path string) {
	t.Helper()
	return writeFile(t, "secret", "%s\n", secret)
}

// keyFiles writes a key to files and returns the settings that name them.
func keyFiles(t *testing.T, key credentialstest.Key) (settings string) {
	t.Helper()
	return "access_key_id_file: " + secretFile(t, key.ID) + ", access_key_secret_file: " + secretFile(t, key.Secret)
}

// oidcSettings writes a token to a file and returns the settings for getting a key with it from STS at vpcHost.
func oidcSettings(t *testing.T, token string) (settings string) {
	t.Helper()
	return fmt.Sprintf("role_arn: %q, oidc_provider_arn: %q, oidc_token_file: %s, sts_endpoint: %s",
		roleARN, oidcProviderARN, secretFile(t, token), vpcHost)
}

// accountOfType returns the line of a configuration file for an account. Its name is also its type of credentials.
func accountOfType(name, endpoint, settings string) (line string) {
	return fmt.Sprintf("- {name: %s, endpoint: %q, credentials: {type: %s, %s}}\n", name, endpoint, name, settings)
}

// accountFile writes a configuration file with the account "main", whose API is api. It returns the flag that names
// the file.
func accountFile(t *testing.T, api http.Handler, credentials string) (flag string) {
	t.Helper()
	return "--config.file=" + writeFile(t, "exporter.yml",
		"accounts:\n- name: main\n  endpoint: %s\n  credentials: %s\n", serveHandler(t, api), credentials)
}

func TestCredentialsOfRole(t *testing.T) {
	t.Parallel()
	sts := new(credentialstest.STS)
	sts.SetRole(credentialstest.Role{
		ARN: roleARN, Key: credentialstest.Key{ID: "LTAIbase", Secret: "base-secret"}, ExternalID: "tenant-1",
	})
	key := credentialstest.Key{ID: "STS.one", Secret: "secret-one", Token: "token-one"}
	sts.Issue(key, time.Hour)
	api := newAPI(t, "healthy", key)
	file := accountFile(t, api, "{type: ram_role_arn, role_arn: '"+roleARN+"', external_id: tenant-1, "+
		"access_key_id_file: "+secretFile(t, "LTAIbase")+", access_key_secret_env: BASE_SECRET}")
	env := append(newProxy(t, credentialstest.Hosts{"sts.aliyuncs.com": sts}).Env(), "BASE_SECRET=base-secret")

	status, stdout, stderr := run(t, env, "check", file)
	if status != 0 || !strings.Contains(stdout, "  credentials     from ram_role_arn\n") {
		t.Errorf("check exits with %d:\n%s%s", status, stdout, stderr)
	}
	_, address := serve(t, env, file, "--cache.ttl=0s")
	refreshes := ""
	expectUp := func(want string) {
		t.Helper()
		page := scrape(t, address)
		for sample(page, metric("refreshes_total", "main")) == refreshes { // The next one is not due yet.
			page = scrape(t, address)
		}
		refreshes = sample(page, metric("refreshes_total", "main"))
		if up(page, "main") != want {
			t.Errorf("after %s refreshes up is %q, want %s:\n%s", refreshes, up(page, "main"), want, page)
		}
	}
	expectUp("1")
	expectUp("1")
	if n := sts.Calls(); n != 2 { // One by check, one by the exporter.
		t.Errorf("%d requests to STS, want 2", n)
	}
	replaceKey := func(next credentialstest.Key) {
		api.SetCredentials(next.ID, next.Secret, next.Token)
		sts.Issue(next, time.Hour)
	}

	// If the API rejects a token, the same refresh gets a new one.
	replaceKey(credentialstest.Key{ID: "STS.one", Secret: "secret-one", Token: "token-two"})
	expectUp("1")

	// If the key no longer exists, the refresh fails, and the next one gets a new key.
	replaceKey(credentialstest.Key{ID: "STS.two", Secret: "secret-two", Token: "token-three"})
	expectUp("0")
	expectUp("1")
}

// One identity, that of the ECS instance, assumes a role in each of two member accounts. Neither has a key in the file.
func TestCredentialsOfHub(t *testing.T) {
	t.Parallel()
	hub := credentialstest.Key{ID: "STS.hub", Secret: "secret-hub", Token: "token-hub"}
	metadata := credentialstest.Metadata{RoleName: "hub"}
	metadata.Issue(hub, time.Hour)
	keys := []credentialstest.Key{
		{ID: "STS.one", Secret: "secret-one", Token: "token-one"}, {ID: "STS.two", Secret: "secret-two", Token: "token-two"},
	}
	hosts := credentialstest.Hosts{credentialstest.MetadataHost: &metadata}
	file := "accounts:\n"
	var apis [2]*simulator.Server
	var services [2]credentialstest.STS
	for i, key := range keys {
		arn, host := fmt.Sprintf("acs:ram::%d:role/cdn-exports", i+1), fmt.Sprintf("sts.region-%d.aliyuncs.com", i+1)
		services[i].SetRole(credentialstest.Role{ARN: arn, Key: hub, ExternalID: fmt.Sprintf("tenant-%d", i+1)})
		services[i].Issue(key, time.Hour)
		hosts[host] = &services[i]
		apis[i] = newAPI(t, "healthy", key)
		file += fmt.Sprintf("- {name: member-%d, endpoint: %q, credentials: {type: ram_role_arn, role_arn: '%s', "+
			"external_id: tenant-1, sts_endpoint: %s}}\n", i+1, serveHandler(t, apis[i]), arn, host)
	}
	env := append(newProxy(t, hosts).Env(), "ALIBABA_CLOUD_ECS_METADATA_DISABLED=")
	config := "--config.file=" + writeFile(t, "exporter.yml", "%s", file)

	status, stdout, stderr := run(t, env, "check", config)
	for _, want := range []string{
		"credentials     from ram_role_arn/default/ecs_ram_role\n",
		"credentials: ram_role_arn: STS returned no key for the role, called with the key from default/ecs_ram_role: " +
			"NoPermission (the caller needs sts:AssumeRole on the role, and the role's trust policy must name the caller",
	} {
		if status != 1 || !strings.Contains(stdout, want) {
			t.Errorf("check exits with %d, want 1 and %s\n%s%s", status, want, stdout, stderr)
		}
	}
	p, address := serve(t, env, config, "--cache.ttl=0s")
	if page := scrape(t, address); up(page, "member-1") != "1" || up(page, "member-2") != "0" {
		t.Errorf("up is %q and %q, want 1 and 0", up(page, "member-1"), up(page, "member-2"))
	}
	if n := metadata.Calls(); n != 2 { // One by check, one by the exporter.
		t.Errorf("%d requests for the hub's key, want 2", n)
	}

	// The second member's trust policy is corrected.
	services[1].SetRole(credentialstest.Role{ARN: "acs:ram::2:role/cdn-exports", Key: hub, ExternalID: "tenant-1"})
	scrapeUntilUp(t, address, "member-2")

	// The hub's token expires together with the first member's. Its successor is used without a failed refresh.
	next := credentialstest.Key{ID: "STS.hub2", Secret: "secret-hub2", Token: "token-hub2"}
	metadata.Issue(next, time.Hour)
	services[0].SetRole(credentialstest.Role{
		ARN: "acs:ram::1:role/cdn-exports", Key: next, ExternalID: "tenant-1", Expired: hub,
	})
	apis[0].SetCredentials(keys[0].ID, keys[0].Secret, "token-three")
	services[0].Issue(credentialstest.Key{ID: keys[0].ID, Secret: keys[0].Secret, Token: "token-three"}, time.Hour)
	before := metadata.Calls()
	for began := time.Now(); metadata.Calls() == before && time.Since(began) < patience; {
		scrape(t, address) // A refresh may not be due yet.
	}
	if metadata.Calls() == before {
		t.Errorf("the hub's token was not renewed")
	}
	if page := scrape(t, address); up(page, "member-1") != "1" ||
		sample(page, metric("refresh_failures_total", "member-1")) != "0" {
		t.Errorf("the successor of the hub's token is not used:\n%s", page)
	}
	for _, text := range []string{stdout, stderr, p.Stderr.String()} {
		if strings.Contains(text, "secret-") || strings.Contains(text, "token-") {
			t.Errorf("a secret is shown:\n%s", text)
		}
	}
}

// One process with an account of every type of credentials.
func TestCredentialsOfEveryType(t *testing.T) {
	t.Parallel()
	key := credentialstest.Key{ID: "STS.key", Secret: "the-secret", Token: "the-token"}
	base := credentialstest.Key{ID: "STS.base", Secret: "base-secret", Token: "base-token"}
	var (
		sts, vpc credentialstest.STS
		metadata = credentialstest.Metadata{RoleName: "instance"}
		uri      credentialstest.URI
	)
	sts.SetRole(credentialstest.Role{ARN: roleARN, Key: base})
	vpc.SetRole(credentialstest.Role{ARN: roleARN, OIDCProviderARN: oidcProviderARN, OIDCToken: "a.b.c"})
	for _, service := range []*credentialstest.Service{&sts.Service, &vpc.Service, &metadata.Service, &uri.Service} {
		service.Issue(key, time.Hour)
	}
	proxy := newProxy(t, credentialstest.Hosts{
		"sts.aliyuncs.com": &sts, vpcHost: &vpc, credentialstest.MetadataHost: &metadata, "keys.internal": &uri,
	})
	env := append(proxy.Env(), "ALIBABA_CLOUD_ECS_METADATA_DISABLED=", "BASE_TOKEN="+base.Token)
	env = append(env, keyEnv(key)...) // For the type default.

	credentials := map[string]string{
		"default":         "",
		"access_key":      keyFiles(t, defaultKey),
		"sts":             keyFiles(t, key) + ", security_token_file: " + secretFile(t, key.Token),
		"ram_role_arn":    "role_arn: '" + roleARN + "', " + keyFiles(t, base) + ", security_token_env: BASE_TOKEN",
		"oidc_role_arn":   oidcSettings(t, "a.b.c"),
		"ecs_ram_role":    "",
		"credentials_uri": "uri: 'http://keys.internal/path'",
	}
	permanent, temporary := serveHandler(t, newEmptyAPI(defaultKey)), serveHandler(t, newEmptyAPI(key))
	file := "accounts:\n"
	for _, name := range credentialTypes(t) {
		endpoint := temporary
		if name == "access_key" {
			endpoint = permanent
		}
		file += accountOfType(name, endpoint, credentials[name])
	}
	_, address := serve(t, env, "--config.file="+writeFile(t, "exporter.yml", "%s", file))
	page := scrape(t, address)
	for _, name := range credentialTypes(t) {
		if up(page, name) != "1" {
			t.Errorf("up of %s is %q", name, up(page, name))
		}
	}
}

// credentialTypes returns the types that the program's error lists.
func credentialTypes(t *testing.T) []string {
	t.Helper()
	file := writeFile(t, "exporter.yml", "accounts: [{name: a, credentials: {type: nonsense}}]")
	_, _, stderr := run(t, nil, "--config.file="+file)
	match := regexp.MustCompile(`credentials\.type: .* of ([a-z_]+(?:, [a-z_]+)+)`).FindStringSubmatch(stderr)
	if match == nil {
		t.Fatalf("no list of types:\n%s", stderr)
	}
	return strings.Split(match[1], ", ")
}

func TestCredentialsInFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	id, secret := filepath.Join(dir, "id"), filepath.Join(dir, "secret")
	file := accountFile(t, newAPI(t, "healthy", defaultKey),
		"{type: access_key, access_key_id_file: "+id+", access_key_secret_file: "+secret+"}")
	p, address := serve(t, nil, file, "--cache.ttl=0s")
	page := scrape(t, address)
	refreshes := sample(page, metric("refreshes_total", "main"))
	expectSamples(t, page, map[string]string{
		`up{account="main",export="usage"}`: "0",
		`api_errors_total{account="main",class="credentials",code="credentials",export="usage"}`: refreshes,
	})
	p.Stderr.Await(t, `level=warn .*access_key: access_key_id_file: open `+regexp.QuoteMeta(id)+`: no such file`)
	for path, content := range map[string]string{id: defaultKey.ID, secret: defaultKey.Secret} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	scrapeUntilUp(t, address, "main")
}
