package apiclient

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// maxWalks is the maximum number of walks over a list for one Listing.
	maxWalks = 8
	// confirmationDelay is the minimum time from the end of a walk to the start of the walk
	// that confirms it. Two walks in quick succession may see the same stale copy of the list.
	confirmationDelay = 5 * time.Second
)

// Listing is a list of tasks that Read has proven complete.
type Listing struct {
	// Tasks are sorted by ID.
	Tasks []Task
	// TotalCount is the API's count of tasks. It differs from len(Tasks) only if two walks
	// agree on the difference.
	TotalCount int
	// Began is when reading of these tasks began.
	Began time.Time
}

// IDs returns the sorted ids of the tasks. The next Read needs nothing else, and the ids take a
// quarter of the tasks' memory. A nil Listing has none.
func (l *Listing) IDs() []string {
	if l == nil {
		return nil
	}
	ids := make([]string, len(l.Tasks))
	for i := range l.Tasks {
		ids[i] = l.Tasks[i].ID
	}
	return ids
}

// unlisted returns TotalCount minus the number of listed tasks. It may be negative.
func (l *Listing) unlisted() int { return l.TotalCount - len(l.Tasks) }

// UnconfirmedError means that a walk of a list can be proven complete only by another walk
// some seconds later.
type UnconfirmedError struct {
	// Reason is why the walk alone is not proven complete.
	Reason string
	// Due is the earliest time at which the other walk may begin.
	Due time.Time
	// Confirm waits until Due, then continues reading. Its results and errors are those of
	// Read.
	Confirm func(context.Context) (*Listing, error)
}

// Error returns the reason.
func (e *UnconfirmedError) Error() string { return e.Reason + "; a second walk must confirm that" }

// UnprovenError means that no walk of the list was proven complete.
type UnprovenError struct {
	// Walks is the number of walks that were made.
	Walks int
	// Reason is why the last walk was not proven.
	Reason string
}

// Error returns the number of walks and the last reason.
func (e *UnprovenError) Error() string {
	return fmt.Sprintf("the list could not be read consistently in %d walks; the last one: %s", e.Walks, e.Reason)
}

// TooManyTasksError means that a list is longer than Config.MaxTasks.
type TooManyTasksError struct {
	TotalCount, MaxTasks int
}

// Error returns both numbers.
func (e *TooManyTasksError) Error() string {
	return fmt.Sprintf("the list has %d tasks, the limit is %d", e.TotalCount, e.MaxTasks)
}

// unproven is the error of a walk that is not proven complete.
type unproven struct {
	reason string
	// confirmable is true if a second walk that agrees with this one is proven complete.
	confirmable bool
}

// Error returns the reason.
func (u *unproven) Error() string { return u.reason }

// broken returns the error of a walk that no other walk can confirm.
func broken(format string, args ...any) error {
	return &unproven{reason: fmt.Sprintf(format, args...)}
}

// List is like Read, but makes the confirming walks itself instead of returning an
// *UnconfirmedError.
func (c *Client) List(ctx context.Context, export Export, previous []string) (*Listing, error) {
	listing, err := c.Read(ctx, export, previous)
	for {
		unconfirmed, ok := errors.AsType[*UnconfirmedError](err)
		if !ok {
			return listing, err
		}
		listing, err = unconfirmed.Confirm(ctx)
	}
}

// Read reads a complete list. previous are the sorted ids of the previous listing.
//
// The API takes no snapshot and documents no order. While the pages are read, tasks that
// appear or disappear can move other tasks to another page. A walk over all pages is
// proven complete if:
//
//   - task ids are unique, and their number is TotalCount, which is the same on every page;
//   - no page echoes a page number or page size other than the requested one;
//   - the last page is not full;
//   - the first page, if there are others, is unchanged when it is read again at the end;
//   - no task of the previous listing is missing.
//
// If only a count is wrong or a task is missing, a second walk that agrees with the first is
// proven complete (see confirms). It must begin some seconds after the first one ended. Read
// then returns an *UnconfirmedError, so that the caller decides how to wait. A walk that is not
// proven for another reason is repeated at once. The number of walks is bounded.
//
// The errors are *Error, *UnconfirmedError, *UnprovenError, *TooManyTasksError and the
// context's error.
func (c *Client) Read(ctx context.Context, export Export, previous []string) (*Listing, error) {
	r := &reading{client: c, export: export, previous: previous}
	return r.walk(ctx)
}

// reading reads one list in one or more walks.
type reading struct {
	client   *Client
	export   Export
	previous []string // sorted ids of the previous listing
	walks    int

	// before is the walk that the next one may confirm; nil if there is none, or if a walk
	// after it was broken.
	before *outline
	// due is the earliest time at which the next walk may begin.
	due time.Time
}

// outline holds the facts of a walk that the next walk is compared with.
type outline struct {
	ids      []string // sorted
	unlisted int
}

// walk walks the list until a walk is proven, or must be confirmed later.
func (r *reading) walk(ctx context.Context) (*Listing, error) {
	if err := sleep(ctx, min(time.Until(r.due), confirmationDelay)); err != nil {
		return nil, err
	}
	for {
		r.walks++
		listing, err := r.client.walk(ctx, r.export)
		if err == nil {
			err = prove(listing, r.before, r.previous)
		}
		if err == nil {
			return listing, nil
		}
		reason, ok := errors.AsType[*unproven](err)
		if !ok {
			return nil, err
		}
		r.client.config.Observer.WalkRestarted(r.export, reason.Error())
		switch {
		case r.walks == maxWalks:
			return nil, &UnprovenError{Walks: r.walks, Reason: reason.Error()}
		case reason.confirmable:
			r.before = &outline{listing.IDs(), listing.unlisted()}
			r.due = time.Now().Add(confirmationDelay)
			return nil, &UnconfirmedError{Reason: reason.Error(), Due: r.due, Confirm: r.walk}
		}
		r.before = nil
	}
}

// prove returns nil if a walk is proven complete. before is an earlier walk that it may
// confirm, or nil. previous are the sorted ids of the previous listing.
func prove(walk *Listing, before *outline, previous []string) error {
	if hasDuplicate(walk.Tasks) {
		return broken("a task is listed twice")
	}
	if before != nil && confirms(walk, before) {
		return nil
	}
	if walk.unlisted() != 0 {
		return &unproven{fmt.Sprintf("%d tasks are listed, but TotalCount is %d", len(walk.Tasks), walk.TotalCount), true}
	}
	if n := countMissing(previous, walk.Tasks); n > 0 {
		return &unproven{fmt.Sprintf("%d tasks of the last listing are missing", n), true}
	}
	return nil
}

// confirms reports whether a walk is proven complete by an earlier one. It must list every task
// of the earlier walk, and TotalCount must differ from the number of listed tasks by the same
// number, usually 0. If the earlier walk missed a task although its numbers agree, it listed a
// task that has left the list since. The second walk does not list that task, so it does not
// confirm the earlier one.
func confirms(walk *Listing, before *outline) bool {
	return walk.unlisted() == before.unlisted && countMissing(before.ids, walk.Tasks) == 0
}

// hasDuplicate reports whether two of the tasks, sorted by ID, have the same ID.
func hasDuplicate(tasks []Task) bool {
	for i := 1; i < len(tasks); i++ {
		if tasks[i].ID == tasks[i-1].ID {
			return true
		}
	}
	return false
}

// countMissing counts the ids that no task has. Both are sorted by ID.
func countMissing(ids []string, tasks []Task) int {
	n := 0
	for _, id := range ids {
		for len(tasks) > 0 && tasks[0].ID < id {
			tasks = tasks[1:]
		}
		if len(tasks) == 0 || tasks[0].ID != id {
			n++
		}
	}
	return n
}
