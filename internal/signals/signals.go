// Package signals handles the signals that the process receives.
//
// It catches SIGHUP before main begins, because an uncaught SIGHUP ends the process. Go
// initializes packages in the order of their import paths, each as soon as its own imports
// are initialized. Initializing all of them takes longer than the start of main. This
// package imports almost nothing, so that its turn comes early.
package signals

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Hangup receives SIGHUP. It buffers one signal.
var Hangup = notify(syscall.SIGHUP)

// StopHangup lets SIGHUP end the process again.
func StopHangup() { signal.Stop(Hangup) }

// IgnoreBrokenPipes makes a write to stdout or stderr return an error if the reader has
// gone. By default, Go ends the process.
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
