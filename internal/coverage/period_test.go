package coverage_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/coverage"
)

// at parses a moment such as 2026-03-01T00:00:00+08:00. "" is a missing one.
func at(text string) apiclient.Timestamp {
	if text == "" {
		return 0
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return apiclient.Timestamp(t.Unix())
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	location, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return location
}

func TestPeriodOf(t *testing.T) {
	for _, tc := range []struct {
		name                string
		start, end, created string
		delay               time.Duration
		want                coverage.Period
		ok                  bool
	}{
		{
			"a file made a minute after the month lacks its last hours",
			"2018-07-31T16:00:00Z", "2018-08-31T15:59:59Z", "2018-08-31T16:01:00Z", 4 * time.Hour,
			coverage.Period{at("2018-08-01T00:00:00+08:00"), at("2018-08-31T20:01:00+08:00")},
			true,
		},
		{
			"a file made at the end of the delay has all",
			"2018-07-31T16:00:00Z", "2018-08-31T15:59:59Z", "2018-08-31T20:00:00Z", 4 * time.Hour,
			coverage.Period{at("2018-08-01T00:00:00+08:00"), at("2018-09-01T00:00:00+08:00")},
			true,
		},
		{
			"a file made a second before lacks a second",
			"2018-07-31T16:00:00Z", "2018-08-31T15:59:59Z", "2018-08-31T19:59:59Z", 4 * time.Hour,
			coverage.Period{at("2018-08-01T00:00:00+08:00"), at("2018-08-31T23:59:59+08:00")},
			true,
		},
		{
			"a period within the delay is none",
			"2018-08-31T12:00:00Z", "2018-08-31T12:59:59Z", "2018-08-31T16:00:00Z", 4 * time.Hour,
			coverage.Period{},
			false,
		},
		{
			"a month that ends one second early is the whole month",
			"2018-07-31T16:00:00Z", "2018-08-31T15:59:59Z", "2018-09-01T01:30:00Z", 0,
			coverage.Period{at("2018-08-01T00:00:00+08:00"), at("2018-09-01T00:00:00+08:00")},
			true,
		},
		{
			"an export made too early ends at its creation",
			"2026-10-31T16:00:00Z", "2026-11-30T15:59:59Z", "2026-11-20T00:00:00Z", 0,
			coverage.Period{at("2026-11-01T00:00:00+08:00"), at("2026-11-20T00:00:00Z")},
			true,
		},
		{
			"without a creation nothing is cut",
			"2026-10-31T16:00:00Z", "2026-11-30T15:59:59Z", "", 0,
			coverage.Period{at("2026-11-01T00:00:00+08:00"), at("2026-12-01T00:00:00+08:00")},
			true,
		},
		{
			"the same start and end is one second",
			"2026-10-01T00:00:00Z", "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z", 0,
			coverage.Period{at("2026-10-01T00:00:00Z"), at("2026-10-01T00:00:01Z")},
			true,
		},
		{
			"a period of no length is none",
			"2026-10-01T00:00:01Z", "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z", 0,
			coverage.Period{},
			false,
		},
		{
			"a reversed period is none",
			"2026-10-31T00:00:00Z", "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z", 0,
			coverage.Period{},
			false,
		},
		{"a missing start is none", "", "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z", 0, coverage.Period{}, false},
		{"a missing end is none", "2026-10-01T00:00:00Z", "", "2026-11-01T00:00:00Z", 0, coverage.Period{}, false},
		{
			"a period after the creation holds nothing",
			"2026-10-01T00:00:00Z", "2026-10-31T00:00:00Z", "2026-09-01T00:00:00Z", 0,
			coverage.Period{},
			false,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, ok := coverage.PeriodOf(apiclient.Task{Start: at(tc.start), End: at(tc.end), Created: at(tc.created)}, tc.delay)
			if ok != tc.ok || ok && got != tc.want {
				t.Errorf("%v, %v, want %v, %v", got, ok, tc.want, tc.ok)
			}
		})
	}
}

func TestUnionOf(t *testing.T) {
	for _, tc := range []struct {
		name    string
		periods []coverage.Period
		want    coverage.Union
		ratio   float64 // of [0, 100)
	}{
		{"nothing covers nothing", nil, nil, 0},
		{"two that overlap are one", []coverage.Period{{10, 30}, {20, 50}}, coverage.Union{{10, 50}}, 0.4},
		{"two that touch are one", []coverage.Period{{30, 50}, {10, 30}}, coverage.Union{{10, 50}}, 0.4},
		{"a gap stays a gap", []coverage.Period{{10, 30}, {31, 50}}, coverage.Union{{10, 30}, {31, 50}}, 0.39},
		{"one inside another adds nothing", []coverage.Period{{0, 100}, {20, 30}}, coverage.Union{{0, 100}}, 1},
		{
			"what lies outside does not count",
			[]coverage.Period{{-50, 25}, {90, 400}},
			coverage.Union{{-50, 25}, {90, 400}},
			0.35,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := coverage.UnionOf(tc.periods)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if ratio := got.Ratio(coverage.Period{Start: 0, End: 100}); ratio != tc.ratio {
				t.Errorf("ratio = %v, want %v", ratio, tc.ratio)
			}
			if covers := got.Covers(coverage.Period{Start: 0, End: 100}); covers != (tc.ratio == 1) {
				t.Errorf("covers = %v", covers)
			}
		})
	}
}

func TestExportedBy(t *testing.T) {
	const hours = 31 * 24 // of October
	october := coverage.Month.Period(at("2026-11-22T00:00:00Z").Time().In(zone(t, "Asia/Shanghai")), 1)
	made := func(start, end, created string) apiclient.Task {
		return apiclient.Task{Status: apiclient.Success, Start: at(start), End: at(end), Created: at(created)}
	}
	whole := made("2026-10-01T00:00:00+08:00", "2026-10-31T23:59:59+08:00", "2026-11-01T09:00:00+08:00")
	failed := whole
	failed.Status = apiclient.Failed
	for _, tc := range []struct {
		name  string
		tasks []apiclient.Task
		want  float64
	}{
		{"nothing", nil, 0},
		{"a failed export", []apiclient.Task{failed}, 0},
		{"the whole month", []apiclient.Task{whole}, 1},
		{"the whole month twice", []apiclient.Task{whole, whole}, 1},
		{
			"a month in UTC leaves eight hours",
			[]apiclient.Task{made("2026-10-01T00:00:00Z", "2026-10-31T23:59:59Z", "2026-11-02T00:00:00Z")},
			(hours - 8.0) / hours,
		},
		{
			"an export made at the month's noon",
			[]apiclient.Task{made("2026-10-01T00:00:00+08:00", "2026-10-31T23:59:59+08:00", "2026-10-16T12:00:00+08:00")},
			0.5,
		},
		{"two halves that overlap", []apiclient.Task{
			made("2026-10-01T00:00:00+08:00", "2026-10-20T23:59:59+08:00", "2026-11-01T09:00:00+08:00"),
			made("2026-10-10T00:00:00+08:00", "2026-10-31T23:59:59+08:00", "2026-11-01T09:00:00+08:00"),
		}, 1},
		{
			"a period across two months counts for both",
			[]apiclient.Task{made("2026-09-16T00:00:00+08:00", "2026-10-15T23:59:59+08:00", "2026-11-01T09:00:00+08:00")},
			15.0 / 31,
		},
		{
			"a second is missing",
			[]apiclient.Task{made("2026-10-01T00:00:01+08:00", "2026-10-31T23:59:59+08:00", "2026-11-01T09:00:00+08:00")},
			1 - 1.0/(hours*3600),
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := coverage.ExportedBy(tc.tasks, coverage.Pattern{}, 0).Covered.Ratio(october)
			if math.Abs(got-tc.want) > 1e-9 || (got == 1) != (tc.want == 1) {
				t.Errorf("%v of October is covered, want %v", got, tc.want)
			}
		})
	}
}

// The order of periods does not matter, no period is lost, and an additional one never reduces
// the coverage.
func TestUnionOfRandomPeriods(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		periods := make([]coverage.Period, random.IntN(12))
		member := make([]bool, 200)
		for i := range periods {
			start := random.IntN(180)
			end := start + 1 + random.IntN(20)
			periods[i] = coverage.Period{Start: apiclient.Timestamp(start), End: apiclient.Timestamp(end)}
			for s := start; s < end; s++ {
				member[s] = true
			}
		}
		union := coverage.UnionOf(periods)
		for s := range member {
			second := coverage.Period{Start: apiclient.Timestamp(s), End: apiclient.Timestamp(s + 1)}
			if union.Covers(second) != member[s] {
				t.Fatalf("%v: second %d is covered: %v, want %v", periods, s, !member[s], member[s])
			}
		}
		random.Shuffle(len(periods), func(i, j int) { periods[i], periods[j] = periods[j], periods[i] })
		if diff := cmp.Diff(union, coverage.UnionOf(periods)); diff != "" {
			t.Fatalf("the order matters:\n%s", diff)
		}
		whole := coverage.Period{Start: 0, End: 200}
		more := coverage.UnionOf(append(periods, coverage.Period{Start: 50, End: 70}))
		if more.Ratio(whole) < union.Ratio(whole) {
			t.Fatalf("%v: one more period covers less", periods)
		}
	}
}
