package check_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/go-kit/log"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/collector"
	"alicdn_export_exporter/internal/check"
	"alicdn_export_exporter/internal/config"
	"alicdn_export_exporter/internal/simulator/scenario"
	"alicdn_export_exporter/internal/view"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The key that the simulated API accepts.
const (
	keyID  = "LTAI5tSimulatedAccessKey"
	secret = "SimulatedAccessKeySecret000001"
)

// simulate serves a scenario and returns its endpoint.
func simulate(t *testing.T, name string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	found, err := scenario.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	server, err := found.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); server.Close() })
	return server.URL()
}

// run checks with flags, and returns the exit status, the output and the error.
func run(t *testing.T, options check.Options, args ...string) (status int, stdout string, err error) {
	t.Helper()
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", keyID)
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", secret)
	app := kingpin.New("test", "")
	flags := config.AddFlags(app)
	if _, err := app.Parse(args); err != nil {
		t.Fatal(err)
	}
	if err := flags.Validate(); err != nil {
		t.Fatal(err)
	}
	var out, progress strings.Builder
	status, err = check.Run(t.Context(), flags, options, &out, &progress)
	if progress.Len() > 0 {
		t.Errorf("progress is shown where nobody reads it: %q", progress.String())
	}
	if strings.Contains(out.String(), secret) || strings.Contains(out.String(), "\x1b") {
		t.Errorf("the output holds the secret, or colors:\n%s", out.String())
	}
	return status, out.String(), err
}

func writeFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "accounts.yml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRun(t *testing.T) {
	for name, tc := range map[string]struct {
		scenario string
		status   int
		want     []string
		not      []string
	}{
		"exits with 0 if all is well": {"healthy", check.ExitFine, []string{
			"default at http://127.0.0.1:", "  credentials     from ", "  clock           equal to the API's",
			"  times           in the zone Asia/Shanghai", "  usage_detail    ", " █", "  covered       until ", "\ndefault is fine\n",
		}, []string{"aliyun cdn", "default usage:"}},
		"exits with 2 if a month is missing": {"forgotten-month", check.ExitMissing, []string{
			"default usage: needs an export\n  month_missing ", "aliyun cdn CreateUserUsageDataExportTask --TaskName usage-", "\ndefault needs an export\n",
		}, []string{"is fine"}},
		"exits with 2 if an export is stuck": {"stuck", check.ExitMissing, []string{
			"  stuck           audit-", "has been pending for", "pending  ", "\ndefault needs an export\n",
		}, nil},
		"exits with 2 if an export failed": {"failed", check.ExitMissing, []string{
			"  failed          usage-", "A command above ends this too.",
		}, nil},
		"exits with 1 if a list may not be read": {"denied", check.ExitFailed, []string{
			"default usage: cannot be read\n  refused         The list cannot be read: page 1: NoPermission",
			"default usage_detail: cannot be read\n", "cdn:DescribeUserUsageDataExportTask ", "cdn:DescribeUserUsageDetailDataExportTask ",
			"\ndefault cannot be read\n",
		}, nil},
		"exits with 1 if the clock is wrong": {"clock-skew", check.ExitFailed, []string{
			"InvalidTimeStamp.Expired", "clock           60 min behind the API's", "This machine's clock is 60 min behind the API's.",
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			status, out, err := run(t, check.Options{}, "--api.endpoint="+simulate(t, tc.scenario), "--collector.exports=usage,usage_detail")
			if err != nil || status != tc.status {
				t.Errorf("status %d, want %d; %v", status, tc.status, err)
			}
			for _, want := range tc.want {
				if !strings.Contains(out, want) {
					t.Errorf("no %q in\n%s", want, out)
				}
			}
			for _, not := range tc.not {
				if strings.Contains(out, not) {
					t.Errorf("%q is in\n%s", not, out)
				}
			}
		})
	}

	t.Run("prints the problems of all accounts first and a summary last", func(t *testing.T) {
		file := writeFile(t, fmt.Sprintf("accounts: [{name: a, endpoint: %q}, {name: b, endpoint: %q}]",
			simulate(t, "healthy"), simulate(t, "forgotten-month")))
		status, out, _ := run(t, check.Options{}, "--config.file="+file)
		if status != check.ExitMissing || !strings.HasPrefix(out, "b usage: needs an export\n") ||
			!strings.HasSuffix(out, "\n\nb needs an export; 1 of 2 accounts fine\n") {
			t.Errorf("status %d:\n%s", status, out)
		}
		t.Run("of the accounts that are named", func(t *testing.T) {
			status, out, _ := run(t, check.Options{Accounts: []string{"a"}}, "--config.file="+file)
			if status != check.ExitFine || strings.Contains(out, "forgotten") || !strings.HasSuffix(out, "\na is fine\n") {
				t.Errorf("status %d:\n%s", status, out)
			}
		})
		t.Run("refuses names that no account has", func(t *testing.T) {
			status, out, err := run(t, check.Options{Accounts: []string{"c", "a", "d"}}, "--config.file="+file)
			want := "there is no account \"c\", only a, b\nthere is no account \"d\", only a, b"
			if status != check.ExitFailed || out != "" || err == nil || err.Error() != want {
				t.Errorf("status %d: %v", status, err)
			}
		})
	})

	t.Run("waits for a key once", func(t *testing.T) {
		silent, err := net.Listen("tcp", "127.0.0.1:0") // It accepts connections, but never responds.
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
		var accounts strings.Builder
		for i := range 20 {
			fmt.Fprintf(&accounts, "  - {name: a%d, endpoint: %q, credentials: {type: credentials_uri, uri: %q}}\n",
				i, "http://127.0.0.1:1", fmt.Sprintf("http://%s/%d", silent.Addr(), i))
		}
		began := time.Now()
		status, out, _ := run(t, check.Options{}, "--config.file="+writeFile(t, "accounts:\n"+accounts.String()), "--refresh.timeout=50ms")
		if status != check.ExitFailed || strings.Count(out, "  credentials     none\n") != 20 {
			t.Errorf("status %d:\n%s", status, out)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("it took %s", took)
		}
	})

	t.Run("leaves out the lists of many accounts", func(t *testing.T) {
		endpoint := simulate(t, "healthy")
		var accounts strings.Builder
		for i := range 21 {
			fmt.Fprintf(&accounts, "  - {name: a%d, endpoint: %q}\n", i, endpoint)
		}
		status, out, _ := run(t, check.Options{}, "--config.file="+writeFile(t, "accounts:\n"+accounts.String()))
		if status != check.ExitFine || strings.Contains(out, "newest tasks") || !strings.HasSuffix(out, "All 21 accounts are fine\n") {
			t.Errorf("status %d:\n%s", status, out)
		}
	})

	t.Run("prints JSON", func(t *testing.T) {
		status, out, err := run(t, check.Options{Output: "json"}, "--api.endpoint="+simulate(t, "forgotten-month"))
		var document struct {
			FormatVersion int `json:"format_version"`
			State         string
			Accounts      []struct {
				Exports []struct{ Problems []struct{ Kind string } }
			}
		}
		if jsonErr := json.Unmarshal([]byte(out), &document); jsonErr != nil || err != nil {
			t.Fatalf("%v, %v:\n%s", jsonErr, err, out)
		}
		if status != check.ExitMissing || document.FormatVersion != view.FormatVersion || document.State != "export_missing" ||
			document.Accounts[0].Exports[0].Problems[0].Kind != "month_missing" {
			t.Errorf("status %d: %+v", status, document)
		}
	})
}

func TestRunSyntaxOnly(t *testing.T) {
	t.Run("needs no key and no network", func(t *testing.T) {
		file := writeFile(t, "accounts: [{name: a, credentials: {type: access_key, access_key_id_file: none, access_key_secret_file: none}}, {name: b}]")
		status, out, err := run(t, check.Options{SyntaxOnly: true}, "--config.file="+file, "--api.endpoint=nowhere.invalid")
		if status != check.ExitFine || out != "The configuration is correct: 2 accounts.\n" || err != nil {
			t.Errorf("status %d: %s%v", status, out, err)
		}
	})
	t.Run("knows the accounts of the demo", func(t *testing.T) {
		status, out, err := run(t, check.Options{SyntaxOnly: true}, "--demo")
		if status != check.ExitFine || out != "The configuration is correct: 3 accounts.\n" || err != nil {
			t.Errorf("status %d: %s%v", status, out, err)
		}
	})
	t.Run("refuses names that no account has", func(t *testing.T) {
		status, out, err := run(t, check.Options{SyntaxOnly: true, Accounts: []string{"a", "b"}}, "--account.name=a")
		if status != check.ExitFailed || out != "" || err == nil || err.Error() != `there is no account "b", only a` {
			t.Errorf("status %d: %s%v", status, out, err)
		}
	})
	t.Run("prints no JSON", func(t *testing.T) {
		status, out, err := run(t, check.Options{SyntaxOnly: true, Output: "json"})
		if status != check.ExitFailed || out != "" || err == nil || !strings.HasPrefix(err.Error(), "--output=json cannot be used") {
			t.Errorf("status %d: %s%v", status, out, err)
		}
	})
	t.Run("lists the mistakes of the file", func(t *testing.T) {
		status, out, err := run(t, check.Options{SyntaxOnly: true}, "--config.file="+writeFile(t, "accounts: [{nam: a}]"))
		if status != check.ExitFailed || out != "" || err == nil || !strings.Contains(err.Error(), "accounts.yml:1") {
			t.Errorf("status %d: %s%v", status, out, err)
		}
	})
}

// behindOnce is a client whose first list is empty.
type behindOnce struct {
	collector.Client
	reads []time.Time
	empty bool // whether the others are empty too
}

func (c *behindOnce) Read(context.Context, apiclient.Export, []string) (*apiclient.Listing, error) {
	c.reads = append(c.reads, time.Now())
	if c.empty || len(c.reads) == 1 {
		return &apiclient.Listing{Began: time.Now()}, nil
	}
	return &apiclient.Listing{Tasks: []apiclient.Task{{ID: "1"}}, TotalCount: 1, Began: time.Now()}, nil
}

func (c *behindOnce) RateLimit() float64               { return 20 }
func (c *behindOnce) ClockSkew() (time.Duration, bool) { return 0, true }

// A server that lags behind the others may return no tasks for a moment. The pause does not
// count as reading time.
func TestRunEmptyList(t *testing.T) {
	for name, empty := range map[string]bool{"one that is not empty later": false, "one that stays empty": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := &behindOnce{empty: empty}
				coll := collector.New(collector.Config{
					MaxStale: time.Hour, RefreshTimeout: 2 * time.Second, Logger: log.NewNopLogger(),
				})
				defer coll.Close()
				coll.SetAccounts([]collector.Account{{
					Name: "a", Client: check.ReadTwice(client), Exports: []apiclient.Export{apiclient.Usage},
				}})
				coll.Refresh(t.Context())
				status := coll.Statuses(time.Now())[0].Exports[0]
				if !status.Up || status.Report == nil || (len(status.Report.NewestTasks) == 0) != empty {
					t.Errorf("%+v", status)
				}
				if len(client.reads) != 2 || client.reads[1].Sub(client.reads[0]) != 5*time.Second {
					t.Errorf("it was read at %v", client.reads)
				}
			})
		})
	}
}

func TestPrint(t *testing.T) {
	at := func(text string) time.Time {
		moment, err := time.Parse(time.DateTime, text)
		if err != nil {
			t.Fatal(err)
		}
		return moment
	}
	full, half, none := 1., .5, 0.
	document := view.Document{
		Verdict: "main\x1b[2J needs an export", State: view.ExportMissing,
		Accounts: []view.Account{{
			Account: "main\x1b[2J", TimeZone: "UTC", State: view.ExportMissing,
			Exports: []view.Export{{
				Export: apiclient.Usage, State: view.ExportMissing,
				Problems: []view.Problem{
					{
						Kind: collector.Failed, Subject: "usage \u202e", TaskID: "9", What: "failed.", Advice: "Make it again.",
						Commands: []view.Command{{Note: "October", Line: "aliyun cdn"}, {Note: "too old"}}, Needs: "A key.",
					},
					{Kind: collector.SuccessTooOld, What: "It is old.", Advice: "Make one.", Commands: []view.Command{{Note: "October", Line: "aliyun cdn"}}},
				},
				List: &view.List{
					Tasks: view.Counts{Success: 2, Created: 1, Unknown: 1},
					Months: []view.Month{
						{Start: at("2026-09-01 00:00:00"), JudgedFrom: at("2026-09-02 00:00:00"), Covered: .998, Days: []*float64{nil, &none, &half, &full}},
						{Start: at("2026-10-01 00:00:00"), JudgedFrom: at("2026-10-01 00:00:00"), Covered: .5, MadeTooEarly: true, Days: []*float64{&full, &full}},
					},
					CoveredUntil: at("2026-10-16 12:00:00"),
					Expectations: []view.Expectation{
						{Name: "due", Due: at("2026-12-01 00:00:00")},
						{Name: "missing", Due: at("2026-12-01 00:00:00"), Missing: make([]view.Period, 1)},
						{Name: "overdue", Due: at("2026-11-01 00:00:00"), Missing: make([]view.Period, 1), Overdue: true, Hint: "no task"},
					},
					NewestTasks: []view.Task{
						{ID: "1", Name: "half of October", Status: "success", Created: at("2026-11-02 09:00:00"), Start: at("2026-10-01 00:00:00"), End: at("2026-10-16 11:59:59")},
						{ID: "2\x1b", Name: "pending", Status: "created"},
					},
				},
			}, {Export: apiclient.UsageDetail, State: view.NotReadYet}},
		}},
	}
	var out strings.Builder
	err := check.Print(&out, document, map[string]check.Connection{"main\x1b[2J": {"cdn.aliyuncs.com", "from env", "equal to the API's"}})
	if diff := cmp.Diff(`main\x1b[2J usage: needs an export
  failed          usage \u202e (id 9) failed.
                  Make it again.
                  # October
                  aliyun cdn
                  # too old
                  A key.
  success_too_old It is old.
                  Make one. A command above ends this too.

main\x1b[2J at cdn.aliyuncs.com
  credentials     from env
  clock           equal to the API's
  times           in the zone UTC
  usage           4 tasks: 2 success, 1 pending, 0 failed, 1 unknown
    2026-09        ·▒█                             99 % covered, judged from 2026-09-02 00:00
    2026-10       ██                               50 % covered, exported too early
                  █ covered, ▒ in part, · not covered, blank: too old to be judged
    covered       until 2026-10-16 12:00
    expected      due: next due 2026-12-01 00:00
    expected      missing: missing, due 2026-12-01 00:00
    expected      overdue: overdue since 2026-11-01 00:00; no task
  newest tasks  status   created           updated  from              to                name
  1             success  2026-11-02 09:00  -        2026-10-01 00:00  2026-10-16 11:59  half of October
  2\x1b         pending  -                 -        -                 -                 pending
  usage_detail    not read yet

main\x1b[2J needs an export
`, out.String()); diff != "" || err != nil {
		t.Errorf("%v: -want +got:\n%s", err, diff)
	}
}

// A count of failed tasks beside "fine" needs an explanation.
func TestPrintExplainsFailures(t *testing.T) {
	for unrecovered, want := range map[int]bool{0: true, 1: false} {
		list := &view.List{Tasks: view.Counts{Success: 1, Failed: 1}, UnrecoveredFailures: unrecovered}
		var out strings.Builder
		err := check.Print(&out, view.Document{Accounts: []view.Account{{
			Account: "main", TimeZone: "UTC", Exports: []view.Export{{Export: apiclient.Usage, List: list}},
		}}}, nil)
		got := strings.Contains(out.String(), "1 failed\n                  No failed task needs to be repeated.\n")
		if err != nil || got != want {
			t.Errorf("with %d failures that count: error %v\n%s", unrecovered, err, out.String())
		}
	}
}
