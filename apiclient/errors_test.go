package apiclient_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"alicdn_export_exporter/apiclient"
)

func contains(text, part string) bool { return strings.Contains(text, part) }

const requestID = "4B6B2B5C-1234-5678-9ABC-DEF012345678"

func fail(status int, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	})
}

// Every row of the API's error table: the code decides, whatever the status.
func TestEachCodeHasItsClass(t *testing.T) {
	for _, tc := range []struct {
		api    string
		status []int
		code   string
		class  apiclient.Class
	}{
		{"Throttling", []int{503, 400}, "Throttling", apiclient.Throttled},
		{"Throttling.User", []int{400}, "Throttling.User", apiclient.Throttled},
		{"Throttling.Api", []int{400}, "Throttling.Api", apiclient.Throttled},
		{"IllegalOperation", []int{403}, "IllegalOperation", apiclient.Denied},
		{"OperationDenied", []int{403}, "OperationDenied", apiclient.Denied},
		{"InvalidParameter", []int{400}, "InvalidParameter", apiclient.Request},
		{"InvalidParameterProduct", []int{400}, "InvalidParameterProduct", apiclient.Request},
		{"InvalidParameterOperator", []int{400}, "InvalidParameterOperator", apiclient.Request},
		{"InvalidParameterArea", []int{400}, "InvalidParameterArea", apiclient.Request},
		{"InvalidParameterField", []int{400}, "InvalidParameterField", apiclient.Request},
		{"InvalidParameterStartTime", []int{400}, "InvalidParameterStartTime", apiclient.Request},
		{"InvalidParameterEndTime", []int{400}, "InvalidParameterEndTime", apiclient.Request},
		{"InvalidParameterAliuid", []int{400}, "InvalidParameterAliuid", apiclient.Request},
		{"InvalidTimeRange", []int{400}, "InvalidTimeRange", apiclient.Request},
		{"MissingParameter", []int{400}, "MissingParameter", apiclient.Request},
		{"MissingStartTime", []int{400}, "MissingParameter", apiclient.Request},
		{"InvalidApi.NotFound", []int{404}, "InvalidApi.NotFound", apiclient.Request},
		{"InvalidAction.NotFound", []int{404}, "InvalidAction.NotFound", apiclient.Request},
		{"InvalidAccessKeyId.NotFound", []int{404, 400}, "InvalidAccessKeyId.NotFound", apiclient.CredentialsClass},
		{"InvalidAccessKeyId.Inactive", []int{400}, "InvalidAccessKeyId.Inactive", apiclient.CredentialsClass},
		{"SignatureDoesNotMatch", []int{400, 403}, "SignatureDoesNotMatch", apiclient.CredentialsClass},
		{"SignatureNonceUsed", []int{400}, "SignatureNonceUsed", apiclient.CredentialsClass},
		{"InvalidTimeStamp.Expired", []int{400}, "InvalidTimeStamp.Expired", apiclient.Clock},
		{"InvalidTimeStamp.Format", []int{400}, "InvalidTimeStamp.Format", apiclient.Clock},
		{"InvalidSecurityToken.Expired", []int{403, 400}, "InvalidSecurityToken.Expired", apiclient.CredentialsClass},
		{"InvalidSecurityToken.Malformed", []int{400}, "InvalidSecurityToken.Malformed", apiclient.CredentialsClass},
		{"InvalidSecurityToken.MismatchWithAccessKey", []int{400}, "InvalidSecurityToken.MismatchWithAccessKey", apiclient.CredentialsClass},
		{"Forbidden.RAM", []int{403, 400}, "Forbidden", apiclient.Denied},
		{"Forbidden", []int{403}, "Forbidden", apiclient.Denied},
		{"NoPermission.SystemUser", []int{403}, "NoPermission", apiclient.Denied},
		{"NoPermission", []int{403, 400}, "NoPermission", apiclient.Denied},
		{"ServiceUnavailable", []int{503, 500}, "ServiceUnavailable", apiclient.Server},
		{"InternalError", []int{500}, "InternalError", apiclient.Server},
		{"UnknownError", []int{500}, "UnknownError", apiclient.Server},
		{"NeverHeardOf.This", []int{500, 503, 429}, "other", apiclient.Server},
		{"NeverHeardOf.This", []int{400, 403, 200}, "other", apiclient.Request},
		{"Throttling", []int{200}, "Throttling", apiclient.Throttled},
	} {
		for _, status := range tc.status {
			for form, body := range map[string]string{
				"json":       `{"RequestId":%q,"HostId":"cdn.aliyuncs.com","Code":%q,"Message":"canary-message","Recommend":"https://x","AccessDeniedDetail":{"AuthAction":"cdn:X"}}`,
				"lower case": `{"requestId":%q,"code":%q,"message":"canary-message"}`,
				"xml":        `<?xml version="1.0"?><Error><RequestId>%s</RequestId><HostId>x</HostId><Code>%s</Code><Message>canary-message</Message></Error>`,
			} {
				got := pageError(t, newClient(t, serve(t, fail(status, fmt.Sprintf(body, requestID, tc.api)))))
				want := apiclient.Code{Code: tc.code, Class: tc.class}
				if got.Code != want || got.Status != status || got.RequestID != requestID || got.APICode != tc.api {
					t.Errorf("%s with status %d as %s: %#v, want %v", tc.api, status, form, got, want)
				}
				if contains(got.Error(), "canary") || !contains(got.Error(), tc.api) || !contains(got.Error(), requestID) {
					t.Errorf("%s: the error reads %q", tc.api, got)
				}
			}
		}
	}
}

func TestAnswersWithoutACode(t *testing.T) {
	for _, tc := range []struct {
		name, body string
		status     int
		want       apiclient.Code
	}{
		{"a proxy's page", "<html><body>502 Bad Gateway</body></html>", 502, apiclient.Code{Code: "http_status", Class: apiclient.Server}},
		{"a portal's page", "<html>", 403, apiclient.Code{Code: "http_status", Class: apiclient.Request}},
		{"too many requests", "", 429, apiclient.Code{Code: "http_status", Class: apiclient.Server}},
		{"nothing at all", "", 500, apiclient.Code{Code: "http_status", Class: apiclient.Server}},
		{"a code that is a number", `{"code":403}`, 403, apiclient.Code{Code: "http_status", Class: apiclient.Request}},
		{"a code that is a sentence", `{"Code":"no, \"you\"\nmay not"}`, 403, apiclient.Code{Code: "http_status", Class: apiclient.Request}},
		{"a code without end", `{"Code":"` + strings.Repeat("A", 100) + `"}`, 500, apiclient.Code{Code: "http_status", Class: apiclient.Server}},
		{"a code that looks like our own", `{"Code":"timeout"}`, 500, apiclient.Code{Code: "http_status", Class: apiclient.Server}},
		{"broken JSON", `{"Code":"Forb`, 403, apiclient.Code{Code: "http_status", Class: apiclient.Request}},
	} {
		got := pageError(t, newClient(t, serve(t, fail(tc.status, tc.body))))
		if got.Code != tc.want || got.APICode != "" {
			t.Errorf("%s: %#v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestEveryErrorIsOneOfTheKnownPairs(t *testing.T) {
	known := make(map[apiclient.Code]bool)
	for _, code := range apiclient.Codes() {
		if known[code] {
			t.Errorf("%v is listed twice", code)
		}
		known[code] = true
	}
	for i := range 200 {
		body := fmt.Sprintf(`{"Code":"Strange.%s"}`, strings.Repeat("x", i%40))
		got := pageError(t, newClient(t, "http://127.0.0.1", through(fail(300+i%300, body))))
		if !known[got.Code] {
			t.Errorf("%v is not a known pair", got.Code)
		}
	}
}

// An answer may quote the request. Nothing of that may reach an error.
func TestErrorsQuoteNoSecret(t *testing.T) {
	key := apiclient.StaticCredentials{AccessKeyID: "CanaryKeyIdentity", AccessKeySecret: "CanarySecret", SecurityToken: "CanaryToken"}
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprintf(w, `{"Code":%q,"RequestId":%q,"Message":%q}`,
			r.Header.Get("X-Acs-Security-Token"), r.Header.Get("X-Acs-Accesskey-Id"), r.Header.Get("Authorization"))
	})
	got := pageError(t, newClient(t, serve(t, echo), func(c *apiclient.Config) { c.Credentials = key }))
	if text := fmt.Sprintf("%v %+v %#v", got, got, got); contains(text, "Canary") || contains(text, "Signature=") {
		t.Errorf("the error holds a secret: %s", text)
	}
	if text := fmt.Sprintf("%v %+v %#v", apiclient.Credentials(key), apiclient.Credentials(key), apiclient.Credentials(key)); contains(text, "Canary") {
		t.Errorf("credentials print as %s", text)
	}
}
