package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"alicdn_export_exporter/internal/keyservice"
	"alicdn_export_exporter/internal/simulator"
	"alicdn_export_exporter/internal/simulator/scenario"
)

// The canaries: where one of them turns up, a secret has got out. They are letters
// alone, so that no encoding hides them and an API's code may look like them.
const (
	canaryID     = "LTAIcanaryAccessKeyId"
	canarySecret = "CanaryAccessKeySecret"
	canaryToken  = "CanarySecurityToken"
)

// tap serves an API and keeps what it must not give away: the signatures that it
// was sent and all that it said.
type tap struct {
	api http.Handler

	mu         sync.Mutex
	signatures []string
	said       bytes.Buffer
}

var signatureShape = regexp.MustCompile(`Signature=([0-9a-f]{64})$`)

func (a *tap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	if match := signatureShape.FindStringSubmatch(r.Header.Get("Authorization")); match != nil {
		a.signatures = append(a.signatures, match[1])
	}
	a.mu.Unlock()
	recorder := httptest.NewRecorder()
	a.api.ServeHTTP(recorder, r)
	a.mu.Lock()
	fmt.Fprintln(&a.said, recorder.Header(), recorder.Body)
	a.mu.Unlock()
	maps.Copy(w.Header(), recorder.Header())
	w.WriteHeader(recorder.Code)
	_, _ = recorder.Body.WriteTo(w)
}

// canaries are all that must not be seen after what has happened.
func (a *tap) canaries() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]string{canaryID, canarySecret, canaryToken, scenario.DownloadSecret, "OSSAccessKeyId", "SignedHeaders"}, a.signatures...)
}

// shown is all of an answer that a client sees.
func shown(t *testing.T, method, address, accept string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", accept)
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s %s: %s %s\n%s\n", method, address, response.Status, response.Header, body)
}

// echo is an API, or what stands between it and us, that gives back what it was sent.
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

// everythingShown runs the program and check, and returns the metrics, the log and
// all that anybody can see of both runs.
func everythingShown(t *testing.T, arguments ...string) (page, log, seen string) {
	t.Helper()
	p, address := exporter(t, arguments...)
	var all strings.Builder
	for _, path := range []string{"/metrics", "/metrics", "/", "/-/healthy", "/-/ready", "/nothing", "/debug/pprof/cmdline"} {
		for _, accept := range []string{"*/*", "application/openmetrics-text;version=1.0.0"} {
			all.WriteString(shown(t, http.MethodGet, address+path, accept))
		}
	}
	all.WriteString(shown(t, http.MethodPost, address+"/metrics", "*/*"))
	_, page = get(t, address+"/metrics")
	p.stop()
	_, stdout, stderr := once(t, append([]string{"check"}, arguments...)...)
	for _, text := range []string{page, p.stdout.String(), p.stderr.String(), stdout, stderr} {
		all.WriteString(text)
	}
	return page, p.stderr.String(), all.String()
}

func expectHidden(t *testing.T, seen, canary string) {
	t.Helper()
	if at := strings.Index(seen, canary); at >= 0 {
		t.Errorf("%q is shown:\n%s", canary, seen[max(0, at-300):min(len(seen), at+300)])
	}
}

func TestNoSecretLeavesTheProgram(t *testing.T) {
	simulated := func(name, id, secret, token string) func(*testing.T) http.Handler {
		return func(t *testing.T) http.Handler {
			t.Helper()
			api, err := scenario.New(name, simulator.Options{AccessKeyID: id, AccessKeySecret: secret, SecurityToken: token})
			if err != nil {
				t.Fatal(err)
			}
			return api
		}
	}
	echoing := func(status int, contentType, body string) func(*testing.T) http.Handler {
		return func(*testing.T) http.Handler { return echo(status, contentType, body) }
	}
	for name, tc := range map[string]struct {
		api func(*testing.T) http.Handler
		// temptation is a canary that the API says, and code what the metrics make
		// of it; empty where it says none, and where there is no error.
		temptation, code string
	}{
		"healthy":                 {simulated("healthy", canaryID, canarySecret, canaryToken), scenario.DownloadSecret, ""},
		"several pages that move": {simulated("moving", canaryID, canarySecret, canaryToken), scenario.DownloadSecret, ""},
		"denied":                  {simulated("denied", canaryID, canarySecret, canaryToken), "", "NoPermission"},
		"clock skew":              {simulated("clock-skew", canaryID, canarySecret, canaryToken), "", "InvalidTimeStamp.Expired"},
		"outage":                  {simulated("outage", canaryID, canarySecret, canaryToken), "", "ServiceUnavailable|InternalError|http_status"},
		"the secret is wrong, and the API says what was to be signed": {
			simulated("healthy", canaryID, "another", canaryToken), canaryToken, "SignatureDoesNotMatch",
		},
		"the key is unknown":  {simulated("healthy", "another", canarySecret, canaryToken), "", "InvalidAccessKeyId.NotFound"},
		"the token is wrong":  {simulated("healthy", canaryID, canarySecret, "another"), "", "InvalidSecurityToken.MismatchWithAccessKey"},
		"the code is the key": {echoing(400, "application/json", `{"Code":"`+canaryID+`","Message":%q,"RequestId":"`+canaryToken+`"}`), canaryID, "other"},
		"the code is the secret": {
			echoing(500, "application/json", `{"Code":"`+canarySecret+`","Message":%q}`), canarySecret, "other",
		},
		"the code is the token, in XML": {
			echoing(403, "text/xml", `<Error><Code>`+canaryToken+`</Code><Message>%s</Message></Error>`), canaryToken, "other",
		},
		"a proxy's page holds the request": {echoing(502, "text/html", `<html>%s</html>`), canaryToken, "http_status"},
		"a redirect with the token":        {echoing(302, "text/html", `%s`), canaryToken, "redirect"},
		"no list but the request, with 200": {
			echoing(200, "application/json", `{"UsageDataPerPage":{"TotalCount":%q}}`), canaryToken, "decode",
		},
		"the request as a task's status": {
			echoing(200, "application/json", `{"UsageDataPerPage":{"TotalCount":1,"Data":{"DataItem":[{"TaskId":"1","Status":%q,"DownloadUrl":"`+scenario.DownloadSecret+`"}]}}}`),
			canaryToken, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			setKey(t, canaryID, canarySecret, canaryToken)
			api := &tap{api: tc.api(t)}
			arguments := []string{
				serveAPI(t, api), "--api.max-retries=1", "--cache.ttl=0s", "--log.level=debug", "--collector.exports=usage,usage_detail",
				"--collector.task-info=100",
			}
			page, log, seen := everythingShown(t, arguments...)

			for _, canary := range api.canaries() {
				expectHidden(t, seen, canary)
			}

			// Without this the rest would prove nothing.
			if len(api.signatures) < 4 {
				t.Errorf("%d signed calls were made", len(api.signatures))
			}
			if !strings.Contains(api.said.String(), tc.temptation) {
				t.Errorf("the API has not said %q:\n%s", tc.temptation, &api.said)
			}
			counted := regexp.MustCompile(`alicdn_export_api_errors_total\{.*code="(` + tc.code + `)",export="usage"\} [1-9]`)
			if tc.code != "" && !counted.MatchString(page) {
				t.Errorf("the metrics count no error %q:\n%s", tc.code, page)
			}
			for _, call := range []string{"API call ended", "API call failed"} {
				if want := (call == "API call failed") == (tc.code != ""); want != strings.Contains(log, call) {
					t.Errorf("at debug the log tells of %q: %t", call, !want)
				}
			}
		})
	}
}

// What a key is got with is as secret as the key, and the library's errors quote it.
func TestNoSecretOfAKeySourceLeavesTheProgram(t *testing.T) {
	const (
		baseID, baseSecret, baseToken = "LTAIcanaryBaseKeyId", "CanaryBaseSecret", "CanaryBaseToken"
		oidcToken, uriPath, external  = "CanaryHeader.CanaryOIDC.CanarySignature", "CanaryUriPath", "CanaryExternalId"
	)
	issued := keyservice.Key{ID: canaryID, Secret: canarySecret, Token: canaryToken}
	base := fmt.Sprintf("access_key_id_file: %s, access_key_secret_file: %s, security_token_env: CANARY_TOKEN", secretFile(t, baseID), secretFile(t, baseSecret))
	t.Setenv("CANARY_TOKEN", baseToken)
	t.Setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "")
	sources := map[string]string{
		"ram_role_arn":    fmt.Sprintf("{type: ram_role_arn, role_arn: %q, external_id: %s, %s}", testRole, external, base),
		"oidc_role_arn":   fmt.Sprintf("{type: oidc_role_arn, role_arn: %q, oidc_provider_arn: %q, oidc_token_file: %s}", testRole, testProvider, secretFile(t, oidcToken)),
		"ecs_ram_role":    "{type: ecs_ram_role, role_name: instance}",
		"credentials_uri": "{type: credentials_uri, uri: 'http://keys.internal/" + uriPath + "?CanaryQuery=CanaryQuery'}",
	}
	said := fmt.Sprintf(`"AccessKeyId":%q,"AccessKeySecret":%q`, canaryID, canarySecret)
	answers := map[string]http.HandlerFunc{
		"a key": nil,
		"half a key": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprintf(w, `{"Code":"Success",%s,"Credentials":{%s}}`, said, said)
		},
		"an error that quotes all": func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			w.WriteHeader(http.StatusForbidden)
			_, _ = fmt.Fprintf(w, `{"Code":%q,"Message":%q,%s}`, canarySecret, fmt.Sprint(r.URL, r.Header, r.Form), said)
		},
		"no JSON": func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			_, _ = fmt.Fprint(w, canarySecret, r.URL, r.Header, r.Form)
		},
		"an end without an answer": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	}
	for source, credentials := range sources {
		for answer, instead := range answers {
			t.Run(source+" gives "+answer, func(t *testing.T) {
				sts, metadata, uri := new(keyservice.STS), &keyservice.Metadata{RoleName: "instance"}, new(keyservice.URI)
				sts.Trust(keyservice.Trust{
					Base: keyservice.Key{ID: baseID, Secret: baseSecret, Token: baseToken}, ExternalID: external,
					RoleARN: testRole, ProviderARN: testProvider, OIDCToken: oidcToken,
				})
				network.Serve(t, map[string]http.Handler{"sts.aliyuncs.com": sts, keyservice.MetadataHost: metadata, "keys.internal": uri})
				for _, issuer := range []*keyservice.Issuer{&sts.Issuer, &metadata.Issuer, &uri.Issuer} {
					issuer.Issue(issued, time.Minute)
					if instead != nil {
						issuer.Fail(instead)
					}
				}
				api := &tap{api: simulator.New(simulator.NewFixedAccount(), simulator.Options{AccessKeyID: canaryID, AccessKeySecret: canarySecret, SecurityToken: canaryToken})}
				page, _, seen := everythingShown(t, accountOf(t, api, credentials), "--api.max-retries=1", "--cache.ttl=0s", "--log.level=debug")
				for _, canary := range append(api.canaries(), baseID, baseSecret, baseToken, oidcToken, "Canary") {
					expectHidden(t, seen, canary)
				}

				// Without this the rest would prove nothing.
				want := "1"
				if instead != nil {
					want = "0"
					if !strings.Contains(seen, source+": ") {
						t.Errorf("no error names %s:\n%s", source, seen)
					}
				}
				if up(page, "main") != want {
					t.Errorf("up is %q, want %s", up(page, "main"), want)
				}
				if n := sts.Calls() + metadata.Calls() + uri.Calls(); n == 0 {
					t.Error("no service was asked")
				}
			})
		}
	}
}
