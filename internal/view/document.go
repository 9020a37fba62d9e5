// Package view puts the collector's reports into words. The status page, the check command
// and /api/v1/exports show one Document, so they cannot disagree.
package view

import (
	"encoding/json"
	"time"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/coverage"
)

// FormatVersion is the version of Document's JSON. It changes when a field is removed or
// gets another meaning, but not when a field is added.
const FormatVersion = 1

// Document is what is known of all accounts at a moment. It has no secrets. Times are in
// the account's time zone; one that is not known is the zero time, and absent in JSON.
type Document struct {
	// FormatVersion is 1. It changes when a field is removed or gets another meaning.
	FormatVersion int `json:"format_version"`
	// ExporterVersion is the version of the program.
	ExporterVersion string `json:"exporter_version"`
	// Time is when the document was made, in UTC.
	Time time.Time `json:"time"`
	// Demo tells whether the accounts are simulated.
	Demo bool `json:"demo"`
	// Verdict sums up all accounts in one line.
	Verdict string `json:"verdict"`
	// State is the most severe one of the accounts.
	State State `json:"state"`
	// Accounts are in the order of the configuration.
	Accounts []Account `json:"accounts"`
}

// Account is the state of an account.
type Account struct {
	// Account is the name of the account.
	Account string `json:"account"`
	// TimeZone is where the account's months, weeks and days begin.
	TimeZone string `json:"time_zone"`
	// State is the most severe one of the account and its exports.
	State State `json:"state"`
	// Problems are those of the account. Those of its exports are theirs.
	Problems []Problem `json:"problems"`
	// Exports are the lists that are read.
	Exports []Export `json:"exports"`
}

// Export is the state of one export of an account.
type Export struct {
	// Export is the list.
	Export apiclient.Export `json:"export"`
	// State is that of the most severe problem.
	State State `json:"state"`
	// Up tells whether the last refresh succeeded.
	Up bool `json:"up"`
	// Refreshing tells whether the list is being read, or waits for its turn.
	Refreshing bool `json:"refreshing"`
	// ListRead is when reading of the list began that List is about.
	ListRead time.Time `json:"list_read,omitzero"`
	// Problems are the most severe first.
	Problems []Problem `json:"problems"`
	// List is what the list says. It is absent before a list was read, and if it is older
	// than --cache.max-stale.
	List *List `json:"list,omitempty"`
	// Refreshes are the last ten, the newest first.
	Refreshes []Refresh `json:"refreshes"`
}

// List is what a list of tasks says.
type List struct {
	// Tasks is the number of tasks by status.
	Tasks Counts `json:"tasks"`
	// Unlisted is the number of tasks that the API counts but does not list.
	Unlisted int `json:"unlisted"`
	// Malformed is the number of tasks with a time that cannot be right, which is ignored.
	Malformed int `json:"malformed"`
	// UnrecoveredFailures is the number of failed tasks that no success has replaced.
	UnrecoveredFailures int `json:"unrecovered_failures"`
	// NewestSuccess is when the last task succeeded.
	NewestSuccess time.Time `json:"newest_success,omitzero"`
	// NewestFailure is when the last task failed.
	NewestFailure time.Time `json:"newest_failure,omitzero"`
	// OldestPending is when the oldest pending task was created that no success has
	// replaced.
	OldestPending time.Time `json:"oldest_pending,omitzero"`
	// CoveredUntil is the end of the latest usage that a successful task covers.
	CoveredUntil time.Time `json:"covered_until,omitzero"`
	// UsageDelay is the time after which usage is complete.
	UsageDelay Seconds `json:"usage_delay_seconds"`
	// Months are the last two complete ones, the older one first. usage_detail has none.
	Months []Month `json:"months"`
	// Expectations say whether the exports exist that the configuration expects.
	Expectations []Expectation `json:"expectations"`
	// NewestTasks are at most ten, the newest first.
	NewestTasks []Task `json:"newest_tasks"`
}

// Counts is the number of tasks by status.
type Counts struct {
	// Created is the number of tasks that are pending.
	Created int `json:"created"`
	// Success is the number of tasks that succeeded.
	Success int `json:"success"`
	// Failed is the number of tasks that failed.
	Failed int `json:"failed"`
	// Unknown is the number of tasks with a status that the API does not document.
	Unknown int `json:"unknown"`
}

// Total is the number of tasks.
func (c Counts) Total() int { return c.Created + c.Success + c.Failed + c.Unknown }

// Month says how much of a calendar month successful tasks cover.
type Month struct {
	// Start is the first moment of the month.
	Start time.Time `json:"start"`
	// End is the first moment after the month.
	End time.Time `json:"end"`
	// JudgedFrom is later than Start if the first days are too old to be judged, or lie
	// before the account's since.
	JudgedFrom time.Time `json:"judged_from"`
	// Covered is the share of the judged part, from 0 to 1.
	Covered float64 `json:"covered"`
	// MadeTooEarly tells whether the rest is missing only because an export was made before
	// the usage was complete.
	MadeTooEarly bool `json:"made_too_early"`
	// Days are those of the month, from the first on. The share of a day that is not judged
	// is null.
	Days []*float64 `json:"days"`
}

// Expectation says whether the expected exports exist.
type Expectation struct {
	// Name is that of the configuration.
	Name string `json:"name"`
	// TaskName is the regular expression for the names of the tasks that count.
	TaskName string `json:"task_name"`
	// Every is the period that each export covers.
	Every coverage.Interval `json:"every"`
	// Due is when the oldest export that is missing was due, else when the next one is.
	Due time.Time `json:"due"`
	// Overdue tells whether an export is missing that was due before now.
	Overdue bool `json:"overdue"`
	// Missing are the periods that have ended and are not covered, the oldest first.
	Missing []Period `json:"missing"`
	// Hint says what is probably wrong with TaskName.
	Hint string `json:"hint,omitempty"`
}

// Period is usage that is missing.
type Period struct {
	// Start is the first moment of the usage.
	Start time.Time `json:"start"`
	// End is the first moment after the usage.
	End time.Time `json:"end"`
	// Due is when its export was due, or is.
	Due time.Time `json:"due"`
	// MadeTooEarly tells whether it is missing only because its export was made before the
	// usage was complete.
	MadeTooEarly bool `json:"made_too_early"`
}

// Task is one task of a list.
type Task struct {
	// ID is the API's TaskId.
	ID string `json:"id"`
	// Name is the API's TaskName, which whoever makes the task chooses.
	Name string `json:"name"`
	// Status is created while the task is pending, then success or failed. It is unknown for
	// one that the API does not document.
	Status string `json:"status"`
	// Created is when the task was made.
	Created time.Time `json:"created,omitzero"`
	// Updated is when the task ended.
	Updated time.Time `json:"updated,omitzero"`
	// Start is the first second of the task's usage.
	Start time.Time `json:"start,omitzero"`
	// End is the last second of the task's usage.
	End time.Time `json:"end,omitzero"`
}

// Refresh is a refresh that has ended.
type Refresh struct {
	// Ended is when it ended.
	Ended time.Time `json:"ended"`
	// Duration is how long it took.
	Duration Seconds `json:"duration_seconds"`
	// Tasks is the length of the list that was read.
	Tasks int `json:"tasks"`
	// Error is why it failed. It is absent if it succeeded.
	Error string `json:"error,omitempty"`
}

// Seconds is a duration that is a number of seconds in JSON.
type Seconds time.Duration

// MarshalJSON returns the number of seconds.
func (s Seconds) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(s).Seconds()) }
