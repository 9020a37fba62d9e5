package simulator

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// starts are moments from which a scenario must keep its promise: over more than
// a year, at all hours, with the turns of months, weeks and years among them. Not
// the first minutes of a month, when nobody can have exported the last one.
func starts() []time.Time {
	moments := []time.Time{
		noon,
		time.Date(2026, time.December, 1, 0, 10, 0, 0, zone),
		time.Date(2027, time.January, 1, 0, 10, 0, 0, zone),
		time.Date(2027, time.March, 1, 9, 5, 0, 0, zone), // a Monday and a 1st
		time.Date(2028, time.February, 29, 23, 59, 59, 0, zone),
		time.Date(2027, time.May, 31, 12, 0, 0, 5e8, zone),
	}
	for t := noon; t.Before(noon.AddDate(1, 1, 0)); t = t.Add(47*time.Hour + 17*time.Minute) {
		if t.Sub(monthOf(t)) > 10*time.Minute {
			moments = append(moments, t)
		}
	}
	return moments
}

// seen is what a scenario's API lists some time after its start.
type seen struct {
	t      *testing.T
	server *Server
	now    time.Time
}

func open(t *testing.T, name string, start time.Time) *seen {
	t.Helper()
	s := &seen{t: t, now: start}
	var err error
	if s.server, err = Scenario(name, Options{Now: func() time.Time { return s.now }, Quota: 1e6, Seed: uint64(start.Unix())}); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *seen) items(action string) []dataItem {
	s.t.Helper()
	items := walk(s.t, s.server, action, s.now)
	unique := make(map[string]bool)
	for _, item := range items {
		unique[item.TaskID] = true
		if created := parse(s.t, item.CreateTime); item.TaskName == "" || strings.Trim(item.TaskID, "0123456789") != "" || created.After(s.now) {
			s.t.Errorf("%s: task %+v", s.now, item)
		}
		if !strings.HasSuffix(item.TaskConfig.StartTime, "T16:00:00Z") || !strings.HasSuffix(item.TaskConfig.EndTime, "T15:59:59Z") {
			s.t.Errorf("%s: %s covers no days of UTC+8: %+v", s.now, item.TaskName, item.TaskConfig)
		}
		from, to := period(s.t, item)
		if !from.Before(to) || to.Sub(from) > 31*24*time.Hour {
			s.t.Errorf("%s: %s covers %s to %s", s.now, item.TaskName, from, to)
		}
		if item.UpdateTime != "" {
			if took := parse(s.t, item.UpdateTime).Sub(parse(s.t, item.CreateTime)); took < 90*time.Second || took > 130*time.Second {
				s.t.Errorf("%s: %s took %s", s.now, item.TaskName, took)
			}
		}
	}
	if len(unique) != len(items) {
		s.t.Errorf("%s: %d ids of %d tasks", s.now, len(unique), len(items))
	}
	return items
}

func parse(t *testing.T, text string) time.Time {
	t.Helper()
	moment, err := time.Parse(timeFormat, text)
	if err != nil {
		t.Fatal(err)
	}
	return moment
}

func period(t *testing.T, item dataItem) (from, to time.Time) {
	t.Helper()
	return parse(t, item.TaskConfig.StartTime), parse(t, item.TaskConfig.EndTime).Add(time.Second)
}

// isCovered tells whether successes that were not made too early cover the time.
func isCovered(t *testing.T, items []dataItem, from, to time.Time) bool {
	t.Helper()
	type span struct{ from, to time.Time }
	var spans []span
	for _, item := range items {
		if item.Status == StatusSuccess {
			start, end := period(t, item)
			if created := parse(t, item.CreateTime); created.Before(end) {
				end = created
			}
			spans = append(spans, span{start, end})
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return a.from.Compare(b.from) })
	for _, s := range spans {
		if !s.from.After(from) && s.to.After(from) {
			from = s.to
		}
	}
	return !from.Before(to)
}

func unrecovered(t *testing.T, items []dataItem) int {
	t.Helper()
	return count(items, func(i dataItem) bool {
		if i.Status != StatusFailed {
			return false
		}
		from, to := period(t, i)
		return !isCovered(t, items, from, to)
	})
}

func named(prefix string) func(dataItem) bool {
	return func(i dataItem) bool { return strings.HasPrefix(i.TaskName, prefix) }
}

func compare(before, after []dataItem) (events []string) {
	byID := make(map[string]dataItem)
	for _, item := range before {
		byID[item.TaskID] = item
	}
	for _, item := range after {
		old, known := byID[item.TaskID]
		delete(byID, item.TaskID)
		switch {
		case !known:
			events = append(events, "appeared")
		case old.Status == item.Status:
		case item.Status == StatusFailed:
			events = append(events, "failed")
		default:
			events = append(events, "finished")
		}
	}
	for _, item := range byID {
		events = append(events, "gone")
		if item.Status == StatusCreated {
			events = append(events, "gone unfinished")
		}
	}
	return events
}
