package simulator

import "time"

// The statuses of a task, in the API's spelling.
const (
	StatusCreated = "created" // the export is in progress
	StatusSuccess = "success"
	StatusFailed  = "failed"
)

// Task is an export task. Responses leave out times that are zero.
type Task struct {
	ID, Name, Status string

	Created time.Time
	Updated time.Time // when the task finished

	// Start and End are the first and the last second of the exported usage.
	Start, End time.Time

	// DownloadURL is a secret of the account. The API returns it for successful
	// tasks only.
	DownloadURL string
}

// Order is the order of a task list. The API documents none, so clients must work
// with any.
type Order int

// The orders of a task list.
const (
	NewestFirst Order = iota
	OldestFirst
	Shuffled // random, but the same in every response
)
