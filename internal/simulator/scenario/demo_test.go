package scenario

import (
	"net/http"
	"testing"
	"time"

	"alicdn_export_exporter/internal/simulator"
	"alicdn_export_exporter/internal/simulator/simulatortest"
)

// startDemo starts a scenario of the demo.
func startDemo(t *testing.T, name string, start time.Time) *testServer {
	t.Helper()
	s := &testServer{t: t, now: start, client: newClient(start)}
	for _, d := range Demo() {
		if d.Name == name {
			s.Server = d.API(simulator.Options{Quota: 1e6, Now: func() time.Time { return s.now }})
			return s
		}
	}
	t.Fatalf("the demo has no account %s", name)
	return nil
}

func TestDemo(t *testing.T) {
	t.Run("one account is fine", func(t *testing.T) {
		for _, start := range startTimes() {
			s := startDemo(t, "demo-fine", start)
			tasks := s.checkedList(simulator.UsageAction)
			thisMonth := startOfMonth(start)
			for _, month := range []time.Time{thisMonth.AddDate(0, -1, 0), thisMonth.AddDate(0, -2, 0)} {
				if !monthIsCovered(t, tasks, month) {
					t.Errorf("%s: the month %s is not covered", start, month)
				}
			}
			if n := unrecovered(t, tasks); n > 0 {
				t.Errorf("%s: %d unrecovered failures", start, n)
			}
			for _, task := range tasks {
				if task.Status == simulator.StatusCreated && start.Sub(task.Created(t)) > time.Hour {
					t.Errorf("%s: %s is pending since %s", start, task.TaskName, task.CreateTime)
				}
			}
			details := s.checkedList(simulator.DetailAction)
			lastButOne := formatMonth(thisMonth.AddDate(0, -2, 0)) // That of last month is made on the 2nd.
			for _, name := range []string{"detail-flow-" + lastButOne, "detail-vas-" + lastButOne} {
				if count(details, hasPrefix(name)) != 1 {
					t.Errorf("%s: %d tasks %s", start, count(details, hasPrefix(name)), name)
				}
			}
		}
	})

	t.Run("one account has an export missing, one failed and one stuck", func(t *testing.T) {
		for _, start := range startTimes() {
			tasks := startDemo(t, "demo-overdue", start).checkedList(simulator.UsageAction)
			missing := startOfMonth(start.AddDate(0, 0, -4)).AddDate(0, -1, 0)
			if n := count(tasks, hasPrefix("usage-"+formatMonth(missing))); n != 0 || monthIsCovered(t, tasks, missing) {
				t.Errorf("%s: %s has %d tasks, covered: %t", start, formatMonth(missing), n, monthIsCovered(t, tasks, missing))
			}
			if before := missing.AddDate(0, -1, 0); !monthIsCovered(t, tasks, before) {
				t.Errorf("%s: %s is not covered either", start, formatMonth(before))
			}
			if n := unrecovered(t, tasks); n != 1 {
				t.Errorf("%s: %d unrecovered failures, want 1", start, n)
			}
			stuck := count(tasks, func(task simulatortest.Task) bool {
				return task.Status == simulator.StatusCreated && start.Sub(task.Created(t)) > 24*time.Hour
			})
			if stuck != 1 {
				t.Errorf("%s: %d stuck tasks, want 1", start, stuck)
			}
			recent := count(tasks, func(task simulatortest.Task) bool {
				return task.Status == simulator.StatusSuccess && start.Sub(task.Created(t)) < 14*24*time.Hour
			})
			if recent == 0 {
				t.Errorf("%s: no recent success", start)
			}
		}
	})

	t.Run("one account is refused", func(t *testing.T) {
		s := startDemo(t, "demo-refused", noon)
		w := simulatortest.Do(s, s.client.V3(http.MethodPost, simulator.UsageAction, nil, ""))
		simulatortest.WantError(t, w, 403, "NoPermission")
	})
}
