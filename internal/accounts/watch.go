package accounts

import (
	"context"
	"time"

	"github.com/go-kit/log/level"

	"alicdn_export_exporter/collector"
)

// watchInterval is the time between two reads of the configuration file. A change is loaded when two reads in a row
// find it, at most two intervals later.
const watchInterval = 10 * time.Second

// Watch reloads the configuration into a collector when the content of its file changes, until ctx ends. Content that
// cannot be loaded is tried and logged only once.
func (a *Accounts) Watch(ctx context.Context, coll *collector.Collector) {
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	previous := ""
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		current := a.flags.ConfigVersion()
		// Two equal reads are needed: half of a file that is being written can be valid.
		if current == previous && current != a.triedVersion() {
			_ = level.Info(a.logger).Log("msg", "The configuration file changed")
			_ = a.Reload(coll) // It logs its error.
		}
		previous = current
	}
}

// triedVersion returns the version of the configuration file that the last Reload found.
func (a *Accounts) triedVersion() string {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	return a.tried
}
