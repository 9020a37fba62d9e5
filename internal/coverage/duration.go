package coverage

import (
	"fmt"
	"time"
)

// Duration is a time.Duration that is not negative.
type Duration time.Duration

// UnmarshalText accepts what time.ParseDuration accepts, such as 72h, unless it is
// negative.
func (d *Duration) UnmarshalText(text []byte) error {
	duration, err := time.ParseDuration(string(text))
	if err != nil || duration < 0 {
		return fmt.Errorf("must be a duration, such as 72h (got %q)", text)
	}
	*d = Duration(duration)
	return nil
}
