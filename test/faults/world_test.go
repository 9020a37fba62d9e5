package faults_test

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"alicdn_export_exporter/internal/credentials/credentialstest"
	"alicdn_export_exporter/internal/simulator"
)

// The parts of the list that no fault changes: two pages of 50.
const taskCount = 90

// downloadSecret is part of the download addresses of tasks.
const downloadSecret = "CanaryDownloadSecret"

// answer answers a call of the API in place of the simulator.
type answer func(w *world, rw http.ResponseWriter, r *http.Request)

// world is the API: the simulator, perhaps with a fault before it. It records what reaches it.
type world struct {
	t       testing.TB
	server  *httptest.Server
	account *simulator.FixedAccount
	api     *simulator.Server
	model   *model

	ahead atomic.Int64 // nanoseconds by which the API's clock is ahead

	mu       sync.Mutex
	fault    answer // nil if there is none
	atPage2  func() // called by the next call for the second page
	arrivals []time.Time
	nonces   map[string]int
	hijacked []net.Conn
	key      credentialstest.Key
	copies   []*simulator.Server
}

func newWorld(t testing.TB, key credentialstest.Key) *world {
	t.Helper()
	w := &world{t: t, account: simulator.NewFixedAccount(), model: newModel(), nonces: make(map[string]int)}
	w.key = key
	w.api = w.serving(w.account)
	w.setTasks(newTasks(taskCount))
	w.server = httptest.NewUnstartedServer(w)
	w.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	w.server.Start()
	t.Cleanup(func() {
		w.closeConnections()
		w.server.Close()
	})
	return w
}

// serving returns an API with the tasks of an account. It accepts the world's key.
func (w *world) serving(account simulator.Account) *simulator.Server {
	w.mu.Lock()
	defer w.mu.Unlock()
	api := simulator.New(account, simulator.Options{
		Now: w.now, Quota: 10_000, AccessKeyID: w.key.ID, AccessKeySecret: w.key.Secret, SecurityToken: w.key.Token,
	})
	w.copies = append(w.copies, api)
	return api
}

// setKey replaces the key that the API accepts.
func (w *world) setKey(key credentialstest.Key) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.key = key
	for _, api := range w.copies {
		api.SetCredentials(key.ID, key.Secret, key.Token)
	}
}

// newTasks returns n tasks, the newest first: mostly successes, some failed, some pending.
func newTasks(n int) []simulator.Task {
	tasks := make([]simulator.Task, n)
	for i := range tasks {
		tasks[i] = newTask(i)
	}
	return tasks
}

// newTask returns the i-th task from the newest. Tasks with negative numbers are newer than all others.
func newTask(i int) simulator.Task {
	created := time.Now().Add(-time.Duration(i+10) * 20 * time.Minute).Truncate(time.Second)
	task := simulator.Task{
		ID: strconv.Itoa(500_000 - i), Name: fmt.Sprintf("usage-%d", i), Status: simulator.StatusSuccess,
		Created: created, Updated: created.Add(100 * time.Second),
		Start: created.AddDate(0, 0, -2).Truncate(24 * time.Hour), End: created.AddDate(0, 0, -1).Truncate(24 * time.Hour).Add(-time.Second),
		DownloadURL: "https://oss.example/" + strconv.Itoa(i) + "?Signature=" + downloadSecret,
	}
	switch {
	case i%20 == 7:
		task.Status, task.DownloadURL = simulator.StatusFailed, ""
	case i%40 == 3:
		task.Status, task.DownloadURL, task.Updated = simulator.StatusCreated, "", time.Time{}
	}
	return task
}

// setTasks changes the list.
func (w *world) setTasks(tasks []simulator.Task) {
	w.model.set(tasks)
	w.account.SetTasks(simulator.UsageAction, tasks...)
}

func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }

// setClock sets how far the API's clock is ahead.
func (w *world) setClock(ahead time.Duration) { w.ahead.Store(int64(ahead)) }

// setFault answers all calls with a, or without a fault if it is nil.
func (w *world) setFault(a answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault = a
}

// onPage2 lets the next call for the second page call f first.
func (w *world) onPage2(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.atPage2 = f
}

func pageNumber(r *http.Request) int {
	n, err := strconv.Atoi(r.URL.Query().Get("PageNumber"))
	if err != nil {
		return 1
	}
	return n
}

// ServeHTTP answers a call.
func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.record(r.Header)
	w.mu.Lock()
	var begin func()
	if pageNumber(r) == 2 {
		begin, w.atPage2 = w.atPage2, nil
	}
	w.mu.Unlock()
	if begin != nil {
		begin()
	}
	w.mu.Lock()
	fault := w.fault
	w.mu.Unlock()
	switch {
	case fault != nil:
		fault(w, rw, r)
	case begin != nil: // The fault is below HTTP.
		panic(http.ErrAbortHandler)
	default:
		w.api.ServeHTTP(rw, r)
	}
}

// record records a call, whichever protocol it came by.
func (w *world) record(header http.Header) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.arrivals = append(w.arrivals, time.Now())
	w.nonces[header.Get("X-Acs-Signature-Nonce")]++
}

// count returns the number of calls so far.
func (w *world) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.arrivals)
}

// schedulingDelay is how much closer together calls may arrive than they were sent, because the processes share the
// machine with others.
const schedulingDelay = 300 * time.Millisecond

// tooMany returns the worst window with more calls than a rate and a burst allow, or "".
func (w *world) tooMany(perSecond, burst float64) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	// The excess of a window is the number of its calls beyond the rate. It is the difference of two sums.
	for i, from := range w.arrivals {
		for j := i; j < len(w.arrivals); j++ {
			window := w.arrivals[j].Sub(from)
			if calls := j - i + 1; float64(calls) > perSecond*(window+schedulingDelay).Seconds()+burst {
				return fmt.Sprintf("%d calls in %s, the limit is %v per second", calls, window, perSecond)
			}
		}
	}
	return ""
}

// repeatedNonces returns how many calls had the nonce of an earlier one.
func (w *world) repeatedNonces() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, times := range w.nonces {
		n += times - 1
	}
	return n
}

// hijack takes over the connection of a call. It is closed when the world's connections are.
func (w *world) hijack(rw http.ResponseWriter) net.Conn {
	conn, _, err := http.NewResponseController(rw).Hijack()
	if err != nil {
		w.t.Error(err)
		panic(http.ErrAbortHandler)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hijacked = append(w.hijacked, conn)
	return conn
}

// closeConnections closes the connections of clients.
func (w *world) closeConnections() {
	w.mu.Lock()
	for _, conn := range w.hijacked {
		_ = conn.Close()
	}
	w.hijacked = nil
	w.mu.Unlock()
	w.server.CloseClientConnections()
}
