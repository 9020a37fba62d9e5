package apiclient_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/simulator"
)

// history is an account whose list changes while it is read. It remembers all changes and
// reads, and this memory alone decides what a reader may publish.
type history struct {
	random  *rand.Rand
	trouble trouble
	order   simulator.Order
	restful bool          // no task is deleted by hand or moved
	pace    float64       // changes before a read
	lag     time.Duration // of a stale copy of the list, or of a stale TotalCount
	copies  int           // which pages a stale copy serves; how TotalCount is wrong

	serving sync.Mutex // held while one request is served
	page    int        // the page that is requested

	mu     sync.Mutex
	list   []*remembered
	states []state // of the list, the newest last
	tasks  map[string]*remembered
	step   int // number of changes and reads so far
	reads  []read
	total  int               // the TotalCount of the last read
	served map[string][]byte // the last response for each page, as a bad cache keeps it
	wrong  []time.Time       // when a response had another page or page size than requested

	emptyUntil time.Time // when the current or last moment without tasks ends
	emptyPage  int       // the page without tasks; 0 for all
}

// trouble is what is wrong with the API in a history.
type trouble int

const (
	noTrouble   trouble = iota
	errorsOften         // occasional errors
	mixedPages          // a cache swaps the responses for two pages
	lastTask            // the last task of a page is sometimes missing
	staleCopies         // some pages come from a copy of the list that lags behind
	emptiness           // a page, or the whole list, is empty for a moment
	wrongCount          // TotalCount lags behind, or is too small
	cappedPages         // pages hold at most 20 tasks
	troubles            // the number of troubles
)

// capped is the maximum number of tasks in a page of a history with cappedPages.
const capped = 20

type remembered struct {
	task       simulator.Task
	born, gone int // steps; gone is 0 while it is there
}

// state is the list at a point in time.
type state struct {
	at    time.Time
	tasks []simulator.Task
}

// read is a page as it was served.
type read struct {
	at    time.Time
	step  int
	page  int
	total int
	tasks []simulator.Task
}

func newHistory(random *rand.Rand) *history {
	h := &history{
		random:  random,
		trouble: trouble(max(0, random.IntN(2*int(troubles))-int(troubles))),
		order:   simulator.Order(random.IntN(3)),
		restful: random.IntN(3) == 0,
		pace:    []float64{0, 0.02, 0.1, 0.5}[random.IntN(4)],
		lag:     time.Duration(1+random.IntN(3000)) * time.Millisecond,
		copies:  random.IntN(4),
		tasks:   make(map[string]*remembered),
		served:  make(map[string][]byte),
	}
	pages := random.IntN(4)
	if random.IntN(100) == 0 {
		pages = random.IntN(41)
	}
	for range max(0, pages*apiclient.PageSize+random.IntN(60)-30) {
		h.insert()
	}
	h.remember()
	return h
}

func (h *history) insert() {
	h.step++
	task := &remembered{born: h.step}
	task.task = simulator.Task{ID: strconv.Itoa(len(h.tasks) + 1), Status: simulator.StatusCreated}
	h.tasks[task.task.ID] = task
	at := len(h.list) // OldestFirst
	switch h.order {
	case simulator.NewestFirst:
		at = 0
	case simulator.Shuffled:
		at = h.random.IntN(len(h.list) + 1)
	}
	h.list = slices.Insert(h.list, at, task)
}

func (h *history) remove(at int) {
	h.step++
	h.list[at].gone = h.step
	h.list = slices.Delete(h.list, at, at+1)
}

// expire removes the oldest task.
func (h *history) expire() {
	oldest := slices.MinFunc(h.list, func(a, b *remembered) int { return a.born - b.born })
	h.remove(slices.Index(h.list, oldest))
}

func (h *history) change() {
	if len(h.list) == 0 {
		h.insert()
		return
	}
	kind := h.random.IntN(7)
	if h.restful {
		kind = h.random.IntN(4)
	}
	switch kind {
	case 0:
		h.insert()
	case 1:
		h.expire()
	case 2: // A creation and an expiry in the same instant.
		h.insert()
		h.expire()
	case 3:
		task := h.list[h.random.IntN(len(h.list))]
		h.step++
		task.task.Status = []string{simulator.StatusSuccess, simulator.StatusFailed}[h.random.IntN(2)]
	case 4:
		h.remove(h.random.IntN(len(h.list)))
	case 5: // A creation and a deletion in the same instant.
		h.insert()
		h.remove(h.random.IntN(len(h.list)))
	case 6: // A task moves, as in a list ordered by something that changes.
		from := h.random.IntN(len(h.list))
		task := h.list[from]
		h.list = slices.Delete(h.list, from, from+1)
		h.list = slices.Insert(h.list, h.random.IntN(len(h.list)+1), task)
	}
}

// passTime makes some changes that no reader sees happen.
func (h *history) passTime() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for range h.random.IntN(4) {
		h.change()
	}
	h.remember()
}

// remember appends the current list to the states.
func (h *history) remember() {
	tasks := make([]simulator.Task, len(h.list))
	for i, task := range h.list {
		tasks[i] = task.task
	}
	h.states = append(h.states, state{time.Now(), tasks})
}

// ago returns the list as it was some time ago.
func (h *history) ago(d time.Duration) []simulator.Task {
	then := time.Now().Add(-d)
	for _, s := range slices.Backward(h.states) {
		if !s.at.After(then) {
			return s.tasks
		}
	}
	return h.states[0].tasks
}

// Tasks implements simulator.Account: each call is a read of the requested page.
func (h *history) Tasks(string, time.Time) []simulator.Task {
	h.mu.Lock()
	defer h.mu.Unlock()
	before := h.step
	changed := false
	for h.random.Float64() < h.pace {
		h.change()
		changed = true
	}
	if changed || h.step != before {
		h.remember()
	}
	h.step++
	tasks, total := h.serve()
	h.total = total
	h.reads = append(h.reads, read{time.Now(), h.step, h.page, total, tasks})
	// The simulator cuts the page out of a list.
	return append(make([]simulator.Task, (h.page-1)*apiclient.PageSize), tasks...)
}

// serve returns the tasks of the requested page and TotalCount, with the trouble of the
// history.
func (h *history) serve() (tasks []simulator.Task, total int) {
	list := h.ago(0)
	size := apiclient.PageSize
	switch h.trouble {
	case staleCopies:
		stale := []bool{h.page > 1, h.page == 1, h.page%2 == 0, h.random.IntN(2) == 0}[h.copies]
		if stale {
			list = h.ago(h.lag)
		}
	case cappedPages:
		size = capped
	}
	total = len(list)
	from := min((h.page-1)*size, len(list))
	tasks = list[from:min(from+size, len(list))]
	switch h.trouble {
	case lastTask:
		if len(tasks) > 1 && h.random.IntN(20) == 0 {
			tasks = tasks[:len(tasks)-1]
		}
	case emptiness:
		if h.isEmpty() && h.emptyPage == 0 {
			return nil, 0
		} else if h.isEmpty() && h.emptyPage == h.page {
			tasks = nil
		}
	case wrongCount:
		total = len(h.ago(h.lag))
		if h.copies == 0 { // Only full pages are counted.
			total = len(list) / apiclient.PageSize * apiclient.PageSize
		}
	}
	return tasks, total
}

// isEmpty reports whether now is one of the moments without tasks. They are rare, and shorter
// than the time between two walks that confirm each other.
func (h *history) isEmpty() bool {
	now := time.Now()
	if now.After(h.emptyUntil.Add(30*time.Second)) && h.random.IntN(10) == 0 {
		h.emptyUntil = now.Add(time.Duration(h.random.IntN(4000)) * time.Millisecond)
		h.emptyPage = h.random.IntN(2) * (1 + len(h.list)/apiclient.PageSize)
	}
	return !now.After(h.emptyUntil)
}

var (
	totalCounts = regexp.MustCompile(`"TotalCount":\d+`)
	pageSizes   = regexp.MustCompile(`"PageSize":\d+`)
)

// way connects the client with the API. It delays requests, so that responses can overtake each
// other, and adds the trouble of the history.
func (h *history) way(api http.Handler) http.Handler {
	echoes := h.trouble == cappedPages && h.draw(2) == 0
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(time.Duration(1+h.draw(20)) * time.Millisecond):
		case <-r.Context().Done():
			return
		}
		if h.trouble == errorsOften && h.draw(20) == 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte(`{"Code":"` + []string{"ServiceUnavailable", "Throttling"}[h.draw(2)] + `"}`))
			return
		}
		page := r.URL.Query().Get("PageNumber")
		recorder := httptest.NewRecorder()
		h.serving.Lock()
		h.page, _ = strconv.Atoi(page)
		api.ServeHTTP(recorder, r)
		body := totalCounts.ReplaceAll(recorder.Body.Bytes(), fmt.Appendf(nil, `"TotalCount":%d`, h.total))
		h.serving.Unlock()
		if h.trouble == mixedPages {
			body = h.mixUp(page, body)
		}
		if echoes {
			body = pageSizes.ReplaceAll(body, fmt.Appendf(nil, `"PageSize":%d`, capped))
			h.noteWrong()
		}
		w.WriteHeader(recorder.Code)
		_, _ = w.Write(body)
	})
}

func (h *history) draw(n int) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.random.IntN(n)
}

func (h *history) noteWrong() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wrong = append(h.wrong, time.Now())
}

// mixUp acts as a bad cache that swaps the last responses for pages 2 and 3.
func (h *history) mixUp(page string, body []byte) []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	kept := h.served[map[string]string{"2": "3", "3": "2"}[page]]
	h.served[page] = bytes.Clone(body)
	if kept == nil {
		return body
	}
	h.wrong = append(h.wrong, time.Now())
	return kept
}
