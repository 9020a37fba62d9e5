package scenario

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"alicdn_export_exporter/internal/simulator"
	"alicdn_export_exporter/internal/simulator/simulatortest"
)

// noon is the time of most tests: a Sunday in the third week of a month.
var noon = time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)

// newClient returns a client with the default key and no token.
func newClient(now time.Time) *simulatortest.Client {
	return &simulatortest.Client{
		KeyID: simulator.DefaultAccessKeyID, Secret: simulator.DefaultAccessKeySecret, Now: now,
	}
}

// newPerson returns a client with the person's key.
func newPerson(now time.Time) *simulatortest.Client {
	return &simulatortest.Client{
		KeyID: simulator.PersonAccessKeyID, Secret: simulator.PersonAccessKeySecret, Now: now, NoncePrefix: "person-",
	}
}

// startTimes returns times at which a scenario must be able to start: every two
// days for more than a year, at all hours, with some ends of months, weeks and
// years. The first hours of a month are missing, because the export of the month before
// may not exist yet.
func startTimes() []time.Time {
	times := []time.Time{
		noon,
		time.Date(2026, time.December, 1, 6, 10, 0, 0, zone),
		time.Date(2027, time.January, 1, 6, 10, 0, 0, zone),
		time.Date(2027, time.March, 1, 9, 5, 0, 0, zone), // a Monday
		time.Date(2028, time.February, 29, 23, 59, 59, 0, zone),
		time.Date(2027, time.May, 31, 12, 0, 0, 5e8, zone),
	}
	for t := noon; t.Before(noon.AddDate(1, 1, 0)); t = t.Add(47*time.Hour + 17*time.Minute) {
		if t.Sub(startOfMonth(t)) > monthlyDelay+10*time.Minute {
			times = append(times, t)
		}
	}
	return times
}

// testServer is the server of a scenario, with a clock that the test sets.
type testServer struct {
	*simulator.Server
	t      *testing.T
	now    time.Time
	client *simulatortest.Client
	person *simulatortest.Client
}

// startServer starts a scenario. Its quota is too high to matter.
func startServer(t *testing.T, name string, start time.Time) *testServer {
	t.Helper()
	return startServerWith(t, name, start, simulator.Options{Quota: 1e6, Seed: uint64(start.Unix())})
}

func startServerWith(t *testing.T, name string, start time.Time, options simulator.Options) *testServer {
	t.Helper()
	s := &testServer{t: t, now: start, client: newClient(start), person: newPerson(start)}
	options.Now = func() time.Time { return s.now }
	var err error
	if s.Server, err = New(name, options); err != nil {
		t.Fatal(err)
	}
	return s
}

// list returns all tasks of an action, as read page by page.
func (s *testServer) list(action string) []simulatortest.Task {
	s.t.Helper()
	s.client.Now = s.now
	var tasks []simulatortest.Task
	for number := 1; ; number++ {
		query := url.Values{"PageNumber": {strconv.Itoa(number)}, "PageSize": {"50"}}
		r := s.client.V3(http.MethodPost, action, query, "")
		page := simulatortest.DecodePage(s.t, simulatortest.Do(s, r))
		tasks = append(tasks, page.Data.DataItem...)
		if len(page.Data.DataItem) == 0 || len(tasks) >= page.TotalCount {
			return tasks
		}
	}
}

// checkedList is list, with checks that hold for the tasks of every scenario.
func (s *testServer) checkedList(action string) []simulatortest.Task {
	s.t.Helper()
	tasks := s.list(action)
	unique := make(map[string]bool)
	for _, task := range tasks {
		unique[task.TaskID] = true
		if task.TaskName == "" || strings.Trim(task.TaskID, "0123456789") != "" || task.Created(s.t).After(s.now) {
			s.t.Errorf("%s: task %+v", s.now, task)
		}
		config := task.TaskConfig
		if !strings.HasSuffix(config.StartTime, "T16:00:00Z") || !strings.HasSuffix(config.EndTime, "T15:59:59Z") {
			s.t.Errorf("%s: %s does not cover whole days in UTC+8: %+v", s.now, task.TaskName, config)
		}
		start, end := task.Period(s.t)
		if !start.Before(end) || end.Sub(start) > 31*24*time.Hour {
			s.t.Errorf("%s: %s covers %s to %s", s.now, task.TaskName, start, end)
		}
		if task.UpdateTime != "" {
			took := task.Updated(s.t).Sub(task.Created(s.t))
			if took < 90*time.Second || took > 130*time.Second {
				s.t.Errorf("%s: %s took %s", s.now, task.TaskName, took)
			}
		}
	}
	if len(unique) != len(tasks) {
		s.t.Errorf("%s: %d ids of %d tasks", s.now, len(unique), len(tasks))
	}
	return tasks
}

// isCovered reports whether successful tasks cover the time from start to end. A
// task covers no usage that was younger than four hours when it was created.
func isCovered(t *testing.T, tasks []simulatortest.Task, start, end time.Time) bool {
	t.Helper()
	type span struct{ start, end time.Time }
	var spans []span
	for _, task := range tasks {
		if task.Status == simulator.StatusSuccess {
			s := span{}
			s.start, s.end = task.Period(t)
			if complete := task.Created(t).Add(-4 * time.Hour); complete.Before(s.end) {
				s.end = complete
			}
			spans = append(spans, s)
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return a.start.Compare(b.start) })
	for _, s := range spans {
		if !s.start.After(start) && s.end.After(start) {
			start = s.end
		}
	}
	return !start.Before(end)
}

// monthIsCovered reports whether the month that starts at month is covered.
func monthIsCovered(t *testing.T, tasks []simulatortest.Task, month time.Time) bool {
	t.Helper()
	return isCovered(t, tasks, month, month.AddDate(0, 1, 0))
}

// unrecovered returns the number of failed tasks whose period is not covered.
func unrecovered(t *testing.T, tasks []simulatortest.Task) int {
	t.Helper()
	return count(tasks, func(task simulatortest.Task) bool {
		if task.Status != simulator.StatusFailed {
			return false
		}
		start, end := task.Period(t)
		return !isCovered(t, tasks, start, end)
	})
}

func count(tasks []simulatortest.Task, match func(simulatortest.Task) bool) int {
	n := 0
	for _, task := range tasks {
		if match(task) {
			n++
		}
	}
	return n
}

func hasStatus(status string) func(simulatortest.Task) bool {
	return func(task simulatortest.Task) bool { return task.Status == status }
}

func hasPrefix(prefix string) func(simulatortest.Task) bool {
	return func(task simulatortest.Task) bool { return strings.HasPrefix(task.TaskName, prefix) }
}

func ids(tasks []simulator.Task) []string {
	var ids []string
	for _, task := range tasks {
		ids = append(ids, task.ID)
	}
	return ids
}
