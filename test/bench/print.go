package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// table prints a Markdown table. The first row is the header.
func table(out io.Writer, title string, rows [][]string) {
	_, _ = fmt.Fprintf(out, "\n### %s\n\n", title)
	for i, row := range rows {
		_, _ = fmt.Fprintf(out, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			_, _ = fmt.Fprintf(out, "|%s\n", strings.Repeat("---|", len(row)))
		}
	}
}

func printListings(out io.Writer, p plan, all listings) {
	rows := [][]string{{
		"tasks", "client", "time", "SDK V1 ÷ it", "bound", "÷ (bound + 3 RTT)",
		"CPU/task", "bytes/task", "allocations/task", "kept/task", "peak RSS", "calls", "most beyond the rate",
	}}
	for i, size := range p.Sizes {
		baseline := all[i][sdkV1]
		for _, c := range p.contenders() {
			m := all[i][c.Name]
			last := m.Rounds[len(m.Rounds)-1]
			beyond := ""
			if c.Rate > 0 {
				beyond = fmt.Sprintf("%.1f (burst %.0f)", highestBurst(m), burst(c))
			}
			rows = append(rows, []string{
				fmt.Sprint(size), c.Name, seconds(m.wall()), ratio(baseline.wall(), m.wall()),
				seconds(p.bound(c, size)), ratio(m.wall(), p.attainable(c, size)),
				micro(m.cpuPerTask()), fmt.Sprintf("%.0f", m.bytesPerTask()), fmt.Sprintf("%.1f", m.mallocsPerTask()),
				fmt.Sprintf("%.0f", m.keptPerTask()), megabytes(m.peak()), fmt.Sprint(last.Calls.Count), beyond,
			})
		}
	}
	table(out, fmt.Sprintf("Listings, %s per call, limited: %.0f calls/s", p.Latency, p.Rate), rows)
}

// highestBurst returns the highest burst over the rounds.
func highestBurst(m measured) float64 {
	highest := 0.0
	for _, round := range m.Rounds {
		highest = max(highest, round.Calls.Burst)
	}
	return highest
}

func printProtocols(out io.Writer, p plan, protocols []measured) {
	rows := [][]string{{"over TLS, K=16", "time", "CPU/task", "bytes/task", "allocations/task", "peak RSS"}}
	for _, m := range protocols {
		rows = append(rows, []string{
			m.Contender.Name, seconds(m.wall()), micro(m.cpuPerTask()), fmt.Sprintf("%.0f", m.bytesPerTask()),
			fmt.Sprintf("%.1f", m.mallocsPerTask()), megabytes(m.peak()),
		})
	}
	table(out, fmt.Sprintf("HTTP/1.1 and HTTP/2, %d tasks", p.Sizes[medium]), rows)
}

func printDaemon(out io.Writer, p plan, d daemon, h handler) {
	rows := [][]string{{"serving", "requests/s", "CPU/request"}}
	for _, s := range append(d.Served, h.Served...) {
		rows = append(rows, []string{
			s.Name, fmt.Sprintf("%.0f", s.PerSecond), fmt.Sprintf("%d µs", s.CPU.Microseconds()),
		})
	}
	table(out, fmt.Sprintf("Cached scrapes over %d keep-alive connections", connections), rows)
	rows = [][]string{{"cached scrapes", "CPU", "of as many const gauges", "ratio"}}
	for _, c := range h.Compared {
		rows = append(rows, []string{
			c.manner, micro(slices.Min(c.ours)), micro(slices.Min(c.gauges)), fmt.Sprintf("%.2f", c.ratio()),
		})
	}
	table(out, "Cached scrapes beside promhttp with const gauges, in turn", rows)
	table(out, "The daemon", [][]string{
		{"what", "figure"},
		{fmt.Sprintf("peak RSS after %d refreshes of %d tasks, K=16", p.Refreshes, p.Sizes[long]), megabytes(d.Peak)},
		{
			fmt.Sprintf("%d scrapes at once without a snapshot, %d canceled", p.ColdScrapes, p.ColdScrapes/10),
			fmt.Sprintf("%d served with the snapshot, %d API calls, %d canceled",
				d.ColdScrapes.served, d.ColdScrapes.calls, d.ColdScrapes.canceled),
		},
		{"API calls during the cached scrapes", fmt.Sprint(d.ServingCalls + h.Calls)},
		{"series of the handler, standard collectors off", fmt.Sprint(h.Series)},
		{
			fmt.Sprintf("%d scrapes of the handler", p.Scrapes),
			fmt.Sprintf("heap %+d bytes, goroutines %+d", h.HeapGrowth, h.Goroutines),
		},
	})
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

func micro(d time.Duration) string { return fmt.Sprintf("%.1f µs", float64(d.Nanoseconds())/1000) }

func megabytes(bytes int64) string { return fmt.Sprintf("%.0f MB", float64(bytes)/1e6) }

func ratio[T ~int64 | ~float64](a, b T) string { return fmt.Sprintf("%.2f", float64(a)/float64(b)) }
