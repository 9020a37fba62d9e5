package monitoring

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/go-kit/log"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/collector"
	"alicdn_export_exporter/internal/coverage"
	"alicdn_export_exporter/internal/simulator"
)

// at returns a moment of the year 2026 in Shanghai.
func at(month time.Month, day, hour, minute int) time.Time {
	return time.Date(2026, month, day, hour, minute, 0, 0, shanghai)
}

// The story for the dashboards: thirty days of four accounts, with the turn of a month. The exporter's own collector
// and client read the simulated API on a simulated clock. Only the random waits between retries differ.
var (
	storyStart = at(time.October, 12, 9, 0)
	storyEnd   = at(time.November, 11, 9, 0)
)

// versionAt returns the version of the exporter: a new one was started on October 28.
func versionAt(t time.Time) string {
	if t.Before(at(time.October, 28, 16, 0)) {
		return "1.0.0"
	}
	return "1.1.0"
}

// storyAccount is an account with everything that happens to it.
type storyAccount struct {
	name    string
	exports []apiclient.Export
	monthly string // the name of the expectation
	tasks   map[string][]storyTask
	// throttled and refused are when another tool uses up the quota, and when the key is not valid.
	throttled, refused span
}

// span is a time from one moment until before another.
type span struct{ from, until time.Time }

func (s span) contains(t time.Time) bool { return !t.Before(s.from) && t.Before(s.until) }

// outage is when the API answers every account with errors.
var outage = span{at(time.October, 24, 3, 0), at(time.October, 24, 4, 10)}

// storyAccounts returns the accounts of the story.
func storyAccounts() []storyAccount {
	usage := []apiclient.Export{apiclient.Usage}
	return []storyAccount{
		{
			// One weekly export failed and was repeated four hours later. Nothing is missing.
			name: "shop", exports: []apiclient.Export{apiclient.Usage, apiclient.UsageDetail}, monthly: "monthly bill",
			tasks: map[string][]storyTask{
				simulator.UsageAction: slices.Concat(monthly("usage", 1, 9), weekly(at(time.October, 19, 9, 5))),
				simulator.DetailAction: append(monthly("domains", 2, 10),
					month("services", time.October, storyEnd.Add(-time.Minute))), // still pending
			},
		},
		{
			// October was exported on the 6th, two days late. Then another tool used up the quota for an hour.
			name: "video", exports: usage, monthly: "monthly bill",
			tasks: map[string][]storyTask{
				simulator.UsageAction: append(without(monthly("usage", 1, 9), "usage-2026-10"),
					month("usage", time.October, at(time.November, 6, 15, 20))),
			},
			throttled: span{at(time.November, 10, 14, 0), at(time.November, 10, 15, 30)},
		},
		{
			// The export of October failed and was not repeated.
			name: "games", exports: usage, monthly: "monthly bill",
			tasks: map[string][]storyTask{
				simulator.UsageAction: failing(monthly("usage", 1, 11), "usage-2026-10"),
			},
		},
		{
			// The key expired in the night before the end.
			name: "wiki", exports: usage,
			tasks:   map[string][]storyTask{simulator.UsageAction: monthly("usage", 1, 10)},
			refused: span{at(time.November, 11, 1, 45), storyEnd.AddDate(1, 0, 0)},
		},
	}
}

// storyTask is an export task with what becomes of it.
type storyTask struct {
	name       string
	start, end time.Time // the exported usage, without end
	created    time.Time
	failed     bool
}

// monthly are the exports of all months since June, each made on a day of the next month.
func monthly(prefix string, day, hour int) []storyTask {
	var tasks []storyTask
	for m := time.June; m <= time.October; m++ {
		tasks = append(tasks, month(prefix, m, at(m+1, day, hour, 12)))
	}
	return tasks
}

func month(prefix string, m time.Month, created time.Time) storyTask {
	return storyTask{fmt.Sprintf("%s-2026-%02d", prefix, m), at(m, 1, 0, 0), at(m+1, 1, 0, 0), created, false}
}

// weekly are the exports of all weeks since July, each made on the next Monday. One of them failed, and was
// repeated in the same way.
func weekly(failed time.Time) []storyTask {
	var tasks []storyTask
	for monday := at(time.July, 13, 0, 0); monday.Before(storyEnd); monday = monday.AddDate(0, 0, 7) {
		year, week := monday.AddDate(0, 0, -7).ISOWeek()
		name, created := fmt.Sprintf("weekly-%d-W%d", year, week), monday.Add(9*time.Hour+5*time.Minute)
		t := storyTask{name, monday.AddDate(0, 0, -7), monday, created, false}
		if t.created.Equal(failed) {
			repeated := t
			t.failed, repeated.created = true, failed.Add(4*time.Hour+15*time.Minute)
			tasks = append(tasks, repeated)
		}
		tasks = append(tasks, t)
	}
	return tasks
}

func without(tasks []storyTask, name string) []storyTask {
	return slices.DeleteFunc(tasks, func(t storyTask) bool { return t.name == name })
}

func failing(tasks []storyTask, name string) []storyTask {
	for i := range tasks {
		tasks[i].failed = tasks[i].failed || tasks[i].name == name
	}
	return tasks
}

// Tasks implements simulator.Account: a task is listed for three months, and done after two minutes.
func (a storyAccount) Tasks(action string, now time.Time) []simulator.Task {
	var listed []simulator.Task
	for _, t := range a.tasks[action] {
		if now.Before(t.created) || !now.Before(t.created.AddDate(0, 3, 0)) {
			continue
		}
		s := simulator.Task{
			ID: fmt.Sprint(t.created.Unix()), Name: t.name, Status: simulator.StatusCreated,
			Created: t.created, Start: t.start, End: t.end.Add(-time.Second),
		}
		if done := t.created.Add(2*time.Minute + time.Duration(t.created.Unix()%17)*time.Second); !now.Before(done) {
			s.Status, s.Updated = simulator.StatusSuccess, done
			if t.failed {
				s.Status = simulator.StatusFailed
			}
		}
		listed = append(listed, s)
	}
	slices.SortFunc(listed, func(a, b simulator.Task) int { return b.Created.Compare(a.Created) })
	return listed
}

// transport is the way to the API of one account.
type transport struct {
	account         storyAccount
	api, overloaded *simulator.Server
	otherTool       *apiclient.Client // It uses up the quota of overloaded.
}

func newTransport(a storyAccount) *transport {
	t := &transport{
		account: a,
		api: simulator.New(a, simulator.Options{Fail: func(int64) simulator.Failure {
			if outage.contains(time.Now()) {
				return simulator.ServiceUnavailable
			}
			return simulator.NoFailure
		}}),
		overloaded: simulator.New(a, simulator.Options{Quota: 0.25}),
	}
	t.otherTool = newClient(nil, roundTripper(func(r *http.Request) (*http.Response, error) {
		return answer(t.overloaded, r), nil
	}), 10*time.Second, 20)
	return t
}

// roundTripper is a function as an http.RoundTripper.
type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// newClient returns a client with the simulator's key that makes at most rate calls per second.
func newClient(
	observer apiclient.Observer, transport http.RoundTripper, timeout time.Duration, rate float64,
) *apiclient.Client {
	endpoint, err := apiclient.ParseEndpoint("cdn.aliyuncs.com")
	if err != nil {
		panic(err)
	}
	return apiclient.New(apiclient.Config{
		Endpoint: endpoint,
		Credentials: apiclient.StaticCredentials{
			AccessKeyID: simulator.DefaultAccessKeyID, AccessKeySecret: simulator.DefaultAccessKeySecret,
		},
		Timeout: timeout, Limiter: apiclient.NewLimiter(rate, 8), MaxRetries: 3, MaxTasks: 100000,
		UserAgent: "alicdn_export_exporter", Observer: observer, Transport: transport,
	})
}

// RoundTrip answers after a time that looks like that of a network: longer around noon.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	now := time.Now()
	local := now.In(shanghai)
	hour := float64(local.Hour()) + float64(local.Minute())/60
	busy := 1 + math.Pow(math.Sin(hour/24*math.Pi), 8)
	time.Sleep(time.Duration(busy*(70+float64(now.Unix()*2654435761%90))) * time.Millisecond)
	t.api.SetCredentials("", "", "")
	if t.account.refused.contains(now) {
		t.api.SetCredentials("LTAI5tAnotherAccessKey", "", "")
	}
	if t.account.throttled.contains(now) {
		if now.Unix()%5 < 3 {
			_, _ = t.otherTool.Page(r.Context(), apiclient.Usage, 1) // It is refused as often as we are.
		}
		return answer(t.overloaded, r), nil
	}
	return answer(t.api, r), nil
}

// newCollected returns the account as the exporter reads it.
func (a storyAccount) newCollected(logger log.Logger) collector.Account {
	metrics := collector.NewAPIMetrics(a.name, a.exports, logger)
	collected := collector.Account{
		Name:       a.name,
		Exports:    a.exports,
		API:        metrics,
		Client:     newClient(metrics, newTransport(a), 10*time.Second, 20),
		TimeZone:   shanghai,
		UsageDelay: 4 * time.Hour,
		Limits:     defaultLimits,
	}
	if a.monthly != "" {
		collected.Expectations = []coverage.Expectation{{
			Name: a.monthly, Export: apiclient.Usage, Every: coverage.Month,
			Grace: 3 * day,
		}}
	}
	return collected
}
