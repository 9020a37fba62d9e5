package faults_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"

	"alicdn_export_exporter/internal/simulator"
)

// bodyFaults are responses that are no page of the API.
func bodyFaults() []fault {
	deep := strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000)
	deepXML := "<Error>" + strings.Repeat("<a>", 1_000_000)
	long := strings.Repeat("n", 77_000)
	malformed := func(kind int, name, code string, a answer) fault {
		return fault{kind: kind, name: name, want: refused, code: code, class: "malformed", answer: a}
	}
	failed := func(kind int, name, code, class string, a answer) fault {
		return fault{kind: kind, name: name, want: refused, code: code, class: class, answer: a}
	}
	faults := []fault{
		malformed(7, "body_of_300_mb", "response_too_large", huge(false)),
		malformed(7, "body_of_300_mb_with_its_length", "response_too_large", huge(true)),
		malformed(8, "gzip_bomb", "response_too_large", compressed(http.StatusOK)),
		failed(8, "gzip_bomb_as_an_error", "http_status", "server", compressed(http.StatusServiceUnavailable)),
		malformed(9, "truncated_json", "decode", edited(func(_ int, body string) string {
			return body[:len(body)*2/3]
		})),
		malformed(10, "json_10000_levels", "decode",
			withJSON(`{"UsageDataPerPage":{"TotalCount":1,"Data":{"DataItem":`+deep+`}}}`)),
		malformed(10, "json_10000_levels_in_an_unknown_key", "decode",
			withJSON(`{"X":`+deep+`,"UsageDataPerPage":{"TotalCount":0}}`)),
		malformed(10, "error_of_10000_levels", "http_status", respond(http.StatusBadRequest, "application/json",
			`{"X":`+deep+`}`)),
		malformed(11, "html_with_200", "decode", respond(http.StatusOK, "text/html",
			"<html><body>Sign in to the hotel's network</body></html>")),
		malformed(11, "empty_body", "decode", withJSON("")),
	}
	for name, body := range map[string]string{
		"body": "null", "page": `{"UsageDataPerPage":null}`,
		"total": `{"UsageDataPerPage":{"TotalCount":null,"Data":{"DataItem":[]}}}`,
		"data":  `{"UsageDataPerPage":{"TotalCount":90,"Data":null}}`,
		"items": `{"UsageDataPerPage":{"TotalCount":90,"Data":{"DataItem":null}}}`,
		"task":  `{"UsageDataPerPage":{"TotalCount":1,"Data":{"DataItem":[null]}}}`,
	} {
		faults = append(faults, malformed(12, "null_"+name, "decode", withJSON(body)))
	}
	for name, body := range map[string]string{
		"body_is_a_list":     `[]`,
		"page_is_a_list":     `{"UsageDataPerPage":[]}`,
		"items_is_an_object": `{"UsageDataPerPage":{"TotalCount":1,"Data":{"DataItem":{}}}}`,
		"id_is_an_object":    `{"UsageDataPerPage":{"TotalCount":1,"Data":{"DataItem":[{"TaskId":{}}]}}}`,
		"total_is_a_word":    `{"UsageDataPerPage":{"TotalCount":"many","Data":{"DataItem":[]}}}`,
		"status_is_a_number": `{"UsageDataPerPage":{"TotalCount":1,"Data":{"DataItem":[{"TaskId":"1","Status":5}]}}}`,
	} {
		faults = append(faults, malformed(13, name, "decode", withJSON(body)))
	}
	return append(faults,
		fault{
			kind: 14, name: "duplicate_keys", want: tolerated,
			answer: replaced(`"TaskName":`, `"TaskName":"another","TaskName":`, `"UpdateTime":`,
				`"UpdateTime":"2001-01-01T00:00:00Z","UpdateTime":`),
		},
		fault{
			kind: 14, name: "duplicate_ids", want: refused,
			answer: replaced(`"TaskId":"499990"`, `"TaskId":"499991"`),
		},
		fault{kind: 14, name: "bad_utf8", want: tolerated, answer: replaced(`"TaskName":"usage`,
			"\"TaskName\":\"\xff\xc0\x80usage")},
		fault{kind: 14, name: "escapes", want: tolerated, answer: replaced(`"TaskId":"49`, `"TaskId":"\u0034\u0039`,
			`"usage`, `"\ud83d\\\"\n\u0000usage`)},
		statusesFault(),
		codesFault(),
		fault{
			kind: 15, name: "codes_with_quotes_and_newlines", want: refused, code: "http_status", class: "malformed",
			answer: respond(http.StatusBadRequest, "application/json",
				`{"Code":"A\"} 1\nalicdn_export_up{account=\"main\"} 1\n#","Message":"m"}`),
			during: func(c *cell, last page) {
				if strings.Contains(last.text, "\nalicdn_export_up{account=\"main\"} 1") {
					c.Error("I2: a code adds a line to the metrics")
				}
			},
		},
		fault{
			kind: 33, name: "deep_xml", want: refused, code: "http_status", class: "malformed", ever: true,
			answer: respond(http.StatusBadRequest, "text/xml", deepXML),
		},
		malformed(33, "deep_xml_with_200", "decode", respond(http.StatusOK, "text/xml",
			"<Error>"+strings.Repeat("<a>", 300_000))),
		failed(33, "html_of_4_mb", "http_status", "server", respond(http.StatusBadGateway, "text/html",
			strings.Repeat("<html>", 700_000))),
		failed(33, "error_of_4_mb", "Forbidden", "denied", respond(http.StatusForbidden, "application/json",
			`{"Code":"Forbidden","Message":"`+strings.Repeat("m", 4<<20)+`"}`)),
		// A page of 50 such tasks would be larger than a body may be: ten have them.
		fault{kind: 33, name: "names_of_77000_characters", want: tolerated, answer: replaced(`"usage-3`,
			`"`+long+`-3`)},
		malformed(33, "ids_of_77000_characters", "decode", replaced(`"TaskId":"49995`, `"TaskId":"`+long)),
		eightLargeBodies(),
	)
}

// statusesFault gives each task of each response a status of its own.
func statusesFault() fault {
	var n atomic.Int64
	return fault{
		kind: 15, name: "10000_statuses", want: tolerated,
		answer: edited(func(_ int, body string) string {
			for strings.Contains(body, `"Status":"success"`) {
				body = strings.Replace(body, `"Status":"success"`, fmt.Sprintf(`"Status":"s\"\n%d"`, n.Add(1)), 1)
			}
			return body
		}),
		begin: func(c *cell) func() {
			tasks := newTasks(taskCount)
			statuses := newTasks(taskCount)
			for i := range statuses {
				if statuses[i].Status == "success" {
					statuses[i].Status = "unknown"
				}
			}
			c.world.model.set(statuses)
			return func() { c.world.setTasks(tasks) }
		},
		during: func(c *cell, last page) {
			for name := range last.values {
				if strings.HasPrefix(name, "tasks{") && !strings.HasSuffix(name, `status="success"}`) &&
					strings.Contains(name, `status="s`) {
					c.Errorf("I2: a status of the API is a label: %s", name)
				}
			}
		},
	}
}

// codesFault gives each error a code of its own.
func codesFault() fault {
	var n atomic.Int64
	f := fault{
		kind: 15, name: "10000_codes", want: refused, code: "other", class: "request",
		answer: func(w *world, rw http.ResponseWriter, r *http.Request) {
			code := "Strange" + strings.Map(func(digit rune) rune { return 'A' + digit - '0' }, fmt.Sprint(n.Add(1)))
			apiError(http.StatusBadRequest, code)(w, rw, r)
		},
	}
	f.during = func(c *cell, last page) {
		counted := make(map[string]bool)
		for name := range last.values {
			if strings.HasPrefix(name, "api_errors_total{") {
				counted[name] = true
			}
		}
		again := c.scrapeUntil("another code", func(p page) bool { return p.refreshes() > last.refreshes() })
		for name := range again.values {
			if strings.HasPrefix(name, "api_errors_total{") && !counted[name] {
				c.Errorf("I2: a code of the API is a label: %s", name)
			}
		}
	}
	return f
}

// eightLargeBodies is a list whose pages are as large as a body may be. They are read eight at a time. The last one
// belongs to another list.
func eightLargeBodies() fault {
	padding := `{"Padding":"` + strings.Repeat("p", 900_000) + `","RequestId"`
	return fault{kind: 33, name: "eight_large_bodies_at_once", want: refused, begin: func(c *cell) func() {
		long := c.world.serving(simulator.NewFixedAccount(newTasks(1000)...))
		return c.breaks(func(rw http.ResponseWriter, r *http.Request) {
			resp := httptest.NewRecorder()
			long.ServeHTTP(resp, r)
			body := strings.Replace(resp.Body.String(), `{"RequestId"`, padding, 1)
			if pageNumber(r) == 20 {
				body = strings.Replace(body, `"TotalCount":1000`, `"TotalCount":1001`, 1)
			}
			rw.WriteHeader(resp.Code)
			_, _ = io.WriteString(rw, body)
		})
	}}
}
