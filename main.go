// Command alicdn_export_exporter exposes the state of Alibaba Cloud CDN's usage export
// tasks to Prometheus.
package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	stdlog "log"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/common/version"

	"alicdn_export_exporter/collector"
	"alicdn_export_exporter/internal/accounts"
	"alicdn_export_exporter/internal/buildinfo"
	"alicdn_export_exporter/internal/check"
	"alicdn_export_exporter/internal/config"
	"alicdn_export_exporter/internal/credentials"
	"alicdn_export_exporter/internal/signals"
	"alicdn_export_exporter/internal/simulator/scenario"
	"alicdn_export_exporter/internal/view"
	"alicdn_export_exporter/internal/web"
)

const name = "alicdn_export_exporter"

func main() {
	buildinfo.SetVersion()
	signals.IgnoreBrokenPipes()
	credentials.RestrictLibrary()
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr, silenceLibraries))
}

// silenceLibraries discards what libraries print without the logger. net/http prints stray
// bytes of a connection to the standard logger, and credentials-go prints what it cannot parse
// to stdout. Both may contain secrets.
func silenceLibraries() {
	stdlog.SetOutput(io.Discard) //nolint:forbidigo // This is about what others log.
	os.Stdout = nil              // Writing to it is an error.
}

// run runs the program and returns its exit status: 0, or 1 after one line per error on stderr,
// or the status of the check command. It calls parsed after the command line is parsed. Until
// then, kingpin prints to os.Stdout.
func run(args []string, stdout, stderr io.Writer, parsed func()) int {
	app := kingpin.New(name, "Prometheus exporter for the usage export tasks of Alibaba Cloud CDN.").
		DefaultEnvars().Version(version.Print(name)).UsageWriter(config.HelpWriter(stdout))
	app.HelpFlag.Short('h')
	for _, flag := range app.Model().Flags { // They print and exit. No environment variable may cause that.
		app.GetFlag(flag.Name).NoEnvar()
	}
	flags := config.AddFlags(app)
	serveCmd := app.Command("serve", "Serve the metrics. The default.").Default()
	checkCmd := app.Command("check", "Read the lists once. Print what is wrong, and what to do about it.")
	checked := check.AddFlags(checkCmd, flags)
	simulateCmd := app.Command("simulate", "Serve a simulated API, to try the exporter without an account.")
	scenarioName := simulateCmd.Flag("scenario", "Scenario: "+strings.Join(scenario.Names(), ", ")+".").
		Default("healthy").String()
	address := simulateCmd.Flag("address", "Address to listen on.").Default("127.0.0.1:10078").String()

	config.ShapeHelp(app, map[string]string{simulateCmd.FullCommand(): scenario.Help()})

	exited, status := false, 0
	app.Terminate(func(int) { exited = true })
	command, err := app.Parse(args)
	parsed()
	if exited { // After --help or --version.
		return 0
	}
	if err != nil {
		err = cmp.Or(config.CheckBooleans(app), config.UsageError(app, args, err))
	} else if err = flags.Validate(); err == nil {
		ctx, cancel := signals.Context()
		defer cancel()
		switch command {
		case serveCmd.FullCommand():
			err = serve(ctx, flags, config.UnknownVariables(app, os.Environ()), stderr)
		case checkCmd.FullCommand():
			signals.StopHangup() // Closing the terminal ends it.
			status, err = check.Run(ctx, flags, *checked, stdout, stderr)
		case simulateCmd.FullCommand():
			signals.StopHangup()
			err = scenario.Serve(ctx, *scenarioName, *address, os.Args[0], stdout)
		}
	}
	if err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			_, _ = fmt.Fprintf(stderr, "%s: error: %s\n", name, line)
		}
		return 1
	}
	return status
}

// serve runs the exporter until ctx ends.
func serve(ctx context.Context, flags *config.Flags, unknown []config.UnknownVariable, stderr io.Writer) error {
	if err := flags.CheckWebFile(); err != nil {
		return err
	}
	base := flags.NewLogger(stderr)
	logger := log.With(base, "time", log.DefaultTimestampUTC, "caller", log.DefaultCaller)
	for _, variable := range unknown {
		_ = level.Warn(logger).Log("msg", "Unknown environment variable", "variable", variable.Name, "did_you_mean", variable.Meant)
	}
	accts, err := accounts.New(ctx, flags, logger)
	if err != nil {
		return err
	}
	defer accts.Close()
	coll := collector.New(collector.Config{
		TTL:            flags.CacheTTL,
		MaxStale:       flags.CacheMaxStale,
		RefreshTimeout: flags.RefreshTimeout,
		TaskInfo:       flags.TaskInfo,
		Logger:         logger,
	})
	defer coll.Close()
	reload := func() error { return accts.Reload(coll) }
	registry := prometheus.NewRegistry()
	registry.MustRegister(coll, accts, versioncollector.NewCollector("alicdn_export"),
		collectors.NewGoCollector(collectors.WithGoCollectorMemStatsMetricsDisabled()), // Two share a name in OpenMetrics.
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	handler, err := web.New(web.Config{
		TelemetryPath:       flags.TelemetryPath,
		ScrapeTimeoutOffset: flags.ScrapeTimeoutOffset,
		Registry:            registry,
		Refresher:           coll,
		Document:            func(now time.Time) view.Document { return view.New(coll.Statuses(now), now, flags.Demo) },
		EnableLifecycle:     flags.EnableLifecycle,
		Reload:              reload,
		Logger:              logger,
	})
	if err != nil {
		return err
	}
	if err := reload(); err != nil {
		return err
	}
	go func() { // A slow reload must not delay the shutdown.
		for {
			select {
			case <-signals.Hangup:
				_ = reload() // Logged by Reload.
			case <-ctx.Done():
				return
			}
		}
	}()
	if flags.AutoReload {
		go accts.Watch(ctx, coll)
	}
	_ = level.Info(logger).Log("msg", "Starting "+name, "version", version.Info())
	return web.Serve(ctx, handler, flags.Web, base)
}
