package config_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/config"
	"alicdn_export_exporter/internal/coverage"
)

// parse returns the flags of a program that is started with the arguments.
func parse(arguments ...string) (*config.Flags, error) {
	app := kingpin.New("test", "").DefaultEnvars()
	flags := config.AddFlags(app)
	if _, err := app.Parse(arguments); err != nil {
		return nil, err
	}
	return flags, flags.Validate()
}

func TestFlags(t *testing.T) {
	t.Run("have the documented defaults", func(t *testing.T) {
		flags, err := parse()
		if err != nil {
			t.Fatal(err)
		}
		want := &config.Flags{
			TelemetryPath:       "/metrics",
			LogLevel:            "info",
			LogFormat:           "logfmt",
			Account:             defaults,
			APITimeout:          10 * time.Second,
			Concurrency:         8,
			MaxRetries:          3,
			MaxTasks:            100_000,
			CacheTTL:            50 * time.Second,
			CacheMaxStale:       time.Hour,
			RefreshTimeout:      2 * time.Minute,
			ScrapeTimeoutOffset: 500 * time.Millisecond,
		}
		if diff := cmp.Diff(want, flags, compare, cmpopts.IgnoreFields(config.Flags{}, "Web"), cmpopts.IgnoreUnexported(config.Flags{})); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if diff := cmp.Diff([]string{":10077"}, *flags.Web.WebListenAddresses); diff != "" {
			t.Errorf("listen address: -want +got:\n%s", diff)
		}
		if *flags.Web.WebConfigFile != "" || *flags.Web.WebSystemdSocket {
			t.Errorf("by default there is a web configuration %q or a systemd socket", *flags.Web.WebConfigFile)
		}
	})

	t.Run("take values from the command line", func(t *testing.T) {
		flags, err := parse(
			"--web.listen-address=127.0.0.1:1", "--web.listen-address=127.0.0.1:2", "--web.config.file=web.yml",
			"--web.telemetry-path=/m", "--log.level=debug", "--log.format=json", "--account.name=main",
			"--api.endpoint=http://127.0.0.1:3", "--api.timeout=1s", "--api.rate-limit=0.5", "--api.concurrency=2", "--api.max-retries=0",
			"--api.max-tasks=4", "--cache.ttl=0s", "--cache.max-stale=5s", "--refresh.timeout=6s", "--scrape.timeout-offset=0s",
			"--collector.exports=usage,usage_detail", "--collector.task-info=7", "--config.file=c.yml", "--config.enable-auto-reload", "--account.time-zone=Europe/Berlin",
			"--account.usage-delay=1d", "--limit.pending-age=0", "--limit.success-age=2w", "--limit.month-grace=8d",
		)
		if err != nil {
			t.Fatal(err)
		}
		want := &config.Flags{
			TelemetryPath: "/m", LogLevel: "debug", LogFormat: "json",
			Account: config.Account{
				Name: "main", Endpoint: endpoint("http://127.0.0.1:3"), TimeZone: zone("Europe/Berlin"), RateLimit: 0.5, Exports: apiclient.Exports(),
				UsageDelay: day, Limits: coverage.Limits{SuccessAge: 14 * day, MonthGrace: 8 * day},
			},
			APITimeout: time.Second, Concurrency: 2, MaxRetries: 0, MaxTasks: 4, CacheTTL: 0, CacheMaxStale: 5 * time.Second,
			RefreshTimeout: 6 * time.Second, ScrapeTimeoutOffset: 0,
			TaskInfo: 7, ConfigFile: "c.yml", AutoReload: true,
		}
		if diff := cmp.Diff(want, flags, compare, cmpopts.IgnoreFields(config.Flags{}, "Web"), cmpopts.IgnoreUnexported(config.Flags{})); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if diff := cmp.Diff([]string{"127.0.0.1:1", "127.0.0.1:2"}, *flags.Web.WebListenAddresses); diff != "" || *flags.Web.WebConfigFile != "web.yml" {
			t.Errorf("web configuration %q; listen addresses: -want +got:\n%s", *flags.Web.WebConfigFile, diff)
		}
	})

	t.Run("take values from the environment", func(t *testing.T) {
		t.Setenv("TEST_WEB_LISTEN_ADDRESS", "127.0.0.1:1")
		t.Setenv("TEST_LOG_LEVEL", "warn")
		t.Setenv("TEST_DEMO", "true")
		t.Setenv("TEST_API_RATE_LIMIT", "5")
		t.Setenv("TEST_API_CONCURRENCY", "6")
		t.Setenv("TEST_CACHE_TTL", "7s")
		flags, err := parse("--cache.ttl=8s") // The command line takes precedence.
		if err != nil {
			t.Fatal(err)
		}
		if (*flags.Web.WebListenAddresses)[0] != "127.0.0.1:1" || flags.LogLevel != "warn" || !flags.Demo ||
			flags.Account.RateLimit != 5 || flags.Concurrency != 6 || flags.CacheTTL != 8*time.Second {
			t.Errorf("%+v", flags)
		}
	})

	t.Run("accept the limits of their ranges", func(t *testing.T) {
		for _, argument := range []string{
			"--log.level=error", "--account.name=上海 \"main\"", "--api.timeout=1ns", "--api.rate-limit=1e-9", "--api.rate-limit=1e308", "--api.concurrency=1",
			"--api.concurrency=1000", "--api.max-retries=0", "--api.max-retries=100", "--api.max-tasks=1", "--cache.ttl=0s",
			"--cache.max-stale=1m1ns", "--refresh.timeout=1ns", "--scrape.timeout-offset=0s", "--scrape.timeout-offset=24h",
			"--account.time-zone=UTC", "--collector.task-info=100", "--cache.max-stale=1d", "--account.usage-delay=0", "--account.usage-delay=45d",
			"--limit.pending-age=60d", "--limit.success-age=85d", "--limit.month-grace=30d", "--limit.month-grace=0",
		} {
			if flags, err := parse(argument); err != nil || math.IsInf(float64(flags.Account.RateLimit), 0) {
				t.Errorf("%s: %v", argument, err)
			}
		}
	})

	t.Run("have an environment variable and a sentence", func(t *testing.T) {
		app := kingpin.New("test", "").DefaultEnvars()
		own := len(app.Model().Flags)
		config.AddFlags(app)
		if _, err := app.Parse(nil); err != nil {
			t.Fatal(err)
		}
		for _, flag := range app.Model().Flags[own:] {
			if want := "TEST_" + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(flag.Name)); flag.Envar != want {
				t.Errorf("--%s is the variable %q, want %q", flag.Name, flag.Envar, want)
			}
			if !strings.HasPrefix(flag.Name, "web.") && !strings.HasSuffix(flag.Help, ".") { // Most of web.* are the toolkit's.
				t.Errorf("--%s: %q is no sentence", flag.Name, flag.Help)
			}
			if flag.Default != nil && flag.Value.String() == "" && flag.Default[0] != "" {
				t.Errorf("--%s shows nothing for its default %q", flag.Name, flag.Default)
			}
		}
	})
}

func TestFlagErrors(t *testing.T) {
	t.Run("name the flag and the reason", func(t *testing.T) {
		for argument, reason := range map[string]string{
			"--log.level=loud":                     "must be one of debug, info, warn, error",
			"--log.level=INFO":                     "must be one of debug, info, warn, error",
			"--log.level=":                         "must be one of debug, info, warn, error",
			"--log.format=xml":                     "must be one of logfmt, json",
			"--account.name=":                      "must not be empty",
			"--account.name=  ":                    "must not be empty",
			"--account.name=\xff":                  "must be UTF-8",
			"--account.time-zone=":                 "(example: Asia/Shanghai)",
			"--account.time-zone=Local":            "(example: Asia/Shanghai)",
			"--account.time-zone=Mars/Olympus":     "(example: Asia/Shanghai)",
			"--collector.task-info=-1":             "must be from 0 to 100",
			"--collector.task-info=101":            "must be from 0 to 100",
			"--collector.task-info=all":            "must be a whole number",
			"--api.rate-limit=0":                   "must be a number greater than 0",
			"--api.rate-limit=-1":                  "must be a number greater than 0",
			"--api.rate-limit=NaN":                 "must be a number greater than 0",
			"--api.rate-limit=Inf":                 "must be a number greater than 0",
			"--api.rate-limit=fast":                "must be a number greater than 0",
			"--api.rate-limit=1e999":               "must be a number greater than 0",
			"--api.concurrency=0":                  "must be from 1 to 1000",
			"--api.concurrency=1001":               "must be from 1 to 1000",
			"--api.concurrency=1.5":                "must be a whole number",
			"--api.max-retries=-1":                 "must be from 0 to 100",
			"--api.max-retries=101":                "must be from 0 to 100",
			"--api.max-retries=many":               "must be a whole number",
			"--api.max-tasks=0":                    "must be from 1 to",
			"--api.max-tasks=99999999999999999999": "must be a whole number",
			"--cache.ttl=-1ns":                     "must not be negative",
			"--cache.ttl=a minute":                 "must be a duration, such as 30s or 5m",
			"--cache.max-stale=50s":                "must be greater than --cache.ttl=50s",
			"--cache.max-stale=-1h":                "must not be negative",
			"--cache.max-stale=1 hour":             "must be a duration, such as 30s or 5m",
			"--refresh.timeout=0s":                 "must be greater than 0",
			"--refresh.timeout=ten":                "must be a duration, such as 30s or 5m",
			"--scrape.timeout-offset=-500ms":       "must not be negative",
			"--api.endpoint=a/b":                   "must be a host name without user, path or query",
			"--account.usage-delay=46d":            "must be at most 45d (got 46d)",
			"--limit.pending-age=61d":              "must be at most 60d (got 61d)",
			"--limit.success-age=86d":              "must be at most 85d (got 86d)",
			"--limit.month-grace=-1d":              "must not be negative (got -1d)",
			"--limit.month-grace=5w":               "must be at most 30d (got 35d)",
			"--scrape.timeout-offset=0.5":          "must be a duration, such as 30s or 5m",
			"--config.enable-auto-reload":          "needs --config.file",
		} {
			_, err := parse(argument)
			if err == nil {
				t.Errorf("%s is accepted", argument)
				continue
			}
			name, _, _ := strings.Cut(argument, "=")
			if text := err.Error(); !strings.HasPrefix(text, name) || !strings.Contains(text, reason) {
				t.Errorf("%s is refused with %q, want %q and the flag's name", argument, text, reason)
			}
		}
	})

	t.Run("name the flag of a variable", func(t *testing.T) {
		t.Setenv("TEST_CACHE_TTL", "soon")
		if _, err := parse(); err == nil || err.Error() != `--cache.ttl: must be a duration, such as 30s or 5m (got "soon")` {
			t.Errorf("error %v", err)
		}
	})

	t.Run("are reported all at once", func(t *testing.T) {
		_, err := parse("--log.level=loud", "--api.concurrency=0", "--refresh.timeout=0s")
		if err == nil {
			t.Fatal("they are accepted")
		}
		if diff := cmp.Diff([]string{
			`--log.level: must be one of debug, info, warn, error (got "loud")`,
			"--api.concurrency: must be from 1 to 1000 (got 0)",
			"--refresh.timeout: must be greater than 0 (got 0s)",
		}, strings.Split(err.Error(), "\n")); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

func TestDemoFlag(t *testing.T) {
	t.Run("excludes flags that describe accounts", func(t *testing.T) {
		for _, argument := range []string{
			"--config.file=c.yml", "--api.endpoint=cdn.aliyuncs.com", "--account.name=default", "--account.time-zone=UTC",
			"--account.usage-delay=4h",
		} {
			name, _, _ := strings.Cut(argument, "=")
			_, err := parse("--demo", argument)
			if want := name + " cannot be used with --demo, which has accounts of its own"; err == nil || err.Error() != want {
				t.Errorf("%s: error %v, want %s", argument, err, want)
			}
			if _, err := parse("--no-demo", argument); err != nil {
				t.Errorf("%s without the demo: %v", argument, err)
			}
		}
	})
	t.Run("excludes variables that describe accounts", func(t *testing.T) {
		t.Setenv("TEST_DEMO", "true")
		t.Setenv("TEST_CONFIG_FILE", "c.yml")
		t.Setenv("TEST_ACCOUNT_NAME", "main")
		_, err := parse()
		want := "TEST_CONFIG_FILE cannot be used with TEST_DEMO, which has accounts of its own\n" +
			"TEST_ACCOUNT_NAME cannot be used with TEST_DEMO, which has accounts of its own"
		if err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	})
	t.Run("allows all other flags", func(t *testing.T) {
		flags, err := parse("--demo", "--collector.exports=usage_detail", "--limit.pending-age=1h", "--api.rate-limit=1", "--cache.ttl=5s")
		if err != nil || !flags.Demo {
			t.Errorf("demo %t, error %v", flags.Demo, err)
		}
	})
}

func TestGiven(t *testing.T) {
	t.Setenv("TEST_CACHE_TTL", "5s")
	t.Setenv("TEST_LOG_LEVEL", "warn")
	flags, err := parse("--collector.exports=usage", "--log.level=info")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"collector.exports": "--collector.exports", "cache.ttl": "TEST_CACHE_TTL", "log.level": "--log.level", "api.endpoint": "",
	} {
		if got := flags.Given(name); got != want {
			t.Errorf("%s was given as %q, want %q", name, got, want)
		}
	}
}

func TestExportsFlag(t *testing.T) {
	for text, want := range map[string][]apiclient.Export{
		"usage":                 {apiclient.Usage},
		"usage,usage_detail":    {apiclient.Usage, apiclient.UsageDetail},
		"usage_detail,usage":    {apiclient.UsageDetail, apiclient.Usage},
		" usage , usage_detail": {apiclient.Usage, apiclient.UsageDetail},
	} {
		flags, err := parse("--collector.exports=" + text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, flags.Account.Exports); diff != "" {
			t.Errorf("%q: -want +got:\n%s", text, diff)
		}
	}
	for text, want := range map[string]string{
		"":                   `must be one of usage, usage_detail (got "")`,
		"usage,":             `must be one of usage, usage_detail (got "")`,
		"usages":             `must be one of usage, usage_detail (got "usages"; did you mean usage?)`,
		"Usage":              `must be one of usage, usage_detail (got "Usage"; did you mean usage?)`,
		"usage usage_detail": `must be one of usage, usage_detail (got "usage usage_detail")`,
		"usage,usage":        `duplicate value "usage"`,
	} {
		if _, err := parse("--collector.exports=" + text); err == nil || err.Error() != "--collector.exports: "+want {
			t.Errorf("%q: error %v, want %s", text, err, want)
		}
	}
}
