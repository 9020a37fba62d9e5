// Package check reads the lists of all accounts once, and prints what is wrong with them
// and what to do about it.
package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/go-kit/log"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/collector"
	"alicdn_export_exporter/internal/accounts"
	"alicdn_export_exporter/internal/config"
	"alicdn_export_exporter/internal/view"
)

// The exit statuses of the command.
const (
	// ExitFine: all lists could be read, and no export is missing.
	ExitFine = 0
	// ExitFailed: the configuration is wrong, or a list could not be read.
	ExitFailed = 1
	// ExitMissing: all lists could be read, and an export is overdue, failed, stuck, missing
	// or too old.
	ExitMissing = 2
)

// Options say what to check.
type Options struct {
	// Accounts are the names of the accounts to check. None means all.
	Accounts []string
	// Output is "text" or "json". The JSON is a view.Document.
	Output string
	// SyntaxOnly reads the configuration only. It needs no key and no network.
	SyntaxOnly bool
}

// AddFlags adds the flags and arguments of the command.
func AddFlags(command *kingpin.CmdClause, flags *config.Flags) *Options {
	o := new(Options)
	command.Arg("account", "Accounts to check, all by default.").StringsVar(&o.Accounts)
	flags.AddChoice(command, &o.Output, "output", "Format: text or json.", "text", "json")
	command.Flag("syntax-only", "Only read the configuration. This needs no key and no network.").BoolVar(&o.SyntaxOnly)
	return o
}

// Run checks the accounts that the flags describe, each list within --refresh.timeout. It
// writes the result to out, and the progress to progress if that is a terminal. It returns
// an exit status; the error says what is wrong with the flags or the configuration.
func Run(ctx context.Context, flags *config.Flags, options Options, out, progress io.Writer) (int, error) {
	if options.SyntaxOnly && options.Output == "json" {
		return ExitFailed, errors.New("--output=json cannot be used with --syntax-only, which reads no lists")
	}
	running, err := accounts.New(ctx, flags, log.NewNopLogger())
	if err != nil {
		return ExitFailed, err
	}
	defer running.Close()
	all, err := running.Load()
	if err != nil {
		return ExitFailed, err
	}
	selected, err := choose(all, options.Accounts)
	if err != nil {
		return ExitFailed, err
	}
	if options.SyntaxOnly {
		_, err = fmt.Fprintf(out, "The configuration is correct: %s.\n", view.Plural(len(selected), "account"))
		return ExitFine, err
	}
	statuses := read(ctx, flags, selected, progress)
	if ctx.Err() != nil {
		return ExitFailed, errors.New("interrupted")
	}
	document := view.New(statuses, time.Now(), flags.Demo)
	if options.Output == "json" {
		err = document.WriteJSON(out, "  ")
	} else {
		err = Print(out, document, connections(selected))
	}
	return exitStatus(document.State), err
}

func exitStatus(state view.State) int {
	switch state {
	case view.Unreadable, view.NotReadYet:
		return ExitFailed
	case view.ExportMissing:
		return ExitMissing
	default:
		return ExitFine
	}
}

// read reads the lists of the accounts once.
func read(ctx context.Context, flags *config.Flags, selected []*accounts.Account, progress io.Writer) []collector.AccountStatus {
	coll := collector.New(collector.Config{
		TTL: flags.CacheTTL, MaxStale: flags.CacheMaxStale, RefreshTimeout: flags.RefreshTimeout, Logger: log.NewNopLogger(),
	})
	defer coll.Close()
	var collected []collector.Account
	for _, account := range selected {
		read := account.Collected
		read.Client = readTwice{account.Client}
		collected = append(collected, read)
	}
	coll.SetAccounts(collected)
	done := make(chan struct{})
	var showing sync.WaitGroup
	showing.Go(func() { showProgress(progress, coll, done) })
	coll.Refresh(ctx)
	close(done)
	showing.Wait()
	return coll.Statuses(time.Now())
}

// emptyListPause is the time after which an empty list is read again.
const emptyListPause = 5 * time.Second

// readTwice reads an empty list again some seconds later: a server that lags behind the
// others may return no tasks.
type readTwice struct{ collector.Client }

// Read calls apiclient.Client.Read, but a second reading must confirm an empty list.
func (c readTwice) Read(ctx context.Context, export apiclient.Export, previous []string) (*apiclient.Listing, error) {
	listing, err := c.Client.Read(ctx, export, previous)
	if err != nil || len(listing.Tasks) > 0 {
		return listing, err
	}
	return nil, &apiclient.UnconfirmedError{
		Reason: "the list is empty",
		Due:    time.Now().Add(emptyListPause),
		Confirm: func(ctx context.Context) (*apiclient.Listing, error) {
			return c.Client.Read(ctx, export, previous)
		},
	}
}

// Connection describes how an account was read.
type Connection struct{ Endpoint, Credentials, Clock string }

// connections returns the Connection of each account, by the account's name.
func connections(selected []*accounts.Account) map[string]Connection {
	atHand, cancel := context.WithCancel(context.Background())
	cancel() // read has already waited for the keys, so do not wait for a missing one again.
	all := make(map[string]Connection, len(selected))
	for _, account := range selected {
		c := Connection{Endpoint: account.Settings.Endpoint.String(), Credentials: "none", Clock: "not known"}
		if key, err := account.Credentials.Credentials(atHand); err == nil {
			c.Credentials = "from " + key.Provider
		}
		if skew, ok := account.Client.ClockSkew(); ok {
			c.Clock = view.Skew(skew)
		}
		all[account.Collected.Name] = c
	}
	return all
}
