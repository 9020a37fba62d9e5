package check

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/view"
)

// maxDetailed is the maximum number of accounts whose lists are printed.
const maxDetailed = 20

// printer prints lines for people. It escapes texts from outside, so that they cannot move
// the cursor.
type printer struct {
	out     io.Writer
	colored bool
	err     error
}

// Print prints the problems of all accounts, then the contents of their lists, and then the
// verdict. It uses colors on a terminal. The keys of connections are the names of the
// accounts.
func Print(out io.Writer, d view.Document, connections map[string]Connection) error {
	p := &printer{out: out, colored: isTerminal(out) && os.Getenv("NO_COLOR") == ""}
	if d.Demo {
		p.line("This is a demo: the accounts are simulated.")
		p.line("")
	}
	for _, account := range d.Accounts {
		p.problemsOf(account)
	}
	if len(d.Accounts) <= maxDetailed {
		for _, account := range d.Accounts {
			p.account(account, connections[account.Account])
		}
	} else {
		p.line(fmt.Sprintf("More than %d accounts: name one to see its lists (check ACCOUNT).", maxDetailed))
		p.line("")
	}
	p.line(p.inState(d.State, d.Verdict))
	return p.err
}

func (p *printer) line(text string) {
	_, err := fmt.Fprintln(p.out, strings.TrimRight(text, " "))
	if p.err == nil {
		p.err = err
	}
}

// inState escapes a text and gives it the color of a state.
func (p *printer) inState(state view.State, text string) string {
	colors := map[view.State]string{
		view.Fine: "32", view.Notable: "33", view.NotReadYet: "33", view.ExportMissing: "31", view.Unreadable: "31",
	}
	text = escape(text)
	if !p.colored {
		return text
	}
	return "\x1b[" + colors[state] + "m" + text + "\x1b[0m"
}

// problemsOf prints the problems of an account and its exports.
func (p *printer) problemsOf(account view.Account) {
	p.problems(account.Account, "", account.State, account.Problems)
	for _, export := range account.Exports {
		p.problems(account.Account+" "+string(export.Export), export.Export, export.State, export.Problems)
	}
}

func (p *printer) problems(of string, export apiclient.Export, state view.State, problems []view.Problem) {
	if len(problems) == 0 {
		return
	}
	p.line(p.inState(state, of+": "+state.Words()))
	for _, problem := range view.EachCommandOnce(export, problems) {
		text := problem.What
		if problem.TaskID != "" {
			text = "(id " + problem.TaskID + ") " + text
		}
		if problem.Subject != "" {
			text = problem.Subject + " " + text
		}
		p.fact(string(problem.Kind), text)
		p.fact("", problem.Advice)
		for _, command := range problem.Commands {
			p.fact("", "# "+command.Note)
			if command.Line != "" {
				p.fact("", command.Line)
			}
		}
		if problem.Needs != "" {
			p.fact("", problem.Needs)
		}
	}
	p.line("")
}

// account prints how an account was read, and what its lists say.
func (p *printer) account(account view.Account, c Connection) {
	p.line(escape(account.Account) + " at " + c.Endpoint)
	p.fact("credentials", c.Credentials)
	p.fact("clock", c.Clock)
	p.fact("times", "in the zone "+account.TimeZone)
	for _, export := range account.Exports {
		if export.List == nil {
			p.fact(string(export.Export), export.State.Words())
			continue
		}
		p.list(export)
	}
	p.line("")
}

func (p *printer) fact(name, text string) { p.line(fmt.Sprintf("  %-15s %s", name, escape(text))) }

func (p *printer) list(export view.Export) {
	list := export.List
	p.fact(string(export.Export), view.Plural(list.Tasks.Total(), "task")+": "+list.Tasks.String())
	if text := list.AboutFailures(); text != "" {
		p.fact("", text)
	}
	for _, month := range list.Months {
		p.fact("  "+month.Start.Format("2006-01"), describeMonth(month))
	}
	if len(list.Months) > 0 {
		p.fact("", "█ covered, ▒ in part, · not covered, blank: too old to be judged")
	}
	if !list.CoveredUntil.IsZero() {
		p.fact("  covered", "until "+list.CoveredUntil.Format(view.Minute))
	}
	for _, e := range list.Expectations {
		state := "next due " + e.Due.Format(view.Minute)
		if len(e.Missing) > 0 {
			state = "missing, due " + e.Due.Format(view.Minute)
		}
		if e.Overdue {
			state = "overdue since " + e.Due.Format(view.Minute)
		}
		if e.Hint != "" {
			state += "; " + e.Hint
		}
		p.fact("  expected", e.Name+": "+state)
	}
	p.tasks(list.NewestTasks)
}

func describeMonth(month view.Month) string {
	text := fmt.Sprintf("%-31s %3d %% covered", strip(month.Days), view.Percent(month.Covered))
	if month.JudgedFrom.After(month.Start) {
		text += ", judged from " + month.JudgedFrom.Format(view.Minute)
	}
	if month.MadeTooEarly {
		text += ", exported too early"
	}
	return text
}

// strip draws a block for each day.
func strip(days []*float64) string {
	var blocks strings.Builder
	for _, share := range days {
		switch {
		case share == nil:
			blocks.WriteRune(' ')
		case *share == 1:
			blocks.WriteRune('█')
		case *share > 0:
			blocks.WriteRune('▒')
		default:
			blocks.WriteRune('·')
		}
	}
	return blocks.String()
}

// tasks prints the newest tasks as a table.
func (p *printer) tasks(tasks []view.Task) {
	if len(tasks) == 0 {
		return
	}
	at := func(t time.Time) string {
		if t.IsZero() {
			return "-"
		}
		return t.Format(view.Minute)
	}
	table := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "  newest tasks\tstatus\tcreated\tupdated\tfrom\tto\tname")
	for _, task := range tasks {
		_, _ = fmt.Fprintln(table, strings.Join([]string{
			"  " + escape(task.ID), task.StatusWord(), at(task.Created), at(task.Updated),
			at(task.Start), at(task.End), escape(task.Name),
		}, "\t"))
	}
	if err := table.Flush(); p.err == nil {
		p.err = err
	}
}

// escape replaces characters that do not print, such as those that move a terminal's cursor
// or change the direction of a text.
func escape(s string) string {
	var escaped strings.Builder
	for _, r := range s {
		if strconv.IsPrint(r) {
			escaped.WriteRune(r)
		} else {
			quoted := strconv.QuoteRune(r)
			escaped.WriteString(quoted[1 : len(quoted)-1])
		}
	}
	return escaped.String()
}
