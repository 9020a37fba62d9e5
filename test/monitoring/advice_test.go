package monitoring

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"alicdn_export_exporter/internal/simulator"
)

// remedied is an account with problems, which the commands that are shown must end.
type remedied struct {
	name   string
	kind   string // of the problems, most of one kind
	action string
	tasks  []simulator.Task
	// settings are those of the account, beside its name and endpoint.
	settings string
	// placeholder replaces the placeholder in a command, as the person does who runs it.
	placeholder string
}

// shown returns how many of the commands of the JSON the page has. Where problems are of several kinds, the commands of
// the first one end the others too.
func (r remedied) shown(commands []string) int {
	if len(strings.Fields(r.kind)) > 1 {
		return 1
	}
	return len(commands)
}

// monthAgo returns the first moment of the month that lies ago months before this one, in UTC+8.
func monthAgo(ago int) time.Time {
	year, this, _ := time.Now().In(shanghai).Date()
	return time.Date(year, this-time.Month(ago), 1, 0, 0, 0, 0, shanghai)
}

// exported returns a task over usage from start to end, made some time after its end.
func exported(name, status string, start, end time.Time, later time.Duration) simulator.Task {
	task := simulator.Task{
		ID: "4" + fmt.Sprint(start.Unix()), Name: name, Status: status,
		Created: end.Add(later), Start: start, End: end.Add(-time.Second),
	}
	if status != simulator.StatusCreated {
		task.Updated = task.Created.Add(time.Minute)
	}
	return task
}

// limits are the settings of an account that judges nothing but failed tasks, with others added.
func limits(export, others, more string) string {
	return fmt.Sprintf("exports: [%s], limits: {%s}%s", export, others, more)
}

// remedies returns an account for each kind of problem that a new export ends, of both exports where both can have it.
func remedies() []remedied {
	const (
		success, failed, created = simulator.StatusSuccess, simulator.StatusFailed, simulator.StatusCreated
		none                     = "pending_age: 0, success_age: 0, month_grace: 0"
		pending                  = "pending_age: 6h, success_age: 0, month_grace: 0"
		age                      = "pending_age: 0, success_age: 35d, month_grace: 0"
		hostile                  = `'; touch "$HOME/owned" #` + "\u202e\n`id`"
	)
	today := time.Now().In(shanghai).Truncate(time.Hour)
	weekAgo, dayAgo := today.AddDate(0, 0, -7), today.AddDate(0, 0, -1)
	all := []remedied{
		{
			name: "month-missing", kind: "month_missing", action: simulator.UsageAction,
			tasks:    []simulator.Task{exported("last", success, monthAgo(1), monthAgo(0), 6*time.Hour)},
			settings: limits("usage", "pending_age: 0, success_age: 0, month_grace: 3d", ""),
		},
		{
			name: "month-too-early", kind: "month_missing", action: simulator.UsageAction,
			tasks: []simulator.Task{
				exported("last", success, monthAgo(1), monthAgo(0), 6*time.Hour),
				exported("before", success, monthAgo(2), monthAgo(1), time.Minute),
			},
			settings: limits("usage", "pending_age: 0, success_age: 0, month_grace: 3d", ""),
		},
		{
			name: "no-name", kind: "overdue", action: simulator.UsageAction, placeholder: "a/b",
			settings: limits("usage", none, `, expectations: [{name: x, export: usage, every: month, task_name: "a/[b]", since: `+
				monthAgo(2).Format(time.DateOnly)+"}]"),
		},
		{
			name: "all-of-a-month", kind: "overdue failed month_missing", action: simulator.UsageAction,
			tasks: []simulator.Task{
				exported("bill-"+monthAgo(2).Format("2006-01"), failed, monthAgo(2), monthAgo(1), 6*time.Hour),
				exported("bill-last", success, monthAgo(1), monthAgo(0), 6*time.Hour),
			},
			settings: "exports: [usage], limits: {pending_age: 0, success_age: 0, month_grace: 3d}, expectations: [{name: x, export: usage, " +
				"every: month, task_name: 'bill-.*', since: " + monthAgo(2).Format(time.DateOnly) + "}]",
		},
		{
			name: "partly-covered", kind: "overdue", action: simulator.UsageAction,
			tasks: []simulator.Task{exported("daily "+weekAgo.Format(time.DateOnly), success, weekAgo, weekAgo.Add(30*time.Hour), 6*time.Hour)},
			settings: limits("usage", none, ", expectations: [{name: x, export: usage, every: day, task_name: 'daily [0-9-]{10}', grace: 0, since: "+
				weekAgo.Format(time.DateOnly)+"}]"),
		},
	}
	for export, action := range map[string]string{"usage": simulator.UsageAction, "usage_detail": simulator.DetailAction} {
		expectation := func(text string) string {
			return limits(export, none, fmt.Sprintf(", expectations: [{name: x, export: %s, %s}]", export, text))
		}
		all = append(all, []remedied{
			{
				name: "overdue-month-" + export, kind: "overdue", action: action,
				settings: expectation(`every: month, task_name: '(bill|detail)-\d{4}-\d{2}', since: ` + monthAgo(2).Format(time.DateOnly)),
			},
			{name: "overdue-week-" + export, kind: "overdue", action: action, settings: expectation("every: week, task_name: .*-vas-.*")},
			{
				name: "overdue-failed-before-" + export, kind: "overdue", action: action,
				tasks:    []simulator.Task{exported("other", success, monthAgo(3), monthAgo(0), 6*time.Hour)},
				settings: expectation(`every: month, task_name: "bill [0-9]{6}", since: ` + monthAgo(2).Format(time.DateOnly)),
			},
			{
				name: "failed-" + export, kind: "failed", action: action, settings: limits(export, none, ""),
				tasks: []simulator.Task{exported("sale 用量", failed, weekAgo, dayAgo, 6*time.Hour)},
			},
			{
				name: "failed-at-once-" + export, kind: "failed", action: action, settings: limits(export, none, ""),
				tasks: []simulator.Task{exported("today", failed, dayAgo, today, 0)},
			},
			{
				name: "failed-hostile-" + export, kind: "failed", action: action, settings: limits(export, none, ""), placeholder: hostile,
				tasks: []simulator.Task{exported(hostile, failed, weekAgo, dayAgo, 6*time.Hour)},
			},
			{
				name: "failed-long-name-" + export, kind: "failed", action: action, settings: limits(export, none, ""),
				tasks: []simulator.Task{exported(strings.Repeat("月度", 200), failed, weekAgo, dayAgo, 6*time.Hour)},
			},
			{
				name: "failed-periodless-" + export, kind: "failed", action: action, settings: limits(export, none, ""),
				tasks: []simulator.Task{{ID: "7", Name: "no period", Status: failed, Created: weekAgo, Updated: weekAgo}},
			},
			{
				name: "failed-old-" + export, kind: "failed", action: action, settings: limits(export, none, ""),
				tasks: []simulator.Task{exported("audit", failed, monthAgo(8), monthAgo(7), today.AddDate(0, 0, -9).Sub(monthAgo(7)))},
			},
			{
				name: "stuck-" + export, kind: "stuck", action: action, settings: limits(export, pending, ""),
				tasks: []simulator.Task{exported("stuck", created, weekAgo, dayAgo, 6*time.Hour)},
			},
			{
				name: "stuck-periodless-" + export, kind: "stuck", action: action, settings: limits(export, pending, ""),
				tasks: []simulator.Task{{ID: "7", Name: "no period", Status: created, Created: dayAgo}},
			},
			{
				name: "too-old-" + export, kind: "success_too_old", action: action, settings: limits(export, age, ""),
				tasks: []simulator.Task{exported("old", success, weekAgo.AddDate(0, 0, -50), dayAgo.AddDate(0, 0, -50), 6*time.Hour)},
			},
			{name: "never-" + export, kind: "never_succeeded", action: action, settings: limits(export, age, "")},
		}...)
	}
	return all
}

// A person takes the commands from the page, or from the JSON, and runs them with a key that may make tasks. When the
// tasks have finished, the problem is gone from the page, the JSON, the metrics and the check command, and its alert
// does not fire anymore.
func TestAdviceEndsTheProblem(t *testing.T) {
	t.Parallel()
	content, accounts := "accounts:\n", make(map[string]*editable)
	for _, r := range remedies() {
		accounts[r.name] = newEditable(t, r.action, r.tasks)
		content += fmt.Sprintf("- {name: %s, endpoint: \"http://%s\", %s}\n", r.name, accounts[r.name].address, r.settings)
	}
	e := startDaemon(t, configure(t, content))
	before := parseDocument(t, e.afterScrape(t, "/api/v1/exports"))
	fired, anchors := alertsOf(t, e.get(t, "/metrics")), sections(t)
	for _, r := range remedies() {
		t.Run(r.name, func(t *testing.T) {
			shown := parsePage(t, e.get(t, "/?account="+r.name), anchors)
			problems := before.only(r.name)
			if kinds := problems.kinds(); !slices.Equal(kinds, strings.Fields(r.kind)) {
				t.Fatalf("there are the problems %q, want %s", kinds, r.kind)
			}
			if want := problems.alerts(); !slices.Equal(shown.alerts, want) || !slices.Equal(of(fired, r.name), want) {
				t.Fatalf("the page has the problems %q, the alerts %q fire; want %q", shown.alerts, of(fired, r.name), want)
			}
			if commands := before.commands(r.name); !slices.Equal(shown.commands, commands[:r.shown(commands)]) || len(commands) == 0 {
				t.Fatalf("the page has the commands %q, the JSON %q", shown.commands, commands)
			}
			if status, text := e.check(t, r.name); status != 2 || !strings.Contains(text, shown.commands[0]) {
				t.Errorf("check has the exit status %d, want 2, and must print the command:\n%s", status, text)
			}
			for _, line := range shown.commands {
				args := shellArguments(t, line)
				for i := range args {
					if strings.HasPrefix(args[i], "<") {
						args[i] = r.placeholder
					}
				}
				err := accounts[r.name].send(t, simulator.DefaultAccessKeyID, simulator.DefaultAccessKeySecret, args)
				if err == nil || !strings.Contains(err.Error(), "Forbidden.RAM") {
					t.Errorf("the daemon's key may make a task: %v", err)
				}
				if err := accounts[r.name].send(t, simulator.PersonAccessKeyID, simulator.PersonAccessKeySecret, args); err != nil {
					t.Fatalf("%s: %v", line, err)
				}
			}
			accounts[r.name].ahead.Store(int64(2 * time.Minute))
		})
	}
	after := parseDocument(t, e.afterScrape(t, "/api/v1/exports"))
	fired = alertsOf(t, e.get(t, "/metrics"))
	for _, r := range remedies() {
		t.Run(r.name+" afterwards", func(t *testing.T) {
			if alerts := after.only(r.name).alerts(); len(alerts) > 0 {
				t.Errorf("the JSON has the problems %q", alerts)
			}
			if shown := parsePage(t, e.get(t, "/?account="+r.name), anchors); len(shown.alerts)+len(shown.commands) > 0 {
				t.Errorf("the page has the problems %q and the commands %q", shown.alerts, shown.commands)
			}
			if alerts := of(fired, r.name); len(alerts) > 0 {
				t.Errorf("the alerts %q fire", alerts)
			}
			if status, text := e.check(t, r.name); status != 0 || !strings.HasSuffix(text, "\n"+r.name+" is fine\n") {
				t.Errorf("check has the exit status %d:\n%s", status, text)
			}
		})
	}
}

// afterScrape returns a page after the lists were read again.
func (e daemon) afterScrape(t *testing.T, path string) string {
	t.Helper()
	e.get(t, "/metrics")
	return e.get(t, path)
}

// only returns the document of one account.
func (d document) only(name string) document {
	for _, account := range d.Accounts {
		if account.Account == name {
			d.Accounts = append(d.Accounts[:0:0], account)
		}
	}
	return d
}

// kinds returns the kinds of the problems, each once, in their order.
func (d document) kinds() []string {
	var all []string
	for _, account := range d.Accounts {
		for _, export := range account.Exports {
			for _, p := range export.Problems {
				if !slices.Contains(all, p.Kind) {
					all = append(all, p.Kind)
				}
			}
		}
	}
	return all
}

// of returns the alerts of an account.
func of(alerts []string, account string) []string {
	return slices.DeleteFunc(slices.Clone(alerts), func(name string) bool { return !strings.HasPrefix(name, account+" ") })
}

// shellArguments returns the arguments with which a POSIX shell runs aliyun, after "cdn".
func shellArguments(t *testing.T, line string) []string {
	t.Helper()
	directory := t.TempDir()
	aliyun := "#!/bin/sh\nprintf '%s\\000' \"$@\" >> \"$HOME/arguments\"\n"
	if err := os.WriteFile(filepath.Join(directory, "aliyun"), []byte(aliyun), 0o700); err != nil {
		t.Fatal(err)
	}
	shell := exec.Command("/bin/sh", "-c", line)
	shell.Env = []string{"HOME=" + directory, "PATH=" + directory + ":/usr/bin:/bin"}
	if output, err := shell.CombinedOutput(); err != nil || len(output) > 0 {
		t.Fatalf("%s: %v\n%s", line, err, output)
	}
	text, err := os.ReadFile(filepath.Join(directory, "arguments"))
	if err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(directory); err != nil || len(entries) != 2 {
		t.Errorf("the command left %v, %v", entries, err)
	}
	args := strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
	if args[0] != "cdn" {
		t.Fatalf("the arguments are %q", args)
	}
	return args[1:]
}
