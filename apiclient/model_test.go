package apiclient_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/simulator"
)

var histories = flag.Int("histories", 1_000, "random histories that the model test plays")

// history is an account whose list changes while it is read, and that remembers
// everything: what a reader may publish is decided by this memory alone.
type history struct {
	mu      sync.Mutex
	random  *rand.Rand
	order   simulator.Order
	restful bool    // nothing is deleted by hand, nothing changes its place
	pace    float64 // changes before a read
	list    []*remembered
	listed  []simulator.Task // the list as it is served; nil when it has to be made anew
	tasks   map[string]*remembered
	step    int // of every change and read
	reads   []read
	served  map[string][]byte // the last answer for each page, as a bad cache keeps it
	wrong   []time.Time       // when an answer was for another page than asked
}

type remembered struct {
	task       simulator.Task
	born, gone int // steps; gone is 0 while it is there
	statuses   []statusAt
}

type statusAt struct {
	step   int
	status string
}

type read struct {
	at    time.Time
	step  int
	total int
	first []simulator.Task // the first page as it was
}

func newHistory(random *rand.Rand) *history {
	h := &history{
		random:  random,
		order:   simulator.Order(random.IntN(3)),
		restful: random.IntN(3) == 0,
		pace:    []float64{0, 0.02, 0.1, 0.5}[random.IntN(4)],
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
	return h
}

func (h *history) insert() {
	h.step++
	task := &remembered{born: h.step}
	task.task = simulator.Task{ID: strconv.Itoa(len(h.tasks) + 1), Status: simulator.StatusCreated}
	task.statuses = []statusAt{{h.step, simulator.StatusCreated}}
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
	h.listed = nil
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
		task.statuses = append(task.statuses, statusAt{h.step, task.task.Status})
	case 4:
		h.remove(h.random.IntN(len(h.list)))
	case 5: // A creation and a deletion in the same instant.
		h.insert()
		h.remove(h.random.IntN(len(h.list)))
	case 6: // A task changes its place, as in a list ordered by something that changes.
		from := h.random.IntN(len(h.list))
		task := h.list[from]
		h.list = slices.Delete(h.list, from, from+1)
		h.list = slices.Insert(h.list, h.random.IntN(len(h.list)+1), task)
	}
}

// Tasks implements simulator.Account: each call is a read of the list.
func (h *history) Tasks(string, time.Time) []simulator.Task {
	h.mu.Lock()
	defer h.mu.Unlock()
	for h.random.Float64() < h.pace {
		h.change()
	}
	if h.listed == nil {
		h.listed = make([]simulator.Task, len(h.list))
		for i, task := range h.list {
			h.listed[i] = task.task
		}
	}
	h.step++
	first := h.listed[:min(apiclient.PageSize, len(h.listed))]
	h.reads = append(h.reads, read{time.Now(), h.step, len(h.listed), first})
	return h.listed
}

// way stands between the client and the API, with delays that let answers overtake
// each other and, in some histories, with one kind of trouble.
func (h *history) way(api http.Handler) http.Handler {
	trouble := h.draw(10)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(time.Duration(1+h.draw(20)) * time.Millisecond):
		case <-r.Context().Done():
			return
		}
		if trouble == 0 && h.draw(20) == 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte(`{"Code":"` + []string{"ServiceUnavailable", "Throttling"}[h.draw(2)] + `"}`))
			return
		}
		recorder := httptest.NewRecorder()
		api.ServeHTTP(recorder, r)
		body := recorder.Body.Bytes()
		switch trouble {
		case 1:
			body = h.mixUp(r.URL.Query().Get("PageNumber"), body)
		case 2:
			if h.draw(20) == 0 {
				body = withoutLastTask.ReplaceAll(body, []byte("$1$2"))
			}
		}
		w.WriteHeader(recorder.Code)
		_, _ = w.Write(body)
	})
}

// withoutLastTask finds the last of a page's tasks, as a server's lagging copy may
// lack it.
var withoutLastTask = regexp.MustCompile(`^(.*),\{"TaskId"[^{}]*\}(\]\}\}\}\s*)$`)

func (h *history) draw(n int) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.random.IntN(n)
}

// mixUp is a bad cache: it gives the last answers for pages 2 and 3 for each other.
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

// falseIn says what is not true of a published listing, "" if nothing is.
// previous is the listing before it, nil for the first one; walks is how many
// walks it took.
func (h *history) falseIn(listing, previous *apiclient.Listing, walks int) string {
	counted := make(map[string]apiclient.Status)
	for _, task := range listing.Tasks {
		if _, twice := counted[task.ID]; twice {
			return "a task is counted twice"
		}
		counted[task.ID] = task.Status
	}
	walk := h.readsAfter(listing.Began)
	first, last := walk[0].step, walk[len(walk)-1].step
	for id, status := range counted {
		if !h.tasks[id].had(status, first, last) {
			return fmt.Sprintf("task %s never was %v during the walk", id, status)
		}
	}
	since := first
	if previous != nil {
		since = h.readsAfter(previous.Began)[0].step
	}
	missed, nMissed, goneMeanwhile := "", 0, false
	for id, task := range h.tasks {
		_, listed := counted[id]
		there := task.born < since && (task.gone == 0 || task.gone > last)
		if there && !listed {
			missed = id
			nMissed++
		}
		goneMeanwhile = goneMeanwhile || listed && task.gone != 0 && task.gone < last
	}
	// What one walk without a previous listing cannot see: a task that left after
	// it was read made room for another to slip past. In a list that only grows
	// at one end and shrinks at the other, it sees that as well.
	unprovable := previous == nil && goneMeanwhile && !(h.restful && h.order != simulator.Shuffled)
	// Tasks that the API steadily counts but does not list are shown as such.
	shown := nMissed == listing.TotalCount-len(listing.Tasks)
	if missed != "" && !unprovable && !shown {
		return fmt.Sprintf("task %s was there all along, but is not counted", missed)
	}
	if len(listing.Tasks) != listing.TotalCount && walks < 2 {
		return "one walk alone was enough to call tasks unlisted"
	}
	for _, r := range walk {
		if r.total != listing.TotalCount {
			return fmt.Sprintf("TotalCount is %d, but was %d during the walk", listing.TotalCount, r.total)
		}
	}
	if len(walk) > 1 && !slices.Equal(walk[0].first, walk[len(walk)-1].first) {
		return "the first page changed during the walk"
	}
	if slices.ContainsFunc(h.wrong, listing.Began.Before) {
		return "a page of the walk was another page's answer"
	}
	return ""
}

// readsAfter returns the reads of the walk that began then and all later ones.
func (h *history) readsAfter(began time.Time) []read {
	i := slices.IndexFunc(h.reads, func(r read) bool { return r.at.After(began) })
	return h.reads[i:]
}

// had reports whether the task had a status at any time between two steps.
func (r *remembered) had(status apiclient.Status, first, last int) bool {
	for i, at := range r.statuses {
		until := r.gone
		if i+1 < len(r.statuses) {
			until = r.statuses[i+1].step
		}
		if at.status == status.String() && at.step <= last && (until == 0 || until > first) {
			return true
		}
	}
	return false
}

type tally struct{ published, again, unproven, failed, wrong int }

func (t *tally) add(o tally) {
	t.published += o.published
	t.again += o.again
	t.unproven += o.unproven
	t.failed += o.failed
	t.wrong += o.wrong
}

// play reads the list of one random history a few times.
func play(t *testing.T, seed uint64) (sum tally) {
	random := rand.New(rand.NewPCG(seed, 0))
	h := newHistory(random)
	api := simulator.New(h, simulator.Options{Quota: []float64{100, 1000}[random.IntN(2)], Seed: seed})
	w := new(witness)
	client := newClient(t, "http://127.0.0.1", through(h.way(api)), retrying(random.IntN(4)), observedBy(w), func(c *apiclient.Config) {
		c.Credentials = apiclient.StaticCredentials{
			AccessKeyID: simulator.DefaultAccessKeyID, AccessKeySecret: simulator.DefaultAccessKeySecret,
		}
		c.Concurrency = 1 + random.IntN(8)
	})
	var previous *apiclient.Listing
	for range 3 {
		restarts := len(w.restarts)
		listing, err := client.List(context.Background(), apiclient.Usage, previous.IDs())
		var unproven *apiclient.UnprovenError
		switch {
		case err == nil:
			sum.published++
			h.mu.Lock()
			if wrong := h.falseIn(listing, previous, 1+len(w.restarts)-restarts); wrong != "" {
				sum.wrong++
				t.Errorf("history %d: %s", seed, wrong)
			}
			h.mu.Unlock()
			previous = listing
		case errors.As(err, &unproven):
			sum.unproven++
		default:
			sum.failed++
		}
		time.Sleep(time.Second) // Fake time; and the list moves on.
		for range h.draw(4) {
			h.mu.Lock()
			h.change()
			h.mu.Unlock()
		}
	}
	sum.again = len(w.restarts)
	return sum
}

// Whatever happens to a list while it is read: what is published is true, or
// nothing is published.
func TestListModel(t *testing.T) {
	n := *histories
	if testing.Short() {
		n = min(n, 200)
	}
	var mu sync.Mutex
	var sum tally
	t.Run("histories", func(t *testing.T) {
		const parts = 8
		for part := range parts {
			t.Run(strconv.Itoa(part), func(t *testing.T) {
				t.Parallel()
				for seed := part; seed < n && !t.Failed(); seed += parts {
					synctest.Test(t, func(t *testing.T) {
						one := play(t, uint64(seed))
						mu.Lock()
						defer mu.Unlock()
						sum.add(one)
					})
				}
			})
		}
	})
	t.Logf("%d histories: %d listings published, %d walks walked again, %d refreshes refused as unproven, %d failed otherwise, %d false",
		n, sum.published, sum.again, sum.unproven, sum.failed, sum.wrong)
	if sum.published < n || sum.again < n/10 || sum.unproven == 0 || sum.failed == 0 {
		t.Errorf("the histories are too tame to prove anything: %+v", sum)
	}
}
