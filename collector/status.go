package collector

import (
	"time"

	"alicdn_export_exporter/apiclient"
)

// keptRefreshes is the number of refreshes that an ExportStatus remembers.
const keptRefreshes = 10

// AccountStatus is the state of an account, for display.
type AccountStatus struct {
	Account  string
	TimeZone *time.Location
	// Problems are the account's own problems, such as a wrong clock. Exports contains the
	// problems of the exports.
	Problems []Problem
	Exports  []ExportStatus
}

// ExportStatus is the state of one export of an account.
type ExportStatus struct {
	Export apiclient.Export
	// Up tells whether the last refresh succeeded.
	Up bool
	// Refreshes are the last ten refreshes, the newest first. It is empty until the first has
	// ended.
	Refreshes []Refreshed
	// Refreshing tells whether a refresh is running or waits for a slot.
	Refreshing bool
	// Began is when reading of the last good listing began. It is the zero time if there
	// is none.
	Began time.Time
	// Report is the report of that listing. It is nil if there is no listing or if it is too
	// old.
	Report *Report
	// Problems are the problems of reading the list, followed by those of the Report.
	Problems []Problem
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

// Statuses returns the status of every account, in the order of the configuration. It
// makes no API call.
func (c *Collector) Statuses(now time.Time) []AccountStatus {
	var statuses []AccountStatus
	for _, account := range c.accountStates() {
		status := AccountStatus{
			Account: account.Name, TimeZone: account.zone(), Problems: clockProblems(account.Client),
		}
		for _, r := range account.refreshers {
			status.Exports = append(status.Exports, c.exportStatus(r.export, r.current(), now))
		}
		statuses = append(statuses, status)
	}
	return statuses
}

func (c *Collector) exportStatus(export apiclient.Export, state refreshState, now time.Time) ExportStatus {
	status := ExportStatus{
		Export: export, Up: state.succeeded, Refreshes: state.last, Refreshing: state.refreshing,
		Report:   c.report(state.snapshot, now),
		Problems: refreshProblems(state, now, c.config.MaxStale),
	}
	if state.snapshot != nil {
		status.Began = state.snapshot.Began
	}
	if status.Report != nil {
		status.Problems = append(status.Problems, status.Report.Problems...)
	}
	return status
}

// prepend returns the refreshes with a newer one before them. It does not change the
// slice, which an ExportStatus may hold.
func prepend(newest Refreshed, last []Refreshed) []Refreshed {
	return append([]Refreshed{newest}, last[:min(len(last), keptRefreshes-1)]...)
}
