package apiclient

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// walk reads all pages of a list once. The list ends where its pages end, even if TotalCount is
// wrong. Config.MaxTasks bounds the number of pages.
type walk struct {
	client *Client
	export Export
	first  Page
	pages  [][]Task
	// firstIDs are the ids of the first task of each page. They reveal a server that ignores
	// PageNumber before every page is requested.
	firstIDs sync.Map
	// ended is set when an empty page was read. An empty page ends the list, even if TotalCount
	// is larger.
	ended atomic.Bool
}

// walk reads all pages once.
func (c *Client) walk(ctx context.Context, export Export) (*Listing, error) {
	began := time.Now()
	first, err := c.Page(ctx, export, 1)
	if err != nil {
		return nil, pageError(1, err)
	}
	if first.TotalCount > c.config.MaxTasks {
		return nil, &TooManyTasksError{TotalCount: first.TotalCount, MaxTasks: c.config.MaxTasks}
	}
	if err := checkEcho(first, 1, first.TotalCount); err != nil {
		return nil, err
	}
	if len(first.Tasks) == 0 && first.TotalCount > 0 {
		return nil, broken("the first page is empty, but TotalCount is %d", first.TotalCount)
	}
	w := &walk{client: c, export: export, first: first}
	if err := w.read(ctx); err != nil {
		return nil, err
	}
	tasks, err := joinPages(w.pages)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(tasks, func(a, b Task) int { return strings.Compare(a.ID, b.ID) })
	return &Listing{Tasks: tasks, TotalCount: first.TotalCount, Began: began}, nil
}

// read reads the pages after the first one and, if there are several, the first one again.
func (w *walk) read(ctx context.Context) error {
	if err := w.readCounted(ctx); err != nil {
		return err
	}
	if err := w.readOn(ctx); err != nil {
		return err
	}
	if w.first.TotalCount <= PageSize && !slices.ContainsFunc(w.pages[1:], func(p []Task) bool { return len(p) > 0 }) {
		return nil
	}
	again, err := w.client.Page(ctx, w.export, 1)
	if err != nil {
		return pageError(1, err)
	}
	if err := checkEcho(again, 1, w.first.TotalCount); err != nil {
		return err
	}
	if !slices.Equal(again.Tasks, w.first.Tasks) {
		return broken("the first page has changed")
	}
	return nil
}

// readCounted reads the pages that hold TotalCount tasks, and one more if the last of them
// is full. It reads as many at a time as the Limiter allows.
func (w *walk) readCounted(ctx context.Context) error {
	w.pages = make([][]Task, w.first.TotalCount/PageSize+1)
	w.pages[0] = w.first.Tasks
	if len(w.first.Tasks) > 0 {
		w.firstIDs.Store(w.first.Tasks[0].ID, nil)
	}
	workers, working := errgroup.WithContext(ctx)
	workers.SetLimit(w.client.config.Limiter.concurrency())
	for i := 1; i < len(w.pages) && !w.ended.Load() && working.Err() == nil; i++ {
		workers.Go(func() (err error) {
			defer func() {
				if reason := recover(); reason != nil {
					err = pageError(i+1, PanicError(reason))
				}
			}()
			w.pages[i], err = w.page(working, i+1)
			return err
		})
	}
	return workers.Wait()
}

// readOn reads more pages until one is not full: TotalCount may be too small.
func (w *walk) readOn(ctx context.Context) error {
	for {
		last := w.pages[len(w.pages)-1]
		if n := (len(w.pages)-1)*PageSize + len(last); len(last) > 0 && n > w.client.config.MaxTasks {
			return &TooManyTasksError{TotalCount: n, MaxTasks: w.client.config.MaxTasks}
		}
		if w.ended.Load() || len(last) < PageSize {
			return nil
		}
		tasks, err := w.page(ctx, len(w.pages)+1)
		if err != nil {
			return err
		}
		w.pages = append(w.pages, tasks)
	}
}

// page reads a page after the first one.
func (w *walk) page(ctx context.Context, number int) ([]Task, error) {
	page, err := w.client.Page(ctx, w.export, number)
	if err != nil {
		return nil, pageError(number, err)
	}
	if len(page.Tasks) == 0 {
		w.ended.Store(true)
	} else if _, exists := w.firstIDs.LoadOrStore(page.Tasks[0].ID, nil); exists {
		return nil, broken("two pages begin with the same task")
	}
	if err := checkEcho(page, number, w.first.TotalCount); err != nil {
		return nil, err
	}
	if page.Tasks == nil && (number-1)*PageSize < page.TotalCount {
		return nil, broken("page %d has no list of tasks", number)
	}
	return page.Tasks, nil
}

// joinPages returns the tasks of all pages. A short page before the last one means that
// tasks are missing.
func joinPages(pages [][]Task) ([]Task, error) {
	for i := 1; i < len(pages); i++ {
		if len(pages[i]) > 0 && len(pages[i-1]) != PageSize {
			return nil, broken("page %d follows a page that is not full", i+1)
		}
	}
	return slices.Concat(pages...), nil
}

// checkEcho checks the page number, the page size and TotalCount of a page.
func checkEcho(page Page, number, total int) error {
	if page.Size != 0 && page.Size != PageSize {
		return pageError(number, newError(CodeDecode, ClassMalformed,
			fmt.Sprintf("PageSize is %d, but %d was requested", page.Size, PageSize)))
	}
	if page.Number != 0 && page.Number != number {
		return broken("page %d was requested, page %d returned", number, page.Number)
	}
	if page.TotalCount != total {
		return broken("TotalCount changed from %d to %d", total, page.TotalCount)
	}
	return nil
}

func pageError(number int, err error) error { return fmt.Errorf("page %d: %w", number, err) }
