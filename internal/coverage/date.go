package coverage

import (
	"fmt"
	"time"
)

// Date is a calendar day without a time zone. The zero Date means no day.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// UnmarshalText accepts a date such as 2026-10-01.
func (d *Date) UnmarshalText(text []byte) error {
	t, err := time.Parse(time.DateOnly, string(text))
	if err != nil {
		return fmt.Errorf("must be a date, such as 2026-10-01 (got %q)", text)
	}
	d.Year, d.Month, d.Day = t.Date()
	return nil
}

// In returns the first moment of the day in a time zone, or the zero time for the
// zero Date.
func (d Date) In(zone *time.Location) time.Time {
	if d == (Date{}) {
		return time.Time{}
	}
	return midnight(d.Year, d.Month, d.Day, zone)
}
