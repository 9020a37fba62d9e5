package simulator

import (
	"slices"
	"sync"
	"time"
)

// Account supplies the tasks that a server lists.
type Account interface {
	// Tasks returns all tasks that the API lists for an action at a moment, in the order of
	// the list. Neither the caller nor the account may modify the returned slice. Tasks is
	// called concurrently.
	Tasks(action string, now time.Time) []Task
}

// FixedAccount is an account whose tasks change only by SetTasks.
type FixedAccount struct {
	mu    sync.RWMutex
	tasks map[string][]Task
}

// NewFixedAccount returns an account that lists the tasks for both actions, in the
// given order.
func NewFixedAccount(tasks ...Task) *FixedAccount {
	a := &FixedAccount{tasks: make(map[string][]Task)}
	a.SetTasks(UsageAction, tasks...)
	a.SetTasks(DetailAction, tasks...)
	return a
}

// SetTasks replaces the tasks of an action.
func (a *FixedAccount) SetTasks(action string, tasks ...Task) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tasks[action] = slices.Clone(tasks)
}

// Tasks implements Account.
func (a *FixedAccount) Tasks(action string, _ time.Time) []Task {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.tasks[action]
}
