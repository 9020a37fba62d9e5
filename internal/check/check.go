// Package check tries, for people and for scripts, what the exporter needs to do
// its work: credentials, one page of each list, and a clock that is right.
package check

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/collector"
)

// The API refuses requests whose date is off by more than 15 minutes
// (InvalidTimeStamp.Expired); a minute is worth a word before that.
const (
	fatalSkew   = 15 * time.Minute
	notableSkew = time.Minute
)

// Client reads pages and lists; *apiclient.Client is one.
type Client interface {
	Page(ctx context.Context, export apiclient.Export, number int) (apiclient.Page, error)
	List(ctx context.Context, export apiclient.Export, previous []string) (*apiclient.Listing, error)
	ClockSkew() (time.Duration, bool)
}

// Config is what is checked.
type Config struct {
	Account     collector.Account
	Endpoint    string
	Credentials apiclient.CredentialsProvider
	Client      Client
	// Now is the time of the report.
	Now time.Time
}

// Run prints one line for each thing that is right, and for each that is not what
// to do about it; then what the lists say. It reports whether all is right: what
// the lists say does not count.
func Run(ctx context.Context, out io.Writer, config Config) bool {
	r := report{out: out, right: true}
	r.ok("account", "%s at %s", config.Account.Name, config.Endpoint)
	key, err := config.Credentials.Credentials(ctx)
	if err != nil {
		r.failed("credentials", err.Error(), "Give a key in one of the ways that the README lists.")
		return false
	}
	r.ok("credentials", "from %s", key.Provider)
	var readable []apiclient.Export
	for _, export := range config.Account.Exports {
		page, err := config.Client.Page(ctx, export, 1)
		if err != nil {
			r.failed(string(export), err.Error(), apiclient.Advice(err, export))
			continue
		}
		r.ok(string(export), "%d tasks in the list", page.TotalCount)
		readable = append(readable, export)
	}
	r.clock(config.Client)
	for _, export := range readable {
		listing, err := config.Client.List(ctx, export, nil)
		if err != nil {
			r.failed(string(export), err.Error(), apiclient.Advice(err, export))
			continue
		}
		r.listing(config, export, listing.Tasks)
	}
	return r.right
}

type report struct {
	out   io.Writer
	right bool
}

func (r *report) ok(what, format string, args ...any) {
	r.line(what, "ok      "+fmt.Sprintf(format, args...))
}

func (r *report) failed(what, reason, advice string) {
	r.right = false
	r.line(what, "FAILED  "+reason)
	r.line("", "        "+advice)
}

func (r *report) line(what, text string) {
	// The status of the whole is the exit code; a lost line is not worth another.
	_, _ = fmt.Fprintln(r.out, strings.TrimRight(fmt.Sprintf("%-14s%s", what, text), " "))
}

func (r *report) clock(client Client) {
	skew, known := client.ClockSkew()
	if !known {
		return
	}
	direction := "ahead of"
	if skew < 0 {
		direction = "behind"
	}
	text := fmt.Sprintf("%s %s the API's", skew.Abs().Round(time.Second), direction)
	if skew.Abs() < time.Second {
		text = "in step with the API's"
	}
	switch {
	case skew.Abs() >= fatalSkew:
		r.failed("clock", text, "Set this machine's clock.")
	case skew.Abs() >= notableSkew:
		r.ok("clock", "%s: set this machine's clock before it is 15 minutes", text)
	default:
		r.ok("clock", "%s", text)
	}
}
