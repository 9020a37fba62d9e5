package simulator

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"alicdn_export_exporter/internal/simulator/simulatortest"
)

func TestPageInJSON(t *testing.T) {
	s := New(twoTasks(), Options{Now: fixedClock(noon), Seed: 7})
	w := simulatortest.Do(s, newClient(noon).V3(http.MethodPost, UsageAction, url.Values{"PageSize": {"50"}}, ""))
	want := `{"RequestId":"` + w.Header().Get("x-acs-request-id") + `","UsageDataPerPage":{"PageSize":50,"PageNumber":1,"TotalCount":2,"Data":{"DataItem":[` +
		`{"TaskId":"11584","TaskName":"usage & more","Status":"created","CreateTime":"2018-09-03T03:00:00Z"},` +
		`{"TaskId":"11","TaskName":"refresh","Status":"success","CreateTime":"2018-09-03T02:00:00Z","UpdateTime":"2018-09-03T02:01:41Z",` +
		`"DownloadUrl":"https://oss.example/11.pdf?a=1&Signature=` + downloadSecret + `",` +
		`"TaskConfig":{"StartTime":"2018-07-31T16:00:00Z","EndTime":"2018-08-31T15:59:59Z"}}]}}}`
	if w.Code != http.StatusOK || w.Body.String() != want {
		t.Errorf("answer %d:\n%s\nwant\n%s", w.Code, w.Body, want)
	}
	if got := w.Header().Get("Content-Type"); got != "application/json;charset=utf-8" {
		t.Errorf("Content-Type = %s", got)
	}
}

func TestPageInXML(t *testing.T) {
	for name, edit := range map[string]func(url.Values){
		"asked for": func(p url.Values) { p.Set("Format", "XML") },
		"default":   func(p url.Values) { p.Del("Format") },
	} {
		w := simulatortest.Do(New(twoTasks(), Options{Now: fixedClock(noon)}), newClient(noon).HMACSHA1(http.MethodGet, UsageAction, nil, edit))
		var body struct {
			XMLName          xml.Name
			RequestID        string `xml:"RequestId"`
			UsageDataPerPage usageDataPerPage
		}
		if err := xml.Unmarshal(w.Body.Bytes(), &body); err != nil {
			t.Fatalf("%s: %v in %s", name, err, w.Body)
		}
		items := body.UsageDataPerPage.Data.DataItem
		if body.XMLName.Local != UsageAction+"Response" || body.RequestID == "" || body.UsageDataPerPage.TotalCount != 2 || len(items) != 2 ||
			items[0].TaskName != "usage & more" || items[0].TaskConfig != nil || items[1].TaskConfig.EndTime != "2018-08-31T15:59:59Z" {
			t.Errorf("%s: %s", name, w.Body)
		}
		if got := w.Header().Get("Content-Type"); got != "text/xml;charset=utf-8" {
			t.Errorf("%s: Content-Type = %s", name, got)
		}
	}
}

func TestPaging(t *testing.T) {
	tasks := numbered(120)
	s := New(NewFixedAccount(tasks...), Options{Now: fixedClock(noon), Quota: 1e6})
	c := newClient(noon)
	for _, tc := range []struct {
		number, size string
		from, to     int
	}{
		{"", "", 0, 20},
		{"1", "50", 0, 50},
		{"3", "50", 100, 120},
		{"4", "50", 0, 0},
		{"100000", "50", 0, 0},
		{"120", "1", 119, 120},
		{"2", "", 20, 40},
	} {
		params := url.Values{}
		if tc.number != "" {
			params.Set("PageNumber", tc.number)
		}
		if tc.size != "" {
			params.Set("PageSize", tc.size)
		}
		for scheme, r := range map[string]*http.Request{
			"V3, query":       c.V3(http.MethodGet, UsageAction, params, ""),
			"HMAC-SHA1, GET":  c.HMACSHA1(http.MethodGet, DetailAction, params),
			"HMAC-SHA1, form": c.HMACSHA1(http.MethodPost, UsageAction, params),
			"HMAC-SHA1, both": halved(t, c.HMACSHA1(http.MethodPost, DetailAction, params)),
			"V3, form": c.V3(http.MethodPost, DetailAction, nil, params.Encode(), func(r *http.Request) {
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
			}),
		} {
			p := simulatortest.DecodePage(t, simulatortest.Do(s, r))
			if p.TotalCount != 120 || len(p.Data.DataItem) != tc.to-tc.from || fmt.Sprint(p.PageNumber, p.PageSize) != fmt.Sprint(orDefault(tc.number, "1"), " ", orDefault(tc.size, "20")) {
				t.Fatalf("%s: page %q of %q: %d %d of %d, %d items", scheme, tc.number, tc.size, p.PageNumber, p.PageSize, p.TotalCount, len(p.Data.DataItem))
			}
			for i, item := range p.Data.DataItem {
				if item.TaskID != tasks[tc.from+i].ID {
					t.Fatalf("%s: page %q of %q: item %d is %s, want %s", scheme, tc.number, tc.size, i, item.TaskID, tasks[tc.from+i].ID)
				}
			}
		}
	}
	for _, bad := range []string{"0", "-1", "51", "100001", "1.5", "ten", "0x10", " 1", "99999999999999999999"} {
		params := url.Values{"PageSize": {bad}}
		if bad == "51" || bad == "100001" {
			simulatortest.WantError(t, simulatortest.Do(s, c.V3(http.MethodGet, UsageAction, params, "")), 400, "InvalidParameter")
			params = url.Values{"PageNumber": {"100001"}}
		}
		simulatortest.WantError(t, simulatortest.Do(s, c.V3(http.MethodGet, UsageAction, params, "")), 400, "InvalidParameter")
		params = url.Values{"PageNumber": {strings.Replace(bad, "51", "100001", 1)}}
		simulatortest.WantError(t, simulatortest.Do(s, c.V3(http.MethodGet, UsageAction, params, "")), 400, "InvalidParameter")
	}
}

// halved moves half of a form's parameters to the URL, where they count alike.
func halved(t *testing.T, r *http.Request) *http.Request {
	t.Helper()
	if err := r.ParseForm(); err != nil {
		t.Fatal(err)
	}
	query, form := url.Values{}, url.Values{}
	for name, values := range r.Form {
		if name < "PageSize" {
			query[name] = values
		} else {
			form[name] = values
		}
	}
	moved := httptest.NewRequest(r.Method, "http://cdn.example/?"+query.Encode(), strings.NewReader(form.Encode()))
	moved.Header = r.Header
	return moved
}

func TestEmptyListIsAnEmptyArray(t *testing.T) {
	w := simulatortest.Do(New(NewFixedAccount(), Options{Now: fixedClock(noon)}), newClient(noon).V3(http.MethodGet, UsageAction, nil, ""))
	if !strings.Contains(w.Body.String(), `"TotalCount":0,"Data":{"DataItem":[]}`) {
		t.Error(w.Body)
	}
}
