package scenario

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"alicdn_export_exporter/internal/simulator"
	"alicdn_export_exporter/internal/simulator/simulatortest"
)

// call makes a call with the person's key, and returns the TaskId of the response.
func (s *testServer) call(action string, params url.Values) (taskID string) {
	s.t.Helper()
	s.person.Now = s.now
	w := simulatortest.Do(s, s.person.V3(http.MethodPost, action, params, ""))
	if w.Code != http.StatusOK {
		s.t.Fatalf("%s: response %d %s", action, w.Code, w.Body)
	}
	var body struct {
		TaskID string `json:"TaskId"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		s.t.Fatal(err)
	}
	return body.TaskID
}

func (s *testServer) find(action, id string) (task simulatortest.Task, ok bool) {
	s.t.Helper()
	for _, task := range s.checkedList(action) {
		if task.TaskID == id {
			return task, true
		}
	}
	return task, false
}

func TestCreate(t *testing.T) {
	october := url.Values{
		"TaskName": {"usage-2026-10"}, "StartTime": {"2026-09-30T16:00:00Z"}, "EndTime": {"2026-10-31T15:59:59Z"},
		"Type": {"flow"},
	}

	t.Run("is pending, succeeds after about two minutes, and expires", func(t *testing.T) {
		for list, create := range map[string]string{
			simulator.UsageAction:  simulator.CreateUsageAction,
			simulator.DetailAction: simulator.CreateDetailAction,
		} {
			s := startServer(t, "forgotten-month", noon)
			before := len(s.list(list))
			s.now = noon.Add(time.Minute + time.Millisecond)
			id := s.call(create, october)
			pending, ok := s.find(list, id)
			want := simulatortest.Task{
				TaskID: id, TaskName: "usage-2026-10", Status: simulator.StatusCreated, CreateTime: "2026-11-22T12:01:00Z",
				TaskConfig: &simulatortest.TaskConfig{StartTime: "2026-09-30T16:00:00Z", EndTime: "2026-10-31T15:59:59Z"},
			}
			if !ok || *pending.TaskConfig != *want.TaskConfig {
				t.Fatalf("%s: %+v, want %+v", create, pending, want)
			}
			if pending.TaskConfig = want.TaskConfig; pending != want {
				t.Errorf("%s: %+v, want %+v", create, pending, want)
			}
			if n := len(s.list(list)); n != before+1 {
				t.Errorf("%s: %d tasks, want %d", create, n, before+1)
			}
			s.now = noon.Add(2*time.Minute + 30*time.Second)
			if task, _ := s.find(list, id); task.Status != simulator.StatusCreated {
				t.Errorf("%s: %q after 90 s", create, task.Status)
			}
			s.now = noon.Add(3*time.Minute + 15*time.Second)
			if task, _ := s.find(list, id); task.Status != simulator.StatusSuccess || task.DownloadURL == "" {
				t.Errorf("%s: %+v after 135 s", create, task)
			}
			s.now = noon.AddDate(0, 3, 0).Add(2 * time.Minute)
			if _, ok := s.find(list, id); ok {
				t.Errorf("%s: still listed after three months", create)
			}
		}
	})

	t.Run("ends what is wrong with an account", func(t *testing.T) {
		for _, name := range []string{"failed", "forgotten-month", "too-early"} {
			s := startServer(t, name, noon)
			month := startOfMonth(noon).AddDate(0, -1, 0)
			if monthIsCovered(t, s.checkedList(simulator.UsageAction), month) {
				t.Fatalf("%s: last month is covered", name)
			}
			s.call(simulator.CreateUsageAction, october)
			s.now = noon.Add(3 * time.Minute)
			tasks := s.checkedList(simulator.UsageAction)
			if !monthIsCovered(t, tasks, month) || unrecovered(t, tasks) > 0 {
				t.Errorf("%s: last month covered: %t, %d unrecovered", name, monthIsCovered(t, tasks, month), unrecovered(t, tasks))
			}
		}
	})

	t.Run("twice in a second", func(t *testing.T) {
		s := startServer(t, "healthy", noon)
		var created []string
		for range 3 {
			created = append(created, s.call(simulator.CreateUsageAction, october))
		}
		s.now = noon.Add(time.Second)
		created = append(created, s.call(simulator.CreateUsageAction, october))
		for _, id := range created {
			if _, ok := s.find(simulator.UsageAction, id); !ok { // checkedList checks that all ids differ.
				t.Errorf("%s is not listed", id)
			}
		}
		if slices.Sort(created); len(slices.Compact(created)) != 4 {
			t.Errorf("ids %v", created)
		}
	})
}

func TestDelete(t *testing.T) {
	for list, remove := range map[string]string{
		simulator.UsageAction:  simulator.DeleteUsageAction,
		simulator.DetailAction: simulator.DeleteDetailAction,
	} {
		s := startServer(t, "stuck", noon)
		before := s.checkedList(list)
		id := before[0].TaskID
		s.call(remove, url.Values{"TaskId": {id}})
		for _, s.now = range []time.Time{noon, noon.Add(time.Hour)} {
			if _, ok := s.find(list, id); ok || len(s.list(list)) != len(before)-1 {
				t.Errorf("%s: still listed at %s: %t; %d tasks, before %d", remove, s.now, ok, len(s.list(list)), len(before))
			}
		}
		s.person.Now = s.now
		w := simulatortest.Do(s, s.person.V3(http.MethodPost, remove, url.Values{"TaskId": {id}}, ""))
		simulatortest.WantError(t, w, 400, "InvalidParameter")
	}
}
