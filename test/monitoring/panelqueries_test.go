package monitoring

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

// findPanel returns the panel with a title.
func findPanel(t *testing.T, title string) panel {
	t.Helper()
	for _, d := range dashboards(t) {
		for _, p := range d.panels() {
			if p.Title == title {
				return p
			}
		}
	}
	t.Fatalf("no panel %s", title)
	return panel{}
}

// panelQuery returns a query of the panel with a title, as PromQL.
func panelQuery(t *testing.T, title, refID string) string {
	t.Helper()
	for _, target := range findPanel(t, title).Targets {
		if target.RefID == refID {
			return expandVariables(target.Expr)
		}
	}
	t.Fatalf("panel %s has no query %s", title, refID)
	return ""
}

// evaluate returns the series of a query at a moment.
func evaluate(t *testing.T, h *samples, query string, at time.Time) promql.Matrix {
	t.Helper()
	return h.query(t, query, evaluations{at, at, time.Minute})
}

// values returns the value of a query for each account, or for the whole if it has none.
func values(t *testing.T, h *samples, query string, at time.Time) map[string]float64 {
	t.Helper()
	found := make(map[string]float64)
	for _, s := range evaluate(t, h, query, at) {
		account := s.Metric.Get("account")
		if _, ok := found[account]; ok {
			t.Errorf("%s: two values for account %q", query, account)
		}
		found[account] = s.Floats[0].F
	}
	return found
}

// now is a moment in the middle of a month, in every time zone.
var now = time.Date(2026, time.November, 11, 1, 0, 0, 0, time.UTC)

// seriesOf returns series with one sample each at now, written as name{label="value", …} value. Each is of the usage
// list of a job.
func seriesOf(t *testing.T, text string) *samples {
	t.Helper()
	series := newSamples()
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		metric, value, _ := strings.Cut(line, "} ")
		l, err := parser.NewParser(parser.Options{}).ParseMetric(metric + "}")
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		var v float64
		if _, err := fmt.Sscan(value, &v); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		series.add(labels.NewBuilder(l).Set("job", "j").Set("export", "usage").Labels(), now, v)
	}
	return series
}

// Two replicas see an account at different times: the numbers of one, never a mixture.
func TestPanelReplicas(t *testing.T) {
	t.Parallel()
	const replicas = `
		alicdn_export_up{instance="a", account="x"} %d
		alicdn_export_snapshot_timestamp_seconds{instance="a", account="x"} %d
		alicdn_export_newest_task_status{instance="a", account="x", status="success"} 1
		alicdn_export_newest_task_status{instance="a", account="x", status="created"} 0
		alicdn_export_newest_task_status{instance="a", account="x", status="failed"} 0
		alicdn_export_tasks{instance="a", account="x", status="success"} 3
		alicdn_export_tasks{instance="a", account="x", status="failed"} 0
		alicdn_export_unrecovered_failures{instance="a", account="x"} 0
		alicdn_export_up{instance="b", account="x"} %d
		alicdn_export_snapshot_timestamp_seconds{instance="b", account="x"} %d
		alicdn_export_newest_task_status{instance="b", account="x", status="success"} 0
		alicdn_export_newest_task_status{instance="b", account="x", status="created"} 1
		alicdn_export_newest_task_status{instance="b", account="x", status="failed"} 0
		alicdn_export_tasks{instance="b", account="x", status="success"} 2
		alicdn_export_tasks{instance="b", account="x", status="failed"} 2
		alicdn_export_unrecovered_failures{instance="b", account="x"} 2
	`
	type numbers struct{ Newest, Succeeded, Failures float64 }
	a, b := numbers{1, 3, 0}, numbers{3, 2, 2}
	for name, test := range map[string]struct {
		upA, readA, upB, readB int
		want                   numbers
	}{
		"both read, the newer list counts":                    {1, 100, 1, 200, b},
		"both read at the same time, one of them counts":      {1, 100, 1, 100, a},
		"the reading one counts, though the other read later": {1, 100, 0, 200, a},
		"the reading one counts":                              {0, 100, 1, 200, b},
		"none reads, the newest list counts":                  {0, 200, 0, 100, a},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			series := seriesOf(t, fmt.Sprintf(replicas, test.upA, test.readA, test.upB, test.readB))
			one := func(title string) float64 {
				found := values(t, series, panelQuery(t, title, "A"), now)
				if len(found) != 1 {
					t.Errorf("%s: %v, want one value", title, found)
				}
				return found["x"]
			}
			got := numbers{Newest: one("Newest task"), Failures: one("Failures")}
			for _, s := range evaluate(t, series, panelQuery(t, "Tasks by status", "A"), now) {
				if s.Metric.Get("status") == "success" {
					got.Succeeded = s.Floats[0].F
				}
			}
			if got != test.want && (test.readA != test.readB || got != b) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

// Every number of a list comes from one replica, which is chosen before anything is combined.
func TestPanelsChooseAReplica(t *testing.T) {
	t.Parallel()
	// These belong to a replica, or are combined from all.
	free := regexp.MustCompile(`^(|up|process_.*|ALERTS.*|.*:.*|` +
		`alicdn_export_(build_info|config_.*|limit_seconds|up|api_.*|refresh_duration_seconds|listing_restarts_total))$`)
	isChoice := func(node parser.Node) bool {
		join, ok := node.(*parser.BinaryExpr)
		if !ok || join.Op != parser.LAND ||
			!slices.Equal(join.VectorMatching.MatchingLabels, []string{"job", "instance", "account", "export"}) {
			return false
		}
		choice, ok := join.RHS.(*parser.AggregateExpr)
		return ok && choice.Op == parser.TOPK && slices.Equal(choice.Grouping, []string{"job", "account", "export"})
	}
	choices := 0
	for _, query := range dashboardQueries(t) {
		parser.Inspect(parse(t, query), func(node parser.Node, path []parser.Node) error {
			selector, ok := node.(*parser.VectorSelector)
			switch {
			case !ok || free.MatchString(metric(selector)):
			case slices.ContainsFunc(path, isChoice):
				choices++
			default:
				t.Errorf("%s is taken from all replicas at once: %s", metric(selector), query)
			}
			return nil
		})
	}
	if choices < 40 {
		t.Errorf("only %d choices of a replica, want at least 40", choices)
	}
}

// Limits differ by account, and one that is switched off makes nothing red.
func TestPanelStates(t *testing.T) {
	t.Parallel()
	const day = 86400
	octoberEnd := time.Date(2026, time.October, 31, 16, 0, 0, 0, time.UTC).Unix() // in Shanghai
	moments := strings.NewReplacer("NOW", fmt.Sprint(now.Unix()), "40DAYSAGO", fmt.Sprint(now.Unix()-40*day),
		"YESTERDAY", fmt.Sprint(now.Unix()-day),
		"OCTOBER", fmt.Sprint(octoberEnd))
	series := seriesOf(t, moments.Replace(`
		alicdn_export_up{instance="a", account="old"} 1
		alicdn_export_up{instance="a", account="off"} 1
		alicdn_export_up{instance="a", account="new"} 1
		alicdn_export_snapshot_timestamp_seconds{instance="a", account="old"} NOW
		alicdn_export_snapshot_timestamp_seconds{instance="a", account="off"} NOW
		alicdn_export_snapshot_timestamp_seconds{instance="a", account="new"} NOW
		alicdn_export_unrecovered_failures{instance="a", account="old"} 0
		alicdn_export_unrecovered_failures{instance="a", account="off"} 0
		alicdn_export_unrecovered_failures{instance="a", account="new"} 0
		alicdn_export_tasks{instance="a", account="old", status="success"} 1
		alicdn_export_tasks{instance="a", account="off", status="success"} 1
		alicdn_export_tasks{instance="a", account="new", status="success"} 0
		alicdn_export_newest_success_timestamp_seconds{instance="a", account="old"} 40DAYSAGO
		alicdn_export_newest_success_timestamp_seconds{instance="a", account="off"} 40DAYSAGO
		alicdn_export_newest_success_age_seconds{instance="a", account="old"} 3456000
		alicdn_export_newest_success_age_seconds{instance="a", account="off"} 3456000
		alicdn_export_oldest_pending_created_timestamp_seconds{instance="a", account="old"} YESTERDAY
		alicdn_export_oldest_pending_created_timestamp_seconds{instance="a", account="off"} 40DAYSAGO
		alicdn_export_oldest_pending_created_timestamp_seconds{instance="a", account="new"} NOW
		alicdn_export_month_covered_ratio{instance="a", account="old", months_ago="1"} 0.9999
		alicdn_export_month_covered_ratio{instance="a", account="off", months_ago="1"} 0
		alicdn_export_month_covered_ratio{instance="a", account="new", months_ago="1"} 0
		alicdn_export_month_end_timestamp_seconds{instance="a", account="old", months_ago="1"} OCTOBER
		alicdn_export_month_end_timestamp_seconds{instance="a", account="off", months_ago="1"} OCTOBER
		alicdn_export_month_end_timestamp_seconds{instance="a", account="new", months_ago="1"} OCTOBER
		alicdn_export_limit_seconds{instance="a", account="old", limit="success_age"} 3024000
		alicdn_export_limit_seconds{instance="a", account="new", limit="success_age"} 3024000
		alicdn_export_limit_seconds{instance="a", account="old", limit="pending_age"} 21600
		alicdn_export_limit_seconds{instance="a", account="new", limit="pending_age"} 21600
		alicdn_export_limit_seconds{instance="a", account="old", limit="month_grace"} 259200
		alicdn_export_limit_seconds{instance="a", account="new", limit="month_grace"} 2592000
	`))
	for panel, want := range map[string]map[string]float64{
		"Exports D":                   {"old": 1, "new": 2},           // too old, never
		"Exports I":                   {"old": 1, "off": 0, "new": 0}, // stuck, pending
		"Months B":                    {"old": 1, "off": 3, "new": 0}, // missing, not judged, not due yet
		"Months C":                    {"old": 0.99, "off": 0, "new": 0},
		"Succeeded A":                 {"off": 40},
		"Succeeded B":                 {"old": 40},
		"Pending A":                   {"off": 40 * day, "new": 0},
		"Pending B":                   {"old": day},
		"Age of the newest success A": {"off": 40},
		"Age of the newest success B": {"old": 40},
		"Last month B":                {"old": float64(1000 * (octoberEnd - 15*day))},
		"Last month C":                {"new": float64(1000 * (octoberEnd - 15*day))},
		"Last month D":                {"off": float64(1000 * (octoberEnd - 15*day))},
	} {
		title, refID := panel[:len(panel)-2], panel[len(panel)-1:]
		if diff := cmp.Diff(want, values(t, series, panelQuery(t, title, refID), now)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", panel, diff)
		}
	}
}

// A month's name is read from a moment in its middle, which is in the same month in every time zone.
func TestPanelMonthNames(t *testing.T) {
	t.Parallel()
	for _, offset := range []int{-12, -8, 0, 8, 14} {
		zone := time.FixedZone("", offset*3600)
		for month := time.January; month <= time.December; month++ {
			end := time.Date(2026, month+1, 1, 0, 0, 0, 0, zone)
			series := seriesOf(t, fmt.Sprintf(`
				alicdn_export_up{instance="a", account="x"} 1
				alicdn_export_snapshot_timestamp_seconds{instance="a", account="x"} 1
				alicdn_export_month_end_timestamp_seconds{instance="a", account="x", months_ago="1"} %d`, end.Unix()))
			shown := values(t, series, panelQuery(t, "Months", "A"), now)["x"]
			for _, browser := range []int{-12, 0, 14} {
				got := time.UnixMilli(int64(shown)).In(time.FixedZone("", browser*3600)).Format("January 2006")
				if want := month.String() + " 2026"; got != want {
					t.Errorf("UTC%+d: %s is shown as %s in a browser in UTC%+d", offset, want, got, browser)
				}
			}
		}
	}
}

// Prometheus scrapes classic buckets, or a native histogram in their place.
func TestPanelHistograms(t *testing.T) {
	t.Parallel()
	name := func(suffix string, more ...string) labels.Labels {
		return labels.FromStrings(append([]string{
			model.MetricNameLabel, "alicdn_export_api_request_duration_seconds" + suffix,
			"job", "j", "instance", "a", "account", "x", "export", "usage",
		}, more...)...)
	}
	classic, native := newSamples(), newSamples()
	calls := &promql.Series{Metric: name("")}
	native.byName["alicdn_export_api_request_duration_seconds"] = map[string]*promql.Series{"": calls}
	for i := range 4 {
		at, count := now.Add(time.Duration(i-3)*time.Minute), float64(10*i)
		// All calls took between 0.1 and 0.25 seconds.
		classic.add(name("_bucket", model.BucketLabel, "0.1"), at, 0)
		classic.add(name("_bucket", model.BucketLabel, "0.25"), at, count)
		classic.add(name("_bucket", model.BucketLabel, "+Inf"), at, count)
		calls.Histograms = append(calls.Histograms, promql.HPoint{T: at.UnixMilli(), H: &histogram.FloatHistogram{
			Schema: 0, Count: count, Sum: count * .2,
			PositiveSpans: []histogram.Span{{Offset: -2, Length: 1}}, PositiveBuckets: []float64{count}, // (1/8, 1/4]
		}})
	}
	for kind, series := range map[string]*samples{"classic": classic, "native": native} {
		for _, refID := range []string{"A", "B"} {
			found := values(t, series, panelQuery(t, "API latency", refID), now)
			if seconds, ok := found[""]; !ok || seconds < 0.1 || seconds > 0.25 {
				t.Errorf("%s: query %s returns %v, want a value between 0.1 and 0.25", kind, refID, found)
			}
		}
	}
	// There is no other query of a histogram.
	for _, query := range dashboardQueries(t) {
		if strings.Contains(query, "histogram_quantile") && !slices.Contains([]string{
			panelQuery(t, "API latency", "A"), panelQuery(t, "API latency", "B"),
		}, query) {
			t.Errorf("not tested: %s", query)
		}
	}
}
