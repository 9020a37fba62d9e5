package accounts_test

import (
	"context"
	"strings"
	"testing"

	"github.com/alecthomas/kingpin/v2"
	"github.com/go-kit/log"
	"github.com/google/go-cmp/cmp"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/collector"
	"alicdn_export_exporter/internal/accounts"
	"alicdn_export_exporter/internal/config"
)

// demoReports reads the lists of the demo. It returns a report or an error for each export, by ACCOUNT/EXPORT.
func demoReports(t *testing.T, arguments ...string) (reports map[string]*collector.Report, errs map[string]error, logged string) {
	t.Helper()
	app := kingpin.New("test", "")
	flags := config.AddFlags(app)
	if _, err := app.Parse(append([]string{"--demo"}, arguments...)); err != nil {
		t.Fatal(err)
	}
	var lines logBuffer
	demo, err := accounts.New(context.Background(), flags, log.NewLogfmtLogger(&lines))
	if err != nil {
		t.Fatal(err)
	}
	defer demo.Close()
	all, err := demo.Load()
	if err != nil {
		t.Fatal(err)
	}
	reports, errs = make(map[string]*collector.Report), make(map[string]error)
	for _, account := range all {
		for _, export := range account.Collected.Exports {
			name := account.Collected.Name + "/" + string(export)
			listing, err := account.Client.List(t.Context(), export, nil)
			if errs[name] = err; err == nil {
				reports[name] = collector.NewReport(collector.NewSnapshot(account.Collected, export, listing, collector.ReportedTasks), listing.Began)
			}
		}
	}
	return reports, errs, lines.String()
}

func TestDemo(t *testing.T) {
	// Credentials of a real account must not be used.
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAIreal")
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "real secret")
	t.Setenv("ALIBABA_CLOUD_SECURITY_TOKEN", "real token")
	reports, errs, logged := demoReports(t)

	t.Run("has three accounts", func(t *testing.T) {
		got := make(map[string]bool)
		for name, err := range errs {
			got[name] = err == nil
		}
		want := map[string]bool{
			"demo-fine/usage": true, "demo-fine/usage_detail": true, "demo-overdue/usage": true, "demo-refused/usage": false,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("readable: -want +got:\n%s", diff)
		}
	})
	kinds := func(name string) (kinds []collector.ProblemKind) {
		for _, problem := range reports[name].Problems {
			kinds = append(kinds, problem.Kind)
		}
		return kinds
	}
	t.Run("one account is fine", func(t *testing.T) {
		for _, name := range []string{"demo-fine/usage", "demo-fine/usage_detail"} {
			r := reports[name]
			if len(r.Problems) > 0 || len(r.Expectations) != 1 || len(r.Expectations[0].Missing) > 0 || r.Expectations[0].Unmatched {
				t.Errorf("%s: problems %v, expectations %+v", name, kinds(name), r.Expectations)
			}
		}
	})
	t.Run("one account has an export overdue, one failed and one stuck", func(t *testing.T) {
		want := []collector.ProblemKind{collector.Overdue, collector.Failed, collector.Stuck, collector.MonthMissing}
		if diff := cmp.Diff(want, kinds("demo-overdue/usage")); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
	t.Run("one account is refused", func(t *testing.T) {
		if err := errs["demo-refused/usage"]; err == nil || !strings.Contains(err.Error(), "NoPermission") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("is announced in the log", func(t *testing.T) {
		if !strings.HasPrefix(logged, "level=warn ") || !strings.Contains(logged, "simulated") || !strings.Contains(logged, "Credentials") {
			t.Errorf("log:\n%s", logged)
		}
	})
	t.Run("reads the exports of the flag", func(t *testing.T) {
		reports, errs, _ := demoReports(t, "--collector.exports=usage_detail")
		for _, account := range []string{"demo-fine", "demo-overdue"} {
			if reports[account+"/usage_detail"] == nil || len(errs) != 3 {
				t.Errorf("%s: %d exports, errors %v", account, len(errs), errs)
			}
		}
		if r := reports["demo-fine/usage_detail"]; r != nil && len(r.Problems) > 0 {
			t.Errorf("%+v", r)
		}
	})
}

// Each account has its own simulated API, so it needs its own endpoint and limiter.
func TestDemoAccountsAreSeparate(t *testing.T) {
	app := kingpin.New("test", "")
	flags := config.AddFlags(app)
	if _, err := app.Parse([]string{"--demo"}); err != nil {
		t.Fatal(err)
	}
	demo, err := accounts.New(context.Background(), flags, log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	defer demo.Close()
	all, err := demo.Load()
	if err != nil {
		t.Fatal(err)
	}
	limiters := make(map[*apiclient.Limiter]bool)
	for _, account := range all {
		limiters[account.Limiter] = true
	}
	if len(all) != 3 || len(limiters) != 3 {
		t.Errorf("%d accounts with %d limiters, want 3", len(all), len(limiters))
	}
	again, err := demo.Load()
	for i := range again {
		if again[i] != all[i] {
			t.Errorf("%s starts anew when the configuration is loaded again", again[i].Settings.Name)
		}
	}
	if err != nil {
		t.Error(err)
	}
}
