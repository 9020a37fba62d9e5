// Package view puts the collector's reports into words. The status page, the check command
// and /api/v1/exports show one Document, so they cannot disagree.
package view

import (
	"encoding/json"
	"time"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/coverage"
)

// FormatVersion is the version of Document's JSON. A field may be added to it; it changes
// when a field is removed or gets another meaning.
const FormatVersion = 1

// Document is what is known of all accounts at a moment. It has no secrets. Times are in
// the account's time zone; one that is not known is the zero time, and absent in JSON.
type Document struct {
	FormatVersion   int       `json:"format_version"`
	ExporterVersion string    `json:"exporter_version"`
	Time            time.Time `json:"time"`
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
	Account  string `json:"account"`
	TimeZone string `json:"time_zone"`
	// State is the most severe one of the account and its exports.
	State State `json:"state"`
	// Problems are those of the account. Those of its exports are theirs.
	Problems []Problem `json:"problems"`
	Exports  []Export  `json:"exports"`
}

// Export is the state of one export of an account.
type Export struct {
	Export apiclient.Export `json:"export"`
	State  State            `json:"state"`
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
	Tasks Counts `json:"tasks"`
	// Unlisted is the number of tasks that the API counts but does not list.
	Unlisted int `json:"unlisted"`
	// Malformed is the number of tasks with a time that cannot be right, which is ignored.
	Malformed int `json:"malformed"`
	// UnrecoveredFailures is the number of failed tasks that no success has replaced.
	UnrecoveredFailures int `json:"unrecovered_failures"`
	// NewestSuccess and NewestFailure are when the last task succeeded and failed.
	NewestSuccess time.Time `json:"newest_success,omitzero"`
	NewestFailure time.Time `json:"newest_failure,omitzero"`
	// OldestPending is when the oldest pending task was created that no success has
	// replaced.
	OldestPending time.Time `json:"oldest_pending,omitzero"`
	// CoveredUntil is the end of the latest usage that a successful task covers.
	CoveredUntil time.Time `json:"covered_until,omitzero"`
	// UsageDelay is the time after which usage is complete.
	UsageDelay Seconds `json:"usage_delay_seconds"`
	// Months are the last two complete ones, the older one first. usage_detail has none.
	Months       []Month       `json:"months"`
	Expectations []Expectation `json:"expectations"`
	// NewestTasks are at most ten, the newest first.
	NewestTasks []Task `json:"newest_tasks"`
}

// Counts is the number of tasks by status.
type Counts struct {
	Created int `json:"created"`
	Success int `json:"success"`
	Failed  int `json:"failed"`
	Unknown int `json:"unknown"`
}

// Total is the number of tasks.
func (c Counts) Total() int { return c.Created + c.Success + c.Failed + c.Unknown }

// Month says how much of a calendar month successful tasks cover.
type Month struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
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
	Name string `json:"name"`
	// TaskName is the regular expression for the names of the tasks that count.
	TaskName string            `json:"task_name"`
	Every    coverage.Interval `json:"every"`
	// Due is when the oldest export that is missing was due, else when the next one is.
	Due     time.Time `json:"due"`
	Overdue bool      `json:"overdue"`
	// Missing are the periods that have ended and are not covered, the oldest first.
	Missing []Period `json:"missing"`
	// Hint says what is probably wrong with TaskName.
	Hint string `json:"hint,omitempty"`
}

// Period is usage that is missing. Start is part of it, End is not.
type Period struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
	Due   time.Time `json:"due"`
	// MadeTooEarly tells whether it is missing only because its export was made before the
	// usage was complete.
	MadeTooEarly bool `json:"made_too_early"`
}

// Task is one task of a list. Start and End are the first and the last second of its usage.
type Task struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Status  string    `json:"status"`
	Created time.Time `json:"created,omitzero"`
	Updated time.Time `json:"updated,omitzero"`
	Start   time.Time `json:"start,omitzero"`
	End     time.Time `json:"end,omitzero"`
}

// Refresh is a refresh that has ended.
type Refresh struct {
	Ended    time.Time `json:"ended"`
	Duration Seconds   `json:"duration_seconds"`
	// Tasks is the length of the list that was read.
	Tasks int `json:"tasks"`
	// Error is why it failed. It is absent if it succeeded.
	Error string `json:"error,omitempty"`
}

// Seconds is a duration that is a number of seconds in JSON.
type Seconds time.Duration

// MarshalJSON returns the number of seconds.
func (s Seconds) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(s).Seconds()) }
