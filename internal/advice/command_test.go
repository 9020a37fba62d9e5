package advice_test

import (
	"os/exec"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/advice"
	"alicdn_export_exporter/internal/coverage"
)

// firstOf returns the first moment of a month of 2026.
func firstOf(t *testing.T, zone string, month time.Month) time.Time {
	t.Helper()
	location, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	return time.Date(2026, month, 1, 0, 0, 0, 0, location)
}

func TestCommands(t *testing.T) {
	for name, tc := range map[string]struct {
		zone        string
		month       time.Month
		now         string
		kind        apiclient.Export
		taskName    string
		lines       []string
		from, until string // of the first command
	}{
		"a month of 31 days in Shanghai": {
			"Asia/Shanghai", time.October, "2026-11-04T00:00:00Z", apiclient.Usage, "usage-2026-10",
			[]string{"aliyun cdn CreateUserUsageDataExportTask --TaskName usage-2026-10 " +
				"--StartTime 2026-09-30T16:00:00Z --EndTime 2026-10-31T15:59:59Z"},
			"2026-11-01T04:00:00+08:00", "2027-10-01T00:00:00+08:00",
		},
		"details have a type": {
			"Asia/Shanghai", time.October, "2026-11-04T00:00:00Z", apiclient.UsageDetail, "detail-flow-2026-10",
			[]string{"aliyun cdn CreateUsageDetailDataExportTask --TaskName detail-flow-2026-10 " +
				"--StartTime 2026-09-30T16:00:00Z --EndTime 2026-10-31T15:59:59Z --Type flow"},
			"2026-11-01T04:00:00+08:00", "2027-10-01T00:00:00+08:00",
		},
		"details of value-added services": {
			"Asia/Shanghai", time.October, "2026-11-04T00:00:00Z", apiclient.UsageDetail, "detail-VAS-2026-10",
			[]string{"aliyun cdn CreateUsageDetailDataExportTask --TaskName detail-VAS-2026-10 " +
				"--StartTime 2026-09-30T16:00:00Z --EndTime 2026-10-31T15:59:59Z --Type vas"},
			"2026-11-01T04:00:00+08:00", "2027-10-01T00:00:00+08:00",
		},
		"a month of 31 days and an hour is split at a midnight": {
			"Europe/Berlin", time.October, "2026-11-04T00:00:00Z", apiclient.Usage, "usage",
			[]string{
				"aliyun cdn CreateUserUsageDataExportTask --TaskName usage --StartTime 2026-09-30T22:00:00Z --EndTime 2026-10-30T22:59:59Z",
				"aliyun cdn CreateUserUsageDataExportTask --TaskName usage --StartTime 2026-10-30T23:00:00Z --EndTime 2026-10-31T22:59:59Z",
			},
			"2026-10-31T04:00:00+01:00", "2027-10-01T00:00:00+02:00",
		},
		"a month of 30 days and 23 hours is not": {
			"Europe/Berlin", time.March, "2026-11-04T00:00:00Z", apiclient.Usage, "usage",
			[]string{"aliyun cdn CreateUserUsageDataExportTask --TaskName usage --StartTime 2026-02-28T23:00:00Z --EndTime 2026-03-31T21:59:59Z"},
			"2026-04-01T04:00:00+02:00", "2027-03-01T00:00:00+01:00",
		},
		"it can be made for a year": {
			"UTC", time.October, "2027-09-30T23:59:59Z", apiclient.Usage, "usage",
			[]string{"aliyun cdn CreateUserUsageDataExportTask --TaskName usage --StartTime 2026-10-01T00:00:00Z --EndTime 2026-10-31T23:59:59Z"},
			"2026-11-01T04:00:00Z", "2027-10-01T00:00:00Z",
		},
		"and not for longer": {
			"UTC", time.October, "2027-10-01T00:00:00Z", apiclient.Usage, "usage", []string{""}, "2026-11-01T04:00:00Z", "2027-10-01T00:00:00Z",
		},
	} {
		t.Run(name, func(t *testing.T) {
			now, err := time.Parse(time.RFC3339, tc.now)
			if err != nil {
				t.Fatal(err)
			}
			export := advice.Export{
				Kind: tc.kind, Name: tc.taskName,
				Start: firstOf(t, tc.zone, tc.month), End: firstOf(t, tc.zone, tc.month+1),
			}
			commands := export.Commands(now, coverage.Duration(4*time.Hour))
			var lines []string
			for i, c := range commands {
				lines = append(lines, c.Line)
				if c.End.Sub(c.Start) > 31*24*time.Hour {
					t.Errorf("one task has more than 31 days: %s to %s", c.Start, c.End)
				}
				if i > 0 && !c.Start.Equal(commands[i-1].End) {
					t.Errorf("there is a gap before %s", c.Start)
				}
			}
			if diff := cmp.Diff(tc.lines, lines); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			from, until := commands[0].From.Format(time.RFC3339), commands[0].Until.Format(time.RFC3339)
			if from != tc.from || until != tc.until {
				t.Errorf("from %s until %s, want %s and %s", from, until, tc.from, tc.until)
			}
		})
	}
}

// Anyone who can make tasks chooses their names. No name may be executed by the shell of a
// person who pastes the command.
func TestCommandsInAShell(t *testing.T) {
	const pasted = "pasted\n"
	for _, name := range []string{
		"usage-2026-10", "月度导出 2026-10", "two  blanks", "استخدام", "a.b_c-d", "$(echo pasted)", "`echo pasted`", "x; echo pasted", "x\necho pasted",
		"x' ; echo pasted ; '", `x" ; echo pasted ; "`, "x && echo pasted", "x | echo pasted", "> pasted", "-h", "--Language=en-us", "", " ", "\\", "x\\", "!!", "~", "*",
		"x\x00y", "\u202Egnp", "a\u200bb", "x\techo", strings.Repeat("n", 256), "<a name that task_name matches>", "%s", "#x", "x=1",
	} {
		task := &apiclient.Task{Name: name}
		used, harmless := advice.NameLike(task)
		if !harmless {
			used = advice.PlaceholderSame
		}
		start := firstOf(t, "UTC", time.October)
		line := advice.Export{Kind: apiclient.Usage, Name: used, Start: start, End: start.AddDate(0, 1, 0)}.
			Commands(start.AddDate(0, 1, 1), 0)[0].Line
		// A function stands in for the command line: it prints each argument on a line.
		shell := exec.CommandContext(t.Context(), "sh", "-c", "aliyun() { printf '%s\\n' \"$@\"; }\n"+line)
		shell.Dir = t.TempDir()
		output, err := shell.CombinedOutput()
		want := []string{
			"cdn", "CreateUserUsageDataExportTask", "--TaskName", used,
			"--StartTime", "2026-10-01T00:00:00Z", "--EndTime", "2026-10-31T23:59:59Z", "",
		}
		if diff := cmp.Diff(want, strings.Split(string(output), "\n")); diff != "" || err != nil || strings.Contains(string(output), pasted) {
			t.Errorf("%q: %v: -want +got:\n%s", name, err, diff)
		}
	}
	for name, want := range map[string]bool{
		"usage-2026-10": true, "月度导出 2026-10": true, "a.b_c": true, "-x": false, "": false, "  ": false, "a'b": false, "a\nb": false,
		"$HOME": false, "a\u202Eb": false, "a/b": false, "a:b": false, "<a>": false,
	} {
		if _, got := advice.NameLike(&apiclient.Task{Name: name}); got != want {
			t.Errorf("%q: harmless is %t, want %t", name, got, want)
		}
	}
}
