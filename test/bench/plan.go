package main

import "time"

// plan defines what is measured, and how often.
type plan struct {
	// Sizes are the lengths of a short, a middle and a long list, in tasks. Rounds is how often each
	// contender reads each of them.
	Sizes, Rounds [3]int
	// Latency is the API's response time.
	Latency time.Duration
	// Rate is the limit of the limited contenders, in calls per second.
	Rate float64
	// Refreshes is the number of times that the daemon refreshes the long list.
	Refreshes int
	// Serving is how long each measurement of cached scrapes takes.
	Serving time.Duration
	// Scrapes is the number of scrapes of one handler in the test for leaks.
	Scrapes int
	// ColdScrapes is the number of simultaneous scrapes of a daemon without a snapshot. Every tenth is canceled.
	ColdScrapes int
	// Fleets are numbers of accounts. Each account has a list of FleetTasks tasks. WarmScrapes is the
	// number of warm scrapes for each fleet.
	Fleets                  []int
	FleetTasks, WarmScrapes int
	Load                    loadPlan
}

// loadPlan defines the measurements of memory: the number of accounts of the daemon, and of scrapers at
// once, of clients that do not read and of headers that do not end.
type loadPlan struct{ Accounts, Scrapers, Unread, Headers int }

const (
	short = iota
	medium
	long
)

func fullPlan() plan {
	return plan{
		Sizes: [3]int{1000, 10000, 100000}, Rounds: [3]int{9, 5, 2}, Latency: 50 * time.Millisecond, Rate: 100,
		Refreshes: 6, Serving: 8 * time.Second, Scrapes: 100000, ColdScrapes: 1000,
		Fleets: []int{1, 10, 100, 1000}, FleetTasks: 100, WarmScrapes: 15,
		Load: loadPlan{Accounts: 200, Scrapers: 50, Unread: 200, Headers: 2000},
	}
}

func quickPlan() plan {
	return plan{
		Sizes: [3]int{500, 1000, 5000}, Rounds: [3]int{3, 3, 1}, Latency: 20 * time.Millisecond, Rate: 100,
		Refreshes: 3, Serving: time.Second, Scrapes: 5000, ColdScrapes: 200,
		Fleets: []int{1, 1000}, FleetTasks: 100, WarmScrapes: 5,
		Load: loadPlan{Accounts: 200, Scrapers: 50, Unread: 200, Headers: 2000},
	}
}

// contender is one way to read a list.
type contender struct {
	Name   string
	Client string // a key of clients
	// Concurrency is the number of calls at the same time. Rate is the limit in calls per second; 0
	// means no limit. The loops of the SDKs use neither.
	Concurrency int
	Rate        float64
}

const (
	sdkV1     = "SDK V1"
	darabonba = "darabonba"
	ours8     = "ours, K=8"
	ours16    = "ours, K=16"
	limited8  = "ours, K=8, limited"
	limited16 = "ours, K=16, limited"
)

func (p plan) contenders() []contender {
	return []contender{
		{Name: sdkV1, Client: "sdk", Concurrency: 1},
		{Name: darabonba, Client: "darabonba", Concurrency: 1},
		{Name: ours8, Client: "ours", Concurrency: 8},
		{Name: ours16, Client: "ours", Concurrency: 16},
		{Name: limited8, Client: "ours", Concurrency: 8, Rate: p.Rate},
		{Name: limited16, Client: "ours", Concurrency: 16, Rate: p.Rate},
	}
}

// pageSize is the number of tasks that the API returns per call.
const pageSize = 50

// pages returns the number of pages of n tasks.
func pages(n int) int { return (n + pageSize - 1) / pageSize }

// walkCalls returns the number of calls in which our client reads n tasks, more than fit into a page:
// it reads on until a page is not full, and reads the first page again.
func walkCalls(n int) int { return n/pageSize + 2 }

// bound returns the shortest possible time for the contender's concurrency and rate: either each worker
// reads its pages one after the other, or the rate limit delays the calls after the burst.
func (p plan) bound(c contender, tasks int) time.Duration {
	n := float64(pages(tasks))
	seconds := n * p.Latency.Seconds() / float64(c.Concurrency)
	if c.Rate > 0 {
		seconds = max(seconds, (n-burst(c))/c.Rate)
	}
	return time.Duration(seconds * float64(time.Second))
}

// attainable returns the bound plus the three round trips that a proof may need: the first page alone,
// the first page again, and a last round that is not full.
func (p plan) attainable(c contender, tasks int) time.Duration {
	return p.bound(c, tasks) + 3*p.Latency
}

func burst(c contender) float64 { return max(1, min(float64(c.Concurrency), c.Rate)) }
