// Command alicdn_export_exporter exposes the state of Alibaba Cloud CDN's usage
// export tasks to Prometheus.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/common/version"
	toolkit "github.com/prometheus/exporter-toolkit/web"

	"alicdn_export_exporter/collector"
	"alicdn_export_exporter/internal/config"
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

// serve runs the exporter until the context ends.
func serve(ctx context.Context, flags *config.Flags, stderr io.Writer) error {
	if err := toolkit.Validate(*flags.Web.WebConfigFile); err != nil {
		return fmt.Errorf("--web.config.file: %w", err)
	}
	logs := newLogs(flags.LogLevel, flags.LogFormat, stderr)
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)

	accounts, err := newAccounts(ctx, flags, logs.gokit)
	if err != nil {
		return err
	}
	defer accounts.close()
	exports := collector.New(collector.Config{
		TTL:            flags.CacheTTL,
		MaxStale:       flags.CacheMaxStale,
		RefreshTimeout: flags.RefreshTimeout,
		TaskInfo:       flags.TaskInfo,
		Logger:         logs.gokit,
	})
	defer exports.Close()
	reloader := config.NewReloader(func() error { return accounts.reload(exports) })
	if err := reloader.Reload(); err != nil {
		return err
	}
	if err := accounts.findKey(ctx); err != nil {
		return err
	}
	reload := func() error {
		err := reloader.Reload()
		if err != nil {
			logs.slog.Error("Configuration is wrong, the one before it stays", "err", err)
		}
		return err
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(exports, reloader, versioncollector.NewCollector("alicdn_export"),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	handler, err := web.New(web.Config{
		TelemetryPath:       flags.TelemetryPath,
		ScrapeTimeoutOffset: flags.ScrapeTimeoutOffset,
		Registry:            registry,
		Refresher:           exports,
		Statuses:            exports.Statuses,
		EnableLifecycle:     flags.EnableLifecycle,
		Reload:              reload,
		Logger:              logs.gokit,
	})
	if err != nil {
		return err
	}
	waiting, release := context.WithCancel(context.Background())
	defer release()
	server := web.NewServer(waiting, handler, logs.std())
	scrapes, started := server.BaseContext, len(accounts.running)
	server.BaseContext = func(l net.Listener) context.Context { // It listens: nothing can stop it from starting now.
		logs.slog.Info("Started "+name, "version", version.Info(), "accounts", started)
		return scrapes(l)
	}
	ended := make(chan error, 1)
	go func() { ended <- toolkit.ListenAndServe(server, flags.Web, logs.slog) }()
	go func() { // Nothing that a file does may keep the program from its end.
		for {
			select {
			case <-hangups:
				_ = reload() // It says itself what is wrong.
			case <-ctx.Done():
				return
			}
		}
	}()
	select {
	case err := <-ended:
		return fmt.Errorf("--web.listen-address: %w", err)
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
