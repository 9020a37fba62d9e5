package main

import "time"

// plan is how much is measured.
type plan struct {
	// Sizes are the lengths of the lists, in tasks: a short, a middling and a
	// long one. Rounds are how often each is read by each contender.
	Sizes, Rounds [3]int
	// Latency is what the API takes to answer a call.
	Latency time.Duration
	// Rate is the account's limit where there is one, in calls a second.
	Rate float64
	// Refreshes is how many the daemon makes of the long list.
	Refreshes int
	// Serving is for how long cached scrapes are asked for, one after the other.
	Serving time.Duration
	// Scrapes are made of one handler, to see that they leave nothing behind.
	Scrapes int
	// Crowd is the number of scrapes that find a daemon without a snapshot at the
	// same time; one in ten of them is called off.
	Crowd int
	// Fleets are numbers of accounts, each with a list of FleetTasks; WarmScrapes are
	// made of each fleet.
	Fleets                  []int
	FleetTasks, WarmScrapes int
}

const (
	short = iota
	middling
	long
)

func fullPlan() plan {
	return plan{
		Sizes: [3]int{1000, 10000, 100000}, Rounds: [3]int{9, 5, 2}, Latency: 50 * time.Millisecond, Rate: 100,
		Refreshes: 6, Serving: 8 * time.Second, Scrapes: 100000, Crowd: 1000,
		Fleets: []int{1, 10, 100, 1000}, FleetTasks: 100, WarmScrapes: 15,
	}
}

func quickPlan() plan {
	return plan{
		Sizes: [3]int{500, 1000, 5000}, Rounds: [3]int{3, 3, 1}, Latency: 20 * time.Millisecond, Rate: 100,
		Refreshes: 3, Serving: time.Second, Scrapes: 5000, Crowd: 200,
		Fleets: []int{1, 1000}, FleetTasks: 100, WarmScrapes: 5,
	}
}

// contender is one way to read a list.
type contender struct {
	Name   string
	Client string // one of clients
	// Concurrency is the number of calls at the same time; Rate is the limit in
	// calls a second, 0 for none. The SDKs' loops know neither.
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

// pageSize is the most that the API gives in one call.
const pageSize = 50

// pages is the number of pages of n tasks.
func pages(n int) int { return (n + pageSize - 1) / pageSize }

// bound is the time that nobody can beat with so many workers and so many calls a
// second: the pages one after the other in each worker, or the calls that the
// limit lets pass after its burst.
func (p plan) bound(c contender, tasks int) time.Duration {
	n := float64(pages(tasks))
	seconds := n * p.Latency.Seconds() / float64(c.Concurrency)
	if c.Rate > 0 {
		seconds = max(seconds, (n-burst(c))/c.Rate)
	}
	return time.Duration(seconds * float64(time.Second))
}

// attainable is the bound and the three round trips that a proof may take besides:
// the first page alone, the first page again, and a last round that is not full.
func (p plan) attainable(c contender, tasks int) time.Duration {
	return p.bound(c, tasks) + 3*p.Latency
}

func burst(c contender) float64 { return max(1, min(float64(c.Concurrency), c.Rate)) }
