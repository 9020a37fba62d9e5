package web

import (
	"context"
	"errors"
	"fmt"
	stdlog "log"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/go-kit/log"
	toolkit "github.com/prometheus/exporter-toolkit/web"
	sloggokit "github.com/tjhop/slog-gokit"
)

const (
	// writeTimeout is how long a client may take to read a response.
	writeTimeout = 30 * time.Second
	// drainTimeout is how long requests in flight get after the context ends. Scrapes
	// that wait for a refresh are answered with the current snapshot after half of it.
	drainTimeout = 20 * time.Second
)

// Serve listens as the flags say and answers requests until ctx ends. Then it accepts no
// new connections and returns when the requests in flight have been answered. base is the
// logger without a time and a caller: exporter-toolkit's log lines bring their own.
func Serve(ctx context.Context, handler http.Handler, flags *toolkit.FlagConfig, base log.Logger) error {
	logger := slog.New(sloggokit.NewGoKitHandler(base, slog.LevelDebug))
	waiting, release := context.WithCancel(context.Background())
	defer release()
	server := NewServer(waiting, handler, slog.NewLogLogger(logger.Handler(), slog.LevelWarn))
	ended := make(chan error, 1)
	go func() { ended <- toolkit.ListenAndServe(server, flags, logger) }()
	select {
	case err := <-ended:
		return fmt.Errorf("--web.listen-address: %w", err)
	case <-ctx.Done():
	}

	logger.Info("Shutting down", "drain_timeout", drainTimeout)
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

// NewServer returns a server whose limits keep slow and idle clients from using it up.
// When waiting ends, scrapes that wait for a refresh stop waiting.
func NewServer(waiting context.Context, handler http.Handler, errorLog *stdlog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      writeTimeout, // A scrape that may wait longer extends it.
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          errorLog,
		BaseContext:       func(net.Listener) context.Context { return waiting },
	}
}
