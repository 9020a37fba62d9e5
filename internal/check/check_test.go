package check_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/collector"
	"alicdn_export_exporter/internal/advice"
	"alicdn_export_exporter/internal/check"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeClient returns the same for every page and list. A nil skew is unknown.
type fakeClient struct {
	page  func(export apiclient.Export, number int) (apiclient.Page, error)
	tasks []apiclient.Task
	err   error // of reading a list
	skew  *time.Duration
}

func (c fakeClient) List(_ context.Context, _ apiclient.Export, previous []string) (*apiclient.Listing, error) {
	if previous != nil {
		return nil, errors.New("there is no listing before the first")
	}
	return &apiclient.Listing{Tasks: c.tasks, TotalCount: len(c.tasks), Began: now}, c.err
}

func (c fakeClient) Page(_ context.Context, export apiclient.Export, number int) (apiclient.Page, error) {
	return c.page(export, number)
}

func (c fakeClient) ClockSkew() (time.Duration, bool) {
	if c.skew == nil {
		return 0, false
	}
	return *c.skew, true
}

// now is the time of every report.
var now = time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)

const (
	keyID  = "LTAI5tCanaryAccessKeyId"
	secret = "CanaryAccessKeySecret"
	token  = "CanarySecurityToken"
)

var key = apiclient.StaticCredentials{
	AccessKeyID:     keyID,
	AccessKeySecret: secret,
	SecurityToken:   token,
	Provider:        "env",
}

// noKey is a provider without credentials.
type noKey struct{}

func (noKey) Credentials(context.Context) (apiclient.Credentials, error) {
	return apiclient.Credentials{}, errors.New("no key from any of the places")
}
func (noKey) Reject(apiclient.Credentials) {}

func failing(err error) fakeClient {
	return fakeClient{page: func(apiclient.Export, int) (apiclient.Page, error) { return apiclient.Page{}, err }}
}

func holding(tasks int) fakeClient {
	return fakeClient{page: func(_ apiclient.Export, number int) (apiclient.Page, error) {
		if number != 1 {
			return apiclient.Page{}, fmt.Errorf("page %d was requested", number)
		}
		return apiclient.Page{Number: 1, TotalCount: tasks}, nil
	}}
}

func (c fakeClient) skewed(skew time.Duration) fakeClient {
	c.skew = &skew
	return c
}

// run returns the result, and the lines before the reports.
func run(t *testing.T, client check.Client, provider apiclient.CredentialsProvider, exports ...apiclient.Export,
) (ok bool, lines []string) {
	t.Helper()
	var out strings.Builder
	ok = check.Run(t.Context(), &out, check.Config{
		Account:  collector.Account{Name: "main", Exports: exports, TimeZone: time.UTC},
		Endpoint: "cdn.aliyuncs.com", Credentials: provider, Client: client, Now: now,
	})
	for _, canary := range []string{keyID, secret, token} {
		if strings.Contains(out.String(), canary) {
			t.Errorf("it prints %s:\n%s", canary, out.String())
		}
	}
	verdict, _, _ := strings.Cut(out.String(), "\n\n")
	return ok, strings.Split(strings.TrimSuffix(verdict, "\n"), "\n")
}

func apiError(code string, class apiclient.Class) error {
	return fmt.Errorf("page 1: %w", &apiclient.Error{Code: code, Class: class, Status: 400})
}

func TestRun(t *testing.T) {
	t.Run("every check that passes has a line", func(t *testing.T) {
		ok, lines := run(t, holding(1234).skewed(-1400*time.Millisecond), key, apiclient.Usage, apiclient.UsageDetail)
		if !ok {
			t.Error("a check failed")
		}
		if diff := cmp.Diff([]string{
			"account       ok      main at cdn.aliyuncs.com",
			"credentials   ok      from env",
			"usage         ok      1234 tasks in the list",
			"usage_detail  ok      1234 tasks in the list",
			"clock         ok      1s behind the API's",
		}, lines); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})

	t.Run("without credentials nothing else is tried", func(t *testing.T) {
		client := fakeClient{page: func(apiclient.Export, int) (apiclient.Page, error) {
			t.Error("a page is read")
			return apiclient.Page{}, nil
		}}
		ok, lines := run(t, client, noKey{}, apiclient.Usage)
		if ok {
			t.Error("all checks passed")
		}
		if diff := cmp.Diff([]string{
			"account       ok      main at cdn.aliyuncs.com",
			"credentials   FAILED  no key from any of the places",
			"                      There are no usable credentials. The README lists the ways to provide them.",
		}, lines); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})

	t.Run("an export that fails does not hide another", func(t *testing.T) {
		client := fakeClient{page: func(export apiclient.Export, _ int) (apiclient.Page, error) {
			if export == apiclient.Usage {
				return apiclient.Page{}, apiError("Forbidden", apiclient.ClassDenied)
			}
			return apiclient.Page{TotalCount: 7}, nil
		}}
		ok, lines := run(t, client, key, apiclient.Usage, apiclient.UsageDetail)
		text := strings.Join(lines, "\n")
		if ok || !strings.Contains(text, "usage         FAILED  page 1: Forbidden") ||
			!strings.Contains(text, "usage_detail  ok      7 tasks in the list") {
			t.Errorf("ok is %t:\n%s", ok, text)
		}
	})
}

func TestRunAdvice(t *testing.T) {
	t.Run("every error has its advice", func(t *testing.T) {
		for _, code := range apiclient.ErrorKinds() {
			failure := apiError(code.Code, code.Class)
			want := advice.For(failure, apiclient.Usage)
			ok, lines := run(t, failing(failure), key, apiclient.Usage)
			if ok || len(lines) != 4 || want == "" || !strings.Contains(lines[3], want) ||
				!strings.Contains(lines[2], code.Code) {
				t.Errorf("%s, class %s: ok is %t, want the advice %q:\n%s",
					code.Code, code.Class, ok, want, strings.Join(lines, "\n"))
			}
		}
		ok, lines := run(t, failing(fmt.Errorf("page 1: %w", context.Canceled)), key, apiclient.Usage)
		if ok || !strings.Contains(lines[3], "Try again.") {
			t.Errorf("canceled, ok is %t:\n%s", ok, strings.Join(lines, "\n"))
		}
	})

	t.Run("it names the export's own RAM action", func(t *testing.T) {
		for export, action := range map[apiclient.Export]string{
			apiclient.Usage:       "cdn:DescribeUserUsageDataExportTask ",
			apiclient.UsageDetail: "cdn:DescribeUserUsageDetailDataExportTask ",
		} {
			_, lines := run(t, failing(apiError("NoPermission", apiclient.ClassDenied)), key, export)
			if len(lines) != 4 || !strings.Contains(lines[3], action) {
				t.Errorf("%s wants %s:\n%s", export, action, strings.Join(lines, "\n"))
			}
		}
	})
}

func TestRunClock(t *testing.T) {
	t.Run("by skew", func(t *testing.T) {
		const hint = "set this machine's clock before it is off by 15 minutes"
		for name, tc := range map[string]struct {
			skew time.Duration
			ok   bool
			want string
		}{
			"in step":                    {0, true, "ok      equal to the API's"},
			"a little ahead":             {59 * time.Second, true, "ok      59s ahead of the API's"},
			"a little behind":            {-59 * time.Second, true, "ok      59s behind the API's"},
			"notably ahead":              {time.Minute, true, "ok      1m0s ahead of the API's: " + hint},
			"notably behind":             {-14 * time.Minute, true, "ok      14m0s behind the API's: " + hint},
			"too far ahead for the API":  {15 * time.Minute, false, "FAILED  15m0s ahead of the API's"},
			"too far behind for the API": {-time.Hour, false, "FAILED  1h0m0s behind the API's"},
		} {
			t.Run(name, func(t *testing.T) {
				ok, lines := run(t, holding(0).skewed(tc.skew), key, apiclient.Usage)
				if ok != tc.ok || lines[3] != "clock         "+tc.want {
					t.Errorf("ok is %t:\n%s", ok, strings.Join(lines, "\n"))
				}
				if !tc.ok && (len(lines) != 5 || !strings.Contains(lines[4], "Set this machine's clock.")) {
					t.Errorf("no advice:\n%s", strings.Join(lines, "\n"))
				}
			})
		}
	})

	t.Run("an unknown skew has no line", func(t *testing.T) {
		if _, lines := run(t, holding(0), key, apiclient.Usage); len(lines) != 3 {
			t.Errorf("%s", strings.Join(lines, "\n"))
		}
	})

	t.Run("it is checked even if the list is refused", func(t *testing.T) {
		client := failing(apiError("InvalidTimeStamp.Expired", apiclient.ClassClock)).skewed(-time.Hour)
		ok, lines := run(t, client, key, apiclient.Usage)
		if ok || len(lines) != 6 || !strings.HasPrefix(lines[4], "clock         FAILED  1h0m0s behind") {
			t.Errorf("ok is %t:\n%s", ok, strings.Join(lines, "\n"))
		}
	})
}
