// Package coverage derives facts from export tasks: the usage that successful tasks cover,
// failed and pending tasks that no success has replaced, and expected exports that are missing.
// Its results depend only on the arguments: the tasks, the settings and the time.
package coverage

import (
	"cmp"
	"slices"
	"time"

	"alicdn_export_exporter/apiclient"
)

// Period is a span of time. It includes Start and excludes End.
type Period struct {
	Start, End apiclient.Timestamp
}

// PeriodOf returns the usage that a task's file can cover. It begins at StartTime. It ends with
// the second EndTime, or at the task's creation minus the usage delay if that is earlier: later
// usage was not complete then. ok is false if the task has no StartTime or EndTime, or if the
// period is empty.
func PeriodOf(task apiclient.Task, usageDelay time.Duration) (p Period, ok bool) {
	p, ok = requestedBy(task)
	// A task without a CreateTime was created before its UpdateTime.
	if created := cmp.Or(task.Created, task.Updated); created != 0 {
		p.End = min(p.End, created-seconds(usageDelay))
	}
	return p, ok && !p.empty()
}

// requestedBy returns the usage that a task was made for, even if it was made before the usage
// was complete.
func requestedBy(task apiclient.Task) (p Period, ok bool) {
	if task.Start == 0 || task.End == 0 {
		return Period{}, false
	}
	p = Period{task.Start, task.End + 1}
	return p, !p.empty()
}

func seconds(d time.Duration) apiclient.Timestamp { return apiclient.Timestamp(d / time.Second) }

func (p Period) empty() bool { return p.End <= p.Start }

// seconds returns the length of the period.
func (p Period) seconds() int64 { return int64(p.End) - int64(p.Start) }

// intersect returns the part that two periods share. It is empty if they share nothing.
func (p Period) intersect(other Period) Period {
	return Period{max(p.Start, other.Start), min(p.End, other.End)}
}

// from returns the part of the period that is not before start.
func (p Period) from(start apiclient.Timestamp) Period { return Period{max(p.Start, start), p.End} }

// until returns the part of the period that is before end.
func (p Period) until(end apiclient.Timestamp) Period { return Period{p.Start, min(p.End, end)} }

// Union is a set of times: periods in ascending order that neither overlap nor touch.
type Union []Period

// UnionOf returns the union of the periods.
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

// add returns the union of u and a period. It may reuse u's memory.
func (u Union) add(p Period) Union {
	i := u.search(p.Start - 1) // the first part that touches p
	j := i
	for ; j < len(u) && u[j].Start <= p.End; j++ {
		p = Period{min(p.Start, u[j].Start), max(p.End, u[j].End)}
	}
	return slices.Replace(u, i, j, p)
}

// search returns the index of the first part that ends after t.
func (u Union) search(t apiclient.Timestamp) int {
	i, _ := slices.BinarySearchFunc(u, t, func(part Period, t apiclient.Timestamp) int {
		if part.End <= t {
			return -1
		}
		return 1
	})
	return i
}

// Covers reports whether the union contains all of a period.
func (u Union) Covers(p Period) bool {
	_, missing := u.firstGap(p)
	return !missing
}

// firstGap returns the start of the first part of a period that the union does not
// contain. missing is false if there is none.
func (u Union) firstGap(p Period) (start apiclient.Timestamp, missing bool) {
	start = p.Start
	if i := u.search(start); i < len(u) && u[i].Start <= start {
		start = u[i].End
	}
	return start, start < p.End
}

// lastGap returns the end of the last part of a period that the union does not contain.
// missing is false if there is none.
func (u Union) lastGap(p Period) (end apiclient.Timestamp, missing bool) {
	end = p.End
	if i := u.search(end - 1); i < len(u) && u[i].Start < end {
		end = u[i].Start
	}
	return end, p.Start < end
}

// Ratio returns the share of a period that the union contains, from 0 to 1.
func (u Union) Ratio(p Period) float64 {
	var covered int64
	for _, part := range u {
		covered += max(0, part.intersect(p).seconds())
	}
	return float64(covered) / float64(p.seconds())
}

// Until returns the end of the latest period, or the zero time if there is none.
func (u Union) Until() time.Time {
	if len(u) == 0 {
		return time.Time{}
	}
	return u[len(u)-1].End.Time()
}
