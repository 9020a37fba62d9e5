package scenario

import (
	"testing"
	"time"
)

// A task is listed for three calendar months in UTC+8.
func TestJobIsListed(t *testing.T) {
	date := func(year int, month time.Month, day int) time.Time {
		return time.Date(year, month, day, 0, 0, 1, 0, zone)
	}
	for _, tc := range []struct{ created, expires time.Time }{
		{date(2026, time.August, 22), date(2026, time.November, 22)},
		{date(2026, time.December, 1), date(2027, time.March, 1)}, // created on November 30 in UTC
		{date(2026, time.November, 30), date(2027, time.March, 2)},
	} {
		j := job{created: tc.created.UTC()}
		if j.isListed(tc.created.Add(-time.Second)) || !j.isListed(tc.created) {
			t.Errorf("created %s: not listed from then on", tc.created)
		}
		if !j.isListed(tc.expires.Add(-time.Second)) || j.isListed(tc.expires) {
			t.Errorf("created %s: not listed until exactly %s", tc.created, tc.expires)
		}
		if earliestListed(tc.expires.Add(-time.Second)).After(tc.created) {
			t.Errorf("created %s: earliestListed is later, a second before the task expires", tc.created)
		}
	}
}
