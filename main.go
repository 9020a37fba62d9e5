// Command alicdn_export_exporter exposes the state of Alibaba Cloud CDN's usage
// export tasks to Prometheus.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/common/version"
	toolkit "github.com/prometheus/exporter-toolkit/web"

	"alicdn_export_exporter/collector"
	"alicdn_export_exporter/internal/config"
	"alicdn_export_exporter/internal/simulator"
	"alicdn_export_exporter/internal/web"
)

const name = "alicdn_export_exporter"

// drainTimeout is how long requests in flight get after SIGTERM; scrapes that
// wait for a refresh are answered with what there is after half of it.
const drainTimeout = 20 * time.Second

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is the whole program. Its result is the exit status: 0, or 1 after one
// clear line on stderr.
func run(args []string, stdout, stderr io.Writer) int {
	line := newCommandLine(stdout)
	printed := false
	line.app.Terminate(func(int) { printed = true })
	command, err := line.app.Parse(args)
	if printed { // --help or --version
		return 0
	}
	if err != nil {
		err = fmt.Errorf("%w, try --help", err)
	} else if err = line.flags.Validate(); err == nil {
		// A second signal ends the process at once.
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		context.AfterFunc(ctx, stop)
		defer stop()
		switch command {
		case line.check.FullCommand():
			err = runCheck(ctx, line.flags, stdout)
		case line.simulate.FullCommand():
			err = serveSimulator(ctx, *line.scenario, *line.address, stdout)
		default:
			err = serve(ctx, line.flags, stderr)
		}
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "%s: error: %s\n", name, strings.ReplaceAll(err.Error(), "\n", "; "))
		return 1
	}
	return 0
}

// commandLine is all that the arguments and the environment can say.
type commandLine struct {
	app               *kingpin.Application
	flags             *config.Flags
	check, simulate   *kingpin.CmdClause
	scenario, address *string // of simulate
}

func newCommandLine(stdout io.Writer) *commandLine {
	app := kingpin.New(name, "Prometheus exporter for the usage export tasks of Alibaba Cloud CDN.").
		DefaultEnvars().Version(version.Print(name)).UsageWriter(stdout)
	app.HelpFlag.Short('h')
	for _, what := range []string{"help", "help-long", "help-man", "version", "completion-bash", "completion-script-bash", "completion-script-zsh"} {
		app.GetFlag(what).NoEnvar() // They print something instead of serving.
	}
	l := &commandLine{app: app, flags: config.AddFlags(app)}
	app.Command("serve", "Serve the metrics. The default.").Default()
	l.check = app.Command("check", "Try the configuration, the credentials, one page of each list and the clock; say what is wrong.")
	l.simulate = app.Command("simulate", "Serve a simulated API, to try the exporter without an account.")
	l.scenario = l.simulate.Flag("scenario", "What happens there: "+strings.Join(simulator.ScenarioNames(), ", ")+".").
		Default("healthy").String()
	l.address = l.simulate.Flag("address", "Where it listens.").Default("127.0.0.1:10078").String()
	return l
}

// serve runs the exporter until the context ends.
func serve(ctx context.Context, flags *config.Flags, stderr io.Writer) error {
	logs := newLogs(flags.LogLevel, flags.LogFormat, stderr)
	metrics := collector.NewAPIMetrics()
	account, err := newAccount(ctx, flags, metrics, logs.gokit)
	if err != nil {
		return err
	}
	defer account.close()
	exports := collector.New(collector.Config{
		TTL:            flags.CacheTTL,
		MaxStale:       flags.CacheMaxStale,
		RefreshTimeout: flags.RefreshTimeout,
		TaskInfo:       flags.TaskInfo,
		Logger:         logs.gokit,
	}, account.watched)
	defer exports.Close()

	registry := prometheus.NewRegistry()
	registry.MustRegister(exports, metrics, versioncollector.NewCollector("alicdn_export"),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	handler, err := web.New(web.Config{
		TelemetryPath:       flags.TelemetryPath,
		ScrapeTimeoutOffset: flags.ScrapeTimeoutOffset,
		Registry:            registry,
		Refresher:           exports,
		ErrorLog:            logs.std(),
	})
	if err != nil {
		return err
	}
	logs.slog.Info("Starting "+name, "version", version.Info(), "account", account.watched.Name, "endpoint", account.endpoint)
	waiting, release := context.WithCancel(context.Background())
	defer release()
	server := web.NewServer(waiting, handler, logs.std())
	ended := make(chan error, 1)
	go func() { ended <- toolkit.ListenAndServe(server, flags.Web, logs.slog) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	logs.slog.Info("Stopping, requests in flight are finished", "timeout", drainTimeout)
	time.AfterFunc(drainTimeout/2, release)
	draining, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	if err := server.Shutdown(draining); err != nil {
		_ = server.Close()
		return fmt.Errorf("requests were still in flight %s after the signal", drainTimeout)
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
