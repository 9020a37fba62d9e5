package coverage

import (
	"fmt"
	"strings"
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

// String formats whole days as 3d. It formats other durations as time.Duration does, but
// without zero minutes and seconds at the end.
func (d Duration) String() string {
	if d > 0 && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	text := time.Duration(d).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// ParseDuration accepts what time.ParseDuration accepts, and the units d for days of 24 hours
// and w for weeks of 7 such days.
func ParseDuration(text string) (time.Duration, error) { return str2duration.ParseDuration(text) }
