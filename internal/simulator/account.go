package simulator

import (
	"cmp"
	"hash/fnv"
	"slices"
	"sync"
	"time"
)

// The statuses of a task, as the API writes them.
const (
	StatusCreated = "created" // being created
	StatusSuccess = "success"
	StatusFailed  = "failed"
)

// Task is one export task as the account has it. Times that are zero are left out
// of answers. Updated is when the task finished, Start and End are the first and
// the last second of the usage that it covers. DownloadURL is a secret of the
// account: it appears in API answers only, and there for successful tasks only.
type Task struct {
	ID, Name, Status             string
	Created, Updated, Start, End time.Time
	DownloadURL                  string
}

// Account says what the API lists for an action at a moment, in the order of the
// list. The caller does not change the slice, nor does the account once it has
// returned it. Implementations are safe for concurrent use.
type Account interface {
	Tasks(action string, now time.Time) []Task
}

// Fixed is an account whose tasks change only when it is told so.
type Fixed struct {
	mu    sync.RWMutex
	tasks map[string][]Task
}

// NewFixed returns an account that lists the tasks in the order given, for both
// actions.
func NewFixed(tasks ...Task) *Fixed {
	f := &Fixed{tasks: make(map[string][]Task)}
	f.Set(UsageAction, tasks...)
	f.Set(DetailAction, tasks...)
	return f
}

// Set changes what is listed for an action from the next call on.
func (f *Fixed) Set(action string, tasks ...Task) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tasks[action] = slices.Clone(tasks)
}

// Tasks implements Account.
func (f *Fixed) Tasks(action string, _ time.Time) []Task {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.tasks[action]
}

// Order is that of an account's list. The API documents none.
type Order int

// The orders of a list.
const (
	NewestFirst Order = iota
	OldestFirst
	Shuffled // by chance, but the same in every call
)

// Arrange puts tasks in order. The seed decides on Shuffled only.
func Arrange(tasks []Task, order Order, seed uint64) {
	if order == Shuffled {
		rank := make(map[string]uint64, len(tasks))
		for _, task := range tasks {
			rank[task.ID] = draw(seed, textKey(task.ID))
		}
		slices.SortFunc(tasks, func(a, b Task) int {
			return cmp.Or(cmp.Compare(rank[a.ID], rank[b.ID]), cmp.Compare(a.ID, b.ID))
		})
		return
	}
	sign := 1
	if order == NewestFirst {
		sign = -1
	}
	slices.SortFunc(tasks, func(a, b Task) int {
		return sign * cmp.Or(a.Created.Compare(b.Created), cmp.Compare(len(a.ID), len(b.ID)), cmp.Compare(a.ID, b.ID))
	})
}

func textKey(text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text)) // A hash takes everything.
	return h.Sum64()
}
