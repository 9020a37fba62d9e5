package apiclient

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Export is a kind of usage export. Each has its own list operation. Its text is the
// value of the label export.
type Export string

// The two list operations of Alibaba Cloud CDN, version 2018-05-10.
const (
	// Usage: a task makes one PDF file of an account's usage history.
	Usage Export = "usage"
	// UsageDetail: a task makes one Excel file for each domain, group or account.
	UsageDetail Export = "usage_detail"
)

// Exports returns every Export.
func Exports() []Export { return []Export{Usage, UsageDetail} }

// UnmarshalText accepts the name of an Export.
func (e *Export) UnmarshalText(text []byte) error {
	export := Export(text)
	if !slices.Contains(Exports(), export) {
		return fmt.Errorf("must be one of usage, usage_detail (got %q%s)", text, didYouMean(string(text)))
	}
	*e = export
	return nil
}

// didYouMean suggests the Export that a misspelling means, such as usage-detail, UsageDetails
// or detail.
func didYouMean(text string) string {
	plain := strings.NewReplacer("_", "", "-", "", " ", "")
	wrong := strings.TrimSuffix(strings.ToLower(plain.Replace(text)), "s")
	for _, export := range Exports() {
		if wrong != "" && strings.HasSuffix(plain.Replace(string(export)), wrong) {
			return fmt.Sprintf("; did you mean %s?", export)
		}
	}
	return ""
}

// Action returns the API's name of the list operation. With "cdn:" before it, it is the
// RAM action that a key needs.
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
	// Created: the file is still being made.
	Created
	// Success: the file can be downloaded.
	Success
	// Failed: there is no file, and there never will be.
	Failed
)

// Statuses returns every Status in the order of a task's life.
func Statuses() []Status { return []Status{Created, Success, Failed, Unknown} }

// String returns the API's word for the status in lower case, or "unknown".
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

// parseStatus ignores case: a recorded response has "Success".
func parseStatus(s string) Status {
	for _, status := range Statuses() {
		if status != Unknown && strings.EqualFold(s, status.String()) {
			return status
		}
	}
	return Unknown
}

// Timestamp is a time in Unix seconds, the API's own precision. 0 means that the API gave no
// time. InvalidTime means that it gave a text that is not a valid time.
type Timestamp int64

// InvalidTime is the Timestamp of a text that is not a time, or a time before 2000,
// when there was no CDN.
const InvalidTime Timestamp = math.MinInt64

// Time returns the time in UTC, or the zero time for 0 and InvalidTime.
func (t Timestamp) Time() time.Time {
	if t == 0 || t == InvalidTime {
		return time.Time{}
	}
	return time.Unix(int64(t), 0).UTC()
}

// Task is one export task as the API lists it, without its download address, which is
// never read.
type Task struct {
	// ID is the API's TaskId, unique in an account's list.
	ID string
	// Name is the TaskName that a user gave; it may be empty.
	Name string
	// Status is the state when the task's page was read.
	Status Status
	// Created is CreateTime. Updated is UpdateTime, which is the completion of a finished
	// task.
	Created, Updated Timestamp
	// Start and End are the first and the last second of usage in the file (TaskConfig).
	// If the API gives End to the minute, it is the last second of that minute.
	Start, End Timestamp
}
