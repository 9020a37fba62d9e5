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

// Listing is a whole list of tasks, proven as List says.
type Listing struct {
	// Tasks are sorted by ID.
	Tasks []Task
	// TotalCount is the API's count of them. It differs from len(Tasks) only
	// where two walks in a row agreed in every task and in this count.
	TotalCount int
	// Began is when the reading of these tasks began.
	Began time.Time
}

// IDs are the tasks' ids in order: all that List must know of the listing before,
// in a quarter of its memory. A nil Listing has none.
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

// UnprovenError says that a list was walked as often as allowed and that no walk
// could be proven to hold the whole list.
type UnprovenError struct {
	Walks int
	// Reason is why the last walk was not proven.
	Reason string
}

// Error says how often it was tried, and the last reason.
func (e *UnprovenError) Error() string {
	return fmt.Sprintf("the list could not be read consistently in %d walks; the last one: %s", e.Walks, e.Reason)
}

// TooManyTasksError says that a list is longer than Config.MaxTasks.
type TooManyTasksError struct {
	TotalCount, MaxTasks int
}

// Error names both numbers and the flag.
func (e *TooManyTasksError) Error() string {
	return fmt.Sprintf("the list has %d tasks, more than the %d of --api.max-tasks", e.TotalCount, e.MaxTasks)
}

// unproven is why one walk is not proven.
type unproven string

// Error is the reason.
func (u unproven) Error() string { return string(u) }

// List reads a whole list. The API takes no snapshot and knows no order, so tasks
// that come and go move others across pages while the pages are read. A walk of
// all pages is proven to be whole by these facts:
//
//   - task ids are unique and as many as TotalCount, which is the same on every page;
//   - no page echoes another number than the one asked for;
//   - the first of several pages is the same when it is read again at the end;
//   - no task of the previous listing, whose ids are previous, has vanished.
//
// Where a count is wrong or a task has vanished, a second walk that agrees with
// the first in every task and in TotalCount is proof as well: what both hold
// stood there all along, so that nothing can have moved past both. A walk that
// is not proven is walked again, a bounded number of times.
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

// prove checks what one walk alone cannot show. before is the walk before this
// one, nil where there is none or where it broke off.
func prove(walk, before *Listing, previous []string) error {
	if duplicate(walk.Tasks) {
		return unproven("a task is listed twice")
	}
	if before != nil &&
		before.TotalCount == walk.TotalCount && slices.Equal(before.Tasks, walk.Tasks) {
		return nil
	}
	if len(walk.Tasks) != walk.TotalCount {
		return unproven(fmt.Sprintf("%d tasks are listed, but TotalCount is %d", len(walk.Tasks), walk.TotalCount))
	}
	if n := vanished(previous, walk.Tasks); n > 0 {
		return unproven(fmt.Sprintf("%d tasks of the last listing have vanished", n))
	}
	return nil
}

// duplicate reports whether two of the tasks, sorted by ID, have the same ID.
func duplicate(tasks []Task) bool {
	for i := 1; i < len(tasks); i++ {
		if tasks[i].ID == tasks[i-1].ID {
			return true
		}
	}
	return false
}

// vanished counts the ids that none of the tasks has, both sorted by ID.
func vanished(ids []string, tasks []Task) int {
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

// walk reads all pages once. An empty page is the end of the list, whatever
// TotalCount says.
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
	if err := samePage(first, 1, first.TotalCount); err != nil {
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

// pages reads the pages after the first, Concurrency at a time, and the first one
// again. It returns the tasks of all.
func (c *Client) pages(ctx context.Context, export Export, first Page) ([]Task, error) {
	pages := make([][]Task, (first.TotalCount+PageSize-1)/PageSize)
	// One piece of memory for all tasks; each page has its own part of it.
	tasks := make([]Task, len(pages)*PageSize)
	pages[0] = append(tasks[:0:PageSize], first.Tasks...)
	var ended atomic.Bool
	// Where pages overlap, prove finds it in the end. A server that ignores page
	// numbers is found out here, before it is asked for every page.
	var heads sync.Map
	heads.Store(first.Tasks[0].ID, nil)
	workers, working := errgroup.WithContext(ctx)
	workers.SetLimit(c.config.Concurrency)
	for i := 1; i < len(pages) && !ended.Load() && working.Err() == nil; i++ {
		workers.Go(func() (err error) {
			defer func() {
				if reason := recover(); reason != nil {
					err = fmt.Errorf("page %d: panic: %v", i+1, reason)
				}
			}()
			page, err := c.page(working, export, i+1, tasks[i*PageSize:i*PageSize:(i+1)*PageSize])
			if err != nil {
				return pageError(i+1, err)
			}
			pages[i] = page.Tasks
			if len(page.Tasks) == 0 {
				ended.Store(true)
			} else if _, twice := heads.LoadOrStore(page.Tasks[0].ID, nil); twice {
				return unproven("two pages begin with the same task")
			}
			return samePage(page, i+1, first.TotalCount)
		})
	}
	if err := workers.Wait(); err != nil {
		return nil, err
	}

	again, err := c.Page(ctx, export, 1)
	if err != nil {
		return nil, pageError(1, err)
	}
	if err := samePage(again, 1, first.TotalCount); err != nil {
		return nil, err
	}
	if !slices.Equal(again.Tasks, first.Tasks) {
		return nil, unproven("the first page has changed")
	}

	n := 0
	for i, page := range pages {
		if len(page) > 0 && n != i*PageSize {
			// Where pages are not what was asked for, nobody knows what lies between.
			return nil, unproven(fmt.Sprintf("page %d follows a page that is not full", i+1))
		}
		n += len(page)
	}
	return tasks[:n], nil
}

// samePage checks what a page says of itself and of the list.
func samePage(page Page, number, total int) error {
	if page.Number != 0 && page.Number != number {
		return unproven(fmt.Sprintf("page %d was asked for, page %d answered", number, page.Number))
	}
	if page.TotalCount != total {
		return unproven(fmt.Sprintf("TotalCount changed from %d to %d", total, page.TotalCount))
	}
	return nil
}

func pageError(number int, err error) error { return fmt.Errorf("page %d: %w", number, err) }
