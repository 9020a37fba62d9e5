package coverage

import (
	"fmt"
	"time"

	"github.com/xhit/go-str2duration/v2"
)

// Duration is a time.Duration that is not negative.
type Duration time.Duration

// UnmarshalText accepts what ParseDuration accepts, unless it is negative.
func (d *Duration) UnmarshalText(text []byte) error {
	duration, err := ParseDuration(string(text))
	if err != nil || duration < 0 {
		return fmt.Errorf("must be a duration, such as 72h or 3d (got %q)", text)
	}
	*d = Duration(duration)
	return nil
}

// String formats the duration as time.Duration does, or in days if it has no rest.
func (d Duration) String() string {
	if d > 0 && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	return time.Duration(d).String()
}

// ParseDuration accepts what time.ParseDuration accepts, and the units d and w for days
// of 24 hours and weeks of seven of them.
func ParseDuration(text string) (time.Duration, error) { return str2duration.ParseDuration(text) }
