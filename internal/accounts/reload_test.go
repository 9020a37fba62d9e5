package accounts_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"alicdn_export_exporter/collector"
	"alicdn_export_exporter/internal/accounts"
	"alicdn_export_exporter/internal/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fixture is Accounts with a configuration file that a test can change. Its APIs do not
// respond.
type fixture struct {
	*accounts.Accounts
	t         *testing.T
	path      string
	collector *collector.Collector
	log       logBuffer
}

func newFixture(t *testing.T, file string) *fixture {
	t.Helper()
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "id")
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret")
	f := &fixture{t: t, path: filepath.Join(t.TempDir(), "exporter.yml")}
	f.write(file)
	app := kingpin.New("test", "")
	flags := config.AddFlags(app)
	if _, err := app.Parse([]string{"--config.file=" + f.path, "--api.endpoint=http://127.0.0.1:1"}); err != nil {
		t.Fatal(err)
	}
	logger := level.NewFilter(log.NewLogfmtLogger(&f.log), level.AllowInfo()) // API calls log at debug, meanwhile.
	var err error
	if f.Accounts, err = accounts.New(context.Background(), flags, logger); err != nil {
		t.Fatal(err)
	}
	f.collector = collector.New(collector.Config{
		TTL: time.Minute, RefreshTimeout: time.Second, Logger: log.NewNopLogger(),
	})
	t.Cleanup(func() {
		f.collector.Close()
		f.Close()
	})
	return f
}

func (f *fixture) write(file string) {
	f.t.Helper()
	if err := os.WriteFile(f.path, []byte(file), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// expect checks the value of config_last_reload_successful.
func (f *fixture) expect(successful string) {
	f.t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(f)
	const name = "alicdn_export_config_last_reload_successful"
	want := `# HELP alicdn_export_config_last_reload_successful Whether the last configuration reload succeeded.
# TYPE alicdn_export_config_last_reload_successful gauge
alicdn_export_config_last_reload_successful ` + successful + "\n"
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), name); err != nil {
		f.t.Error(err)
	}
	if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
		f.t.Errorf("%v, %v", problems, err)
	}
}

func (f *fixture) lastSuccess() float64 {
	f.t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(f)
	families, err := registry.Gather()
	if err != nil || len(families) != 2 {
		f.t.Fatalf("%d families, %v", len(families), err)
	}
	return families[0].GetMetric()[0].GetGauge().GetValue()
}

func TestReload(t *testing.T) {
	t.Run("sets the metrics", func(t *testing.T) {
		f := newFixture(t, "accounts: [{name: a}]")
		began := float64(time.Now().UnixNano()) / 1e9
		if err := f.Reload(f.collector); err != nil {
			t.Fatal(err)
		}
		f.expect("1")
		first := f.lastSuccess()
		if first < began-1 || first > began+60 {
			t.Errorf("time of the last success = %v, want about %v", first, began)
		}

		f.write("accounts: [{nam: a}]")
		if err := f.Reload(f.collector); err == nil || !strings.Contains(err.Error(), "accounts[0].nam: unknown key") {
			t.Errorf("error = %v", err)
		}
		f.expect("0")
		if f.lastSuccess() != first {
			t.Error("a failed reload changes the time of the last success")
		}
		if !strings.Contains(f.log.String(), `msg="Reload failed, keeping the current configuration"`) {
			t.Errorf("log:\n%s", f.log.String())
		}

		f.write("accounts: [{name: a}, {name: b}]")
		if err := f.Reload(f.collector); err != nil {
			t.Fatal(err)
		}
		f.expect("1")
		if f.lastSuccess() <= first {
			t.Error("a successful reload does not change the time of the last success")
		}
	})

	t.Run("keeps unchanged accounts and counts the others", func(t *testing.T) {
		f := newFixture(t, "accounts: [{name: a}, {name: b, rate_limit: 1}, {name: c}]")
		before, err := f.Load()
		if err != nil {
			t.Fatal(err)
		}
		f.write("accounts: [{name: a}, {name: b, rate_limit: 2}, {name: d}]")
		if err := f.Reload(f.collector); err != nil {
			t.Fatal(err)
		}
		if want := "accounts=3 added_or_changed=2 removed_or_changed=2"; !strings.Contains(f.log.String(), want) {
			t.Errorf("log:\n%s\nwant %s", f.log.String(), want)
		}
		after, err := f.Load()
		if err != nil {
			t.Fatal(err)
		}
		if after[0] != before[0] || after[1] == before[1] {
			t.Error("account a was replaced, or the changed account b was not")
		}
		if got := after[1].Client.RateLimit(); got != 2 {
			t.Errorf("b has the rate limit %v, want 2", got)
		}
	})

	t.Run("keeps all accounts when it fails", func(t *testing.T) {
		f := newFixture(t, "accounts: [{name: a}]")
		before, err := f.Load()
		if err != nil {
			t.Fatal(err)
		}
		f.write("accounts: []")
		if err := f.Reload(f.collector); err == nil {
			t.Error("no error")
		}
		f.write("accounts: [{name: a}]")
		if after, err := f.Load(); err != nil || after[0] != before[0] {
			t.Errorf("account a was replaced, error %v", err)
		}
	})

	t.Run("runs once at a time", func(t *testing.T) {
		f := newFixture(t, "accounts: [{name: a}]") // The race detector checks it.
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() { _ = f.Reload(f.collector) })
		}
		all.Wait()
		f.expect("1")
	})
}

func TestRecovered(t *testing.T) {
	var items []string
	const bug = ": this is a bug, please report it"
	for want, load := range map[string]func() error{
		"panic: runtime error: index out of range [7] with length 0" + bug: func() error { return errors.New(items[7]) },
		"panic: *errors.errorString" + bug:                                 func() error { panic(errors.New("S3cr3t")) },
		"panic: string" + bug:                                              func() error { panic("S3cr3t") },
		"wrong":                                                            func() error { return errors.New("wrong") },
	} {
		if err := accounts.Recovered(load); err == nil || err.Error() != want {
			t.Errorf("error = %v, want %s", err, want)
		}
	}
}
