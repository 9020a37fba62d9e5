package advice_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/advice"
	"alicdn_export_exporter/internal/credentials"
)

const (
	adviceOnTime = "Reading the list takes longer than --refresh.timeout allows. Raise that timeout. " +
		"If the API does not throttle, you can raise the rate limit instead " +
		"(--api.rate-limit, or rate_limit of the account)."
	adviceOnReports = "Please report this error together with the version."
)

// causes are what an advice may name as the cause. of says for which errors a cause is right.
var causes = map[string]struct {
	words string // one of which names the cause
	of    func(apiclient.ErrorKind) bool
}{
	"the clock": {"clock", func(k apiclient.ErrorKind) bool {
		return k.Class == apiclient.ClassClock || k.Code == "tls" || k.Code == "InvalidSecurityToken.Expired"
	}},
	"the quota": {"quota|fewer calls", func(k apiclient.ErrorKind) bool { return k.Class == apiclient.ClassThrottled }},
	"the network": {"DNS|firewall", func(k apiclient.ErrorKind) bool {
		return k.Code == "timeout" || k.Code == "connection"
	}},
	"a proxy": {"proxy|proxies", func(k apiclient.ErrorKind) bool {
		return k.Class == apiclient.ClassNetwork || k.Class == apiclient.ClassMalformed || k.Code == "http_status" ||
			k.Code == "SignatureNonceUsed"
	}},
	"the endpoint": {"endpoint", func(k apiclient.ErrorKind) bool {
		return k.Class == apiclient.ClassNetwork || k.Class == apiclient.ClassMalformed ||
			k.Code == "InvalidApi.NotFound" || k.Code == "InvalidAction.NotFound"
	}},
	"certificates": {"certificate", func(k apiclient.ErrorKind) bool { return k.Code == "tls" }},
	"permissions": {"RAM action|policy", func(k apiclient.ErrorKind) bool {
		return k.Class == apiclient.ClassDenied && k.Code != "OperationDenied" && k.Code != "IllegalOperation"
	}},
	"the key": {"key|token|credentials", func(k apiclient.ErrorKind) bool {
		return k.Class == apiclient.ClassCredentials && k.Code != "SignatureNonceUsed" || k.Class == apiclient.ClassDenied
	}},
	"the account": {"bill|Activate", func(k apiclient.ErrorKind) bool { return k.Code == "OperationDenied" }},
	"a bug": {"report", func(k apiclient.ErrorKind) bool {
		return k.Class == apiclient.ClassRequest && k.Code != "other" &&
			k.Code != "InvalidApi.NotFound" && k.Code != "InvalidAction.NotFound"
	}},
}

func TestFor(t *testing.T) {
	t.Run("advises on every kind of API error, and blames nothing else", func(t *testing.T) {
		for _, kind := range apiclient.ErrorKinds() {
			got := advice.For(fmt.Errorf("page 1: %w", &apiclient.Error{Code: kind.Code, Class: kind.Class, Detail: "more"}), apiclient.Usage)
			blamed := false
			for cause, c := range causes {
				if !regexp.MustCompile(`(?i)\b(` + c.words + `)`).MatchString(got) {
					continue
				}
				blamed = true
				if !c.of(kind) {
					t.Errorf("%s, class %s: the advice blames %s: %s", kind.Code, kind.Class, cause, got)
				}
			}
			nobody := kind.Class == apiclient.ClassServer || kind.Code == "IllegalOperation" || kind.Code == "other"
			if !blamed && !nobody {
				t.Errorf("%s, class %s: the advice names no cause: %s", kind.Code, kind.Class, got)
			}
			if len(got) < 20 || !strings.HasSuffix(got, ".") {
				t.Errorf("%s, class %s: the advice is %q", kind.Code, kind.Class, got)
			}
		}
	})

	t.Run("names the operation that the key must be allowed", func(t *testing.T) {
		for export, action := range map[apiclient.Export]string{
			apiclient.Usage:       "cdn:DescribeUserUsageDataExportTask on",
			apiclient.UsageDetail: "cdn:DescribeUserUsageDetailDataExportTask on",
		} {
			got := advice.For(&apiclient.Error{Code: "Forbidden", Class: apiclient.ClassDenied}, export)
			if !strings.Contains(got, action) {
				t.Errorf("%s: the advice is %s", export, got)
			}
		}
	})

	// These have the code and the class of other errors, but another cause.
	t.Run("distinguishes causes within a code", func(t *testing.T) {
		client := func(status int, body string) *apiclient.Client {
			return newClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(status)
				_, _ = w.Write([]byte(body))
			}), 10, apiclient.StaticCredentials{AccessKeyID: "id", AccessKeySecret: "secret"})
		}
		const notAPI = "This is not a response of the API."
		for _, tc := range []struct {
			status     int
			body, want string
		}{
			{400, `{"Code":"MissingSecurityToken"}`, "its token is missing"},
			{400, `{"Code":"InvalidSecurityToken.Malformed"}`, "Correct the token"},
			{400, `{"Code":"IllegalTimestamp"}`, advice.Clock},
			{404, `<html>`, notAPI},
			{200, `<html>`, notAPI},
			{200, `{"a":1}`, notAPI},
			{200, `{"TotalCount":1,"UsageDataPerPage":[{"TaskId":"1"}]}`, adviceOnReports},
			{200, `{"UsageDataPerPage":{}}`, adviceOnReports},
		} {
			_, err := client(tc.status, tc.body).Page(t.Context(), apiclient.Usage, 1)
			got := advice.For(err, apiclient.Usage)
			if !strings.Contains(got, tc.want) || strings.Contains(got, "report") != (tc.want == adviceOnReports) {
				t.Errorf("%d %s: %v: the advice is %q, want %q", tc.status, tc.body, err, got, tc.want)
			}
		}
		for status, want := range map[int]string{407: "HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT", 403: "NO_PROXY"} {
			err := apiclient.NetworkError(fmt.Errorf("call: %w", &apiclient.ProxyError{Status: status}))
			if got := advice.For(err, apiclient.Usage); !strings.Contains(got, want) {
				t.Errorf("%v: the advice is %q, want %q", err, got, want)
			}
		}
	})

	t.Run("advises on other errors", func(t *testing.T) {
		for want, err := range map[string]error{
			"Raise --api.max-tasks. docs/performance.md says what such a list costs.": &apiclient.TooManyTasksError{},
			"The list changes faster than it can be read, or the API contradicts itself. Try again, or raise " +
				"the rate limit (--api.rate-limit, or rate_limit of the account).": &apiclient.UnprovenError{},
			adviceOnTime:    context.DeadlineExceeded,
			"Try again.":    context.Canceled,
			adviceOnReports: apiclient.PanicError("a bug"),
		} {
			if got := advice.For(fmt.Errorf("listing: %w", err), apiclient.Usage); got != want {
				t.Errorf("%v: the advice is\n%s\nwant\n%s", err, got, want)
			}
		}
	})

	t.Run("does not blame the network if the request was not sent", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			emptyList := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write([]byte(`{"UsageDataPerPage":{"PageNumber":1,"TotalCount":0}}`))
			})
			slow := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(time.Minute) }) // Fake time.
			key := apiclient.StaticCredentials{AccessKeyID: "id", AccessKeySecret: "secret"}
			missing := credentials.NewSource(credentials.Config{
				Type: credentials.TypeAccessKey, AccessKeyIDFile: "/nowhere/id", AccessKeySecretFile: "/nowhere/secret",
			}, nil, nil)
			for name, tc := range map[string]struct {
				api  http.Handler
				rate float64
				key  apiclient.CredentialsProvider
				want string
			}{
				"the token of the rate limit comes too late": {emptyList, 0.01, key, adviceOnTime},
				"another call holds the only slot too long":  {slow, 10, key, adviceOnTime},
				"the file of the key is missing": {
					emptyList, 10, missing, "Create the file, or correct access_key_id_file.",
				},
			} {
				client := newClient(t, tc.api, tc.rate, tc.key)
				ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
				var other sync.WaitGroup // Its call takes the only token and the only slot.
				other.Go(func() { _, _ = client.Page(context.Background(), apiclient.Usage, 1) })
				synctest.Wait()
				_, err := client.Page(ctx, apiclient.Usage, 1)
				cancel()
				other.Wait()
				if err == nil || advice.For(err, apiclient.Usage) != tc.want {
					t.Errorf("%s: %v: the advice is\n%s\nwant\n%s", name, err, advice.For(err, apiclient.Usage), tc.want)
				}
			}
		})
	})
}

// newClient returns a client with one slot that calls api without a network.
func newClient(t *testing.T, api http.Handler, rate float64, key apiclient.CredentialsProvider) *apiclient.Client {
	t.Helper()
	endpoint, err := apiclient.ParseEndpoint("http://127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	return apiclient.New(apiclient.Config{
		Endpoint: endpoint, Credentials: key, Transport: inMemory{api},
		Timeout: time.Hour, Limiter: apiclient.NewLimiter(rate, 1), MaxTasks: 100,
	})
}

// inMemory passes requests to a handler without a network, so that tests can use fake time.
type inMemory struct{ handler http.Handler }

func (m inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	m.handler.ServeHTTP(recorder, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return recorder.Result(), nil
}
