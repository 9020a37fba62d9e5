// Package check tries what the exporter needs: credentials, the lists, and a correct
// clock. It prints the result, and then what the lists say.
package check

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-kit/log"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/collector"
	"alicdn_export_exporter/internal/accounts"
	"alicdn_export_exporter/internal/advice"
	"alicdn_export_exporter/internal/config"
)

// The API refuses requests whose date is off by more than 15 minutes
// (InvalidTimeStamp.Expired). From a minute on, the output says what to do about it.
const (
	fatalSkew   = 15 * time.Minute
	notableSkew = time.Minute
)

// Accounts checks every account that the flags describe, one after the other, each within
// --refresh.timeout. It prints one line for each check, and what to do if it failed; then
// what the lists say. The error counts the accounts with failed checks, whatever their
// lists say.
func Accounts(ctx context.Context, flags *config.Flags, out io.Writer) error {
	running, err := accounts.New(ctx, flags, log.NewNopLogger())
	if err != nil {
		return err
	}
	defer running.Close()
	all, err := running.Load()
	if err != nil {
		return err
	}
	failed := 0
	for i, account := range all {
		if i > 0 {
			_, _ = fmt.Fprintln(out)
		}
		accountCtx, cancel := context.WithTimeout(ctx, flags.RefreshTimeout)
		if !Run(accountCtx, out, Config{
			Account: account.Collected, Endpoint: account.Settings.Endpoint.String(),
			Credentials: account.Credentials, Client: account.Client, Now: time.Now(),
		}) {
			failed++
		}
		cancel()
	}
	if failed > 0 {
		return fmt.Errorf("check failed: %d of %d accounts", failed, len(all))
	}
	return nil
}

// Client reads pages and lists. *apiclient.Client implements it.
type Client interface {
	Page(ctx context.Context, export apiclient.Export, number int) (apiclient.Page, error)
	List(ctx context.Context, export apiclient.Export, previous []string) (*apiclient.Listing, error)
	ClockSkew() (skew time.Duration, ok bool)
}

// Config says which account to check.
type Config struct {
	Account     collector.Account
	Endpoint    string
	Credentials apiclient.CredentialsProvider
	Client      Client
	// Now is the time of the report.
	Now time.Time
}

// Run prints the checks of one account and reports whether all of them passed.
func Run(ctx context.Context, out io.Writer, config Config) (ok bool) {
	p := &printer{out: out}
	p.passed("account", "%s at %s", config.Account.Name, config.Endpoint)
	key, err := config.Credentials.Credentials(ctx)
	if err != nil {
		p.failed("credentials", err.Error(), "Provide credentials in one of the ways that the README lists.")
		return false
	}
	p.passed("credentials", "from %s", key.Provider)
	var readable []apiclient.Export
	for _, export := range config.Account.Exports {
		page, err := config.Client.Page(ctx, export, 1)
		if err != nil {
			p.failed(string(export), err.Error(), advice.For(err, export))
			continue
		}
		p.passed(string(export), "%d tasks in the list", page.TotalCount)
		readable = append(readable, export)
	}
	p.clock(config.Client.ClockSkew())
	for _, export := range readable {
		listing, err := config.Client.List(ctx, export, nil)
		if err != nil {
			p.failed(string(export), err.Error(), advice.For(err, export))
			continue
		}
		p.report(export, collector.NewSnapshot(config.Account, export, listing, collector.ReportedTasks), config.Now)
	}
	return !p.anyFailed
}

// printer prints lines and remembers whether a check failed.
type printer struct {
	out       io.Writer
	anyFailed bool
}

func (p *printer) passed(what, format string, args ...any) {
	p.line(what, "ok      "+fmt.Sprintf(format, args...))
}

func (p *printer) failed(what, reason, advice string) {
	p.anyFailed = true
	p.line(what, "FAILED  "+reason)
	p.line("", "        "+advice)
}

func (p *printer) line(what, text string) {
	// Ignore write errors: the exit code carries the result.
	_, _ = fmt.Fprintln(p.out, strings.TrimRight(fmt.Sprintf("%-14s%s", what, text), " "))
}

func (p *printer) clock(skew time.Duration, ok bool) {
	if !ok {
		return
	}
	direction := "ahead of"
	if skew < 0 {
		direction = "behind"
	}
	text := fmt.Sprintf("%s %s the API's", skew.Abs().Round(time.Second), direction)
	if skew.Abs() < time.Second {
		text = "equal to the API's"
	}
	switch {
	case skew.Abs() >= fatalSkew:
		p.failed("clock", text, "Set this machine's clock.")
	case skew.Abs() >= notableSkew:
		p.passed("clock", "%s: set this machine's clock before it is off by 15 minutes", text)
	default:
		p.passed("clock", "%s", text)
	}
}
