package apiclient

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// maxWalks bounds how often a list is walked for one Listing.
const maxWalks = 5

// Listing is a complete list of tasks, proven as List says.
type Listing struct {
	// Tasks are sorted by ID.
	Tasks []Task
	// TotalCount is the API's count of tasks. It differs from len(Tasks) only if two
	// walks in a row agreed in every task and in this count.
	TotalCount int
	// Began is when the reading of these tasks began.
	Began time.Time
}

// IDs returns the sorted ids of the tasks: all that the next List needs, in a quarter
// of the memory. A nil Listing has none.
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

// unproven is why one walk is not proven.
type unproven string

// Error returns the reason.
func (u unproven) Error() string { return string(u) }

// List reads a complete list. The API takes no snapshot and documents no order, so
// tasks that appear and disappear move others across pages while the pages are read. A
// walk over all pages is proven complete by these facts:
//
//   - task ids are unique and as many as TotalCount, which is the same on every page;
//   - no page echoes another number than the requested one;
//   - the first of several pages is unchanged when it is read again at the end;
//   - no task of the previous listing, whose ids are previous, is missing.
//
// If a count is wrong or a task is missing, a second walk that agrees with the first in
// every task and in TotalCount is proof as well: whatever both walks hold was listed
// all the time, so nothing can have moved past both. A walk that is not proven is
// repeated, a bounded number of times.
//
// The errors are *Error, *UnprovenError, *TooManyTasksError and the context's.
func (c *Client) List(ctx context.Context, export Export, previous []string) (*Listing, error) {
	var before *Listing
	var reason unproven
	for range maxWalks {
		listing, err := c.walk(ctx, export)
		if err == nil {
			err = prove(listing, before, previous)
		}
		if err == nil {
			return listing, nil
		}
		if !errors.As(err, &reason) {
			return nil, err
		}
		before = listing
		c.config.Observer.WalkRestarted(export, string(reason))
	}
	return nil, &UnprovenError{Walks: maxWalks, Reason: string(reason)}
}

// prove returns nil if walk is known to be complete. before is the preceding walk, nil
// if there is none or if it was broken off.
func prove(walk, before *Listing, previous []string) error {
	if hasDuplicate(walk.Tasks) {
		return unproven("a task is listed twice")
	}
	if before != nil &&
		before.TotalCount == walk.TotalCount && slices.Equal(before.Tasks, walk.Tasks) {
		return nil
	}
	if len(walk.Tasks) != walk.TotalCount {
		return unproven(fmt.Sprintf("%d tasks are listed, but TotalCount is %d", len(walk.Tasks), walk.TotalCount))
	}
	if n := countMissing(previous, walk.Tasks); n > 0 {
		return unproven(fmt.Sprintf("%d tasks of the last listing are missing", n))
	}
	return nil
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

// walk reads all pages once. An empty page ends the list, whatever TotalCount says.
func (c *Client) walk(ctx context.Context, export Export) (*Listing, error) {
	listing := &Listing{Began: time.Now()}
	first, err := c.Page(ctx, export, 1)
	if err != nil {
		return nil, pageError(1, err)
	}
	listing.TotalCount = first.TotalCount
	if first.TotalCount > c.config.MaxTasks {
		return nil, &TooManyTasksError{TotalCount: first.TotalCount, MaxTasks: c.config.MaxTasks}
	}
	if err := checkEcho(first, 1, first.TotalCount); err != nil {
		return nil, err
	}
	if len(first.Tasks) == 0 && first.TotalCount > 0 {
		return nil, unproven(fmt.Sprintf("the first page is empty, but TotalCount is %d", first.TotalCount))
	}
	listing.Tasks = first.Tasks
	if first.TotalCount > PageSize {
		if listing.Tasks, err = c.pages(ctx, export, first); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(listing.Tasks, func(a, b Task) int { return strings.Compare(a.ID, b.ID) })
	return listing, nil
}

// pages reads the pages after the first one, Concurrency at a time, and then the first
// one again. It returns the tasks of all pages.
func (c *Client) pages(ctx context.Context, export Export, first Page) ([]Task, error) {
	pages := make([][]Task, (first.TotalCount+PageSize-1)/PageSize)
	pages[0] = first.Tasks
	var ended atomic.Bool
	// Fail fast if the server ignores PageNumber: two pages then begin with the same task.
	var firstIDs sync.Map
	firstIDs.Store(first.Tasks[0].ID, nil)
	workers, working := errgroup.WithContext(ctx)
	workers.SetLimit(c.config.Concurrency)
	for i := 1; i < len(pages) && !ended.Load() && working.Err() == nil; i++ {
		workers.Go(func() (err error) {
			defer func() {
				if reason := recover(); reason != nil {
					err = fmt.Errorf("page %d: panic: %v", i+1, reason)
				}
			}()
			page, err := c.Page(working, export, i+1)
			if err != nil {
				return pageError(i+1, err)
			}
			pages[i] = page.Tasks
			if len(page.Tasks) == 0 {
				ended.Store(true)
			} else if _, exists := firstIDs.LoadOrStore(page.Tasks[0].ID, nil); exists {
				return unproven("two pages begin with the same task")
			}
			return checkEcho(page, i+1, first.TotalCount)
		})
	}
	if err := workers.Wait(); err != nil {
		return nil, err
	}

	again, err := c.Page(ctx, export, 1)
	if err != nil {
		return nil, pageError(1, err)
	}
	if err := checkEcho(again, 1, first.TotalCount); err != nil {
		return nil, err
	}
	if !slices.Equal(again.Tasks, first.Tasks) {
		return nil, unproven("the first page has changed")
	}
	return joinPages(pages)
}

// joinPages returns the tasks of all pages. A short page before the last one means that
// tasks are missing.
func joinPages(pages [][]Task) ([]Task, error) {
	for i := 1; i < len(pages); i++ {
		if len(pages[i]) > 0 && len(pages[i-1]) != PageSize {
			return nil, unproven(fmt.Sprintf("page %d follows a page that is not full", i+1))
		}
	}
	return slices.Concat(pages...), nil
}

// checkEcho compares what a page says of itself and of the list with what was expected.
func checkEcho(page Page, number, total int) error {
	if page.Number != 0 && page.Number != number {
		return unproven(fmt.Sprintf("page %d was requested, page %d returned", number, page.Number))
	}
	if page.TotalCount != total {
		return unproven(fmt.Sprintf("TotalCount changed from %d to %d", total, page.TotalCount))
	}
	return nil
}

func pageError(number int, err error) error { return fmt.Errorf("page %d: %w", number, err) }
