package monitoring

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/promql"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/collector"
	"alicdn_export_exporter/internal/coverage"
)

// job is an export that an account makes.
type job struct {
	apiclient.Task           // with the status that it ends with
	created        time.Time // the task is pending for two minutes, unless it never ends
}

const exportTime = 2 * time.Minute

// newJob returns the job that exports the usage from start to end.
func newJob(start, end, created time.Time, status apiclient.Status) job {
	return job{created: created, Task: apiclient.Task{
		ID: fmt.Sprint(created.Unix()), Name: "usage-" + start.Format("2006-01-02"), Status: status,
		Start: apiclient.Timestamp(start.Unix()), End: apiclient.Timestamp(end.Unix() - 1),
		Created: apiclient.Timestamp(created.Unix()), Updated: apiclient.Timestamp(created.Add(exportTime).Unix()),
	}}
}

// periodically returns the jobs of an account that exports each period after it has ended.
func periodically(every coverage.Interval, delay time.Duration, begin, end time.Time) []job {
	var jobs []job
	for now := end; ; {
		period := every.Period(now, 1)
		now = period.End.Time().In(shanghai).Add(-time.Second)
		created := period.End.Time().Add(delay)
		if created.Before(begin) {
			slices.Reverse(jobs)
			return jobs
		}
		jobs = append(jobs, newJob(period.Start.Time().In(shanghai), period.End.Time(), created, apiclient.Success))
	}
}

// lister is a collector.Client that lists an account's jobs for three calendar months.
type lister struct{ jobs []job }

func (l *lister) Read(context.Context, apiclient.Export, []string) (*apiclient.Listing, error) {
	now := time.Now()
	listing := &apiclient.Listing{Began: now}
	for _, j := range l.jobs {
		if j.created.After(now) || !j.created.In(shanghai).AddDate(0, 3, 0).After(now) {
			continue
		}
		task := j.Task
		if now.Before(j.created.Add(exportTime)) {
			task.Status, task.Updated = apiclient.Created, 0
		}
		listing.Tasks = append(listing.Tasks, task)
	}
	listing.TotalCount = len(listing.Tasks)
	return listing, nil
}

func (*lister) RateLimit() float64               { return 20 }
func (*lister) ClockSkew() (time.Duration, bool) { return 0, true }

// The stories begin with the year 2027 and end in the leap year 2028, with a scrape every five minutes.
var (
	yearBegins = time.Date(2027, time.January, 1, 0, 0, 0, 0, shanghai)
	yearEnds   = time.Date(2028, time.March, 10, 0, 0, 0, 0, shanghai)
)

// yearOf records more than a year of an account. The exporter reads its list every three hours, and
// after everything that happens; in between, nothing changes but the time at which the list was read.
func yearOf(t *testing.T, account collector.Account, jobs []job) (r recording) {
	t.Helper()
	account.Client, account.TimeZone, account.UsageDelay = &lister{jobs}, shanghai, 4*time.Hour
	var events []time.Time
	for _, j := range jobs {
		events = append(events, j.created, j.created.Add(exportTime))
	}
	slices.SortFunc(events, time.Time.Compare)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(yearBegins))
		r.samples, r.evaluations = newSamples(), evaluations{yearBegins, yearEnds, maxScrapeInterval}
		e := newExporter(time.Minute, []collector.Account{account})
		defer e.collector.Close()
		for now := yearBegins; !now.After(yearEnds); now = now.Add(maxScrapeInterval) {
			happened := false
			for len(events) > 0 && !events[0].After(now) {
				happened, events = true, events[1:]
			}
			if now.Sub(yearBegins)%(3*time.Hour) == 0 || happened {
				time.Sleep(time.Until(now))
				e.scrape(t, r.samples, now)
				r.addScraped(now, 1, "up", nil)
			} else {
				r.repeat(now)
			}
		}
	})
	return r
}

// repeat repeats the last scrape, except that the list was read at that time.
func (h *samples) repeat(now time.Time) {
	for name, all := range h.byName {
		for _, series := range all {
			last := series.Floats[len(series.Floats)-1]
			if last.T != now.Add(-maxScrapeInterval).UnixMilli() {
				continue // The series has ended.
			}
			if name == "alicdn_export_snapshot_timestamp_seconds" {
				last.F = float64(now.Unix())
			}
			series.Floats = append(series.Floats, promql.FPoint{T: now.UnixMilli(), F: last.F})
		}
	}
}

func expected(name string, every coverage.Interval, grace coverage.Duration) []coverage.Expectation {
	return []coverage.Expectation{{Name: name, Export: apiclient.Usage, Every: every, Grace: grace}}
}

// An account that exports in time raises no alert in a year, with the settings that alerts/README.md names.
func TestPunctualYears(t *testing.T) {
	t.Parallel()
	const hour = time.Hour
	usage := []apiclient.Export{apiclient.Usage}
	before := yearBegins.AddDate(0, -4, 0)
	for name, tc := range map[string]struct {
		account collector.Account
		jobs    []job
	}{
		"every month": {
			collector.Account{Exports: usage, Limits: defaultLimits, Expectations: expected("month", coverage.Month, 3*day)},
			periodically(coverage.Month, 2*24*hour, before, yearEnds),
		},
		"every week": {
			collector.Account{
				Exports: usage, Limits: coverage.Limits{PendingAge: day / 4, SuccessAge: 9 * day, MonthGrace: 8 * day},
				Expectations: append(expected("week", coverage.Week, day), expected("month", coverage.Month, 8*day)...),
			},
			periodically(coverage.Week, 9*hour, before, yearEnds),
		},
		"every day": {
			collector.Account{
				Exports: usage, Limits: coverage.Limits{PendingAge: day / 4, SuccessAge: 2 * day, MonthGrace: day},
				Expectations: append(expected("day", coverage.Day, day/2), expected("month", coverage.Month, day)...),
			},
			periodically(coverage.Day, 5*hour, before, yearEnds),
		},
		"only details": {
			collector.Account{Exports: []apiclient.Export{apiclient.UsageDetail}, Limits: defaultLimits},
			periodically(coverage.Month, 6*hour, before, yearEnds),
		},
		"new": {
			collector.Account{
				Exports: usage, Limits: defaultLimits, Expectations: expected("month", coverage.Month, 3*day),
				Since: coverage.Date{Year: 2027, Month: time.January, Day: 1},
			},
			periodically(coverage.Month, 6*hour, yearBegins.AddDate(0, 0, 1), yearEnds),
		},
		"without traffic": {
			collector.Account{Exports: usage, Limits: coverage.Limits{PendingAge: day / 4}}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.account.Name = name
			r := yearOf(t, tc.account, tc.jobs)
			for _, e := range r.firing(t, ruleList(t), r.evaluations) {
				t.Errorf("%s from %s to %s", e.key(), e.begin.In(shanghai), e.end.In(shanghai))
			}
		})
	}
}

// The settings are needed: with the defaults, a month of an account that exports every week is often late.
func TestWeeklyYearWithDefaults(t *testing.T) {
	t.Parallel()
	r := yearOf(t, collector.Account{Name: "weekly", Exports: []apiclient.Export{apiclient.Usage}, Limits: defaultLimits},
		periodically(coverage.Week, 9*time.Hour, yearBegins.AddDate(0, -4, 0), yearEnds))
	late := 0
	for _, e := range r.firing(t, ruleList(t), r.evaluations) {
		if e.rule.Alert != "CDNExportMonthUncovered" {
			t.Errorf("%s from %s", e.key(), e.begin)
		}
		late++
	}
	// Nine of the 15 months that end do so on a Monday to Thursday: their last week ends more than three days later.
	if late != 9 {
		t.Errorf("%d months are late, want 9", late)
	}
}

// An account that exports every month, but forgets, fails and waits too long four times: each time the
// right alerts fire, once, and end when the export is there.
func TestForgetfulYear(t *testing.T) {
	t.Parallel()
	moment := func(month time.Month, day, hour int) time.Time {
		return time.Date(2027, month, day, hour, 0, 0, 0, shanghai)
	}
	again := func(j job, created time.Time) job {
		return newJob(j.Start.Time().In(shanghai), (j.End + 1).Time(), created, apiclient.Success)
	}
	var jobs []job
	for _, j := range periodically(coverage.Month, 6*time.Hour, yearBegins.AddDate(0, -4, 0), yearEnds) {
		switch j.Name {
		case "usage-2027-02-01": // It is exported a week after it was due.
			j = again(j, moment(time.March, 10, 12))
		case "usage-2027-05-01": // It is never exported.
			continue
		case "usage-2027-08-01": // The export fails and is repeated in time.
			jobs = append(jobs, again(j, moment(time.September, 3, 6)))
			j.Status = apiclient.Failed
		case "usage-2027-10-01": // The export never finishes and is repeated.
			jobs = append(jobs, again(j, moment(time.November, 2, 12)))
			j.Status = apiclient.Created
		}
		jobs = append(jobs, j)
	}
	r := yearOf(t, collector.Account{
		Name: "forgetful", Exports: []apiclient.Export{apiclient.Usage}, Limits: defaultLimits,
		Expectations: expected("month", coverage.Month, 3*day),
	}, jobs)
	var got []string
	for _, e := range r.firing(t, ruleList(t), r.evaluations) {
		got = append(got, fmt.Sprintf("%s from %s to %s", strings.TrimPrefix(e.key(), "forgetful "),
			e.begin.In(shanghai).Format("01-02 15:04"), e.end.In(shanghai).Format("01-02 15:04")))
	}
	// An alert begins 10 minutes after its cause (15 for a failure) and ends 15 minutes after it (30 if nothing is
	// pending anymore). The newest success is 35 days old on March 8 and on June 5. In August, May is not among
	// the last two months, and on August 28 all of it is too old to be judged.
	want := []string{
		"ExpectationOverdue from 03-04 00:15 to 03-10 12:20",
		"MonthUncovered 2027-02 from 03-04 00:15 to 03-10 12:20",
		"NewestSuccessTooOld from 03-08 06:15 to 03-10 12:20",
		"ExpectationOverdue from 06-04 00:15 to 08-28 00:15",
		"MonthUncovered 2027-05 from 06-04 00:15 to 08-01 00:15",
		"NewestSuccessTooOld from 06-05 06:15 to 07-01 06:20",
		"UnrecoveredFailure from 09-01 06:20 to 09-03 06:20",
		"StuckPending from 11-01 12:15 to 11-02 12:30",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
