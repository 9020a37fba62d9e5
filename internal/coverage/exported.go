package coverage

import (
	"time"

	"alicdn_export_exporter/apiclient"
)

// Exported is the usage in the files of successful tasks.
type Exported struct {
	// Covered is the usage that the files cover.
	Covered Union
	// Requested is the usage that the tasks were made for. It is more than Covered if a task
	// was made before its usage was complete.
	Requested Union
}

// ExportedBy returns the usage that is exported by the successful tasks whose names match.
func ExportedBy(tasks []apiclient.Task, name Pattern, usageDelay time.Duration) Exported {
	covered, requested := make(longest), make(longest)
	for _, task := range tasks {
		if task.Status != apiclient.Success || !name.Matches(task.Name) {
			continue
		}
		if p, ok := requestedBy(task); ok {
			requested.add(p)
		}
		if p, ok := PeriodOf(task, usageDelay); ok {
			covered.add(p)
		}
	}
	return Exported{covered.union(), requested.union()}
}

// longest maps the start of periods to the end of the longest of them. Many tasks cover the
// same months, weeks and days, so it is much shorter than a list of all periods.
type longest map[apiclient.Timestamp]apiclient.Timestamp

func (l longest) add(p Period) { l[p.Start] = max(l[p.Start], p.End) }

func (l longest) union() Union {
	periods := make([]Period, 0, len(l))
	for start, end := range l {
		periods = append(periods, Period{start, end})
	}
	return UnionOf(periods)
}

// TooEarly reports whether a period is not covered only because exports of it were made
// before its usage was complete.
func (e Exported) TooEarly(p Period) bool { return !e.Covered.Covers(p) && e.Requested.Covers(p) }
