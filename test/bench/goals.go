package main

import (
	"fmt"
	"io"
)

// goal is a figure with its goal and the measured value.
type goal struct {
	what, want, got string
	reached         bool
}

func atLeast(what string, got, want float64) goal {
	return goal{what, fmt.Sprintf("≥ %g", want), fmt.Sprintf("%.2f", got), got >= want}
}

func atMost(what string, got, want float64) goal {
	return goal{what, fmt.Sprintf("≤ %g", want), fmt.Sprintf("%.2f", got), got <= want}
}

// goals compares the measurements with their goals.
func goals(p plan, all listings, d daemon, h handler, l load) []goal {
	over := func(a, b measured) float64 { return float64(a.wall()) / float64(b.wall()) }
	beyond := func(m measured) float64 { return float64(m.wall()) / float64(p.attainable(m.Contender, m.Tasks)) }
	cpu := func(a, b measured) float64 { return float64(a.cpuPerTask()) / float64(b.cpuPerTask()) }
	large, middle := all[long], all[medium]
	what := func(i int, text string) string { return fmt.Sprintf("%d tasks, %s", p.Sizes[i], text) }
	unlimited, limited := "no limit, K=16", fmt.Sprintf("%.0f calls/s, K=8", p.Rate)
	list := []goal{
		atLeast(what(long, unlimited+": times faster than SDK V1"), over(large[sdkV1], large[ours16]), 14),
		atMost(what(long, unlimited+": time ÷ (bound + 3 RTT)"), beyond(large[ours16]), 1.10),
		atLeast(what(medium, limited+": times faster than SDK V1"), over(middle[sdkV1], middle[limited8]), 5),
		atLeast(what(medium, limited+": times faster than darabonba"), over(middle[darabonba], middle[limited8]), 5),
		atMost(what(medium, limited+": time ÷ (bound + 3 RTT)"), beyond(middle[limited8]), 1.05),
		atMost(what(medium, "K=8: CPU per task ÷ SDK V1's"), cpu(middle[ours8], middle[sdkV1]), 0.35),
		atMost(what(medium, "K=8: CPU per task ÷ darabonba's"), cpu(middle[ours8], middle[darabonba]), 0.2),
		atMost(what(medium, "K=8: bytes allocated per task"), middle[ours8].bytesPerTask(), 1000),
		atMost(what(medium, "K=8: allocations per task"), middle[ours8].mallocsPerTask(), 8),
		atMost(what(long, "the daemon's peak RSS, in MB"), float64(d.Peak)/1e6, 64),
	}
	for _, c := range h.Compared {
		name := fmt.Sprintf("CPU of a cached scrape, %d series, %s ÷ that of as many const gauges", h.Series, c.manner)
		list = append(list, atMost(name, c.ratio(), 1.1))
	}
	for _, memory := range []struct {
		what   string
		growth int64
	}{
		{fmt.Sprintf("%d scrapers at once", p.Load.Scrapers), l.Scrapers},
		{fmt.Sprintf("%d clients that do not read", p.Load.Unread), l.Unread},
		{fmt.Sprintf("%d headers that do not end", p.Load.Headers), l.Headers},
	} {
		name := fmt.Sprintf("memory for %s, %d accounts, in MB", memory.what, p.Load.Accounts)
		list = append(list, atMost(name, float64(memory.growth)/1e6, 64))
	}
	list = append(list,
		atMost("API calls for cached scrapes", float64(d.ServingCalls+h.Calls), 0),
		atMost(fmt.Sprintf("API calls for %d cold scrapes ÷ those of one listing", p.ColdScrapes),
			float64(d.ColdScrapes.calls)/float64(walkCalls(p.Sizes[medium])), 1),
		atLeast("the other cold scrapes served with the snapshot, in percent",
			100*float64(d.ColdScrapes.served)/float64(p.ColdScrapes-d.ColdScrapes.canceled), 100),
		atMost(fmt.Sprintf("heap growth over %d scrapes, in MiB", p.Scrapes), float64(h.HeapGrowth)/(1<<20), 1),
		atMost("goroutines left by them", float64(h.Goroutines), 0),
	)
	for _, m := range []measured{middle[limited8], middle[limited16], large[limited8], large[limited16]} {
		name := fmt.Sprintf("%d tasks, %s: most calls beyond rate·t, over any window", m.Tasks, m.Contender.Name)
		list = append(list, atMost(name, highestBurst(m), burst(m.Contender)))
	}
	return append(list, growth(all)...)
}

// growth compares the cost of an additional task in long lists with that in short lists. Costs that
// do not depend on the length cancel out.
func growth(all listings) []goal {
	compare := func(what string, figure func(measured) float64) goal {
		a, b, c := all[short][ours8], all[medium][ours8], all[long][ours8]
		lower := (figure(b) - figure(a)) / float64(b.Tasks-a.Tasks)
		upper := (figure(c) - figure(b)) / float64(c.Tasks-b.Tasks)
		return goal{
			fmt.Sprintf("growth of the %s: an additional task above %d tasks ÷ one below", what, b.Tasks),
			"0.8 to 1.2", fmt.Sprintf("%.2f", upper/lower), upper/lower >= 0.8 && upper/lower <= 1.2,
		}
	}
	tasks := func(m measured) float64 { return float64(m.Tasks) }
	return []goal{
		compare("time", func(m measured) float64 { return m.wall().Seconds() }),
		compare("bytes allocated", func(m measured) float64 { return m.bytesPerTask() * tasks(m) }),
		compare("memory kept", func(m measured) float64 { return m.keptPerTask() * tasks(m) }),
	}
}

func printGoals(out io.Writer, list []goal) {
	rows := [][]string{{"figure", "goal", "measured", "reached"}}
	for _, g := range list {
		reached := "yes"
		if !g.reached {
			reached = "**no**"
		}
		rows = append(rows, []string{g.what, g.want, g.got, reached})
	}
	table(out, "Goals", rows)
}
