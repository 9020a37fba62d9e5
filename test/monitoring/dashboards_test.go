package monitoring

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
)

// rows are the titles of the rows of every dashboard, in order.
var rows = []string{"Is everything fine?", "Freshness and coverage", "Tasks", "API", "Exporter process"}

// panelTypes are the panel types that both Grafana and test/render support.
var panelTypes = []string{"stat", "timeseries", "table", "bargauge", "state-timeline", "status-history"}

// variables are the variables of every dashboard, each with its query.
var variables = []struct{ name, label, definition string }{
	{"datasource", "Data source", ""},
	{"job", "Job", `label_values(alicdn_export_up, job)`},
	{"instance", "Instance", `label_values(alicdn_export_up{job=~"$job"}, instance)`},
	{"account", "Account", `label_values(alicdn_export_up{job=~"$job", instance=~"$instance"}, account)`},
	{
		"export", "Export",
		`label_values(alicdn_export_up{job=~"$job", instance=~"$instance", account=~"$account"}, export)`,
	},
}

func TestDashboards(t *testing.T) {
	t.Parallel()
	uids := make(map[string]string)
	for file, d := range dashboards(t) {
		if other, ok := uids[d.UID]; ok {
			t.Errorf("%s has the same uid as %s", file, other)
		}
		uids[d.UID] = file
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			d.checkHead(t)
			d.checkVariables(t)
			d.checkRows(t)
			d.checkLayout(t)
			for _, p := range d.panels() {
				t.Run(p.Title, func(t *testing.T) { p.check(t) })
			}
			for _, annotation := range d.Annotations.List {
				if annotation.Expr != annotation.Target.Expr || annotation.Datasource.UID != "${datasource}" {
					t.Errorf("annotation %s: its two queries differ, or it does not use ${datasource}", annotation.Name)
				}
				expr, ok := parse(t, expandVariables(annotation.Expr)).(*parser.BinaryExpr)
				if !ok || expr.Op != parser.GTR || expr.RHS.String() != "0" {
					t.Errorf("annotation %s: Grafana draws only values above 0; the query must be … > 0",
						annotation.Name)
				}
			}
			for _, query := range d.queries() {
				checkSelectors(t, query)
			}
		})
	}
}

func (d *dashboard) checkHead(t *testing.T) {
	t.Helper()
	if d.ID != nil || d.Inputs != nil {
		t.Error("id and __inputs must be absent")
	}
	if !strings.HasPrefix(d.UID, "alicdn-export-") || d.SchemaVersion != 42 ||
		d.Editable == nil || *d.Editable || d.GraphTooltip != 1 {
		t.Errorf("uid %q, schemaVersion %d, editable %v or graphTooltip %d is wrong",
			d.UID, d.SchemaVersion, d.Editable, d.GraphTooltip)
	}
	if !slices.Contains(d.Tags, "alicdn-export") {
		t.Errorf("tags are %q, want alicdn-export among them", d.Tags)
	}
	siblings, runbooks := false, false
	for _, link := range d.Links {
		siblings = siblings || link.Type == "dashboards" && slices.Equal(link.Tags, []string{"alicdn-export"})
		runbooks = runbooks || link.URL == runbook(t)
	}
	if !siblings || !runbooks {
		t.Errorf("has a link to the other dashboards: %v; to the runbook: %v", siblings, runbooks)
	}
	for _, name := range []string{"Failed refreshes", "Restarts"} {
		found := false
		for _, annotation := range d.Annotations.List {
			found = found || annotation.Name == name
		}
		if !found {
			t.Errorf("no annotation %s", name)
		}
	}
}

func (d *dashboard) checkVariables(t *testing.T) {
	t.Helper()
	if len(d.Templating.List) != len(variables) {
		t.Fatalf("%d variables, want %d", len(d.Templating.List), len(variables))
	}
	for i, want := range variables {
		got := d.Templating.List[i]
		if got.Name != want.name || got.Label != want.label || got.Definition != want.definition {
			t.Errorf("variable %d is %q with label %q and query %s, want %+v",
				i, got.Name, got.Label, got.Definition, want)
		}
		if uses := strings.Count(strings.Join(d.queries(), "\n"), "$"+got.Name); uses == 0 && got.Name != "datasource" {
			t.Errorf("variable %s is unused", got.Name)
		}
		if i > 0 && (got.Type != "query" || got.Datasource.UID != "${datasource}" || got.Refresh != 2 ||
			got.Sort != 1 || !got.Multi || !got.IncludeAll || got.AllValue != ".+") {
			t.Errorf("variable %s: %+v", got.Name, got)
		}
	}
}

func (d *dashboard) checkRows(t *testing.T) {
	t.Helper()
	var titles []string
	for _, p := range d.Panels {
		if p.Type == "row" {
			titles = append(titles, p.Title)
			if p.Collapsed != (p.Title == "Exporter process") {
				t.Errorf("row %q: collapsed is %v", p.Title, p.Collapsed)
			}
		}
	}
	if !slices.Equal(titles, rows) {
		t.Errorf("rows %q, want %q", titles, rows)
	}
}

// checkLayout reports panels that overlap, leave the grid or share an id.
func (d *dashboard) checkLayout(t *testing.T) {
	t.Helper()
	all := d.Panels
	ids := make(map[int]bool)
	for _, p := range append(d.panels(), all...) {
		if p.ID == 0 || ids[p.ID] && p.Type == "row" {
			t.Errorf("panel %q has no unique id", p.Title)
		}
		ids[p.ID] = true
		if p.GridPos.X < 0 || p.GridPos.X+p.GridPos.W > 24 || p.GridPos.W <= 0 || p.GridPos.H <= 0 {
			t.Errorf("panel %q is not on the grid: %+v", p.Title, p.GridPos)
		}
	}
	shown := d.panels()
	for i, a := range shown {
		for _, b := range shown[:i] {
			if a.ID == b.ID {
				t.Errorf("panels %q and %q have the same id", a.Title, b.Title)
			}
			if a.GridPos.X < b.GridPos.X+b.GridPos.W && b.GridPos.X < a.GridPos.X+a.GridPos.W &&
				a.GridPos.Y < b.GridPos.Y+b.GridPos.H && b.GridPos.Y < a.GridPos.Y+a.GridPos.H {
				t.Errorf("panels %q and %q overlap", a.Title, b.Title)
			}
		}
	}
}

func (p panel) check(t *testing.T) {
	t.Helper()
	defaults := p.FieldConfig.Defaults
	if !slices.Contains(panelTypes, p.Type) {
		t.Errorf("panel type %s is not supported", p.Type)
	}
	if p.Title == "" || len(p.Description) < 40 || !strings.HasSuffix(p.Description, ".") {
		t.Errorf("title %q is empty, or description %q is too short or no sentence", p.Title, p.Description)
	}
	if p.Datasource.UID != "${datasource}" || len(p.Targets) == 0 {
		t.Error("does not use ${datasource}, or has no query")
	}
	for _, query := range p.Targets {
		if strings.Contains(query.Expr, "alicdn_export_task_info") &&
			!strings.Contains(defaults.NoValue, "--collector.task-info") {
			t.Errorf("noValue %q does not name the flag that is off by default", defaults.NoValue)
		}
	}
	if defaults.Unit == "" || len(defaults.Thresholds) == 0 || defaults.NoValue == "" || defaults.Mappings == nil {
		t.Error("unit, thresholds, mappings or noValue is missing")
	}
	if slices.Contains([]string{"timeseries", "state-timeline", "status-history", "bargauge"}, p.Type) &&
		(p.Options.Legend == nil || p.Options.Legend.ShowLegend == nil) {
		t.Error("does not set whether it has a legend")
	}
	refs := make(map[string]bool)
	for _, target := range p.Targets {
		if refs[target.RefID] || target.RefID == "" {
			t.Errorf("refId %q is empty or a duplicate", target.RefID)
		}
		refs[target.RefID] = true
		if target.Datasource.UID != "${datasource}" {
			t.Errorf("query %s does not use ${datasource}", target.RefID)
		}
		if p.Type == "timeseries" && (target.Instant || target.Legend == "") {
			t.Errorf("query %s is an instant query, or has no legend", target.RefID)
		}
		checkCounters(t, expandVariables(target.Expr))
		if strings.Count(target.Expr, "rate(") > strings.Count(target.Expr, "[$__rate_interval]") {
			t.Errorf("%s: a rate without $__rate_interval", target.Expr)
		}
	}
}

// checkCounters reports a counter that is used without rate or increase.
func checkCounters(t *testing.T, query string) {
	t.Helper()
	parser.Inspect(parse(t, query), func(node parser.Node, path []parser.Node) error {
		selector, ok := node.(*parser.VectorSelector)
		if !ok || !strings.HasSuffix(selector.Name, "_total") && !strings.HasSuffix(selector.Name, "_bucket") {
			return nil
		}
		if len(path) < 2 {
			t.Errorf("%s is a raw counter", selector)
			return nil
		}
		call, ok := path[len(path)-2].(*parser.Call)
		if !ok || !slices.Contains([]string{"rate", "increase"}, call.Func.Name) {
			t.Errorf("%s is a raw counter", selector)
		}
		return nil
	})
}

// withoutExport and withoutAccount match the series that do not have these labels.
var (
	withoutExport = regexp.MustCompile(
		`^(alicdn_export_api_(rate_limit_|clock_skew_).*|alicdn_export:api_clock_skew_seconds:limit)$`)
	withoutAccount = regexp.MustCompile(`^(up|process_.*|go_.*|alicdn_export_(build_info|config_.*))$`)
)

// checkSelectors reports a selector without the variables of its series' labels.
func checkSelectors(t *testing.T, query string) {
	t.Helper()
	readable := strings.ReplaceAll(query, "$__rate_interval", "5m")
	for _, selector := range nodes[*parser.VectorSelector](parse(t, readable)) {
		name := metric(selector)
		want := []string{`job=~"$job"`}
		switch {
		case name == "": // Any recorded series: are the rules loaded?
			continue
		case strings.HasPrefix(name, "ALERTS"):
			// Some alerts lack some of the labels. CDNExportExporterAbsent lacks all of them.
			want = []string{`job=~"$job|"`, `instance=~"$instance|"`, `account=~"$account|"`, `export=~"$export|"`}
		case strings.Contains(name, ":"): // A recorded series combines all instances.
		default:
			want = append(want, `instance=~"$instance"`)
		}
		if !strings.HasPrefix(name, "ALERTS") && !withoutAccount.MatchString(name) {
			want = append(want, `account=~"$account"`)
			if !withoutExport.MatchString(name) {
				want = append(want, `export=~"$export"`)
			}
		}
		for _, matcher := range want {
			if !strings.Contains(selector.String(), matcher) {
				t.Errorf("selector %s lacks %s", selector, matcher)
			}
		}
	}
}

// states are the texts for states, with the color that each must have in every panel.
var states = map[string]string{
	"OK": "green", "Success": "green", "success": "green", "Covered": "green", "Recent": "green", "Fine": "green",
	"Up": "green", "succeeded": "green",
	"Failed": "red", "failed": "red", "Missing": "red", "Down": "red", "Now": "red", "Stuck": "red",
	"Too old": "red", "Never": "red", "Overdue": "red", "Refused": "red",
	"Pending": "blue", "created": "blue", "Not due yet": "blue", "Some time": "blue",
	"Unknown": "purple", "unknown": "purple", "unknown status": "purple",
	"Working hours": "orange", "API or network": "orange", "Throttled": "yellow",
	"No task": "text", "Not judged": "text",
}

func TestDashboardStateColors(t *testing.T) {
	t.Parallel()
	mapped := regexp.MustCompile(`(?s)"text":\s*"([^"]+)",\s*"color":\s*"([^"]+)"`)
	fixed := regexp.MustCompile(`(?s)"id": "byName",\s*"options": "([\w ]+)"\s*\},\s*` +
		`"properties": \[\s*\{\s*"id": "color",\s*"value": \{\s*"fixedColor": "([\w-]+)"`)
	seen := make(map[string]string)
	for file, d := range dashboards(t) {
		found := slices.Concat(mapped.FindAllStringSubmatch(d.text, -1), fixed.FindAllStringSubmatch(d.text, -1))
		for _, m := range found {
			state, color := m[1], m[2]
			want, ok := states[state]
			// "None" is good for failures, and neither good nor bad for pending exports. The others are no states.
			if !ok && !slices.Contains([]string{"None", "malformed time", "95 % are faster"}, state) {
				t.Errorf("%s: the state %s has no color in this test", file, state)
			}
			if ok && color != want {
				t.Errorf("%s: the state %s is %s, want %s", file, state, color, want)
			}
			seen[state] = color
		}
	}
	for state := range states {
		if seen[state] == "" {
			t.Errorf("no panel uses the state %s: is it spelled differently?", state)
		}
	}
}

// Nothing is drawn twice.
func TestDashboardPanelsAreUnique(t *testing.T) {
	t.Parallel()
	titles, queries := make(map[string]string), make(map[string]string)
	for file, d := range dashboards(t) {
		for _, p := range d.panels() {
			place := file + ", " + p.Title
			if other, ok := titles[p.Title]; ok {
				t.Errorf("%s: the title is also in %s", place, other)
			}
			titles[p.Title] = place
			for _, target := range p.Targets {
				// The value of now is the end of the same line, so a number and a line are not the same picture.
				query := fmt.Sprint(target.Instant, p.Type == "table", target.Expr)
				if other, ok := queries[query]; ok && other != place {
					t.Errorf("%s: %s also draws %s", place, other, target.Expr)
				}
				queries[query] = place
			}
		}
	}
}

// Every row and every series leads on: an account to its dashboard, an instance to its status page, and a state to
// what to do about it.
func TestDashboardLinks(t *testing.T) {
	t.Parallel()
	all := dashboards(t)
	var uids []string
	for _, d := range all {
		uids = append(uids, d.UID)
	}
	anchors := runbookAnchors(t)
	for file, d := range all {
		for _, p := range d.panels() {
			t.Run(file+" "+p.Title, func(t *testing.T) {
				links, byField := p.links(t)
				if p.Type == "table" {
					p.checkTableLinks(t, byField)
				} else if len(links) == 0 {
					t.Error("its series lead nowhere")
				}
				for _, link := range slices.Concat(append(slices.Collect(maps.Values(byField)), links)...) {
					checkLink(t, link, uids, anchors)
				}
			})
		}
	}
}

// checkTableLinks reports a column of accounts or instances without a link to them, and a table without any.
func (p panel) checkTableLinks(t *testing.T, byField map[string][]dataLink) {
	t.Helper()
	if len(byField) == 0 {
		t.Error("its rows lead nowhere")
	}
	columns := p.Transformations[len(p.Transformations)-1].Options.RenameByName
	for label, target := range map[string]string{
		"account":   "/d/alicdn-export-account?",
		"instance":  "http://${__value.raw}/",
		"alertname": runbook(t) + "#${__value.raw}",
	} {
		column, ok := columns[label]
		if !ok || label == "account" && strings.Contains(p.Description, "--collector.task-info") {
			continue // The newest tasks are those of the account dashboard itself.
		}
		if links := byField[column]; len(links) != 1 || !strings.HasPrefix(links[0].URL, target) {
			t.Errorf("the column %s has the links %+v, want one to %s…", column, links, target)
		}
	}
}

func checkLink(t *testing.T, link dataLink, uids, anchors []string) {
	t.Helper()
	if link.Title == "" {
		t.Errorf("%s has no title", link.URL)
	}
	isExternal := strings.HasPrefix(link.URL, "http")
	if link.TargetBlank != isExternal {
		t.Errorf("%s: opens a new tab: %v", link.URL, link.TargetBlank)
	}
	base, anchor, hasAnchor := strings.Cut(link.URL, "#")
	switch {
	case strings.HasPrefix(link.URL, "/d/"):
		uid, parameters, _ := strings.Cut(strings.TrimPrefix(link.URL, "/d/"), "?")
		if !slices.Contains(uids, uid) {
			t.Errorf("%s: no dashboard has this uid", link.URL)
		}
		for _, want := range []string{
			"${datasource:queryparam}", "${job:queryparam}", "${instance:queryparam}", "${__url_time_range}",
			"var-account=", "export",
		} {
			if !strings.Contains(parameters, want) {
				t.Errorf("%s: the link loses %s", link.URL, want)
			}
		}
	case base == runbook(t) && hasAnchor:
		if anchor != "${__value.raw}" && !slices.Contains(anchors, anchor) {
			t.Errorf("%s: the runbook has no such section", link.URL)
		}
	case base == runbook(t), link.URL == "https://cdn.console.aliyun.com/",
		regexp.MustCompile(`^http://\$\{__(value\.raw|field\.labels\.instance)\}/$`).MatchString(link.URL):
	default:
		t.Errorf("%s leads to an unknown place", link.URL)
	}
}

// The table of alerts says in words what is wrong.
func TestDashboardNamesEveryAlert(t *testing.T) {
	t.Parallel()
	table := findPanel(t, "What is wrong")
	var mappings []struct {
		Options map[string]struct {
			Text string `json:"text"`
		} `json:"options"`
	}
	if !table.override(t, "Problem", "mappings", &mappings) || len(mappings) != 1 {
		t.Fatal("the column Problem has no mappings")
	}
	texts := make(map[string]string)
	for _, alert := range allRules(t, true) {
		text := mappings[0].Options[alert.Alert].Text
		if text == "" {
			t.Errorf("%s has no text", alert.Alert)
		}
		if texts[text] != "" {
			t.Errorf("%s has the same text as %s: %s", alert.Alert, texts[text], text)
		}
		texts[text] = alert.Alert
	}
	columns := slices.Collect(maps.Values(table.Transformations[len(table.Transformations)-1].Options.RenameByName))
	for _, column := range []string{"Since", "Month", "Account", "Who", "Urgency"} {
		if !slices.Contains(columns, column) {
			t.Errorf("the table has no column %s", column)
		}
	}
}

// Moments are shown as ages, or as the name of a month: a browser's clock would show midnight in Shanghai as 16:00.
func TestDashboardTimes(t *testing.T) {
	t.Parallel()
	allowed := []string{"dateTimeFromNow", "time:MMMM YYYY"}
	moments := regexp.MustCompile(`"(?:unit|value)": "((?:dateTime|time:)[^"]*)"`)
	for file, d := range dashboards(t) {
		if d.TimeZone != "browser" {
			t.Errorf("%s: the time axis is in %q", file, d.TimeZone)
		}
		for _, m := range moments.FindAllStringSubmatch(d.text, -1) {
			if !slices.Contains(allowed, m[1]) {
				t.Errorf("%s: the unit %s shows the time of a browser", file, m[1])
			}
		}
	}
}
