package collector_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/collector"
)

// at reads a moment such as 2026-03-01T00:00:00+08:00; "" is none.
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

func TestAPeriodIsWhatTheFileCanHold(t *testing.T) {
	for _, tc := range []struct {
		name                string
		start, end, created string
		want                collector.Period
		ok                  bool
	}{
		{"a month that ends one second early is the whole month", "2018-07-31T16:00:00Z", "2018-08-31T15:59:59Z", "2018-09-01T01:30:00Z", collector.Period{at("2018-08-01T00:00:00+08:00"), at("2018-09-01T00:00:00+08:00")}, true},
		{"an export made too early ends at its creation", "2026-10-31T16:00:00Z", "2026-11-30T15:59:59Z", "2026-11-20T00:00:00Z", collector.Period{at("2026-11-01T00:00:00+08:00"), at("2026-11-20T00:00:00Z")}, true},
		{"without a creation nothing is cut", "2026-10-31T16:00:00Z", "2026-11-30T15:59:59Z", "", collector.Period{at("2026-11-01T00:00:00+08:00"), at("2026-12-01T00:00:00+08:00")}, true},
		{"the same start and end is one second", "2026-10-01T00:00:00Z", "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z", collector.Period{at("2026-10-01T00:00:00Z"), at("2026-10-01T00:00:01Z")}, true},
		{"a period of no length is none", "2026-10-01T00:00:01Z", "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z", collector.Period{}, false},
		{"a reversed period is none", "2026-10-31T00:00:00Z", "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z", collector.Period{}, false},
		{"a missing start is none", "", "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z", collector.Period{}, false},
		{"a missing end is none", "2026-10-01T00:00:00Z", "", "2026-11-01T00:00:00Z", collector.Period{}, false},
		{"a period after the creation holds nothing", "2026-10-01T00:00:00Z", "2026-10-31T00:00:00Z", "2026-09-01T00:00:00Z", collector.Period{}, false},
	} {
		got, ok := collector.PeriodOf(apiclient.Task{Start: at(tc.start), End: at(tc.end), Created: at(tc.created)})
		if ok != tc.ok || ok && got != tc.want {
			t.Errorf("%s: %v, %v, want %v, %v", tc.name, got, ok, tc.want, tc.ok)
		}
	}
}

func TestUnionOfPeriods(t *testing.T) {
	for _, tc := range []struct {
		name    string
		periods []collector.Period
		want    collector.Union
		ratio   float64 // of [0, 100)
	}{
		{"nothing covers nothing", nil, nil, 0},
		{"two that overlap are one", []collector.Period{{10, 30}, {20, 50}}, collector.Union{{10, 50}}, 0.4},
		{"two that touch are one", []collector.Period{{30, 50}, {10, 30}}, collector.Union{{10, 50}}, 0.4},
		{"a gap stays a gap", []collector.Period{{10, 30}, {31, 50}}, collector.Union{{10, 30}, {31, 50}}, 0.39},
		{"one inside another adds nothing", []collector.Period{{0, 100}, {20, 30}}, collector.Union{{0, 100}}, 1},
		{"what lies outside does not count", []collector.Period{{-50, 25}, {90, 400}}, collector.Union{{-50, 25}, {90, 400}}, 0.35},
	} {
		got := collector.UnionOf(tc.periods)
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
		if ratio := got.Ratio(collector.Period{Start: 0, End: 100}); ratio != tc.ratio {
			t.Errorf("%s: ratio = %v, want %v", tc.name, ratio, tc.ratio)
		}
		if covers := got.Covers(collector.Period{Start: 0, End: 100}); covers != (tc.ratio == 1) {
			t.Errorf("%s: covers = %v", tc.name, covers)
		}
	}
}

// What finance sees of a month, through the calendar of the account.
func TestMonthsAreCoveredAsFarAsFilesReach(t *testing.T) {
	const hours = 31 * 24 // of October
	october := collector.Month.Span(at("2026-11-22T00:00:00Z").Time(), zone(t, "Asia/Shanghai"), 1)
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
		{"a month in UTC leaves eight hours", []apiclient.Task{made("2026-10-01T00:00:00Z", "2026-10-31T23:59:59Z", "2026-11-02T00:00:00Z")}, (hours - 8.0) / hours},
		{"an export made at the month's noon", []apiclient.Task{made("2026-10-01T00:00:00+08:00", "2026-10-31T23:59:59+08:00", "2026-10-16T12:00:00+08:00")}, 0.5},
		{"two halves that overlap", []apiclient.Task{
			made("2026-10-01T00:00:00+08:00", "2026-10-20T23:59:59+08:00", "2026-11-01T09:00:00+08:00"),
			made("2026-10-10T00:00:00+08:00", "2026-10-31T23:59:59+08:00", "2026-11-01T09:00:00+08:00"),
		}, 1},
		{"a period across two months counts for both", []apiclient.Task{made("2026-09-16T00:00:00+08:00", "2026-10-15T23:59:59+08:00", "2026-11-01T09:00:00+08:00")}, 15.0 / 31},
		{"a second is missing", []apiclient.Task{made("2026-10-01T00:00:01+08:00", "2026-10-31T23:59:59+08:00", "2026-11-01T09:00:00+08:00")}, 1 - 1.0/(hours*3600)},
	} {
		if got := collector.CoveredBy(tc.tasks, nil).Ratio(october); math.Abs(got-tc.want) > 1e-9 || (got == 1) != (tc.want == 1) {
			t.Errorf("%s: %v of October is covered, want %v", tc.name, got, tc.want)
		}
	}
}

// The order of periods does not matter, no period is lost, and one more never
// covers less.
func TestUnionsAreSets(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		periods := make([]collector.Period, random.IntN(12))
		member := make([]bool, 200)
		for i := range periods {
			start := random.IntN(180)
			end := start + 1 + random.IntN(20)
			periods[i] = collector.Period{Start: apiclient.Timestamp(start), End: apiclient.Timestamp(end)}
			for s := start; s < end; s++ {
				member[s] = true
			}
		}
		union := collector.UnionOf(periods)
		for s := range member {
			second := collector.Period{Start: apiclient.Timestamp(s), End: apiclient.Timestamp(s + 1)}
			if union.Covers(second) != member[s] {
				t.Fatalf("%v: second %d is covered: %v, want %v", periods, s, !member[s], member[s])
			}
		}
		random.Shuffle(len(periods), func(i, j int) { periods[i], periods[j] = periods[j], periods[i] })
		if diff := cmp.Diff(union, collector.UnionOf(periods)); diff != "" {
			t.Fatalf("the order matters:\n%s", diff)
		}
		whole := collector.Period{Start: 0, End: 200}
		more := collector.UnionOf(append(periods, collector.Period{Start: 50, End: 70}))
		if more.Ratio(whole) < union.Ratio(whole) {
			t.Fatalf("%v: one more period covers less", periods)
		}
	}
}

func TestSpansOfTheCalendar(t *testing.T) {
	for _, tc := range []struct {
		name       string
		every      collector.Every
		now, zone  string
		ago        int
		start, end string
	}{
		{"last month in Shanghai begins at 16:00 UTC", collector.Month, "2026-11-22T12:00:00Z", "Asia/Shanghai", 1, "2026-09-30T16:00:00Z", "2026-10-31T16:00:00Z"},
		{"an hour before the month's end in Shanghai it is still this month", collector.Month, "2026-10-31T15:00:00Z", "Asia/Shanghai", 0, "2026-09-30T16:00:00Z", "2026-10-31T16:00:00Z"},
		{"an hour later it is the next one", collector.Month, "2026-10-31T16:00:00Z", "Asia/Shanghai", 0, "2026-10-31T16:00:00Z", "2026-11-30T16:00:00Z"},
		{"February of a leap year has 29 days", collector.Month, "2028-03-10T00:00:00Z", "UTC", 1, "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"},
		{"February of another has 28", collector.Month, "2026-03-31T00:00:00Z", "UTC", 1, "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"},
		{"two months before January is November", collector.Month, "2027-01-31T00:00:00Z", "UTC", 2, "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"},
		{"March in Berlin is an hour short", collector.Month, "2026-04-15T00:00:00Z", "Europe/Berlin", 1, "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z"},
		{"a week begins on Monday", collector.Week, "2026-11-22T12:00:00Z", "UTC", 0, "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z"},
		{"also on a Monday", collector.Week, "2026-11-23T00:00:00Z", "UTC", 1, "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z"},
		{"the week of the change in Berlin is an hour long", collector.Week, "2026-10-25T12:00:00Z", "Europe/Berlin", 0, "2026-10-18T22:00:00Z", "2026-10-25T23:00:00Z"},
		{"yesterday", collector.Day, "2026-03-01T12:00:00Z", "UTC", 1, "2026-02-28T00:00:00Z", "2026-03-01T00:00:00Z"},
		{"a day that begins at 01:00, in Cairo", collector.Day, "2026-04-24T12:00:00Z", "Africa/Cairo", 0, "2026-04-23T22:00:00Z", "2026-04-24T21:00:00Z"},
		{"a day that begins at 01:00, in Havana", collector.Day, "2013-03-10T16:00:00Z", "America/Havana", 0, "2013-03-10T05:00:00Z", "2013-03-11T04:00:00Z"},
		{"a day that begins twice, in Havana", collector.Day, "2026-11-01T12:00:00Z", "America/Havana", 0, "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"},
	} {
		want := collector.Period{Start: at(tc.start), End: at(tc.end)}
		if got := tc.every.Span(at(tc.now).Time(), zone(t, tc.zone), tc.ago); got != want {
			t.Errorf("%s: %s to %s, want %s to %s", tc.name, got.Start.Time(), got.End.Time(), tc.start, tc.end)
		}
	}
}
