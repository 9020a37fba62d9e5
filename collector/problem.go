package collector

import (
	"errors"
	"slices"
	"time"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/coverage"
)

// ProblemKind says what is wrong. Each kind has exactly one alert, which adds only a
// waiting time.
type ProblemKind string

// The kinds of problems.
const (
	// Refused: the last refresh failed with class credentials, denied, clock or request.
	Refused ProblemKind = "refused"
	// Unreachable: the last refresh failed otherwise.
	Unreachable ProblemKind = "unreachable"
	// Stale: the snapshot is older than half of Config.MaxStale.
	Stale ProblemKind = "stale"
	// Slow: the last refresh took longer than a minute.
	Slow ProblemKind = "slow"
	// Clock: this machine's clock is off by more than five minutes.
	Clock ProblemKind = "clock"
	// Overdue: exports that an expectation needs are missing and due.
	Overdue ProblemKind = "overdue"
	// Failed: a task failed, and no success has replaced it.
	Failed ProblemKind = "failed"
	// Stuck: a task has been pending for longer than the limit, and no success has
	// replaced it.
	Stuck ProblemKind = "stuck"
	// MonthMissing: part of one of the last two months is not covered, and its limit is
	// exceeded.
	MonthMissing ProblemKind = "month_missing"
	// SuccessTooOld: the newest success is older than the limit.
	SuccessTooOld ProblemKind = "success_too_old"
	// NeverSucceeded: no success is listed.
	NeverSucceeded ProblemKind = "never_succeeded"
	// Unlisted: the API counts tasks that it does not list.
	Unlisted ProblemKind = "unlisted"
	// UnknownStatus: tasks have a status that the API does not document.
	UnknownStatus ProblemKind = "unknown_status"
	// Malformed: tasks have a time that cannot be right.
	Malformed ProblemKind = "malformed"
)

// ProblemKinds returns every kind, the most severe first.
func ProblemKinds() []ProblemKind {
	return []ProblemKind{
		Refused, Unreachable, Overdue, Failed, Stuck, MonthMissing, SuccessTooOld, NeverSucceeded,
		Stale, Slow, Clock, Unlisted, UnknownStatus, Malformed,
	}
}

// Severity says how serious a problem is.
type Severity uint8

// The severities, the least severe first.
const (
	// Notable: nothing is missing, but someone should look at it.
	Notable Severity = iota + 1
	// ExportMissing: a person must make an export, or make it again.
	ExportMissing
	// Unreadable: the list cannot be read, so its current state is unknown.
	Unreadable
)

// Severity returns the severity of the kind.
func (k ProblemKind) Severity() Severity {
	switch k {
	case Refused, Unreachable:
		return Unreadable
	case Overdue, Failed, Stuck, MonthMissing, SuccessTooOld, NeverSucceeded:
		return ExportMissing
	default:
		return Notable
	}
}

const (
	// maxProblems is the maximum number of problems of a kind that an export lists one by one.
	maxProblems = 20
	// slowRefresh is the duration beyond which a refresh is slow.
	slowRefresh = time.Minute
	// maxClockSkew is a third of the skew beyond which the API refuses requests, 15 minutes.
	maxClockSkew = 5 * time.Minute
)

// Problem is one thing that someone should act on. Which fields are set depends on Kind.
type Problem struct {
	Kind ProblemKind
	// More is the number of further problems of this kind that are only counted. If it is not
	// 0, no field other than Kind is set.
	More int
	// Err is why the last refresh failed (Refused, Unreachable).
	Err error
	// Age is the age of the snapshot (Stale), of the pending task (Stuck) or of the newest
	// success (SuccessTooOld). It is the duration of the refresh for Slow, and this machine's
	// clock minus the API's for Clock.
	Age time.Duration
	// Count is the number of tasks (Unlisted, UnknownStatus, Malformed).
	Count int
	// Task is the task that failed (Failed) or is pending (Stuck).
	Task *apiclient.Task
	// Month is the month that is not covered (MonthMissing).
	Month *coverage.MonthCoverage
	// Expectation is the expectation that is overdue (Overdue).
	Expectation *ExpectationReport
}

// clockProblems returns the problem of a clock, if any.
func clockProblems(client Client) []Problem {
	if skew, ok := client.ClockSkew(); ok && skew.Abs() > maxClockSkew {
		return []Problem{{Kind: Clock, Age: skew}}
	}
	return nil
}

// refreshProblems returns what is wrong with reading a list.
func refreshProblems(state refreshState, now time.Time, maxStale time.Duration) []Problem {
	var problems []Problem
	if state.failing() {
		err := state.last[0].Err
		problems = append(problems, Problem{Kind: failureKind(err), Err: err})
	}
	if state.snapshot != nil {
		if age := state.snapshot.age(now); age > maxStale/2 {
			problems = append(problems, Problem{Kind: Stale, Age: age})
		}
	}
	if state.duration > slowRefresh {
		problems = append(problems, Problem{Kind: Slow, Age: state.duration})
	}
	return problems
}

func failureKind(err error) ProblemKind {
	if apiErr, ok := errors.AsType[*apiclient.Error](err); ok {
		switch apiErr.Class {
		case apiclient.ClassCredentials, apiclient.ClassDenied, apiclient.ClassClock, apiclient.ClassRequest:
			return Refused
		case apiclient.ClassThrottled, apiclient.ClassServer, apiclient.ClassNetwork, apiclient.ClassMalformed:
		}
	}
	return Unreachable
}

// problems returns the problems of a report. failed and stuck are the problems of failed and
// pending tasks. since is the first moment of usage that is judged.
func (r *Report) problems(failed, stuck writtenOut, since, now time.Time) []Problem {
	overdue := writtenOut{kind: Overdue}
	for i := range r.Expectations {
		if e := &r.Expectations[i]; e.Overdue {
			overdue.add(Problem{Expectation: e})
		}
	}
	problems := slices.Concat(overdue.problems(), failed.problems(), stuck.problems())
	monthGrace := time.Duration(r.Limits.MonthGrace)
	for i := range r.Months {
		month := &r.Months[i]
		if monthGrace > 0 && month.Ratio < 1 && now.Sub(month.End) > monthGrace {
			problems = append(problems, Problem{Kind: MonthMissing, Month: month})
		}
	}
	successAge := time.Duration(r.Limits.SuccessAge)
	switch {
	case successAge == 0:
	case r.NewestSuccessAge > successAge:
		problems = append(problems, Problem{Kind: SuccessTooOld, Age: r.NewestSuccessAge})
	case r.Summary.Tasks[apiclient.Success] == 0 && now.Sub(since) > successAge:
		problems = append(problems, Problem{Kind: NeverSucceeded})
	}
	for _, counted := range []Problem{
		{Kind: Unlisted, Count: r.Unlisted},
		{Kind: UnknownStatus, Count: r.Summary.Tasks[apiclient.Unknown]},
		{Kind: Malformed, Count: r.Malformed},
	} {
		if counted.Count > 0 {
			problems = append(problems, counted)
		}
	}
	return problems
}

// writtenOut keeps the first problems of a kind and counts the others.
type writtenOut struct {
	kind ProblemKind
	kept []Problem
	more int
}

func (w *writtenOut) add(problem Problem) {
	problem.Kind = w.kind
	if len(w.kept) < maxProblems {
		w.kept = append(w.kept, problem)
	} else {
		w.more++
	}
}

// addTask adds a failed or pending task. task is nil if the snapshot did not keep it; the
// problem is then only counted.
func (w *writtenOut) addTask(task *apiclient.Task, age time.Duration) {
	if task == nil {
		w.more++
		return
	}
	w.add(Problem{Task: task, Age: age})
}

func (w *writtenOut) problems() []Problem {
	if w.more == 0 {
		return w.kept
	}
	return append(w.kept, Problem{Kind: w.kind, More: w.more})
}
