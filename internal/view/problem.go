package view

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/collector"
	"alicdn_export_exporter/internal/advice"
	"alicdn_export_exporter/internal/coverage"
)

// Problem is one thing that someone should act on.
type Problem struct {
	// Kind says what is wrong.
	Kind collector.ProblemKind `json:"kind"`
	// Alert is the name of the alert about it, and the title of its section in the runbook.
	Alert string `json:"alert"`
	// Subject is what it is about: the name of an expectation or of a task, or a month. It
	// is empty where the export itself is the subject.
	Subject string `json:"subject,omitempty"`
	// TaskID is the id of the task that the problem is about.
	TaskID string `json:"task_id,omitempty"`
	// What goes on with a sentence that begins with Subject and TaskID, or is a sentence.
	What string `json:"what"`
	// Advice is what to do, in sentences.
	Advice string `json:"advice"`
	// Commands make the exports that end the problem.
	Commands []Command `json:"commands,omitempty"`
	// Needs says who can run the commands, and what to look at before.
	Needs string `json:"needs,omitempty"`
}

// Command makes a task with the official command line, aliyun.
type Command struct {
	// Line is a command for a POSIX shell. It is absent where the usage is too old.
	Line string `json:"command,omitempty"`
	// Start is the first moment of the usage.
	Start time.Time `json:"start"`
	// End is the first moment after the usage.
	End time.Time `json:"end"`
	// From is when the usage is complete.
	From time.Time `json:"from"`
	// Until is when the usage is too old to be exported.
	Until time.Time `json:"until"`
	// Note says which usage it is, and when it can be exported.
	Note string `json:"note"`
}

// alerts has the name of the alert for each kind of problem.
var alerts = map[collector.ProblemKind]string{
	collector.Refused:        "CDNExportAccountRefused",
	collector.Unreachable:    "CDNExportAccountUnreachable",
	collector.Stale:          "CDNExportSnapshotStale",
	collector.Slow:           "CDNExportRefreshesTooSlow",
	collector.Clock:          "CDNExportClockSkew",
	collector.Overdue:        "CDNExportExpectationOverdue",
	collector.Failed:         "CDNExportUnrecoveredFailure",
	collector.Stuck:          "CDNExportStuckPending",
	collector.MonthMissing:   "CDNExportMonthUncovered",
	collector.SuccessTooOld:  "CDNExportNewestSuccessTooOld",
	collector.NeverSucceeded: "CDNExportNeverSucceeded",
	collector.Unlisted:       "CDNExportTasksUnlisted",
	collector.UnknownStatus:  "CDNExportUnknownStatus",
	collector.Malformed:      "CDNExportTasksMalformed",
}

// maxPeriods is the maximum number of missing periods of an expectation that have a
// command.
const maxPeriods = 20

// words puts the problems of an export, or of an account, into words.
type words struct {
	now    time.Time // in the account's time zone
	export apiclient.Export
	report *collector.Report // nil without one
}

func (w words) problems(all []collector.Problem) []Problem {
	problems := make([]Problem, 0, len(all))
	for _, p := range all {
		problem := w.problem(p)
		problem.Kind, problem.Alert = p.Kind, alerts[p.Kind]
		problems = append(problems, problem)
	}
	return problems
}

func (w words) problem(p collector.Problem) Problem {
	if p.More > 0 {
		return more(p)
	}
	switch p.Kind {
	case collector.Refused, collector.Unreachable:
		return Problem{
			What:   fmt.Sprintf("The list cannot be read: %s.", strings.TrimSuffix(p.Err.Error(), ".")),
			Advice: advice.For(p.Err, w.export),
		}
	case collector.Stale:
		return Problem{What: fmt.Sprintf("The last list that could be read is %s old.", Span(p.Age)), Advice: advice.Stale}
	case collector.Slow:
		return Problem{What: fmt.Sprintf("The last refresh took %s.", Span(p.Age)), Advice: advice.Slow}
	case collector.Clock:
		return Problem{What: fmt.Sprintf("This machine's clock is %s.", Skew(p.Age)), Advice: advice.Clock}
	case collector.Overdue:
		return w.overdue(p.Expectation)
	case collector.Failed, collector.Stuck:
		return w.task(p)
	case collector.MonthMissing:
		return w.month(p.Month)
	case collector.SuccessTooOld:
		return w.lastMonth(fmt.Sprintf("The newest successful export is %s old. The limit is %s.", Span(p.Age), w.report.Limits.SuccessAge))
	case collector.NeverSucceeded:
		return w.neverSucceeded()
	case collector.Unlisted:
		return Problem{What: fmt.Sprintf("The API counts %s more than it lists.", Plural(p.Count, "task")), Advice: advice.Unlisted}
	case collector.UnknownStatus:
		return Problem{What: fmt.Sprintf("Tasks with a status that the API does not document: %d.", p.Count), Advice: advice.UnknownStatus}
	default:
		return Problem{
			What:   fmt.Sprintf("Tasks with a time that cannot be right, which is ignored: %d.", p.Count),
			Advice: advice.Malformed,
		}
	}
}

// more returns the problem that stands for the problems that are counted, but not listed.
func more(p collector.Problem) Problem {
	nouns := map[collector.ProblemKind]string{
		collector.Overdue: "overdue expectation", collector.Failed: "failed export", collector.Stuck: "stuck export",
	}
	return Problem{What: Plural(p.More, "more "+nouns[p.Kind]) + ".", Advice: advice.More}
}

func (w words) overdue(e *collector.ExpectationReport) Problem {
	start, end := bounds(e.Missing[0].Period, w.now)
	pattern := e.TaskName.String()
	what := "is overdue since " + e.Due.Format(Minute) + ": no successful task"
	if pattern != "" {
		what += " named " + pattern
	}
	what += " covers all of " + Days(start, end)
	due := slices.IndexFunc(e.Missing, func(n coverage.Needed) bool { return !n.Due.Before(w.now) })
	if due < 0 {
		due = len(e.Missing)
	}
	if due > 1 {
		what += fmt.Sprintf("; later ones are missing too: %s", Plural(due-1, "period"))
	}
	what += "."
	if due > maxPeriods {
		what += fmt.Sprintf(" The commands are those of the first %d.", maxPeriods)
	}
	var exports []advice.Export
	for _, missing := range e.Missing[:min(due, maxPeriods)] {
		start, end := bounds(missing.Period, w.now)
		exports = append(exports, advice.Export{
			Kind: w.export, Name: advice.NameMatching(e.TaskName, w.export, start, end), Start: start, End: end,
		})
	}
	if e.Missing[0].TooEarly {
		what += " It was " + advice.TooEarly(w.report.UsageDelay) + "."
	}
	if e.Unmatched {
		what += " At the moment, " + advice.Unmatched(e.TaskName)
		if !strings.HasSuffix(what, "?") {
			what += "."
		}
	}
	problem := w.remedy(advice.Overdue(e.Missing[0].TooEarly, e.Unmatched), exports)
	problem.Subject, problem.What = e.Name, what
	return problem
}

// task is about a task that failed or is stuck.
func (w words) task(p collector.Problem) Problem {
	task := newTask(p.Task, w.now)
	start, end, usage := task.Start, task.End.Add(time.Second), ""
	if !task.Start.IsZero() && task.End.After(task.Start) {
		usage = " (usage of " + Days(start, end) + ")"
	} else { // Any later success replaces it.
		start, end = bounds(coverage.Month.Period(w.now, 1), w.now)
	}
	var what string
	switch {
	case p.Kind == collector.Stuck:
		what = fmt.Sprintf("has been pending for %s%s. Exports usually take a few minutes; the limit is %s.",
			Span(p.Age), usage, w.report.Limits.PendingAge)
	case task.Updated.IsZero():
		what = "failed" + usage + "."
	default:
		what = "failed on " + task.Updated.Format(Minute) + usage + "."
	}
	name, harmless := advice.NameLike(p.Task)
	switch {
	case harmless:
	case w.export == apiclient.UsageDetail: // Only a task of the same name replaces it.
		name = advice.PlaceholderSame
	default:
		name = advice.NameFor(w.export, start, end)
	}
	text := advice.Failed
	if p.Kind == collector.Stuck {
		text = advice.Stuck
	}
	problem := w.remedy(text, []advice.Export{{Kind: w.export, Name: name, Start: start, End: end}})
	if problem.Needs == "" {
		problem.Advice = advice.TooOld
	}
	problem.Subject, problem.TaskID, problem.What = task.Name, task.ID, what
	return problem
}

func (w words) month(m *coverage.MonthCoverage) Problem {
	problem := w.remedy(advice.MonthMissing(m.TooEarly), []advice.Export{{
		Kind: w.export, Name: advice.NameFor(w.export, m.Start, m.End), Start: m.Start, End: m.End,
	}})
	problem.Subject = m.Start.Format("January 2006")
	problem.What = fmt.Sprintf("is covered to %d %% by successful exports.", Percent(m.Ratio))
	if m.TooEarly {
		problem.What += " It was " + advice.TooEarly(w.report.UsageDelay) + "."
	}
	return problem
}

// lastMonth returns a problem that any successful export ends.
func (w words) lastMonth(what string) Problem {
	start, end := bounds(coverage.Month.Period(w.now, 1), w.now)
	problem := w.remedy(advice.AnyExport, []advice.Export{{
		Kind: w.export, Name: advice.NameFor(w.export, start, end), Start: start, End: end,
	}})
	problem.What = what
	return problem
}

func (w words) neverSucceeded() Problem {
	problem := w.lastMonth("The list has no successful export.")
	if len(w.report.NewestTasks) == 0 {
		problem.What = "The list is empty."
		problem.Advice += " " + advice.EmptyList
	}
	return problem
}

// remedy returns a problem with its remedy: the advice, and the commands that make the
// exports.
func (w words) remedy(text string, exports []advice.Export) Problem {
	problem := Problem{Advice: text}
	unnamed, makeable := false, false
	for _, export := range exports {
		for _, c := range export.Commands(w.now, w.report.UsageDelay) {
			problem.Commands = append(problem.Commands, newCommand(c, w.now))
			makeable = makeable || c.Line != ""
			unnamed = unnamed || advice.IsPlaceholder(export.Name)
		}
	}
	if !makeable {
		return problem
	}
	problem.Needs = advice.Permission(w.export)
	if unnamed {
		problem.Needs += " " + advice.Rename
	}
	if w.export == apiclient.UsageDetail {
		problem.Needs += " " + advice.DetailType
	}
	return problem
}

// EachCommandOnce returns the problems of an export without repeated commands. If the
// command of an earlier problem also ends a later one, the later problem has neither this
// command nor the text on who can run it.
func EachCommandOnce(export apiclient.Export, problems []Problem) []Problem {
	var shown []Command
	needed := make(map[string]bool)
	problems = slices.Clone(problems)
	for i := range problems {
		p := &problems[i]
		above := false
		var commands []Command
		for _, c := range p.Commands {
			if slices.ContainsFunc(shown, func(before Command) bool { return replaces(before, c, export, p.Kind) }) {
				above = true
			} else {
				commands = append(commands, c)
			}
		}
		p.Commands = commands
		shown = append(shown, commands...)
		if above && len(commands) == 0 {
			p.Advice += " A command above ends this too."
		}
		if len(commands) == 0 || needed[p.Needs] {
			p.Needs = ""
		}
		needed[p.Needs] = true
	}
	return problems
}

// replaces reports whether the command before makes the later command c of a problem
// unnecessary: it exports the same usage, under a name that counts for the problem.
func replaces(before, c Command, export apiclient.Export, kind collector.ProblemKind) bool {
	if before.Line == "" || c.Line == "" {
		return false
	}
	endedByAny := kind == collector.SuccessTooOld || kind == collector.NeverSucceeded
	anyName := endedByAny || export == apiclient.Usage && kind != collector.Overdue
	return before.Line == c.Line || anyName && before.Start.Equal(c.Start) && before.End.Equal(c.End)
}

func newCommand(c advice.Command, now time.Time) Command {
	command := Command{Line: c.Line, Start: c.Start, End: c.End, From: c.From, Until: c.Until}
	usage := Days(c.Start, c.End)
	switch {
	case c.Line == "":
		command.Note = usage + " can no longer be exported: that was possible until " + c.Until.Format(time.DateOnly)
	case now.Before(c.From):
		command.Note = fmt.Sprintf("%s; its usage is complete on %s: do not export it before; possible until %s",
			usage, c.From.Format(Minute), c.Until.Format(time.DateOnly))
	default:
		command.Note = usage + "; possible until " + c.Until.Format(time.DateOnly)
	}
	return command
}

// bounds returns the first moment of a period and the first one after it, in now's time
// zone.
func bounds(p coverage.Period, now time.Time) (start, end time.Time) {
	return p.Start.Time().In(now.Location()), p.End.Time().In(now.Location())
}
