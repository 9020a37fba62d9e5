// Package coverage derives facts from export tasks: the usage that successful tasks
// cover, failed tasks that no success has replaced, and expected exports that are
// missing. Its functions are pure: they read tasks and a clock, and nothing else.
package coverage

import (
	"cmp"
	"slices"
	"time"

	"alicdn_export_exporter/apiclient"
)

// Period is a span of time: Start is part of it, End is not.
type Period struct {
	Start, End apiclient.Timestamp
}

// PeriodOf returns the usage that a task's file covers: from StartTime to the end
// of the second EndTime, but not beyond the task's creation, since a file cannot
// contain later usage. ok is false if the task has no StartTime or EndTime, or if
// nothing lies between them.
func PeriodOf(task apiclient.Task) (p Period, ok bool) {
	if task.Start == 0 || task.End == 0 {
		return Period{}, false
	}
	p = Period{task.Start, task.End + 1}
	if task.Created != 0 {
		p.End = min(p.End, task.Created)
	}
	return p, p.Start < p.End
}

// seconds returns the length of the period.
func (p Period) seconds() int64 { return int64(p.End) - int64(p.Start) }

// intersect returns the part that two periods share. It is empty, with an End that
// is not after its Start, if they share nothing.
func (p Period) intersect(other Period) Period {
	return Period{max(p.Start, other.Start), min(p.End, other.End)}
}

// Union is a set of moments: periods in ascending order that do not touch.
type Union []Period

// UnionOf returns the moments that are in any of the periods.
func UnionOf(periods []Period) Union {
	sorted := slices.SortedFunc(slices.Values(periods), func(a, b Period) int { return cmp.Compare(a.Start, b.Start) })
	var u Union
	for _, p := range sorted {
		if last := len(u) - 1; last >= 0 && p.Start <= u[last].End {
			u[last].End = max(u[last].End, p.End)
		} else {
			u = append(u, p)
		}
	}
	return u
}

// CoveredBy returns the usage that the successful tasks cover whose names match.
func CoveredBy(tasks []apiclient.Task, name Pattern) Union {
	// Many tasks cover the same months, weeks and days: keep only the longest of the
	// periods that begin together.
	ends := make(map[apiclient.Timestamp]apiclient.Timestamp)
	for _, task := range tasks {
		if task.Status != apiclient.Success || !name.Matches(task.Name) {
			continue
		}
		if p, ok := PeriodOf(task); ok {
			ends[p.Start] = max(ends[p.Start], p.End)
		}
	}
	periods := make([]Period, 0, len(ends))
	for start, end := range ends {
		periods = append(periods, Period{start, end})
	}
	return UnionOf(periods)
}

// Covers reports whether the union contains all of a period.
func (u Union) Covers(p Period) bool { return u.coveredSeconds(p) == p.seconds() }

// Ratio returns the share of a period that the union contains, from 0 to 1.
func (u Union) Ratio(p Period) float64 { return float64(u.coveredSeconds(p)) / float64(p.seconds()) }

func (u Union) coveredSeconds(p Period) int64 {
	var seconds int64
	for _, part := range u {
		seconds += max(0, part.intersect(p).seconds())
	}
	return seconds
}

// Until returns the end of the latest period, or the zero time if there is none.
func (u Union) Until() time.Time {
	if len(u) == 0 {
		return time.Time{}
	}
	return u[len(u)-1].End.Time()
}

// Days returns the Ratio of each day from start to end, which are midnights in the
// same time zone.
func (u Union) Days(start, end time.Time) []float64 {
	var ratios []float64
	for start.Before(end) {
		day := Day.Period(start, 0)
		ratios = append(ratios, u.Ratio(day))
		start = day.End.Time().In(start.Location())
	}
	return ratios
}
