package apiclient_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"alicdn_export_exporter/apiclient"
)

func file(t *testing.T, path string) http.Handler {
	t.Helper()
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) })
}

func unix(text string) apiclient.Timestamp {
	moment, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return apiclient.Timestamp(moment.Unix())
}

func TestPage(t *testing.T) {
	const invalid = apiclient.InvalidTime
	// Unusual responses that the API is known to send, or may send.
	t.Run("reads odd responses", func(t *testing.T) {
		for name, want := range map[string]apiclient.Page{
			"published_sample": {Number: 1, Size: 20, TotalCount: 2, Tasks: []apiclient.Task{
				{
					ID: "11", Name: "Refresh", Status: apiclient.Created,
					Created: unix("2018-10-09T01:39:31Z"), Updated: unix("2018-10-09T01:42:10Z"),
					Start: unix("2018-07-31T16:00:00Z"), End: unix("2018-08-31T15:59:59Z"),
				},
				{
					ID: "11584", Name: "monthly", Status: apiclient.Success,
					Created: unix("2019-12-31T08:43:21Z"), Updated: unix("2019-12-31T08:45:02Z"),
					Start: unix("2019-11-30T16:00:00Z"), End: unix("2019-12-31T15:59:59Z"),
				},
			}},
			"counts_as_strings": {Number: 1, Size: 50, TotalCount: 1, Tasks: []apiclient.Task{
				{ID: "7", Name: "n", Status: apiclient.Failed, Created: unix("2026-01-01T00:00:00Z"), Updated: unix("2026-01-01T00:02:00Z")},
			}},
			"missing_task_name": {TotalCount: 2, Tasks: []apiclient.Task{
				{ID: "1", Status: apiclient.Success}, {ID: "2", Status: apiclient.Unknown},
			}},
			"null_data_empty_list":    {Number: 1},
			"null_items_empty_list":   {Number: 1, Tasks: []apiclient.Task{}},
			"missing_data_empty_list": {},
			"unknown_statuses":        {TotalCount: 3, Tasks: []apiclient.Task{{ID: "1"}, {ID: "2"}, {ID: "3"}}},
			"odd_times": {TotalCount: 6, Tasks: []apiclient.Task{
				{ID: "1", Status: apiclient.Success, Created: invalid},
				{ID: "2", Status: apiclient.Success, Created: unix("2026-01-01T00:00:00Z")},
				{ // To the minute; the period ends with the minute.
					ID: "3", Status: apiclient.Success, Created: unix("2026-11-02T01:00:00Z"), Updated: unix("2026-11-02T01:02:00Z"),
					Start: unix("2026-09-30T16:00:00Z"), End: unix("2026-10-31T15:59:59Z"),
				},
				{ID: "4", Status: apiclient.Success, Created: invalid, Updated: invalid, Start: invalid, End: invalid},
				{
					ID: "5", Status: apiclient.Success, Created: unix("2000-01-01T00:00:00Z"), Updated: unix("9999-12-31T23:59:59Z"),
					Start: unix("2000-01-01T00:00:00Z"), End: unix("2000-01-01T00:00:00Z"),
				},
				{ID: "6", Status: apiclient.Success, Created: invalid, Updated: invalid, Start: invalid, End: invalid},
			}},
			"escapes": {TotalCount: 1, Tasks: []apiclient.Task{{ID: "12", Name: "Umsatz 出\t\"x\"", Status: apiclient.Success}}},
			"bad_utf8": {TotalCount: 2, Tasks: []apiclient.Task{
				{ID: "a\xff", Name: "\uFFFD(", Status: apiclient.Success}, {ID: "a\xfe", Status: apiclient.Success},
			}},
		} {
			t.Run(name, func(t *testing.T) {
				client := newClient(t, serve(t, file(t, "testdata/answers/"+name+".json")))
				page, err := client.Page(context.Background(), apiclient.Usage, 1)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, page); diff != "" {
					t.Errorf("page (-want +got):\n%s", diff)
				}
			})
		}
		known, err := filepath.Glob("testdata/answers/*.json")
		if err != nil || len(known) != 10 {
			t.Errorf("%d files in testdata/answers (%v), 10 are tested", len(known), err)
		}
	})

	// Responses that must not be decoded as a list, and above all not as an empty one.
	t.Run("refuses broken responses", func(t *testing.T) {
		files, err := filepath.Glob("testdata/refused/*.json")
		if err != nil || len(files) < 25 {
			t.Fatalf("%d files in testdata/refused (%v)", len(files), err)
		}
		for _, path := range files {
			t.Run(filepath.Base(path), func(t *testing.T) {
				got := pageError(t, newClient(t, serve(t, file(t, path)), retrying(3)))
				if want := (apiclient.ErrorKind{Code: "decode", Class: apiclient.ClassMalformed}); got.Kind() != want || got.Status != 200 {
					t.Errorf("error = %v (%v, status %d), want %v", got, got.Kind(), got.Status, want)
				}
			})
		}
	})

	// A response from something else requires another action than a change of the API.
	t.Run("says what is different in a response", func(t *testing.T) {
		const page = `{"UsageDataPerPage":%s}`
		for _, tc := range []struct {
			body, want string
			shape      bool
		}{
			{`<!doctype html><p>Log in to the guest network`, "what answers is not the API: it sent an HTML page", false},
			{`Canary`, "what answers is not the API: the body is not a list of tasks in JSON", false},
			{`{"Canary":{"UsageDataPerPage":`, "what answers is not the API: the body is not a list of tasks in JSON", false},
			{`{"Canary":1}`, "what answers is not the API: no UsageDataPerPage", false},
			// As the API's parameter table describes it.
			{`{"TotalCount":1,"UsageDataPerPage":[{"TaskId":"1"}]}`, "UsageDataPerPage is a list, not an object", true},
			{fmt.Sprintf(page, `"Canary"`), "UsageDataPerPage is a text, not an object", true},
			{fmt.Sprintf(page, `{"TotalCount":1,"Data":[{"Canary":1}]}`), "UsageDataPerPage.Data is a list, not an object", true},
			{
				fmt.Sprintf(page, `{"TotalCount":2,"Data":{"DataItem":[{"TaskId":1},"Canary"]}}`),
				"UsageDataPerPage.Data.DataItem.1 is a text, not an object", true,
			},
			{
				fmt.Sprintf(page, `{"TotalCount":1,"Data":{"DataItem":{"Canary":1}}}`),
				"UsageDataPerPage.Data.DataItem has an unexpected value", true,
			},
			{fmt.Sprintf(page, `{"TotalCount":"Canary"}`), "UsageDataPerPage.TotalCount has an unexpected value", true},
			{fmt.Sprintf(page, `{"Canary":1}`), "no TotalCount", true},
			{fmt.Sprintf(page, `{"TotalCount":1,"Data":{"DataItem":[{}]}}`), "a task without a TaskId", true},
		} {
			got := pageError(t, newClient(t, "http://127.0.0.1", through(fail(200, tc.body))))
			if got.Code != "decode" || got.Detail != tc.want || errors.Is(got, apiclient.ErrShape) != tc.shape {
				t.Errorf("%s: %v (about the structure: %t), want %q, %t", tc.body, got, errors.Is(got, apiclient.ErrShape), tc.want, tc.shape)
			}
		}
	})

	t.Run("bounds the texts of a task", func(t *testing.T) {
		for _, tc := range []struct {
			what, id, name, wantName string
			refused                  bool
		}{
			{what: "an id of 128 bytes", id: strings.Repeat("1", 128)},
			{what: "an id of 129 bytes", id: strings.Repeat("1", 129), refused: true},
			{what: "an id of 70,000 bytes", id: strings.Repeat("1", 70_000), refused: true},
			{what: "an id with 129 bytes of UTF-8", id: strings.Repeat("出", 43), refused: true},
			{what: "a name of 256 bytes", id: "1", name: strings.Repeat("n", 256), wantName: strings.Repeat("n", 256)},
			{what: "a name of 257 bytes", id: "1", name: strings.Repeat("n", 257), wantName: strings.Repeat("n", 256)},
			{what: "a name of 70,000 bytes", id: "1", name: strings.Repeat("n", 70_000), wantName: strings.Repeat("n", 256)},
			{what: "a name that would be cut within a character", id: "1", name: strings.Repeat("出", 100), wantName: strings.Repeat("出", 85)},
		} {
			body := fmt.Sprintf(`{"UsageDataPerPage":{"TotalCount":1,"Data":{"DataItem":[{"TaskId":%q,"TaskName":%q}]}}}`, tc.id, tc.name)
			page, err := newClient(t, "http://127.0.0.1", through(fail(200, body))).Page(t.Context(), apiclient.Usage, 1)
			if tc.refused {
				if want := "decode: a TaskId of more than 128 bytes (HTTP status 200)"; err == nil || err.Error() != want {
					t.Errorf("%s: error = %v, want %s", tc.what, err, want)
				}
				continue
			}
			if err != nil || page.Tasks[0].ID != tc.id || page.Tasks[0].Name != tc.wantName {
				t.Errorf("%s: %d bytes of id, %d of name, %v", tc.what, len(page.Tasks[0].ID), len(page.Tasks[0].Name), err)
			}
		}
	})

	// A body within its bound may consist of names. A list of them must not fill the memory.
	t.Run("keeps little of long names", func(t *testing.T) {
		const pages = 60
		name := strings.Repeat("n", 20_000)
		handler := bodies(func(page int, _ time.Duration) string {
			text := body(pages*apiclient.PageSize-1, pageOf(ids(1, pages*apiclient.PageSize-1), page))
			return strings.ReplaceAll(text, `"Status"`, `"TaskName":"`+name+`","Status"`)
		})
		client := newClient(t, "http://127.0.0.1", through(handler))
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		listing, err := client.List(t.Context(), apiclient.Usage, nil)
		runtime.GC()
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Fatal(err)
		}
		if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 4<<20 {
			t.Errorf("%d MiB for %d tasks", grown>>20, len(listing.Tasks))
		}
		runtime.KeepAlive(listing)
	})

	t.Run("keeps no download address", func(t *testing.T) {
		client := newClient(t, serve(t, file(t, "testdata/answers/published_sample.json")))
		page, err := client.Page(context.Background(), apiclient.Usage, 1)
		if err != nil {
			t.Fatal(err)
		}
		if text := cmp.Diff(apiclient.Page{}, page); len(text) == 0 || contains(text, "canary-download-url") {
			t.Errorf("page = %s", text)
		}
	})
}
