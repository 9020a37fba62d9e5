package faults_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// scenario is the moment at which a fault meets the program.
type scenario string

const (
	cold     scenario = "cold"     // from the start
	warm     scenario = "warm"     // the program has a snapshot
	listing  scenario = "listing"  // between the first and the second page
	reload   scenario = "reload"   // the configuration and the key are replaced during the fault
	scrapers scenario = "scrapers" // 50 scrapers come at once, a fifth of them is canceled
)

var allScenarios = []scenario{cold, warm, listing, reload, scrapers}

// outcome is what refreshes do during a fault.
type outcome string

const (
	refused   outcome = "refused"   // they fail: up is 0, the snapshot is the one from before
	tolerated outcome = "tolerated" // they succeed: up is 1, the numbers are right
	either    outcome = "either"    // up is 0, or the numbers are right
)

// fault is what goes wrong.
type fault struct {
	// kind is the row of the table of kinds.
	kind int
	name string
	want outcome
	// code and class are regular expressions for those of the calls that must be counted as failed; "" if none needs to.
	code, class string
	// prepare changes the cell before the program starts.
	prepare func(*cell)
	// answer, if not nil, answers the API's calls during the fault.
	answer answer
	// begin begins the fault and returns what ends it. The next call after its beginning must meet the fault.
	begin func(*cell) (end func())
	// during, if not nil, checks more during the fault. last is a page after two refreshes of the fault.
	during func(c *cell, last page)
	// run, if not nil, is the whole cell: for faults that end the program.
	run func(*cell)
	// ownKey is set if the fault is about the key, which is then not replaced during a reload.
	ownKey bool
	// ownReload is set if the fault is a configuration that cannot be loaded.
	ownReload bool
	// ownIdle is set if the program without the fault needs more than usually.
	ownIdle bool
	// late is set if scrapes may be answered too late during the fault.
	late bool
	// settles is how long the fault goes on after its end.
	settles time.Duration
	// ever is set if a cell of the fault has ever broken. All of its cells are tried then.
	ever bool
	// not is why the fault does not apply to a scenario.
	not map[scenario]string
}

// beginFault lets the fault begin. It may be called by the API.
func (c *cell) beginFault() {
	c.mu.Lock()
	c.faultBegan = time.Now()
	c.mu.Unlock()
	ends := []func(){}
	if c.fault.answer != nil {
		c.world.setFault(c.fault.answer)
		ends = append(ends, func() { c.world.setFault(nil) })
	}
	if c.fault.begin != nil {
		ends = append(ends, c.fault.begin(c))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mend = func() {
		for _, end := range ends {
			end()
		}
	}
}

// report logs what a cell that broke has to be judged by.
func (c *cell) report() {
	if !c.Failed() || c.program == nil {
		return
	}
	log := c.program.Stderr.String()
	c.Logf("%d calls; the end of the log:\n%s", c.world.count(), log[max(0, len(log)-3000):])
}

// endFault lets it end.
func (c *cell) endFault() {
	c.mu.Lock()
	mend := c.mend
	c.mu.Unlock()
	mend()
	c.faultEnded = time.Now()
}

// run runs a cell.
func (c *cell) run() {
	if c.fault.run != nil {
		c.fault.run(c)
		c.expectNoSecrets(c.program.Stdout.String() + c.program.Stderr.String())
		return
	}
	if c.fault.ownIdle {
		c.idle = c.measureIdle()
		c.idle.goroutines += 300 // While it is measured, each of the accounts may refresh its list.
	}
	if c.scenario == cold {
		c.beginFault()
	}
	c.start()
	var before page
	if c.scenario != cold {
		before = c.scrapeUntil("a snapshot before the fault", func(p page) bool { return c.isWell(p, c.world.model.began) })
	}
	switch c.scenario {
	case cold:
	case warm:
		c.beginFault()
	case listing:
		begun := make(chan struct{})
		c.world.onPage2(func() { c.beginFault(); close(begun) })
		c.scrapeUntil("the second page", func(page) bool { return isClosed(begun) })
	case reload:
		c.beginFault()
		if c.fault.ownReload {
			c.failReloads()
			break
		}
		c.glance() // Let a refresh begin, which the reload cancels.
		if !c.fault.ownKey {
			c.rotateKey()
		}
		c.writeConfig()
		c.reload()
	case scrapers:
		c.beginFault()
		c.scrapeAtOnce()
	}
	n := c.glance().refreshes()
	last := c.scrapeUntil("two refreshes during the fault", func(p page) bool {
		return p.refreshes() >= n+2 || p.refreshes() < before.refreshes() && p.refreshes() >= 2
	})
	c.expectOutcome(last)
	if c.fault.during != nil {
		c.fault.during(c, last)
	}
	c.endFault()
	for time.Since(c.faultEnded) < c.fault.settles {
		c.scrape()
	}
	n = c.glance().refreshes()
	last = c.scrapeUntil("the end of the fault", func(p page) bool { return c.isWell(p, c.faultEnded) })
	// One refresh may have been running, and one may have begun in between.
	n, took := last.refreshes()-n, time.Since(c.faultEnded)-c.fault.settles
	if n > 4 || took > recovery {
		c.Errorf("I7: it took %v refreshes and %s until all was well", n, took)
	}
	c.expectInvariants()
}

func isClosed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// hostsCached is a little more than the time for which Go's resolver keeps /etc/hosts.
const hostsCached = 6 * time.Second

// expectOutcome checks a page after two refreshes of the fault.
func (c *cell) expectOutcome(last page) {
	c.Helper()
	c.mu.Lock()
	faultBegan := c.faultBegan
	c.mu.Unlock()
	began, ok := last.snapshot()
	fresh := ok && began.After(faultBegan)
	if last.up() && !fresh || c.fault.want == refused && fresh || c.fault.want == tolerated && !last.up() {
		c.Errorf("I2: up is %v, the snapshot is of %s, the fault began at %s; refreshes must be %s:\n%s",
			last.up(), began, faultBegan, c.fault.want, aboutMain(last.text))
	}
	if replaced := c.scenario == cold || c.scenario == reload && !c.fault.ownReload; c.fault.want == refused && ok == replaced {
		c.Errorf("I2: there is a snapshot: %v", ok)
	}
	if c.fault.code != "" && last.errors(c.fault.code, c.fault.class) == 0 {
		c.Errorf("no call is counted as failed with code %s and class %s:\n%s", c.fault.code, c.fault.class, aboutMain(last.text))
	}
}

// expectInvariants checks what must hold when the fault is over, and stops the program.
func (c *cell) expectInvariants() {
	c.Helper()
	if worst := c.world.tooMany(c.rate, burst); worst != "" {
		c.Errorf("I4: %s", worst)
	}
	if n := c.world.repeatedNonces(); n > 0 {
		c.Errorf("I4: %d calls repeat a nonce", n)
	}
	if peak := memory(c, c.program.Command.Process.Pid, "VmHWM"); peak > c.idle.memory+maxGrowth {
		c.Errorf("I5: %d MB of memory, %d more than idle", peak>>20, (peak-c.idle.memory)>>20)
	}
	for began := time.Now(); ; {
		goroutines := c.goroutines()
		if goroutines <= c.idle.goroutines+maxGoroutines {
			break
		}
		if time.Since(began) > patience/2 {
			c.Errorf("I6: %v goroutines, idle %v", goroutines, c.idle.goroutines)
			break
		}
	}
	for _, path := range []string{"/", "/-/healthy", "/-/ready", "/nothing", "/debug/pprof/cmdline", "/debug/pprof/goroutine?debug=2"} {
		ctx, cancel := context.WithTimeout(c.Context(), patience)
		_, _, err := c.get(ctx, http.MethodGet, path, nil)
		cancel()
		c.must(err)
	}
	c.program.Stop()
	c.expectNoSecrets(c.program.Stdout.String() + c.program.Stderr.String())
}

// secret matches the secrets of every cell, in any case, and the signatures of calls.
var secret = regexp.MustCompile(`(?i)canary|\b[0-9a-f]{64}\b`)

// expectNoSecrets checks a text that the program has written.
func (c *cell) expectNoSecrets(text string) {
	c.Helper()
	if found := secret.FindStringIndex(text); found != nil {
		c.Errorf("I3: %q is shown:\n%s", text[found[0]:found[1]], text[max(0, found[0]-300):min(len(text), found[1]+300)])
	}
}

// idle is what a program needs that has read its list and meets no fault.
type idle struct {
	memory     int64 // bytes
	goroutines float64
}

// usualIdle returns that of most cells.
func usualIdle(t *testing.T) idle {
	t.Helper()
	usual.once.Do(func() { usual.idle = newCell(t, fault{ownIdle: true}, warm).measureIdle() })
	return usual.idle
}

var usual struct {
	once sync.Once
	idle
}

// measureIdle starts the cell's program, measures it and stops it.
func (c *cell) measureIdle() idle {
	c.Helper()
	c.start()
	c.scrapeUntil("a snapshot", func(p page) bool { return c.isWell(p, c.world.model.began) })
	measured := idle{memory(c, c.program.Command.Process.Pid, "VmRSS"), c.goroutines()}
	for range 20 { // A refresh may have been running.
		measured.goroutines = min(measured.goroutines, c.goroutines())
	}
	c.program.Stop()
	return measured
}

// goroutines returns the number of the program's goroutines without those of idle connections.
func (c *cell) goroutines() float64 {
	c.Helper()
	c.world.closeConnections()
	for _, closeConnections := range c.closers {
		closeConnections()
	}
	return c.scrape().values["go_goroutines"]
}

// memory returns a value from a process's status file, in bytes.
func memory(t testing.TB, pid int, what string) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Error(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, what+":"); ok {
			kilobytes, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
			if err != nil {
				t.Error(err)
			}
			return kilobytes << 10
		}
	}
	t.Errorf("no %s of process %d", what, pid)
	return 0
}
