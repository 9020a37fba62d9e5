package simulator

import (
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"alicdn_export_exporter/internal/simulator/simulatortest"
)

func TestPage(t *testing.T) {
	t.Run("in JSON", func(t *testing.T) {
		r := newClient(noon).V3(http.MethodPost, UsageAction, url.Values{"PageSize": {"50"}}, "")
		w := simulatortest.Do(newServer(), r)
		want := `{"RequestId":"` + w.Header().Get("x-acs-request-id") + `",` +
			`"UsageDataPerPage":{"PageSize":50,"PageNumber":1,"TotalCount":2,"Data":{"DataItem":[` +
			`{"TaskId":"11584","TaskName":"usage & more","Status":"created","CreateTime":"2018-09-03T03:00:00Z"},` +
			`{"TaskId":"11","TaskName":"refresh","Status":"success",` +
			`"CreateTime":"2018-09-03T02:00:00Z","UpdateTime":"2018-09-03T02:01:41Z",` +
			`"DownloadUrl":"https://oss.example/11.pdf?a=1&Signature=` + downloadSecret + `",` +
			`"TaskConfig":{"StartTime":"2018-07-31T16:00:00Z","EndTime":"2018-08-31T15:59:59Z"}}]}}}`
		if w.Code != http.StatusOK || w.Body.String() != want {
			t.Errorf("response %d:\n%s\nwant\n%s", w.Code, w.Body, want)
		}
		if got := w.Header().Get("Content-Type"); got != "application/json;charset=utf-8" {
			t.Errorf("Content-Type = %s", got)
		}
	})

	for name, edit := range map[string]func(url.Values){
		"in XML, as requested":     func(p url.Values) { p.Set("Format", "XML") },
		"in XML, without a Format": func(p url.Values) { p.Del("Format") },
	} {
		t.Run(name, func(t *testing.T) {
			w := simulatortest.Do(newServer(), newClient(noon).HMACSHA1(http.MethodGet, UsageAction, nil, edit))
			var body pageBody
			if err := xml.Unmarshal(w.Body.Bytes(), &body); err != nil {
				t.Fatalf("%v in %s", err, w.Body)
			}
			page := body.UsageDataPerPage
			items := page.Data.DataItem
			if body.XMLName.Local != UsageAction+"Response" || body.RequestID == "" || page.TotalCount != 2 || len(items) != 2 ||
				items[0].TaskName != "usage & more" || items[0].TaskConfig != nil ||
				items[1].TaskConfig.EndTime != "2018-08-31T15:59:59Z" {
				t.Errorf("page %s", w.Body)
			}
			if got := w.Header().Get("Content-Type"); got != "text/xml;charset=utf-8" {
				t.Errorf("Content-Type = %s", got)
			}
		})
	}

	t.Run("of an empty list has an empty array", func(t *testing.T) {
		s := New(NewFixedAccount(), Options{Now: fixedClock(noon)})
		w := simulatortest.Do(s, newClient(noon).List(UsageAction))
		if !strings.Contains(w.Body.String(), `"TotalCount":0,"Data":{"DataItem":[]}`) {
			t.Error(w.Body)
		}
	})

	t.Run("by number and size", testPageNumberAndSize)
}

func testPageNumberAndSize(t *testing.T) {
	tasks := numbered(120)
	s := New(NewFixedAccount(tasks...), Options{Now: fixedClock(noon), Quota: 1e6})
	c := newClient(noon)
	for _, tc := range []struct {
		number, size string // empty: not sent
		from, to     int    // the expected tasks, without to
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
			"V3, query":                 c.V3(http.MethodGet, UsageAction, params, ""),
			"HMAC-SHA1, query":          c.HMACSHA1(http.MethodGet, DetailAction, params),
			"HMAC-SHA1, form":           c.HMACSHA1(http.MethodPost, UsageAction, params),
			"HMAC-SHA1, query and form": moveHalfToQuery(t, c.HMACSHA1(http.MethodPost, DetailAction, params)),
			"V3, form": c.V3(http.MethodPost, DetailAction, nil, params.Encode(), func(r *http.Request) {
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
			}),
		} {
			p := simulatortest.DecodePage(t, simulatortest.Do(s, r))
			number, size := strconv.Itoa(p.PageNumber), strconv.Itoa(p.PageSize)
			got := p.Data.DataItem
			if p.TotalCount != 120 || len(got) != tc.to-tc.from ||
				number != orDefault(tc.number, "1") || size != orDefault(tc.size, "20") {
				t.Fatalf("%s: page %q of size %q: number %s, size %s, %d of %d tasks",
					scheme, tc.number, tc.size, number, size, len(got), p.TotalCount)
			}
			for i, task := range got {
				if want := tasks[tc.from+i].ID; task.TaskID != want {
					t.Fatalf("%s: page %q of size %q: task %d is %s, want %s",
						scheme, tc.number, tc.size, i, task.TaskID, want)
				}
			}
		}
	}

	for name, invalid := range map[string][]string{
		"PageSize":   {"0", "-1", "51", "1.5", "ten", "0x10", " 1", "100001", "99999999999999999999"},
		"PageNumber": {"0", "-1", "100001", "1.5", "ten", "0x10", " 1", "99999999999999999999"},
	} {
		for _, value := range invalid {
			r := c.V3(http.MethodGet, UsageAction, url.Values{name: {value}}, "")
			simulatortest.WantError(t, simulatortest.Do(s, r), 400, "InvalidParameter")
		}
	}
}

// moveHalfToQuery moves about half of a form's parameters to the URL. The API treats
// them the same.
func moveHalfToQuery(t *testing.T, r *http.Request) *http.Request {
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

// BenchmarkPage measures a page of 50 from 100,000 tasks, with its signature.
func BenchmarkPage(b *testing.B) {
	s := New(NewFixedAccount(numbered(100000)...), Options{Now: fixedClock(noon), Quota: 1e9})
	c := newClient(noon)
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		query := url.Values{"PageSize": {"50"}, "PageNumber": {strconv.Itoa(i%2000 + 1)}}
		r := c.V3(http.MethodPost, UsageAction, query, "")
		b.StartTimer()
		if w := simulatortest.Do(s, r); w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
}
