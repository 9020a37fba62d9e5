package collector

import (
	"cmp"
	"regexp"
	"slices"
	"time"

	"alicdn_export_exporter/apiclient"
)

// Period is a span of usage in Unix seconds: Start is part of it, End is not.
type Period struct {
	Start, End apiclient.Timestamp
}

// PeriodOf returns the usage that a task's file covers: from StartTime to the end
// of the second EndTime, cut at the task's creation, since a file cannot hold
// what had not happened. False where nothing is left, or where the task says no
// start and end, or the end before the start.
func PeriodOf(task apiclient.Task) (Period, bool) {
	if task.Start == 0 || task.End == 0 {
		return Period{}, false
	}
	p := Period{task.Start, task.End + 1}
	if task.Created != 0 {
		p.End = min(p.End, task.Created)
	}
	return p, p.Start < p.End
}

// Union is a set of moments as periods that are in order and do not touch.
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

// CoveredBy returns what the successful tasks cover whose whole name matches; nil
// matches all names.
func CoveredBy(tasks []apiclient.Task, name *regexp.Regexp) Union {
	// Many tasks cover the same months, weeks and days: of the periods that begin
	// together only the longest counts.
	ends := make(map[apiclient.Timestamp]apiclient.Timestamp)
	for _, task := range tasks {
		if task.Status != apiclient.Success || name != nil && !name.MatchString(task.Name) {
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

// Covers reports whether all of a period is in the union.
func (u Union) Covers(p Period) bool { return u.covered(p) == p.End-p.Start }

// Ratio is the share of a period that is in the union, from 0 to 1.
func (u Union) Ratio(p Period) float64 { return float64(u.covered(p)) / float64(p.End-p.Start) }

func (u Union) covered(p Period) (seconds apiclient.Timestamp) {
	for _, part := range u {
		seconds += max(0, min(part.End, p.End)-max(part.Start, p.Start))
	}
	return seconds
}

// Until is the end of the latest period, the zero time where there is none.
func (u Union) Until() time.Time {
	if len(u) == 0 {
		return time.Time{}
	}
	return u[len(u)-1].End.Time()
}
