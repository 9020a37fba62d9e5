// Package signals is about the signals that the process receives.
//
// It catches SIGHUP, which ends a process that does not catch it, before main begins: Go
// initializes packages in the order of their import paths, as soon as their own imports
// are initialized, and the rest takes longer than everything that main does at the
// start. Therefore this package imports almost nothing.
package signals

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Hangup receives SIGHUP. It holds one that nothing has received yet.
var Hangup = notify(syscall.SIGHUP)

// StopHangup lets SIGHUP end the process again.
func StopHangup() { signal.Stop(Hangup) }

// IgnoreBrokenPipes makes writing to a stdout or stderr whose reader has gone an error. Go
// ends the process otherwise.
func IgnoreBrokenPipes() { signal.Ignore(syscall.SIGPIPE) }

// Context returns a context that ends at the first SIGTERM, SIGINT or SIGQUIT, or when
// cancel is called. From then on, such a signal ends the process at once.
func Context() (ctx context.Context, cancel context.CancelFunc) {
	ctx, cancel = context.WithCancel(context.Background())
	received := notify(syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT)
	go func() {
		select {
		case <-received:
		case <-ctx.Done():
		}
		signal.Stop(received)
		cancel()
	}()
	return ctx, cancel
}

func notify(which ...os.Signal) chan os.Signal {
	received := make(chan os.Signal, 1)
	signal.Notify(received, which...)
	return received
}
