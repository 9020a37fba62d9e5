// Package config holds what a user can set, as plain data.
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
)

// Flags are the values of the command line's flags, each of which can be given as
// an environment variable as well.
type Flags struct {
	Web                 *web.FlagConfig
	TelemetryPath       string
	EnableLifecycle     bool
	LogLevel            string
	LogFormat           string
	ConfigFile          string // empty for none
	Demo                bool
	AccountName         string
	TimeZone            string
	Endpoint            string
	APITimeout          time.Duration
	RateLimit           float64 // calls a second
	Concurrency         int
	MaxRetries          int
	MaxTasks            int
	CacheTTL            time.Duration
	CacheMaxStale       time.Duration
	RefreshTimeout      time.Duration
	ScrapeTimeoutOffset time.Duration
	Exports             string // separated by commas
	TaskInfo            int    // tasks
}

// AddFlags adds the flags to an application.
func AddFlags(app *kingpin.Application) *Flags {
	f := new(Flags)
	f.Web = kingpinflag.AddFlags(app, ":10077")
	text(app, &f.TelemetryPath, "web.telemetry-path", "/metrics", "Path of the metrics.")
	app.Flag("web.enable-lifecycle", "Load the configuration again on POST /-/reload, as on SIGHUP.").BoolVar(&f.EnableLifecycle)
	text(app, &f.LogLevel, "log.level", "info", "Least level to log: debug, info, warn or error.")
	text(app, &f.LogFormat, "log.format", "logfmt", "Format of the log: logfmt or json.")
	text(app, &f.ConfigFile, "config.file", "", "File that describes the accounts and the exports that should exist; the flags are its defaults.")
	app.Flag("demo", "Watch a simulated account in this process instead of a real one.").BoolVar(&f.Demo)
	text(app, &f.AccountName, "account.name", "default", "Value of the label account.")
	text(app, &f.TimeZone, "account.time-zone", "Asia/Shanghai", "Time zone in which the account's months, weeks and days begin.")
	text(app, &f.Endpoint, "api.endpoint", "cdn.aliyuncs.com", "Host name of the API; http:// is accepted for loopback addresses only.")
	duration(app, &f.APITimeout, "api.timeout", "10s", "Time limit of one API call.")
	number(app, &f.RateLimit, "api.rate-limit", "20", "API calls a second, retries included; the account's quota is 100.")
	integer(app, &f.Concurrency, "api.concurrency", "8", "API calls at the same time.")
	integer(app, &f.MaxRetries, "api.max-retries", "3", "Retries of an API call that may succeed a little later.")
	integer(app, &f.MaxTasks, "api.max-tasks", "100000", "Longest list of tasks that is read.")
	duration(app, &f.CacheTTL, "cache.ttl", "1m", "Least time from the end of one refresh of the list to the next.")
	duration(app, &f.CacheMaxStale, "cache.max-stale", "1h", "Age from which tasks are not shown any more while refreshes fail.")
	duration(app, &f.RefreshTimeout, "refresh.timeout", "2m", "Time limit of one refresh of the list.")
	duration(app, &f.ScrapeTimeoutOffset, "scrape.timeout-offset", "500ms", "Part of a scrape's timeout that is kept for the answer.")
	text(app, &f.Exports, "collector.exports", "usage", "Exports to watch, separated by commas: usage, usage_detail. Each needs its own RAM action.")
	integer(app, &f.TaskInfo, "collector.task-info", "0", "Number of the newest tasks to show one by one, at most 100.")
	return f
}

// Validate returns an error that names every flag whose value cannot be used.
func (f *Flags) Validate() error {
	var errs []error
	reject := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	reject(!slices.Contains([]string{"debug", "info", "warn", "error"}, f.LogLevel),
		"--log.level=%s must be debug, info, warn or error", f.LogLevel)
	reject(f.LogFormat != "logfmt" && f.LogFormat != "json", "--log.format=%s must be logfmt or json", f.LogFormat)
	reject(strings.TrimSpace(f.AccountName) == "", "--account.name must not be empty")
	reject(!utf8.ValidString(f.AccountName), "--account.name=%q must be UTF-8", f.AccountName) // As labels must.
	_, err := time.LoadLocation(f.TimeZone)
	reject(err != nil || f.TimeZone == "" || f.TimeZone == "Local", "--account.time-zone=%s is no time zone, such as Asia/Shanghai", f.TimeZone)
	reject(f.TaskInfo < 0 || f.TaskInfo > 100, "--collector.task-info=%d must be from 0 to 100", f.TaskInfo)
	reject(f.APITimeout <= 0, "--api.timeout=%s must be above 0", f.APITimeout)
	reject(!(f.RateLimit > 0) || math.IsInf(f.RateLimit, 1), "--api.rate-limit=%v must be above 0", f.RateLimit)
	reject(f.Concurrency < 1 || f.Concurrency > 1000, "--api.concurrency=%d must be from 1 to 1000", f.Concurrency)
	reject(f.MaxRetries < 0 || f.MaxRetries > 100, "--api.max-retries=%d must be from 0 to 100", f.MaxRetries)
	reject(f.MaxTasks < 1, "--api.max-tasks=%d must be at least 1", f.MaxTasks)
	reject(f.CacheTTL < 0, "--cache.ttl=%s must not be below 0", f.CacheTTL)
	reject(f.CacheMaxStale <= f.CacheTTL, "--cache.max-stale=%s must be above --cache.ttl=%s", f.CacheMaxStale, f.CacheTTL)
	reject(f.RefreshTimeout <= 0, "--refresh.timeout=%s must be above 0", f.RefreshTimeout)
	reject(f.ScrapeTimeoutOffset < 0, "--scrape.timeout-offset=%s must not be below 0", f.ScrapeTimeoutOffset)
	return errors.Join(errs...)
}

// ExportNames splits the exports and refuses all but the known ones.
func (f *Flags) ExportNames(known []string) ([]string, error) {
	var names []string
	for name := range strings.SplitSeq(f.Exports, ",") {
		name = strings.TrimSpace(name)
		switch {
		case !slices.Contains(known, name):
			return nil, fmt.Errorf("--collector.exports=%s: %q is none of %s", f.Exports, name, strings.Join(known, ", "))
		case slices.Contains(names, name):
			return nil, fmt.Errorf("--collector.exports=%s: %q stands there twice", f.Exports, name)
		}
		names = append(names, name)
	}
	return names, nil
}

// Accounts are those of the file, or without one the one that the flags describe,
// with nothing left empty. Its error lists all that is wrong with flags and file.
func (f *Flags) Accounts(accepted Accepted) ([]Account, error) {
	exports, exportsErr := f.ExportNames(accepted.Exports)
	if exportsErr != nil {
		exports = accepted.Exports // The file is not to blame for the flag.
	}
	endpointErr := accepted.Endpoint(f.Endpoint)
	if endpointErr != nil {
		endpointErr = fmt.Errorf("--api.endpoint%s: %w", shown("=%s", f.Endpoint), endpointErr)
	}
	accounts := []Account{{Name: f.AccountName, Endpoint: f.Endpoint, TimeZone: f.TimeZone, RateLimit: f.RateLimit, Exports: exports}}
	var fileErr error
	if f.ConfigFile != "" {
		accounts, fileErr = Load(f.ConfigFile, accounts[0], accepted)
	}
	if err := errors.Join(exportsErr, endpointErr, fileErr); err != nil {
		return nil, err
	}
	return accounts, nil
}
