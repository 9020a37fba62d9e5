package collector_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/collector"
)

var usageOnly = []apiclient.Export{apiclient.Usage}

func TestAPIMetricsBeforeTheFirstCall(t *testing.T) {
	metrics := collector.NewAPIMetrics("main", usageOnly, log.NewNopLogger())
	codes := apiclient.ErrorKinds()
	want := map[string]string{
		ofMain("api_requests_total"):                                        "0",
		ofMain("listing_restarts_total"):                                    "0",
		ofMain("api_request_duration_seconds_count"):                        "0",
		`api_rate_limit_wait_seconds_total{account="main"}`:                 "0",
		errorsOf("Throttling", "throttled"):                                 "0",
		errorsOf("NoPermission", "denied"):                                  "0",
		errorsOf("other", "server"):                                         "0",
		errorsOf("other", "request"):                                        "0",
		errorsOf("other", "throttled"):                                      "0",
		errorsOf("http_status", "server"):                                   "0",
		errorsOf("http_status", "malformed"):                                "0",
		errorsOf("http_status", "throttled"):                                "0",
		errorsOf("http_status", "request"):                                  "",
		errorsOf("proxy", "network"):                                        "0",
		errorsOf("credentials", "credentials"):                              "0",
		strings.Replace(ofMain("api_requests_total"), "usage", "detail", 1): "",
	}
	for _, code := range codes {
		want[errorsOf(code.Code, string(code.Class))] = "0"
	}
	expect(t, metrics, want)
	if n := testutil.CollectAndCount(metrics, "alicdn_export_api_errors_total"); n != len(codes) {
		t.Errorf("%d pairs of code and class, want the %d known ones", n, len(codes))
	}
}

// errorsOf returns the name of a sample of api_errors_total.
func errorsOf(code, class string) string {
	return fmt.Sprintf(`api_errors_total{account="main",class=%q,code=%q,export="usage"}`, class, code)
}

func TestAPIMetrics(t *testing.T) {
	denied := &apiclient.Error{
		Code: "Forbidden", Class: apiclient.ClassDenied,
		Status:  403,
		APICode: "Forbidden.RAM",
	}
	noKey := &apiclient.Error{Code: apiclient.CodeCredentials, Class: apiclient.ClassCredentials}
	for name, tc := range map[string]struct {
		observe func(apiclient.Observer)
		want    map[string]string
	}{
		"an attempt that succeeded": {
			func(o apiclient.Observer) {
				o.Attempted(apiclient.Attempt{Export: apiclient.Usage, Page: 1, Sent: true, Duration: 70 * time.Millisecond})
			},
			map[string]string{
				ofMain("api_requests_total"):                                "1",
				ofMain("api_request_duration_seconds_count"):                "1",
				ofMain("api_request_duration_seconds_sum"):                  "0.07",
				ofMain("api_request_duration_seconds_bucket", "le", "0.05"): "0",
				ofMain("api_request_duration_seconds_bucket", "le", "0.1"):  "1",
				`api_rate_limit_wait_seconds_total{account="main"}`:         "0",
				errorsOf("Forbidden", "denied"):                             "0",
			},
		},
		"an attempt that the API refused, under its folded code": {
			func(o apiclient.Observer) {
				o.Attempted(apiclient.Attempt{Export: apiclient.Usage, Sent: true, Duration: time.Second, Err: denied})
			},
			map[string]string{
				ofMain("api_requests_total"): "1", ofMain("api_request_duration_seconds_count"): "1",
				errorsOf("Forbidden", "denied"): "1", errorsOf("Forbidden.RAM", "denied"): "",
			},
		},
		"an attempt that was never sent has no duration": {
			func(o apiclient.Observer) {
				o.Attempted(apiclient.Attempt{Export: apiclient.Usage, RateLimitWait: time.Second, Err: noKey})
			},
			map[string]string{
				ofMain("api_requests_total"): "1", ofMain("api_request_duration_seconds_count"): "0",
				`api_rate_limit_wait_seconds_total{account="main"}`: "1", errorsOf("credentials", "credentials"): "1",
			},
		},
		"an unknown error counts as another error of the API": {
			func(o apiclient.Observer) {
				o.Attempted(apiclient.Attempt{Export: apiclient.Usage, Err: &apiclient.Error{Code: "Newer", Class: apiclient.ClassDenied}})
			},
			map[string]string{errorsOf("other", "server"): "1", errorsOf("other", "request"): "0", errorsOf("Newer", "denied"): ""},
		},
		"a canceled attempt is not an error": {
			func(o apiclient.Observer) { o.Attempted(apiclient.Attempt{Export: apiclient.Usage}) },
			map[string]string{ofMain("api_requests_total"): "1", ofMain("api_request_duration_seconds_count"): "0"},
		},
		"waits are added up": {
			func(o apiclient.Observer) {
				for range 4 {
					o.Attempted(apiclient.Attempt{Export: apiclient.Usage, RateLimitWait: 250 * time.Millisecond})
				}
			},
			map[string]string{ofMain("api_requests_total"): "4", `api_rate_limit_wait_seconds_total{account="main"}`: "1"},
		},
		"a walk that was not proven is neither a request nor an error": {
			func(o apiclient.Observer) { o.WalkRestarted(apiclient.Usage, "a task is listed twice") },
			map[string]string{ofMain("listing_restarts_total"): "1", ofMain("api_requests_total"): "0"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			metrics := collector.NewAPIMetrics("main", usageOnly, log.NewNopLogger())
			tc.observe(metrics)
			expect(t, metrics, tc.want)
			if n := testutil.CollectAndCount(metrics, "alicdn_export_api_errors_total"); n != len(apiclient.ErrorKinds()) {
				t.Errorf("%d pairs of code and class, want only the known ones", n)
			}
		})
	}
}

func TestAPIMetricsLog(t *testing.T) {
	logs := new(logBook)
	observer := collector.NewAPIMetrics("main", usageOnly, logs.logger())
	observer.Attempted(
		apiclient.Attempt{
			Export:        apiclient.Usage,
			Page:          3,
			Sent:          true,
			Duration:      time.Second,
			RateLimitWait: time.Millisecond,
		},
	)
	observer.Attempted(apiclient.Attempt{Export: apiclient.Usage, Page: 4, Err: &apiclient.Error{
		Code: "other", Class: apiclient.ClassServer, Status: 500, APICode: "Strange",
	}})
	observer.WalkRestarted(apiclient.Usage, "a task is listed twice")
	const want = `level=debug account=main export=usage page=3 duration=1s rate_limit_wait=1ms msg="API call ended"
level=debug account=main export=usage page=4 duration=0s rate_limit_wait=0s msg="API call failed" err="other (HTTP status 500, code Strange)"
level=info account=main msg="List not proven complete" export=usage reason="a task is listed twice"
`
	if got := logs.String(); got != want {
		t.Errorf("logged:\n%s\nwant:\n%s", got, want)
	}
}

// A registry sorts what it gathers. That takes little time if the metrics are in order already.
func TestAPIMetricsOrder(t *testing.T) {
	var accounts []collector.Account
	for _, name := range []string{"b", "c", "a"} {
		account := usageOf(name, lists())
		account.Exports = []apiclient.Export{apiclient.UsageDetail, apiclient.Usage}
		account.API = collector.NewAPIMetrics(name, account.Exports, log.NewNopLogger())
		accounts = append(accounts, account)
	}
	metrics := make(chan prometheus.Metric)
	c := newCollector(t, standard(log.NewNopLogger()), accounts...)
	go func() {
		defer close(metrics)
		c.Collect(metrics)
	}()
	var before string
	n := 0
	for metric := range metrics {
		if !strings.Contains(metric.Desc().String(), "api_errors_total") {
			continue
		}
		var values []string // by label name, as written
		for _, label := range written(t, metric.Write).GetLabel() {
			values = append(values, label.GetValue())
		}
		if next := strings.Join(values, "\x00"); next <= before {
			t.Fatalf("%q comes after %q", next, before)
		} else {
			before = next
		}
		n++
	}
	if want := 3 * 2 * len(apiclient.ErrorKinds()); n != want {
		t.Errorf("%d counters of errors, want %d", n, want)
	}
}

// written returns what a metric writes. Inferring its type avoids a direct dependency.
func written[T any](t *testing.T, write func(*T) error) *T {
	t.Helper()
	metric := new(T)
	if err := write(metric); err != nil {
		t.Fatal(err)
	}
	return metric
}
