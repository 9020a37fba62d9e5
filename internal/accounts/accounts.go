// Package accounts makes running accounts from the configuration. Each has an API client
// that the collector reads with. Reload applies a changed configuration while the program
// runs.
package accounts

import (
	"context"
	"errors"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/version"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/collector"
	"alicdn_export_exporter/internal/config"
	"alicdn_export_exporter/internal/credentials"
)

// Account is a running account.
type Account struct {
	Settings config.Account
	// Credentials are those of the Settings, or the demo's.
	Credentials apiclient.CredentialsProvider
	// Limiter bounds the account's calls. Accounts with a common quota share it.
	Limiter *apiclient.Limiter
	Client  *apiclient.Client
	// Collected is the account as the collector reads it.
	Collected collector.Account
}

// Accounts holds the running accounts. It is a prometheus.Collector of the reload metrics.
type Accounts struct {
	flags     *config.Flags
	logger    log.Logger
	demo      *demo // nil for the real API
	transport *http.Transport
	// chain supplies the key for accounts that assume a role and have no key of their own. They share it, so that
	// a thousand roles need one token.
	chain    *credentials.Source
	limiters limiters
	running  []*Account

	reloading      sync.Mutex // also guards tried
	tried          string     // the version of the configuration file that the last Reload found
	lastSuccessful prometheus.Gauge
	lastSuccess    prometheus.Gauge
}

// New returns Accounts without accounts; Load or Reload adds them. It starts the demo if
// --demo is set.
func New(ctx context.Context, flags *config.Flags, logger log.Logger) (*Accounts, error) {
	if slices.Contains(strings.Split(os.Getenv("DEBUG"), ","), "credential") {
		return nil, errors.New("DEBUG=credential makes the credentials library print secrets, unset it")
	}
	a := &Accounts{
		flags:     flags,
		logger:    logger,
		transport: apiclient.NewTransport(),
		chain:     credentials.NewSource(credentials.Config{}, nil, logRenewals(log.With(logger, "credentials", "default"))),
		limiters:  limiters{concurrency: flags.Concurrency},
		lastSuccessful: newReloadGauge("config_last_reload_successful",
			"Whether the last configuration reload succeeded."),
		lastSuccess: newReloadGauge("config_last_reload_success_timestamp_seconds",
			"When the configuration was last loaded successfully, in Unix time."),
	}
	if flags.Demo {
		var err error
		if a.demo, err = startDemo(ctx, flags); err != nil {
			return nil, err
		}
		_ = level.Warn(logger).Log("msg", "Demo: all accounts and exports are simulated. "+
			"Credentials in the environment and in files are ignored")
	}
	return a, nil
}

// Load reads the configuration and returns its accounts. If that fails, the running
// accounts do not change. An account with unchanged settings is kept. A changed one is
// replaced, but its rate limiter is kept (see limiters).
func (a *Accounts) Load() ([]*Account, error) {
	configured, err := a.configured()
	if err != nil {
		return nil, err
	}
	known := make(map[string]*Account, len(a.running))
	for _, account := range a.running {
		known[account.Settings.Name] = account
	}
	limiters := a.limiters.assign(configured, time.Now())
	next := make([]*Account, 0, len(configured))
	for _, settings := range configured {
		old := known[settings.Name]
		if old != nil && old.Settings.Equal(settings) {
			next = append(next, old)
			continue
		}
		next = append(next, a.newAccount(settings, limiters[quotaSettingsOf(settings)]))
	}
	a.running = next
	return next, nil
}

// configured returns the accounts of the demo, or those of the file or the flags.
func (a *Accounts) configured() ([]config.Account, error) {
	if a.demo != nil {
		return a.demo.accounts, nil
	}
	return a.flags.Accounts()
}

// newAccount returns an account that has made no API call yet.
func (a *Accounts) newAccount(settings config.Account, limiter *apiclient.Limiter) *Account {
	account := &Account{Settings: settings, Credentials: demoCredentials, Limiter: limiter}
	if a.demo == nil {
		account.Credentials = credentials.NewSource(settings.Credentials, a.chain,
			logRenewals(log.With(a.logger, "account", settings.Name)))
	}
	metrics := collector.NewAPIMetrics(settings.Name, settings.Exports, a.logger)
	account.Client = apiclient.New(apiclient.Config{
		Endpoint:    settings.Endpoint,
		Credentials: account.Credentials,
		Timeout:     a.flags.APITimeout,
		Limiter:     limiter,
		MaxRetries:  a.flags.MaxRetries,
		MaxTasks:    a.flags.MaxTasks,
		UserAgent:   "alicdn_export_exporter/" + version.Version,
		Observer:    metrics,
		Transport:   a.transport,
	})
	account.Collected = collector.Account{
		Name:         settings.Name,
		Client:       account.Client,
		Exports:      settings.Exports,
		API:          metrics,
		TimeZone:     settings.TimeZone.Location,
		UsageDelay:   time.Duration(settings.UsageDelay),
		Since:        settings.Since,
		Limits:       settings.Limits,
		Expectations: settings.Expectations,
	}
	return account
}

// logRenewals returns a function that logs when renewing a key fails, and when it works
// again. Nothing else shows a failure while the last key is valid.
func logRenewals(logger log.Logger) func(error) {
	return func(err error) {
		if err != nil {
			_ = level.Warn(logger).Log("msg", "Renewing credentials failed, using the last ones", "err", err)
			return
		}
		_ = level.Info(logger).Log("msg", "Renewing credentials works again")
	}
}

// Close closes idle connections and stops the demo. Call it after the collector is
// closed.
func (a *Accounts) Close() {
	a.transport.CloseIdleConnections()
	if a.demo != nil {
		a.demo.close()
	}
}
