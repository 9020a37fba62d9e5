package web

import (
	"context"
	"errors"
	"fmt"
	stdlog "log"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/go-kit/log"
	toolkit "github.com/prometheus/exporter-toolkit/web"
	sloggokit "github.com/tjhop/slog-gokit"
)

const (
	// writeTimeout is how long a client may take to read a response.
	writeTimeout = 30 * time.Second
	// drainTimeout is how long the process may take to end after the context has ended.
	// Requests in flight get one second less. After half of it, scrapes that wait for a
	// refresh get the current snapshot.
	drainTimeout = 8 * time.Second
	// maxHeaderBytes is the maximum size of a request's header. Go accepts 4 kB more.
	maxHeaderBytes = 8 << 10
	// maxConnections is the maximum number of open connections. Others wait until one is
	// closed.
	maxConnections = 1024
)

// Serve listens on the addresses of the flags and serves requests until ctx ends. Then it
// accepts no new connections, and returns when the requests in flight have been answered or
// their time is over. base must not add a time and a caller, because exporter-toolkit's log
// lines contain their own.
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
	draining, cancel := context.WithTimeout(context.Background(), drainTimeout-time.Second)
	defer cancel()
	if err := server.Shutdown(draining); err != nil {
		logger.Warn("Closing connections whose requests are still in flight", "err", err)
		_ = server.Close()
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// NewServer returns a server whose limits keep slow and idle clients from exhausting it.
// When waiting ends, scrapes that wait for a refresh stop waiting.
func NewServer(waiting context.Context, handler http.Handler, errorLog *stdlog.Logger) *http.Server {
	stopped := make(chan struct{})
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       5 * time.Second, // No request needs a body. It is shorter than the drain.
		WriteTimeout:      writeTimeout,    // A scrape that may wait longer extends it.
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          errorLog,
		BaseContext: func(net.Listener) context.Context {
			return context.WithValue(context.Background(), drainingKey{}, waiting)
		},
		ConnState: limitConnections(maxConnections, stopped),
	}
	server.RegisterOnShutdown(sync.OnceFunc(func() { close(stopped) }))
	return server
}

// limitConnections returns a function for http.Server.ConnState. For a new connection
// beyond the limit, it waits until another one is closed or the server has stopped. The
// server accepts no other connection meanwhile.
func limitConnections(limit int, stopped <-chan struct{}) func(net.Conn, http.ConnState) {
	open := make(chan struct{}, limit)
	return func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			select {
			case open <- struct{}{}:
			case <-stopped:
			}
		case http.StateClosed:
			select {
			case <-open:
			case <-stopped:
			}
		case http.StateActive, http.StateIdle, http.StateHijacked: // Nothing is hijacked.
		}
	}
}

// drainingKey is the key of the context that draining returns.
type drainingKey struct{}

// draining returns the context that ends when scrapes must stop waiting for a refresh,
// because the server drains. A request's own context ends when its client has gone.
func draining(ctx context.Context) context.Context {
	if waiting, ok := ctx.Value(drainingKey{}).(context.Context); ok {
		return waiting
	}
	return context.Background()
}
