package apiclient

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Export names a kind of export and so the operation that lists its tasks. Its
// text is the value of the label export.
type Export string

// The two list operations of Alibaba Cloud CDN, version 2018-05-10.
const (
	// Usage is one PDF of an account's usage history a task.
	Usage Export = "usage"
	// UsageDetail is one Excel file for each domain, group or account a task.
	UsageDetail Export = "usage_detail"
)

// Exports lists every Export.
func Exports() []Export { return []Export{Usage, UsageDetail} }

// UnmarshalText accepts the name of an Export.
func (e *Export) UnmarshalText(text []byte) error {
	export := Export(text)
	if !slices.Contains(Exports(), export) {
		return fmt.Errorf("must be one of usage, usage_detail (got %q)", text)
	}
	*e = export
	return nil
}

// Action is the API's name of the list operation. "cdn:" before it makes the RAM
// action that a key needs.
func (e Export) Action() string {
	if e == UsageDetail {
		return "DescribeUserUsageDetailDataExportTask"
	}
	return "DescribeUserUsageDataExportTask"
}

// Status is the state of a task.
type Status uint8

// The states that the API documents, and Unknown for every other.
const (
	Unknown Status = iota
	// Created is being made: the export is pending.
	Created
	// Success has a file to download.
	Success
	// Failed has none and never will.
	Failed
)

// Statuses lists every Status in the order in which people expect them.
func Statuses() []Status { return []Status{Created, Success, Failed, Unknown} }

// String is the API's word for the status, in lower case, or "unknown".
func (s Status) String() string {
	switch s {
	case Created:
		return "created"
	case Success:
		return "success"
	case Failed:
		return "failed"
	default:
		return "unknown"
	}
}

// parseStatus compares without case: a recorded answer has "Success".
func parseStatus(s string) Status {
	for _, status := range Statuses() {
		if status != Unknown && strings.EqualFold(s, status.String()) {
			return status
		}
	}
	return Unknown
}

// Timestamp is a moment in Unix seconds, the API's own precision; 0 where the
// API gave no moment, or none that can be read.
type Timestamp int64

// Time is the moment in UTC, or the zero time.
func (t Timestamp) Time() time.Time {
	if t == 0 {
		return time.Time{}
	}
	return time.Unix(int64(t), 0).UTC()
}

// Task is one export job as the API lists it, without its download address,
// which is never read.
type Task struct {
	// ID is the API's TaskId, unique in an account's list.
	ID string
	// Name is the TaskName that a user gave; it may be empty.
	Name string
	// Status is the state at the moment the task's page was read.
	Status Status
	// Created is CreateTime; Updated is UpdateTime, which for a finished task
	// is its completion.
	Created, Updated Timestamp
	// Start and End bound the usage that the file covers (TaskConfig).
	Start, End Timestamp
}
