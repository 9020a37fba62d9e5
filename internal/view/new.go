package view

import (
	"slices"
	"time"

	"github.com/prometheus/common/version"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/collector"
	"alicdn_export_exporter/internal/advice"
)

// New returns the document of all accounts. demo says whether they are simulated.
func New(statuses []collector.AccountStatus, now time.Time, demo bool) Document {
	d := Document{
		FormatVersion: FormatVersion, ExporterVersion: version.Version, Time: now.UTC().Truncate(time.Second), Demo: demo,
		Accounts: make([]Account, 0, len(statuses)),
	}
	for _, status := range statuses {
		d.Accounts = append(d.Accounts, newAccount(status, now))
	}
	d.State, d.Verdict = verdict(d.Accounts)
	return d
}

func newAccount(status collector.AccountStatus, now time.Time) Account {
	w := words{now: now.In(status.TimeZone)}
	a := Account{
		Account: status.Account, TimeZone: status.TimeZone.String(),
		Problems: w.problems(status.Problems), Exports: make([]Export, 0, len(status.Exports)),
	}
	a.State = stateOf(a.Problems)
	for _, export := range status.Exports {
		e := newExport(export, w.now)
		a.State = max(a.State, e.State)
		a.Exports = append(a.Exports, e)
	}
	return a
}

// newExport returns the state of an export. now is in the account's time zone.
func newExport(status collector.ExportStatus, now time.Time) Export {
	w := words{now: now, export: status.Export, report: status.Report}
	e := Export{
		Export: status.Export, Up: status.Up, Refreshing: status.Refreshing,
		ListRead: in(now, status.Began), Problems: w.problems(status.Problems), Refreshes: newRefreshes(status.Refreshes, now),
	}
	if status.Report != nil {
		e.List = newList(status.Report, now)
	}
	e.State = stateOf(e.Problems)
	if e.State == Fine && e.List == nil {
		e.State = NotReadYet
	}
	return e
}

func newRefreshes(refreshes []collector.Refreshed, now time.Time) []Refresh {
	all := make([]Refresh, 0, len(refreshes))
	for _, r := range refreshes {
		refresh := Refresh{Ended: in(now, r.Ended), Duration: Seconds(r.Duration), Tasks: r.Tasks}
		if r.Err != nil {
			refresh.Error = r.Err.Error()
		}
		all = append(all, refresh)
	}
	return all
}

func newList(r *collector.Report, now time.Time) *List {
	l := &List{
		Tasks: Counts{
			Created: r.Summary.Tasks[apiclient.Created], Success: r.Summary.Tasks[apiclient.Success],
			Failed: r.Summary.Tasks[apiclient.Failed], Unknown: r.Summary.Tasks[apiclient.Unknown],
		},
		Unlisted: r.Unlisted, Malformed: r.Malformed, UnrecoveredFailures: r.UnrecoveredFailures,
		NewestSuccess: in(now, r.Summary.NewestSuccess), NewestFailure: in(now, r.Summary.NewestFailure),
		OldestPending: r.OldestPending, CoveredUntil: r.CoveredUntil, UsageDelay: Seconds(r.UsageDelay),
		Months:       make([]Month, 0, len(r.Months)),
		Expectations: make([]Expectation, 0, len(r.Expectations)),
		NewestTasks:  make([]Task, 0, len(r.NewestTasks)),
	}
	for _, m := range r.Months {
		month := Month{Start: m.Start, End: m.End, JudgedFrom: m.JudgedFrom, Covered: m.Ratio, MadeTooEarly: m.TooEarly}
		for _, day := range m.Days(r.Covered) {
			var share *float64
			if day.Judged {
				share = &day.Ratio
			}
			month.Days = append(month.Days, share)
		}
		l.Months = append(l.Months, month)
	}
	for i := range r.Expectations {
		l.Expectations = append(l.Expectations, newExpectation(&r.Expectations[i], now))
	}
	for i := range r.NewestTasks {
		l.NewestTasks = append(l.NewestTasks, newTask(&r.NewestTasks[i], now))
	}
	return l
}

func newExpectation(r *collector.ExpectationReport, now time.Time) Expectation {
	e := Expectation{
		Name: r.Name, TaskName: r.TaskName.String(), Every: r.Every, Due: r.Due, Overdue: r.Overdue,
		Missing: make([]Period, 0, len(r.Missing)),
	}
	for _, needed := range r.Missing {
		start, end := bounds(needed.Period, now)
		e.Missing = append(e.Missing, Period{Start: start, End: end, Due: needed.Due, MadeTooEarly: needed.TooEarly})
	}
	if r.Unmatched {
		e.Hint = advice.Unmatched(r.TaskName)
	}
	return e
}

func newTask(task *apiclient.Task, now time.Time) Task {
	return Task{
		ID: task.ID, Name: task.Name, Status: task.Status.String(),
		Created: in(now, task.Created.Time()), Updated: in(now, task.Updated.Time()),
		Start: in(now, task.Start.Time()), End: in(now, task.End.Time()),
	}
}

// in returns a time in now's time zone, without its fraction of a second. The zero time
// stays the zero time.
func in(now, t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.Truncate(time.Second).In(now.Location())
}

// Only returns d with only the named account, or without accounts if there is none of this
// name.
func (d Document) Only(account string) Document {
	d.Accounts = slices.DeleteFunc(slices.Clone(d.Accounts), func(a Account) bool { return a.Account != account })
	d.State, d.Verdict = verdict(d.Accounts)
	return d
}
