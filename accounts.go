package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/collector"
	"alicdn_export_exporter/internal/config"
)

// accounts are those that the flags and the file describe, at work.
type accounts struct {
	flags   *config.Flags
	logger  log.Logger
	demo    *demo // nil for the real API
	running []*account
	// connections are shared: accounts of one endpoint take turns with them.
	connections *http.Transport
}

// newAccounts has no accounts before load. It starts the simulated API where the
// flags ask for it.
func newAccounts(ctx context.Context, flags *config.Flags, logger log.Logger) (*accounts, error) {
	a := &accounts{flags: flags, logger: logger, connections: apiclient.NewTransport()}
	if !flags.Demo {
		if slices.Contains(strings.Split(os.Getenv("DEBUG"), ","), "credential") {
			return nil, errors.New("DEBUG=credential makes the credentials library print secrets: unset it")
		}
		return a, nil
	}
	var err error
	a.demo, err = startDemo(ctx)
	return a, err
}

// load takes the accounts that are configured now, or leaves all as it is and
// returns an error. An account whose settings are the same stays the same one, and
// is counted as kept; one whose settings changed begins anew, but for its rate limit.
func (a *accounts) load() (kept int, err error) {
	configured, err := a.flags.Accounts(accepted())
	if err != nil {
		return 0, err
	}
	known := make(map[string]*account, len(a.running))
	for _, account := range a.running {
		known[account.settings.Name] = account
	}
	now := make([]*account, 0, len(configured))
	for _, settings := range configured {
		account := known[settings.Name]
		if account != nil && reflect.DeepEqual(account.settings, settings) {
			kept++
		} else if account, err = a.newAccount(settings); err != nil {
			return 0, err
		}
		now = append(now, account)
	}
	for _, account := range now {
		if before := known[account.settings.Name]; before != nil && before != account {
			account.client.Succeed(before.client)
		}
	}
	a.running = now
	return kept, nil
}

// findKey refuses to start where nothing at all can give the one account of the
// flags a key. The accounts of a file begin without: one account's trouble stays
// its own.
func (a *accounts) findKey(ctx context.Context) error {
	if a.demo != nil || a.flags.ConfigFile != "" {
		return nil
	}
	return a.running[0].findKey(ctx, a.logger)
}

// reload is load for a collector, which reads the lists of the accounts that there
// are then and of no others.
func (a *accounts) reload(exports *collector.Collector) error {
	before := a.running
	kept, err := a.load()
	if err != nil {
		return err
	}
	watched := make([]collector.Account, 0, len(a.running))
	for _, account := range a.running {
		watched = append(watched, account.watched)
	}
	exports.SetAccounts(watched)
	if before != nil { // The program says itself that it started.
		_ = level.Info(a.logger).Log("msg", "Configuration loaded",
			"accounts", len(a.running), "new_or_changed", len(a.running)-kept, "gone_or_changed", len(before)-kept)
	}
	return nil
}

// close ends what is left of connections when no account is watched any more.
func (a *accounts) close() {
	a.connections.CloseIdleConnections()
	if a.demo != nil {
		a.demo.close()
	}
}

// accepted is what the accounts of a configuration may ask for.
func accepted() config.Accepted {
	var exports []string
	for _, export := range apiclient.Exports() {
		exports = append(exports, string(export))
	}
	return config.Accepted{Exports: exports, Endpoint: func(endpoint string) error {
		_, err := apiclient.ParseEndpoint(endpoint)
		return err
	}}
}
