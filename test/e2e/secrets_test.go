package e2e_test

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"alicdn_export_exporter/internal/credentials/credentialstest"
	"alicdn_export_exporter/internal/simulator/scenario"
)

// canary is a key whose parts must never leave the program. The parts have only letters, so that no encoding changes
// them and that they can also be error codes.
var canary = credentialstest.Key{
	ID: "LTAIcanaryAccessKeyId", Secret: "CanaryAccessKeySecret", Token: "CanarySecurityToken",
}

// recorder serves an API and records the secrets that the program must not show.
type recorder struct {
	api http.Handler

	mu         sync.Mutex
	signatures []string     // of requests
	responses  bytes.Buffer // headers and bodies
}

var signaturePattern = regexp.MustCompile(`Signature=([0-9a-f]{64})$`)

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	resp := httptest.NewRecorder()
	r.api.ServeHTTP(resp, req)
	r.mu.Lock()
	if match := signaturePattern.FindStringSubmatch(req.Header.Get("Authorization")); match != nil {
		r.signatures = append(r.signatures, match[1])
	}
	fmt.Fprintln(&r.responses, resp.Header(), resp.Body)
	r.mu.Unlock()
	maps.Copy(w.Header(), resp.Header())
	w.WriteHeader(resp.Code)
	_, _ = resp.Body.WriteTo(w)
}

// secrets returns all secrets of the requests and responses so far.
func (r *recorder) secrets() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string{
		canary.ID, canary.Secret, canary.Token, scenario.DownloadSecret, "OSSAccessKeyId", "SignedHeaders",
	}, r.signatures...)
}

// echo is an API that sends the headers of the request back, in its headers and at the %s or %q of the body.
func echo(status int, contentType, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent := fmt.Sprint(r.Header)
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Location", "https://example.com/?token="+r.Header.Get("X-Acs-Security-Token"))
		w.Header().Set("X-Acs-Request-Id", r.Header.Get("X-Acs-Security-Token"))
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, body, sent)
	})
}

// shownBy returns the complete response to a request, as text.
func shownBy(t *testing.T, method, address, accept string) string {
	t.Helper()
	resp := do(t, method, address, func(h http.Header) { h.Set("Accept", accept) })
	return fmt.Sprintf("%s %s: %d %s\n%s\n", method, address, resp.status, resp.header, resp.body)
}

// everythingShown runs the exporter and check with the same flags. It returns the metrics, the exporter's log, and all
// output and responses of both.
func everythingShown(t *testing.T, env []string, args ...string) (page, log, shown string) {
	t.Helper()
	args = append(args, "--api.max-retries=1", "--cache.ttl=0s", "--log.level=debug")
	check := start(t, env, append([]string{"check"}, args...)...)
	p, address := serve(t, env, args...)
	for _, path := range []string{"/metrics", "/", "/-/healthy", "/-/ready", "/nothing", "/debug/pprof/cmdline"} {
		for _, accept := range []string{"*/*", "application/openmetrics-text;version=1.0.0"} {
			shown += shownBy(t, http.MethodGet, address+path, accept)
		}
	}
	shown += shownBy(t, http.MethodPost, address+"/metrics", "*/*")
	page = scrape(t, address)
	p.Stop()
	check.Wait()
	log = p.Stderr.String()
	return page, log, shown + page + p.Stdout.String() + log + check.Stdout.String() + check.Stderr.String()
}

// expectHidden fails the test if the text contains a secret.
func expectHidden(t *testing.T, shown string, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		if i := strings.Index(shown, secret); i >= 0 {
			t.Errorf("%q is shown:\n%s", secret, shown[max(0, i-300):min(len(shown), i+300)])
		}
	}
}

// An API may send a secret, and a proxy in between may send the request back. One process reads an account of each such
// API.
func TestSecretsInResponses(t *testing.T) {
	t.Parallel()
	withScenario := func(name string, change func(*credentialstest.Key)) http.Handler {
		key := canary
		if change != nil {
			change(&key)
		}
		return newAPI(t, name, key)
	}
	cases := []struct {
		name string
		api  http.Handler
		sent string // a secret in the API's responses; may be empty
		code string // matches the error code in the metrics; empty if there is no error
	}{
		{"healthy", withScenario("healthy", nil), scenario.DownloadSecret, ""},
		{"several-pages-that-move", withScenario("moving", nil), scenario.DownloadSecret, ""},
		{"denied", withScenario("denied", nil), "", "NoPermission"},
		{"clock-skew", withScenario("clock-skew", nil), "", "InvalidTimeStamp.Expired"},
		{"outage", withScenario("outage", nil), "", "ServiceUnavailable|InternalError|http_status"},
		// The error quotes the string to sign, which contains the token.
		{
			"wrong-secret", withScenario("healthy", func(k *credentialstest.Key) { k.Secret = "another" }),
			canary.Token, "SignatureDoesNotMatch",
		},
		{
			"unknown-key", withScenario("healthy", func(k *credentialstest.Key) { k.ID = "another" }),
			"", "InvalidAccessKeyId.NotFound",
		},
		{
			"wrong-token", withScenario("healthy", func(k *credentialstest.Key) { k.Token = "another" }),
			"", "InvalidSecurityToken.MismatchWithAccessKey",
		},
		{
			"code-is-the-id",
			echo(400, "application/json", `{"Code":"`+canary.ID+`","Message":%q,"RequestId":"`+canary.Token+`"}`),
			canary.ID, "other",
		},
		{
			"code-is-the-secret", echo(500, "application/json", `{"Code":"`+canary.Secret+`","Message":%q}`),
			canary.Secret, "other",
		},
		{
			"xml-code-is-the-token", echo(403, "text/xml", `<Error><Code>`+canary.Token+`</Code><Message>%s</Message></Error>`),
			canary.Token, "other",
		},
		{"page-of-a-proxy-with-the-request", echo(502, "text/html", `<html>%s</html>`), canary.Token, "http_status"},
		{"redirect-with-the-token", echo(302, "text/html", `%s`), canary.Token, "redirect"},
		{
			"list-is-the-request", echo(200, "application/json", `{"UsageDataPerPage":{"TotalCount":%q}}`),
			canary.Token, "decode",
		},
		{
			"status-is-the-request", echo(200, "application/json", `{"UsageDataPerPage":{"TotalCount":1,"Data":{"DataItem":[`+
				`{"TaskId":"1","Status":%q,"DownloadUrl":"`+scenario.DownloadSecret+`"}]}}}`),
			canary.Token, "",
		},
	}
	recorders := make([]*recorder, len(cases))
	file := "accounts:\n"
	for i, tc := range cases {
		recorders[i] = &recorder{api: tc.api}
		file += fmt.Sprintf("- {name: %s, endpoint: %q}\n", tc.name, serveHandler(t, recorders[i]))
	}
	page, log, shown := everythingShown(t, keyEnv(canary), "--config.file="+writeFile(t, "exporter.yml", "%s", file),
		"--collector.exports=usage,usage_detail", "--collector.task-info=100")

	for i, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			api := recorders[i]
			expectHidden(t, shown, api.secrets()...)

			// The test proves nothing if the program received no secrets.
			if len(api.signatures) < 4 {
				t.Errorf("%d signed requests, want 4 or more", len(api.signatures))
			}
			if !strings.Contains(api.responses.String(), tc.sent) {
				t.Errorf("the API never sent %q:\n%s", tc.sent, &api.responses)
			}
			counted := regexp.MustCompile(fmt.Sprintf(
				`alicdn_export_api_errors_total\{account=%q,class="[a-z]+",code="(%s)",export="usage"\} [1-9]`, tc.name, tc.code))
			if tc.code != "" && !counted.MatchString(page) {
				t.Errorf("the metrics count no error %s:\n%s", tc.code, page)
			}
			for msg, want := range map[string]bool{callEnded: tc.code == "", callFailed: tc.code != ""} {
				line := regexp.MustCompile(`(?m)^.* account=` + tc.name + ` .*msg="` + msg + `"`)
				if got := line.MatchString(log); got != want {
					t.Errorf("the log has a line %q of the account: %t, want %t", msg, got, want)
				}
			}
		})
	}
}

// A service that supplies keys sends secrets too, and the credentials library's errors quote its responses.
func TestSecretsOfKeyServices(t *testing.T) {
	t.Parallel()
	key := fmt.Sprintf(`"AccessKeyId":%q,"AccessKeySecret":%q`, canary.ID, canary.Secret)
	for name, answer := range map[string]http.HandlerFunc{
		"a key": nil,
		"half a key": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprintf(w, `{"Code":"Success",%s,"Credentials":{%s}}`, key, key)
		},
		"an error that quotes the request": func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			w.WriteHeader(http.StatusForbidden)
			_, _ = fmt.Fprintf(w, `{"Code":%q,"Message":%q,%s}`, canary.Secret, fmt.Sprint(r.URL, r.Header, r.Form), key)
		},
		"no JSON": func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			_, _ = fmt.Fprint(w, canary.Secret, r.URL, r.Header, r.Form)
		},
		"no response": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			expectKeyServiceSecretsHidden(t, answer)
		})
	}
}

// expectKeyServiceSecretsHidden runs a process with an account for each service that supplies keys. All services
// respond with answer. If it is nil, they supply the key canary.
func expectKeyServiceSecretsHidden(t *testing.T, answer http.HandlerFunc) {
	t.Helper()
	const oidcToken, externalID, uriPath = "CanaryHeader.CanaryOIDC.CanarySignature", "CanaryExternalId", "CanaryUriPath"
	base := credentialstest.Key{ID: "LTAIcanaryBaseKeyId", Secret: "CanaryBaseSecret", Token: "CanaryBaseToken"}
	role := credentialstest.Role{
		ARN: roleARN, Key: base, ExternalID: externalID, OIDCProviderARN: oidcProviderARN, OIDCToken: oidcToken,
	}
	var (
		sts, oidc credentialstest.STS
		metadata  = credentialstest.Metadata{RoleName: "instance"}
		uri       credentialstest.URI
	)
	sts.SetRole(role)
	oidc.SetRole(role)
	types := map[string]struct {
		service  *credentialstest.Service
		settings string
	}{
		"ram_role_arn": {&sts.Service, fmt.Sprintf("role_arn: %q, external_id: %s, security_token_env: CANARY_TOKEN, %s",
			roleARN, externalID, keyFiles(t, base))},
		"oidc_role_arn":   {&oidc.Service, oidcSettings(t, oidcToken)},
		"ecs_ram_role":    {&metadata.Service, "role_name: instance"},
		"credentials_uri": {&uri.Service, "uri: 'http://keys.internal/" + uriPath + "?CanaryQuery=CanaryQuery'"},
	}
	proxy := newProxy(t, credentialstest.Hosts{
		"sts.aliyuncs.com": &sts, vpcHost: &oidc, credentialstest.MetadataHost: &metadata, "keys.internal": &uri,
	})
	api := &recorder{api: newEmptyAPI(canary)}
	endpoint := serveHandler(t, api)
	file := "accounts:\n"
	for _, name := range slices.Sorted(maps.Keys(types)) {
		types[name].service.Issue(canary, time.Minute)
		types[name].service.Fail(answer)
		file += accountOfType(name, endpoint, types[name].settings)
	}
	env := append(proxy.Env(), "ALIBABA_CLOUD_ECS_METADATA_DISABLED=", "CANARY_TOKEN="+base.Token)
	page, _, shown := everythingShown(t, env, "--config.file="+writeFile(t, "exporter.yml", "%s", file))
	expectHidden(t, shown, append(api.secrets(), base.ID, base.Secret, base.Token, oidcToken, "Canary")...)

	for name, tc := range types { // The test proves nothing if the program received no secrets.
		want := "1"
		if answer != nil {
			want = "0"
			if !strings.Contains(shown, name+": ") {
				t.Errorf("no error names %s:\n%s", name, shown)
			}
		}
		if up(page, name) != want {
			t.Errorf("up of %s is %q, want %s", name, up(page, name), want)
		}
		if tc.service.Calls() == 0 {
			t.Errorf("%s: no request to the service", name)
		}
	}
}
