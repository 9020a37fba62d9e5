package faults_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"alicdn_export_exporter/internal/simulator"
)

var soak = flag.Duration("soak", 8*time.Second, "how long TestSoak lasts")

// soaked is how much time passes at the API while TestSoak lasts. The API refuses calls whose clock is 15 minutes off.
const soaked = 10 * time.Minute

// TestSoak reads a list that changes all the time, with short faults and reloads, from an API whose clock runs fast.
// What the program needs must not grow.
func TestSoak(t *testing.T) {
	t.Parallel()
	c := newCell(t, fault{}, warm)
	t.Cleanup(c.report)
	c.start()
	began := time.Now()
	shortFaults := []answer{
		apiError(http.StatusServiceUnavailable, "ServiceUnavailable"), rawThen("HTTP/1.1 200 OK\r\nContent-Le", reset),
		apiError(http.StatusBadRequest, "Throttling.User", "X-Acs-Retry-After", "100"),
		withJSON(`{"UsageDataPerPage":null}`),
		rawThen("", closed), respond(http.StatusBadGateway, "text/html", "<html>"), apiError(http.StatusForbidden,
			"Forbidden.RAM"),
	}
	var early, late usage
	scrapes, ups := 0, 0
	for n := 1; time.Since(began) < *soak; n++ {
		elapsed := time.Since(began)
		c.world.setClock(time.Duration(float64(elapsed) * float64(soaked-*soak) / float64(*soak)))
		switch {
		case n%12 == 0:
			c.world.onPage2(func() { c.world.failOnce(shortFaults[n/12%len(shortFaults)]) })
		case n%70 == 0:
			c.rotateKey()
			c.writeConfig()
			c.reload()
		case n%5 == 0:
			c.world.moveOn(n, n%200 == 0)
		}
		p := c.scrape()
		scrapes++
		if p.up() {
			ups++
		}
		if elapsed < *soak/3 {
			early = early.most(c.usage(p))
		} else {
			late = late.most(c.usage(p))
		}
	}
	for what, grew := range map[string]bool{
		"memory":      late.memory > early.memory+16<<20 || late.memory > c.idle.memory+maxGrowth,
		"goroutines":  late.goroutines > early.goroutines+16,
		"descriptors": late.descriptors > early.descriptors+8,
	} {
		if grew {
			t.Errorf("%s grew: %+v in the first third, %+v later", what, early, late)
		}
	}
	if worst := c.world.tooMany(c.rate, burst); worst != "" {
		t.Errorf("I4: %s", worst)
	}
	if ups*2 < scrapes {
		t.Errorf("up is 1 on %d of %d pages", ups, scrapes)
	}
	c.world.onPage2(nil)
	since := time.Now()
	c.scrapeUntil("the end", func(p page) bool { return c.isWell(p, since) })
	c.expectInvariants()
	t.Logf("%d scrapes, %d with up 1, %d calls; %s in the first third, %s later", scrapes, ups, c.world.count(),
		early, late)
}

// usage is what a program needs at a moment.
type usage struct {
	memory      int64 // bytes
	goroutines  float64
	descriptors int
}

// usage measures the cell's program.
func (c *cell) usage(p page) usage {
	c.Helper()
	pid := c.program.Command.Process.Pid
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	c.must(err)
	return usage{memory(c, pid, "VmRSS"), p.values["go_goroutines"], len(files)}
}

// most returns the greater of each number.
func (u usage) most(other usage) usage {
	return usage{max(u.memory, other.memory), max(u.goroutines, other.goroutines), max(u.descriptors,
		other.descriptors)}
}

// String returns the numbers with their units.
func (u usage) String() string {
	return fmt.Sprintf("%d MB, %v goroutines, %d descriptors", u.memory>>20, u.goroutines, u.descriptors)
}

// failOnce answers the current call with a fault, and those after it as usual.
func (w *world) failOnce(a answer) {
	w.setFault(func(w *world, rw http.ResponseWriter, r *http.Request) {
		w.setFault(nil)
		a(w, rw, r)
	})
}

// moveOn lets a pending task finish or, if there is none, a new one appear. Whether the oldest task expires is given: the
// program then needs five seconds more.
func (w *world) moveOn(n int, expires bool) {
	tasks := slices.Clone(w.account.Tasks(simulator.UsageAction, w.now()))
	pending := slices.IndexFunc(tasks, func(task simulator.Task) bool { return task.Status == simulator.StatusCreated })
	switch {
	case pending >= 0:
		tasks[pending].Status, tasks[pending].Updated = simulator.StatusSuccess, w.now().Truncate(time.Second)
		tasks[pending].DownloadURL = "https://oss.example/?Signature=" + downloadSecret
	case len(tasks) < 100:
		created := newTask(-n)
		created.Created, created.Updated = w.now().Truncate(time.Second), time.Time{}
		created.Status, created.DownloadURL = simulator.StatusCreated, ""
		tasks = append([]simulator.Task{created}, tasks...)
	}
	if expires {
		tasks = tasks[:len(tasks)-5]
	}
	w.setTasks(tasks)
}
