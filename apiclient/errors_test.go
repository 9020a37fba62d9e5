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

func TestError(t *testing.T) {
	// Every row of the API's error table. The code decides, independent of the status.
	t.Run("has the class of its code, whatever the status", func(t *testing.T) {
		for _, tc := range []struct {
			api    string
			status []int
			code   string
			class  apiclient.Class
		}{
			{"Throttling", []int{503, 400}, "Throttling", apiclient.ClassThrottled},
			{"Throttling.User", []int{400}, "Throttling.User", apiclient.ClassThrottled},
			{"Throttling.Api", []int{400}, "Throttling.Api", apiclient.ClassThrottled},
			{"IllegalOperation", []int{403}, "IllegalOperation", apiclient.ClassDenied},
			{"OperationDenied", []int{403}, "OperationDenied", apiclient.ClassDenied},
			{"InvalidParameter", []int{400}, "InvalidParameter", apiclient.ClassRequest},
			{"InvalidParameterProduct", []int{400}, "InvalidParameterProduct", apiclient.ClassRequest},
			{"InvalidParameterOperator", []int{400}, "InvalidParameterOperator", apiclient.ClassRequest},
			{"InvalidParameterArea", []int{400}, "InvalidParameterArea", apiclient.ClassRequest},
			{"InvalidParameterField", []int{400}, "InvalidParameterField", apiclient.ClassRequest},
			{"InvalidParameterStartTime", []int{400}, "InvalidParameterStartTime", apiclient.ClassRequest},
			{"InvalidParameterEndTime", []int{400}, "InvalidParameterEndTime", apiclient.ClassRequest},
			{"InvalidParameterAliuid", []int{400}, "InvalidParameterAliuid", apiclient.ClassRequest},
			{"InvalidTimeRange", []int{400}, "InvalidTimeRange", apiclient.ClassRequest},
			{"MissingParameter", []int{400}, "MissingParameter", apiclient.ClassRequest},
			{"MissingStartTime", []int{400}, "MissingParameter", apiclient.ClassRequest},
			{"InvalidApi.NotFound", []int{404}, "InvalidApi.NotFound", apiclient.ClassRequest},
			{"InvalidAction.NotFound", []int{404}, "InvalidAction.NotFound", apiclient.ClassRequest},
			{"InvalidAccessKeyId.NotFound", []int{404, 400}, "InvalidAccessKeyId.NotFound", apiclient.ClassCredentials},
			{"InvalidAccessKeyId.Inactive", []int{400}, "InvalidAccessKeyId.Inactive", apiclient.ClassCredentials},
			{"SignatureDoesNotMatch", []int{400, 403}, "SignatureDoesNotMatch", apiclient.ClassCredentials},
			{"SignatureNonceUsed", []int{400}, "SignatureNonceUsed", apiclient.ClassCredentials},
			{"InvalidTimeStamp.Expired", []int{400}, "InvalidTimeStamp.Expired", apiclient.ClassClock},
			{"InvalidTimeStamp.Format", []int{400}, "InvalidTimeStamp.Format", apiclient.ClassClock},
			{"InvalidSecurityToken.Expired", []int{403, 400}, "InvalidSecurityToken.Expired", apiclient.ClassCredentials},
			{"InvalidSecurityToken.Malformed", []int{400}, "InvalidSecurityToken.Malformed", apiclient.ClassCredentials},
			{"InvalidSecurityToken.MismatchWithAccessKey", []int{400}, "InvalidSecurityToken.MismatchWithAccessKey", apiclient.ClassCredentials},
			{"Forbidden.RAM", []int{403, 400}, "Forbidden", apiclient.ClassDenied},
			{"Forbidden", []int{403}, "Forbidden", apiclient.ClassDenied},
			{"NoPermission.SystemUser", []int{403}, "NoPermission", apiclient.ClassDenied},
			{"NoPermission", []int{403, 400}, "NoPermission", apiclient.ClassDenied},
			{"ServiceUnavailable", []int{503, 500}, "ServiceUnavailable", apiclient.ClassServer},
			{"InternalError", []int{500}, "InternalError", apiclient.ClassServer},
			{"UnknownError", []int{500}, "UnknownError", apiclient.ClassServer},
			{"NeverHeardOf.This", []int{500, 503}, "other", apiclient.ClassServer},
			{"NeverHeardOf.This", []int{429}, "other", apiclient.ClassThrottled},
			{"NeverHeardOf.This", []int{400, 403, 200}, "other", apiclient.ClassRequest},
			{"Throttling", []int{200}, "Throttling", apiclient.ClassThrottled},

			// Undocumented codes. The first matching family is used.
			{"Throttling.System", []int{400, 503}, "Throttling", apiclient.ClassThrottled},
			{"Throttling.Resource", []int{400}, "Throttling", apiclient.ClassThrottled},
			{"Rejected.Throttling", []int{400, 503}, "Throttling", apiclient.ClassThrottled},
			{"FlowControl.Limit", []int{400}, "Throttling", apiclient.ClassThrottled},
			{"FlowControlled", []int{400}, "Throttling", apiclient.ClassThrottled},
			{"TooManyRequests", []int{429, 400}, "Throttling", apiclient.ClassThrottled},
			{"Throttling.Denied", []int{403}, "Throttling", apiclient.ClassThrottled},
			{"InvalidAccessKeyId", []int{404, 403}, "InvalidAccessKeyId.NotFound", apiclient.ClassCredentials},
			{"MissingAccessKeyId", []int{400}, "InvalidAccessKeyId.NotFound", apiclient.ClassCredentials},
			{"MissingSecurityToken", []int{400}, "InvalidSecurityToken.Malformed", apiclient.ClassCredentials},
			{"InvalidSecurityToken", []int{400}, "InvalidSecurityToken.Malformed", apiclient.ClassCredentials},
			{"SecurityTokenExpired", []int{403}, "InvalidSecurityToken.Malformed", apiclient.ClassCredentials},
			{"SignatureDoesNotMatch.Header", []int{400}, "SignatureDoesNotMatch", apiclient.ClassCredentials},
			{"IncompleteSignature", []int{400}, "SignatureDoesNotMatch", apiclient.ClassCredentials},
			{"IllegalTimestamp", []int{400}, "InvalidTimeStamp.Expired", apiclient.ClassClock},
			{"MissingTimeStamp", []int{400}, "InvalidTimeStamp.Expired", apiclient.ClassClock},
			{"RequestTimeTooSkewed", []int{403}, "InvalidTimeStamp.Expired", apiclient.ClassClock},
			{"Forbidden.NoPermission", []int{403, 400}, "Forbidden", apiclient.ClassDenied},
			{"ForbiddenAction", []int{403}, "Forbidden", apiclient.ClassDenied},
			{"AccessDenied", []int{403}, "Forbidden", apiclient.ClassDenied},
			{"NotAuthorized", []int{403}, "Forbidden", apiclient.ClassDenied},
			{"Unauthorized", []int{401}, "Forbidden", apiclient.ClassDenied},
			{"ImplicitDeny", []int{403}, "Forbidden", apiclient.ClassDenied},
			{"NoPermissionForAction", []int{403}, "NoPermission", apiclient.ClassDenied},
			{"ServiceUnavailableTemporary", []int{400, 503}, "ServiceUnavailable", apiclient.ClassServer},
			{"SystemBusy", []int{400}, "ServiceUnavailable", apiclient.ClassServer},
			{"InternalServerError", []int{400, 500}, "ServiceUnavailable", apiclient.ClassServer},
			{"MissingTaskName", []int{400}, "MissingParameter", apiclient.ClassRequest},
		} {
			for _, status := range tc.status {
				for form, body := range map[string]string{
					"json":       `{"RequestId":%q,"HostId":"cdn.aliyuncs.com","Code":%q,"Message":"canary-message","Recommend":"https://x","AccessDeniedDetail":{"AuthAction":"cdn:X"}}`,
					"lower case": `{"requestId":%q,"code":%q,"message":"canary-message"}`,
					"xml":        `<?xml version="1.0"?><Error><RequestId>%s</RequestId><HostId>x</HostId><Code>%s</Code><Message>canary-message</Message></Error>`,
				} {
					got := pageError(t, newClient(t, serve(t, fail(status, fmt.Sprintf(body, requestID, tc.api)))))
					want := apiclient.ErrorKind{Code: tc.code, Class: tc.class}
					if got.Kind() != want || got.Status != status || got.RequestID != requestID || got.APICode != tc.api {
						t.Errorf("%s with status %d as %s: %#v, want %v", tc.api, status, form, got, want)
					}
					if contains(got.Error(), "canary") || !contains(got.Error(), tc.api) || !contains(got.Error(), requestID) {
						t.Errorf("%s: the error reads %q", tc.api, got)
					}
				}
			}
		}
	})

	t.Run("uses the status without a code", func(t *testing.T) {
		throttled := apiclient.ErrorKind{Code: "http_status", Class: apiclient.ClassThrottled}
		server := apiclient.ErrorKind{Code: "http_status", Class: apiclient.ClassServer}
		malformed := apiclient.ErrorKind{Code: "http_status", Class: apiclient.ClassMalformed}
		for _, tc := range []struct {
			name, body string
			status     int
			want       apiclient.ErrorKind
		}{
			{"a proxy's page", "<html><body>502 Bad Gateway</body></html>", 502, server},
			{"a portal's page", "<!DOCTYPE html>", 403, malformed},
			{"a load balancer's page", "\n<HTML>", 404, malformed},
			{"too many requests", "", 429, throttled},
			{"nothing at all", "", 500, server},
			{"nothing at all", "", 404, malformed},
			{"a code that is a number", `{"code":403}`, 403, malformed},
			{"a code that is a sentence", `{"Code":"no, \"you\"\nmay not"}`, 403, malformed},
			{"a code without end", `{"Code":"` + strings.Repeat("A", 100) + `"}`, 500, server},
			{"a code that looks like our own", `{"Code":"timeout"}`, 500, server},
			{"broken JSON", `{"Code":"Forb`, 403, malformed},
		} {
			got := pageError(t, newClient(t, serve(t, fail(tc.status, tc.body))))
			if got.Kind() != tc.want || got.APICode != "" {
				t.Errorf("%s: %#v, want %v", tc.name, got, tc.want)
			}
			if !contains(got.Error(), "what answers is not the API") ||
				contains(got.Error(), "HTML") != contains(strings.ToLower(tc.body), "html") {
				t.Errorf("%s: the error reads %q", tc.name, got)
			}
		}
	})

	t.Run("is throttling if a response with an unknown code asks to wait", func(t *testing.T) {
		for _, status := range []int{400, 403, 500} {
			api := &script{answers: []reply{{status, "NeverHeardOf.This", map[string]string{"x-acs-retry-after": "1500"}}}}
			got := pageError(t, newClient(t, "http://127.0.0.1", through(api)))
			if want := (apiclient.ErrorKind{Code: "other", Class: apiclient.ClassThrottled}); got.Kind() != want {
				t.Errorf("status %d: %v, want %v", status, got.Kind(), want)
			}
		}
	})

	t.Run("is always one of ErrorKinds", func(t *testing.T) {
		known := make(map[apiclient.ErrorKind]bool)
		for _, kind := range apiclient.ErrorKinds() {
			if known[kind] {
				t.Errorf("%v is listed twice", kind)
			}
			known[kind] = true
		}
		for i := range 200 {
			body := fmt.Sprintf(`{"Code":"Strange.%s"}`, strings.Repeat("x", i%40))
			got := pageError(t, newClient(t, "http://127.0.0.1", through(fail(300+i%300, body))))
			if !known[got.Kind()] {
				t.Errorf("%v is not a known pair", got.Kind())
			}
		}
	})

	// A response may quote the request. Nothing of that may be in an error.
	t.Run("quotes no secret", func(t *testing.T) {
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
	})
}
