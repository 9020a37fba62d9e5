package collector

import "time"

// RefreshDue reports whether a refresh is due after one with these times.
func RefreshDue(began, ended time.Time, took time.Duration, now time.Time, ttl, timeout time.Duration) bool {
	return refreshState{refreshes: 1, began: began, ended: ended, duration: took}.due(now, ttl, timeout)
}
