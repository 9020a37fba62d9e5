package accounts

import (
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/collector"
)

// Reload loads the configuration into a collector, and starts to read the lists of new accounts.
// Concurrent calls run one after the other. If loading fails, the collector keeps its accounts,
// and Reload returns the error, which contains no secrets. It also logs the error, unless this is
// the first load. The reload metrics show the result.
func (a *Accounts) Reload(coll *collector.Collector) error {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	old := a.running
	// Read the version before the file: if the file changes in between, Watch loads it
	// again.
	a.tried = a.flags.ConfigVersion()
	if err := recovered(func() error { _, err := a.Load(); return err }); err != nil {
		a.lastSuccessful.Set(0)
		if old != nil {
			_ = level.Error(a.logger).Log("msg", "Reload failed, keeping the current configuration", "err", err)
		}
		return err
	}
	collected := make([]collector.Account, 0, len(a.running))
	for _, account := range a.running {
		collected = append(collected, account.Collected)
	}
	coll.SetAccounts(collected)
	coll.ReadNew()
	a.lastSuccessful.Set(1)
	a.lastSuccess.SetToCurrentTime()
	_ = level.Info(a.logger).Log("msg", "Configuration loaded", "accounts", len(a.running),
		"added_or_changed", countMissing(a.running, old), "removed_or_changed", countMissing(old, a.running))
	return nil
}

// recovered turns a panic in load into an error, so that no configuration can crash the
// process.
func recovered(load func() error) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = apiclient.PanicError(reason)
		}
	}()
	return load()
}

// countMissing counts the accounts that are not among others.
func countMissing(accounts, others []*Account) int {
	found := make(map[*Account]bool, len(others))
	for _, account := range others {
		found[account] = true
	}
	n := 0
	for _, account := range accounts {
		if !found[account] {
			n++
		}
	}
	return n
}

// newReloadGauge returns a gauge about reloads. Other Prometheus daemons use the same
// names.
func newReloadGauge(name, help string) prometheus.Gauge {
	return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "alicdn_export", Name: name, Help: help})
}

// Describe sends the descriptions of the reload metrics.
func (a *Accounts) Describe(ch chan<- *prometheus.Desc) {
	a.lastSuccessful.Describe(ch)
	a.lastSuccess.Describe(ch)
}

// Collect sends the reload metrics.
func (a *Accounts) Collect(ch chan<- prometheus.Metric) {
	a.lastSuccessful.Collect(ch)
	a.lastSuccess.Collect(ch)
}
