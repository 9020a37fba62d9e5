package simulator

import (
	"net/http"
	"net/url"
	"strconv"
	"testing"

	"alicdn_export_exporter/internal/simulator/simulatortest"
)

// BenchmarkPage is a page of 50 out of 100,000 tasks, signature included.
func BenchmarkPage(b *testing.B) {
	s := New(NewFixedAccount(numbered(100000)...), Options{Now: fixedClock(noon), Quota: 1e9})
	c := newClient(noon)
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		r := c.V3(http.MethodPost, UsageAction, url.Values{"PageSize": {"50"}, "PageNumber": {strconv.Itoa(i%2000 + 1)}}, "")
		b.StartTimer()
		if w := simulatortest.Do(s, r); w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
}
