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

// fakeClient answers the same for every page; a skew of nil is unknown.
type fakeClient struct {
	page  func(export apiclient.Export, number int) (apiclient.Page, error)
	tasks []apiclient.Task // of every list,
	err   error            // or why it cannot be read
	skew  *time.Duration
}

func (c fakeClient) List(_ context.Context, _ apiclient.Export, previous []string) (*apiclient.Listing, error) {
	if previous != nil {
		return nil, errors.New("there is no listing before the first")
	}
	return &apiclient.Listing{Tasks: c.tasks, TotalCount: len(c.tasks)}, c.err
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

var key = apiclient.StaticCredentials{AccessKeyID: keyID, AccessKeySecret: secret, SecurityToken: token, Provider: "env"}

// noKey is a provider that finds nothing.
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
			return apiclient.Page{}, fmt.Errorf("page %d was asked for", number)
		}
		return apiclient.Page{Number: 1, TotalCount: tasks}, nil
	}}
}

func (c fakeClient) skewed(skew time.Duration) fakeClient {
	c.skew = &skew
	return c
}

// run is the exit and what is printed before the lists, line by line.
func run(t *testing.T, client check.Client, provider apiclient.CredentialsProvider, exports ...apiclient.Export) (right bool, lines []string) {
	t.Helper()
	var out strings.Builder
	right = check.Run(t.Context(), &out, check.Config{
		Account:  collector.Account{Name: "main", Exports: exports, TimeZone: time.UTC},
		Endpoint: "cdn.aliyuncs.com", Credentials: provider, Client: client, Now: now,
	})
	for _, canary := range []string{keyID, secret, token} {
		if strings.Contains(out.String(), canary) {
			t.Errorf("it prints %s:\n%s", canary, out.String())
		}
	}
	verdict, _, _ := strings.Cut(out.String(), "\n\n")
	return right, strings.Split(strings.TrimSuffix(verdict, "\n"), "\n")
}

func apiError(code string, class apiclient.Class) error {
	return fmt.Errorf("page 1: %w", &apiclient.Error{Code: code, Class: class, Status: 400})
}

func TestWhatIsRightHasALineEach(t *testing.T) {
	right, lines := run(t, holding(1234).skewed(-1400*time.Millisecond), key, apiclient.Usage, apiclient.UsageDetail)
	if !right {
		t.Error("it is not all right")
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
}

func TestWithoutAKeyNothingElseIsTried(t *testing.T) {
	client := fakeClient{page: func(apiclient.Export, int) (apiclient.Page, error) {
		t.Error("a page is read")
		return apiclient.Page{}, nil
	}}
	right, lines := run(t, client, noKey{}, apiclient.Usage)
	if right {
		t.Error("it is all right")
	}
	if diff := cmp.Diff([]string{
		"account       ok      main at cdn.aliyuncs.com",
		"credentials   FAILED  no key from any of the places",
		"                      Provide credentials in one of the ways that the README lists.",
	}, lines); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestOneExportThatFailsDoesNotHideTheOther(t *testing.T) {
	client := fakeClient{page: func(export apiclient.Export, _ int) (apiclient.Page, error) {
		if export == apiclient.Usage {
			return apiclient.Page{}, apiError("Forbidden", apiclient.ClassDenied)
		}
		return apiclient.Page{TotalCount: 7}, nil
	}}
	right, lines := run(t, client, key, apiclient.Usage, apiclient.UsageDetail)
	text := strings.Join(lines, "\n")
	if right || !strings.Contains(text, "usage         FAILED  page 1: Forbidden") || !strings.Contains(text, "usage_detail  ok      7 tasks in the list") {
		t.Errorf("all right is %t:\n%s", right, text)
	}
}

func TestEveryErrorHasItsAdvice(t *testing.T) {
	for _, code := range apiclient.ErrorKinds() {
		failure := apiError(code.Code, code.Class)
		want := advice.For(failure, apiclient.Usage)
		right, lines := run(t, failing(failure), key, apiclient.Usage)
		if right || len(lines) != 4 || want == "" || !strings.Contains(lines[3], want) || !strings.Contains(lines[2], code.Code) {
			t.Errorf("%s, class %s: all right is %t, want the advice %q:\n%s", code.Code, code.Class, right, want, strings.Join(lines, "\n"))
		}
	}
	if right, lines := run(t, failing(context.Canceled), key, apiclient.Usage); right || !strings.Contains(lines[3], "Try again.") {
		t.Errorf("called off, all right is %t:\n%s", right, strings.Join(lines, "\n"))
	}
}

func TestTheMissingRAMActionIsTheExportsOwn(t *testing.T) {
	for export, action := range map[apiclient.Export]string{
		apiclient.Usage:       "cdn:DescribeUserUsageDataExportTask ",
		apiclient.UsageDetail: "cdn:DescribeUserUsageDetailDataExportTask ",
	} {
		_, lines := run(t, failing(apiError("NoPermission", apiclient.ClassDenied)), key, export)
		if len(lines) != 4 || !strings.Contains(lines[3], action) {
			t.Errorf("%s wants %s:\n%s", export, action, strings.Join(lines, "\n"))
		}
	}
}

func TestTheClock(t *testing.T) {
	for name, tc := range map[string]struct {
		skew  time.Duration
		right bool
		want  string
	}{
		"right":                      {0, true, "ok      in step with the API's"},
		"a little ahead":             {59 * time.Second, true, "ok      59s ahead of the API's"},
		"a little behind":            {-59 * time.Second, true, "ok      59s behind the API's"},
		"notably ahead":              {time.Minute, true, "ok      1m0s ahead of the API's: set this machine's clock before it is 15 minutes"},
		"notably behind":             {-14 * time.Minute, true, "ok      14m0s behind the API's: set this machine's clock before it is 15 minutes"},
		"too far ahead for the API":  {15 * time.Minute, false, "FAILED  15m0s ahead of the API's"},
		"too far behind for the API": {-time.Hour, false, "FAILED  1h0m0s behind the API's"},
	} {
		right, lines := run(t, holding(0).skewed(tc.skew), key, apiclient.Usage)
		if right != tc.right || lines[3] != "clock         "+tc.want {
			t.Errorf("%s: all right is %t:\n%s", name, right, strings.Join(lines, "\n"))
		}
		if !tc.right && (len(lines) != 5 || !strings.Contains(lines[4], "Set this machine's clock.")) {
			t.Errorf("%s has no advice:\n%s", name, strings.Join(lines, "\n"))
		}
	}
	if _, lines := run(t, holding(0), key, apiclient.Usage); len(lines) != 3 {
		t.Errorf("without an answer the clock is not known:\n%s", strings.Join(lines, "\n"))
	}
}

func TestTheClockIsCheckedAlsoWhereTheListIsRefused(t *testing.T) {
	client := failing(apiError("InvalidTimeStamp.Expired", apiclient.ClassClock)).skewed(-time.Hour)
	right, lines := run(t, client, key, apiclient.Usage)
	if right || len(lines) != 6 || !strings.HasPrefix(lines[4], "clock         FAILED  1h0m0s behind") {
		t.Errorf("all right is %t:\n%s", right, strings.Join(lines, "\n"))
	}
}
