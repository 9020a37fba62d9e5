package simulator

import (
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"
)

// BenchmarkPage is a page of 50 out of 100,000 tasks, signature included.
func BenchmarkPage(b *testing.B) {
	s := New(NewFixedAccount(Crowd(100000, noon, 1)...), Options{Now: at(noon), Quota: 1e9})
	c := clientAt(noon)
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		r := c.v3(http.MethodPost, UsageAction, url.Values{"PageSize": {"50"}, "PageNumber": {strconv.Itoa(i%2000 + 1)}}, "")
		b.StartTimer()
		if w := ask(s, r); w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
}

// BenchmarkLook is the work at an event: a new view of the account.
func BenchmarkLook(b *testing.B) {
	for name, habits := range map[string]func(story) []habit{"healthy": demo, "moving": story.moving, "huge": story.huge} {
		b.Run(name, func(b *testing.B) {
			l := &life{habits: habits(story{start: noon, seed: 1})}
			for b.Loop() {
				l.look(UsageAction, noon.Add(time.Minute))
			}
		})
	}
}
