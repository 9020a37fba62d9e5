package collector

import (
	"time"

	"alicdn_export_exporter/apiclient"
)

// keptRefreshes is the number of refreshes that an ExportStatus remembers.
const keptRefreshes = 10

// ExportStatus is the state of one export of an account, for the status page.
type ExportStatus struct {
	Account  string
	Export   apiclient.Export
	TimeZone *time.Location
	// Up tells whether the last refresh succeeded.
	Up bool
	// Refreshes are the last ten, the newest first. There are none before the first has
	// ended.
	Refreshes []Refreshed
	// Refreshing tells whether a refresh is running or waits for a slot.
	Refreshing bool
	// Began is when reading of the last good listing began. It is the zero time if there
	// is none.
	Began time.Time
	// Report is what that listing says. It is nil without one, and if it is too old.
	Report *Report
}

// Refreshed is a refresh that has ended.
type Refreshed struct {
	Ended    time.Time
	Duration time.Duration
	// Tasks is the length of the list that was read.
	Tasks int
	// Err is why the refresh failed, without secrets, or nil.
	Err error
}

// Statuses returns the status of every export of every account, in the order of the
// configuration. It makes no API call.
func (c *Collector) Statuses(now time.Time) []ExportStatus {
	var statuses []ExportStatus
	for _, account := range c.accountStates() {
		for _, r := range account.refreshers {
			state := r.current()
			status := ExportStatus{
				Account: account.Name, Export: r.export, TimeZone: account.zone(),
				Up: state.succeeded, Refreshes: state.last, Refreshing: state.refreshing,
				Report: c.report(state.snapshot, now),
			}
			if state.snapshot != nil {
				status.Began = state.snapshot.Began
			}
			statuses = append(statuses, status)
		}
	}
	return statuses
}

// prepend returns the refreshes with a newer one before them. It does not change the
// slice, which an ExportStatus may hold.
func prepend(newest Refreshed, last []Refreshed) []Refreshed {
	return append([]Refreshed{newest}, last[:min(len(last), keptRefreshes-1)]...)
}
