package simulator

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"testing"
	"time"

	"alicdn_export_exporter/internal/simulator/simulatortest"
)

// editedAccount records what users create and delete. The task 11584 is listed.
type editedAccount struct {
	*FixedAccount

	edits []edit
}

type edit struct {
	action, id string
	task       Task
	at         time.Time
}

func (a *editedAccount) Create(action string, task Task, now time.Time) string {
	a.edits = append(a.edits, edit{action: action, task: task, at: now})
	return "129456"
}

func (a *editedAccount) Delete(action, id string, now time.Time) bool {
	a.edits = append(a.edits, edit{action: action, id: id, at: now})
	return id == "11584"
}

// newPerson returns a client with the person's key.
func newPerson() *simulatortest.Client {
	return &simulatortest.Client{KeyID: PersonAccessKeyID, Secret: PersonAccessKeySecret, Now: noon}
}

// october is a month in UTC+8.
func october() url.Values {
	return url.Values{
		"TaskName": {"usage-2026-10"}, "StartTime": {"2026-09-30T16:00:00Z"}, "EndTime": {"2026-10-31T15:59:59Z"},
	}
}

func with(params url.Values, changes map[string]string) url.Values {
	for name, value := range changes {
		setOrRemove(params, name, value)
	}
	return params
}

// do sends a request in the V3 scheme to a server with an editedAccount, and returns the edits.
func do(c *simulatortest.Client, action string, params url.Values) (*httptest.ResponseRecorder, []edit) {
	account := &editedAccount{FixedAccount: twoTasks()}
	s := New(account, Options{Now: fixedClock(noon)})
	return simulatortest.Do(s, c.V3(http.MethodPost, action, params, "")), account.edits
}

func TestCreate(t *testing.T) {
	for action, list := range map[string]string{CreateUsageAction: UsageAction, CreateDetailAction: DetailAction} {
		t.Run(action, func(t *testing.T) {
			w, edits := do(newPerson(), action, with(october(), map[string]string{"Type": "flow"}))
			var got map[string]string
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK {
				t.Fatalf("response %d %s", w.Code, w.Body)
			}
			want := map[string]string{
				"RequestId": w.Header().Get("x-acs-request-id"), "TaskId": "129456",
				"StartTime": "2026-09-30T16:00:00Z", "EndTime": "2026-10-31T15:59:59Z",
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("response %v, want %v", got, want)
			}
			wantEdits := []edit{{action: list, at: noon, task: Task{
				Name:  "usage-2026-10",
				Start: time.Date(2026, time.September, 30, 16, 0, 0, 0, time.UTC),
				End:   time.Date(2026, time.October, 31, 15, 59, 59, 0, time.UTC),
			}}}
			if !reflect.DeepEqual(edits, wantEdits) {
				t.Errorf("created %+v, want %+v", edits, wantEdits)
			}
		})
	}

	t.Run("the response in XML", func(t *testing.T) {
		s := New(&editedAccount{FixedAccount: twoTasks()}, Options{Now: fixedClock(noon)})
		xmlFormat := func(p url.Values) { p.Set("Format", "XML") }
		w := simulatortest.Do(s, newPerson().HMACSHA1(http.MethodGet, CreateUsageAction, october(), xmlFormat))
		var body struct {
			XMLName   xml.Name
			StartTime string
			TaskID    string `xml:"TaskId"`
		}
		if err := xml.Unmarshal(w.Body.Bytes(), &body); err != nil {
			t.Fatalf("%v in %s", err, w.Body)
		}
		if body.XMLName.Local != CreateUsageAction+"Response" || body.StartTime != "2026-09-30T16:00:00Z" || body.TaskID != "129456" {
			t.Errorf("response %s", w.Body)
		}
	})

	type changes = map[string]string
	for name, tc := range map[string]struct {
		changes changes
		code    string // empty: created
	}{
		"no name":                      {changes: changes{"TaskName": ""}},
		"English":                      {changes: changes{"Language": "en-us"}},
		"five minutes":                 {changes: changes{"EndTime": "2026-09-30T16:05:00Z"}},
		"31 days to the second":        {changes: changes{"EndTime": "2026-10-31T16:00:00Z"}},
		"ends in the future":           {changes: changes{"StartTime": "2026-10-31T16:00:00Z", "EndTime": "2026-11-30T15:59:59Z"}},
		"from a year ago":              {changes: changes{"StartTime": "2025-11-22T12:00:00Z", "EndTime": "2025-11-30T15:59:59Z"}},
		"from before a year ago":       {changes{"StartTime": "2025-11-22T11:55:00Z", "EndTime": "2025-11-30T15:59:59Z"}, "InvalidTimeRange"},
		"starts in the future":         {changes{"StartTime": "2026-11-22T12:05:00Z", "EndTime": "2026-11-30T15:59:59Z"}, "InvalidTimeRange"},
		"over 31 days":                 {changes{"EndTime": "2026-10-31T16:04:59Z"}, "InvalidTimeRange"},
		"ends when it starts":          {changes{"EndTime": "2026-09-30T16:00:00Z"}, "InvalidTimeRange"},
		"ends a second earlier":        {changes{"EndTime": "2026-09-30T15:59:59Z"}, "InvalidTimeRange"},
		"no start":                     {changes{"StartTime": ""}, "MissingTimeParameter"},
		"no end":                       {changes{"EndTime": ""}, "MissingTimeParameter"},
		"start without a time":         {changes{"StartTime": "2026-10-01"}, "InvalidStartTime.Malformed"},
		"start in a zone":              {changes{"StartTime": "2026-10-01T00:00:00+08:00"}, "InvalidStartTime.Malformed"},
		"start to the minute":          {changes{"StartTime": "2026-09-30T16:00Z"}, "InvalidStartTime.Malformed"},
		"start between five minutes":   {changes{"StartTime": "2026-09-30T16:01:00Z"}, "InvalidStartTime.Malformed"},
		"start a second early":         {changes{"StartTime": "2026-09-30T15:59:59Z"}, "InvalidStartTime.Malformed"},
		"end does not exist":           {changes{"EndTime": "2026-09-31T15:59:59Z"}, "InvalidEndTime.Malformed"},
		"end between five minutes":     {changes{"EndTime": "2026-10-31T15:58:59Z"}, "InvalidEndTime.Malformed"},
		"end two seconds early":        {changes{"EndTime": "2026-10-31T15:59:58Z"}, "InvalidEndTime.Malformed"},
		"unknown language":             {changes{"Language": "fr-fr"}, "InvalidParameter"},
		"details without a type":       {changes{"Type": ""}, "MissingType"},
		"details of an unknown type":   {changes{"Type": "FLOW"}, "InvalidParameter"},
		"details of value-added usage": {changes: changes{"Type": "vas", "DomainNames": "example.com", "Group": "g"}},
	} {
		for _, action := range []string{CreateUsageAction, CreateDetailAction} {
			code := tc.code
			if _, ok := tc.changes["Type"]; ok && action == CreateUsageAction {
				code = "" // Usage exports have no type.
			}
			t.Run(name+", "+action, func(t *testing.T) {
				params := with(october(), map[string]string{"Type": "flow"})
				w, edits := do(newPerson(), action, with(params, tc.changes))
				if code == "" {
					if w.Code != http.StatusOK || len(edits) != 1 {
						t.Errorf("response %d %s; created %v", w.Code, w.Body, edits)
					}
					return
				}
				simulatortest.WantError(t, w, 400, code)
				if len(edits) != 0 {
					t.Errorf("created %v", edits)
				}
			})
		}
	}
}

func TestDelete(t *testing.T) {
	for action, list := range map[string]string{DeleteUsageAction: UsageAction, DeleteDetailAction: DetailAction} {
		t.Run(action, func(t *testing.T) {
			w, edits := do(newPerson(), action, url.Values{"TaskId": {"11584"}})
			want := `{"RequestId":"` + w.Header().Get("x-acs-request-id") + `"}`
			if w.Code != http.StatusOK || w.Body.String() != want {
				t.Errorf("response %d %s, want %s", w.Code, w.Body, want)
			}
			if wantEdits := []edit{{action: list, id: "11584", at: noon}}; !reflect.DeepEqual(edits, wantEdits) {
				t.Errorf("deleted %+v, want %+v", edits, wantEdits)
			}
		})
		t.Run(action+", no id", func(t *testing.T) {
			w, edits := do(newPerson(), action, nil)
			simulatortest.WantError(t, w, 400, "MissingTaskId")
			if len(edits) != 0 {
				t.Errorf("deleted %v", edits)
			}
		})
		t.Run(action+", unknown id", func(t *testing.T) {
			w, _ := do(newPerson(), action, url.Values{"TaskId": {"1"}})
			simulatortest.WantError(t, w, 400, "InvalidParameter")
		})
	}
}

func TestPermissions(t *testing.T) {
	edits := map[string]url.Values{
		CreateUsageAction:  october(),
		CreateDetailAction: with(october(), map[string]string{"Type": "flow"}),
		DeleteUsageAction:  {"TaskId": {"11584"}},
		DeleteDetailAction: {"TaskId": {"11584"}},
	}
	forbidden := func(t *testing.T, action string, w *httptest.ResponseRecorder) {
		t.Helper()
		detail := simulatortest.WantError(t, w, 403, "Forbidden.RAM").AccessDeniedDetail
		if detail == nil || detail.AuthAction != "cdn:"+action {
			t.Errorf("the error names the permission %+v", detail)
		}
	}
	for action, params := range edits {
		t.Run("the exporter's key may not "+action, func(t *testing.T) {
			w, edits := do(newClient(noon), action, params)
			forbidden(t, action, w)
			if len(edits) != 0 {
				t.Errorf("edits %v", edits)
			}
		})
		t.Run("no key may "+action+" where nothing can be edited", func(t *testing.T) {
			forbidden(t, action, simulatortest.Do(newServer(), newPerson().V3(http.MethodPost, action, params, "")))
		})
	}
	for _, action := range []string{UsageAction, DetailAction} {
		t.Run("the person's key may "+action, func(t *testing.T) {
			w, _ := do(newPerson(), action, nil)
			if p := simulatortest.DecodePage(t, w); p.TotalCount != 2 {
				t.Errorf("page %+v", p)
			}
		})
	}
	t.Run("the person's key is another one than the exporter's", func(t *testing.T) {
		c := newPerson()
		c.Secret = DefaultAccessKeySecret
		w, _ := do(c, UsageAction, nil)
		simulatortest.WantError(t, w, 400, "SignatureDoesNotMatch")
	})
}
