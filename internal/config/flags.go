package config

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/exporter-toolkit/web"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/coverage"
)

// Flags are the values of the flags. Each flag has an environment variable.
type Flags struct {
	Web             *web.FlagConfig
	TelemetryPath   string
	EnableLifecycle bool
	LogLevel        string
	LogFormat       string
	ConfigFile      string // empty for none
	// AutoReload is whether to load ConfigFile again when it changes.
	AutoReload bool
	Demo       bool
	// Account is the one account without a configuration file, and the defaults of the
	// file's accounts with one.
	Account             Account
	APITimeout          time.Duration
	Concurrency         int
	MaxRetries          int
	MaxTasks            int
	CacheTTL            time.Duration
	CacheMaxStale       time.Duration
	RefreshTimeout      time.Duration
	ScrapeTimeoutOffset time.Duration
	TaskInfo            int // tasks

	errs []error // errors of invalid values
	app  *kingpin.Application
	set  map[string]*bool // whether a flag is on the command line, by its name
}

// AddFlags adds the flags to an application.
func AddFlags(app *kingpin.Application) *Flags {
	f := &Flags{app: app, set: make(map[string]*bool)}
	f.Web = kingpinflag.AddFlags(app, ":10077")
	app.Flag("web.telemetry-path", "Path of the metrics.").Default("/metrics").StringVar(&f.TelemetryPath)
	app.Flag("web.enable-lifecycle", "Reload the configuration on POST /-/reload, as on SIGHUP.").BoolVar(&f.EnableLifecycle)
	f.add(app, "log.level", "info", "Minimum level to log: debug, info, warn or error.",
		oneOf(&f.LogLevel, "debug", "info", "warn", "error"))
	f.add(app, "log.format", "logfmt", "Format of the log: logfmt or json.", oneOf(&f.LogFormat, "logfmt", "json"))
	app.Flag("config.file", "File with the accounts and the expected exports. The flags are its defaults.").StringVar(&f.ConfigFile)
	app.Flag("config.enable-auto-reload", "Reload the configuration within 30 seconds after --config.file has changed.").
		BoolVar(&f.AutoReload)
	app.Flag("demo", "Show three simulated accounts in this process instead of real ones.").BoolVar(&f.Demo)
	f.add(app, "account.name", "default", "Value of the label account.", labelValue(&f.Account.Name))
	f.add(app, "account.time-zone", "Asia/Shanghai", "Time zone in which the account's months, weeks and days begin.",
		text(&f.Account.TimeZone))
	f.add(app, "account.usage-delay", "4h", "Time after which usage is complete. An export does not cover usage that was younger when it was made.",
		durationUpTo(&f.Account.UsageDelay, coverage.MaxGrace))
	f.add(app, "api.endpoint", "cdn.aliyuncs.com", "Host name of the API. http:// is accepted for loopback addresses only.",
		text(&f.Account.Endpoint))
	f.add(app, "api.timeout", "10s", "Time limit of one API call.", positiveDuration(&f.APITimeout))
	f.add(app, "api.rate-limit", "20", "API calls per second, retries included. The account's quota is 100.",
		text(&f.Account.RateLimit))
	f.add(app, "api.concurrency", "8", "Simultaneous API calls.", integerIn(&f.Concurrency, 1, 1000))
	f.add(app, "api.max-retries", "3", "Retries of an API call that may succeed a little later.", integerIn(&f.MaxRetries, 0, 100))
	f.add(app, "api.max-tasks", "100000", "Maximum number of tasks in a list.", integerIn(&f.MaxTasks, 1, math.MaxInt))
	f.add(app, "cache.ttl", "50s", "Minimum time from the beginning of a refresh to the next one.", duration(&f.CacheTTL))
	f.add(app, "cache.max-stale", "1h", "Age at which the tasks of the last list are no longer shown.", duration(&f.CacheMaxStale))
	f.add(app, "refresh.timeout", "2m", "Time limit of one refresh of the list.", positiveDuration(&f.RefreshTimeout))
	f.add(app, "scrape.timeout-offset", "500ms", "Part of a scrape's timeout that is kept for the response.",
		duration(&f.ScrapeTimeoutOffset))
	f.add(app, "collector.exports", "usage", "Exports to read, separated by commas: usage, usage_detail. Each needs its own RAM action.",
		exportList(&f.Account.Exports))
	f.add(app, "collector.task-info", "0", "Number of the newest tasks to show one by one, at most 100.", integerIn(&f.TaskInfo, 0, 100))
	limits := &f.Account.Limits
	f.add(app, "limit.pending-age", "6h", "Age from which a pending export is stuck, at most 60d; 0 for no limit.",
		durationUpTo(&limits.PendingAge, coverage.MaxPendingAge))
	f.add(app, "limit.success-age", "35d", "Age from which the newest success is too old, at most 85d; 0 for no limit.",
		durationUpTo(&limits.SuccessAge, coverage.MaxSuccessAge))
	f.add(app, "limit.month-grace", "3d", "Time after the end of a month to export it, at most 30d; 0 for no limit.",
		durationUpTo(&limits.MonthGrace, coverage.MaxMonthGrace))
	for _, flag := range app.Model().Flags {
		f.set[flag.Name] = new(bool)
		app.GetFlag(flag.Name).IsSetByUser(f.set[flag.Name])
	}
	return f
}

// add adds a flag whose errors are collected for Validate, so that all of them can be
// reported at once.
func (f *Flags) add(to flagAdder, name, value, help string, parse func(string) error) {
	to.Flag(name, help).Default(value).SetValue(&flagValue{name: name, parse: parse, errs: &f.errs})
}

// flagAdder is an application or a command.
type flagAdder interface {
	Flag(name, help string) *kingpin.FlagClause
}

// AddChoice adds a flag to a command that must be one of the options. The first one is the default.
func (f *Flags) AddChoice(command *kingpin.CmdClause, into *string, name, help string, options ...string) {
	f.add(command, name, options[0], help, oneOf(into, options...))
}

// Validate returns an error for each flag whose value cannot be used, joined.
func (f *Flags) Validate() error {
	errs := append(slices.Clone(f.errs), f.demoConflicts()...)
	if len(errs) == 0 && f.CacheMaxStale <= f.CacheTTL {
		errs = append(errs, fmt.Errorf("--cache.max-stale: must be greater than --cache.ttl=%s (got %s)", f.CacheTTL, f.CacheMaxStale))
	}
	if f.AutoReload && f.ConfigFile == "" {
		errs = append(errs, errors.New("--config.enable-auto-reload: needs --config.file"))
	}
	return errors.Join(errs...)
}

// Given returns how a flag was given: as --name or as a variable. It returns "" if the
// flag has its default.
func (f *Flags) Given(name string) string {
	flag := f.app.GetFlag(name)
	switch {
	case *f.set[name]:
		return "--" + name
	case flag.HasEnvarValue():
		return flag.Model().Envar
	default:
		return ""
	}
}

// demoConflicts returns an error for each flag that makes no sense in the demo.
func (f *Flags) demoConflicts() []error {
	if !f.Demo {
		return nil
	}
	var errs []error
	for _, flag := range f.app.Model().Flags {
		isAccount := strings.HasPrefix(flag.Name, "account.") || flag.Name == "config.file" || flag.Name == "api.endpoint"
		if given := f.Given(flag.Name); isAccount && given != "" {
			errs = append(errs, fmt.Errorf("%s cannot be used with %s, which has accounts of its own", given, f.Given("demo")))
		}
	}
	return errs
}

// Accounts returns the accounts of the configuration file or, without one, the one
// account of the flags. The error lists all mistakes in the file, one a line.
func (f *Flags) Accounts() ([]Account, error) {
	if f.ConfigFile == "" {
		return []Account{f.Account}, nil
	}
	return Load(f.ConfigFile, f.Account)
}

// labelValue reads a label value.
func labelValue(into *string) func(string) error {
	return func(value string) error {
		if strings.TrimSpace(value) == "" {
			return errors.New("must not be empty")
		}
		if !utf8.ValidString(value) {
			return fmt.Errorf("must be UTF-8 (got %q)", value)
		}
		*into = value
		return nil
	}
}

// exportList reads exports that are separated by commas.
func exportList(into *[]apiclient.Export) func(string) error {
	return func(value string) error {
		var exports []apiclient.Export
		for name := range strings.SplitSeq(value, ",") {
			var export apiclient.Export
			if err := export.UnmarshalText([]byte(strings.TrimSpace(name))); err != nil {
				return err
			}
			if slices.Contains(exports, export) {
				return fmt.Errorf("duplicate value %q", export)
			}
			exports = append(exports, export)
		}
		*into = exports
		return nil
	}
}
