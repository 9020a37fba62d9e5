package advice

import (
	"strings"
	"time"
	"unicode"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/coverage"
)

// maxExported is the longest period that one task can export. The API's documentation says
// at most one month, and that InvalidTimeRange means more than 31 days.
const maxExported = 31 * 24 * time.Hour

// Export is an export of usage that a person should make.
type Export struct {
	Kind apiclient.Export
	// Name is the TaskName, or a Placeholder for one.
	Name string
	// Start and End bound the usage, in the account's time zone. Start is part of it, End
	// is not.
	Start, End time.Time
}

// Command is a command that makes a task with the official command line, aliyun.
type Command struct {
	// Line is the command for a POSIX shell. It is empty if the usage is too old.
	Line string
	// Start and End bound the usage. Start is part of it, End is not.
	Start, End time.Time
	// From is when the usage is complete. A task that is made earlier lacks some of it.
	From time.Time
	// Until is when the usage is a year old and can no longer be exported.
	Until time.Time
}

// Commands returns the commands that make the export, one for each task. A task exports at
// most 31 days; a month can be longer where clocks change. Usage that is too old is one
// command without a line, even if it needs several tasks. Tasks for future usage are left
// out, because a period can be a thousand years long.
func (e Export) Commands(now time.Time, usageDelay coverage.Duration) []Command {
	var commands []Command
	for start := e.Start; start.Before(e.End) && (len(commands) == 0 || start.Before(now)); {
		until := start.AddDate(1, 0, 0)
		makeable := now.Before(until)
		end := e.End
		if end.Sub(start) > maxExported {
			last := start.Add(maxExported)
			if !makeable {
				last = now.AddDate(-1, 0, 1)
			}
			if end = startOfDay(last); !end.After(start) {
				end = last
			}
			if end.After(e.End) {
				end = e.End
			}
		}
		command := Command{Start: start, End: end, From: end.Add(time.Duration(usageDelay)), Until: until}
		if makeable {
			command.Line = e.line(start, end)
		}
		commands = append(commands, command)
		start = end
	}
	return commands
}

func startOfDay(t time.Time) time.Time {
	year, month, day := t.Date()
	return time.Date(year, month, day, 0, 0, 0, 0, t.Location())
}

// CreateAction returns the API's name of the operation that makes a task of an export.
// "cdn:" and this name are the RAM action that a person's key needs.
func CreateAction(export apiclient.Export) string {
	if export == apiclient.UsageDetail {
		return "CreateUsageDetailDataExportTask"
	}
	return "CreateUserUsageDataExportTask"
}

func (e Export) line(start, end time.Time) string {
	// The API's periods end one second early.
	const format = "2006-01-02T15:04:05Z"
	args := []string{
		"aliyun", "cdn", CreateAction(e.Kind), "--TaskName", quote(e.Name),
		"--StartTime", start.UTC().Format(format), "--EndTime", end.Add(-time.Second).UTC().Format(format),
	}
	if e.Kind == apiclient.UsageDetail {
		args = append(args, "--Type", detailType(e.Name))
	}
	return strings.Join(args, " ")
}

// detailType returns the Type of a usage_detail task. The list does not contain it, so it
// is guessed from the name.
func detailType(name string) string {
	if strings.Contains(strings.ToLower(name), "vas") {
		return "vas"
	}
	return "flow"
}

// quote returns an argument for a POSIX shell. It must not contain a single quote.
func quote(arg string) string {
	plain := func(r rune) bool {
		return r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) || strings.ContainsRune("._-", r)
	}
	if arg != "" && strings.TrimFunc(arg, plain) == "" {
		return arg
	}
	return "'" + arg + "'"
}
