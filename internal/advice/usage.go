package advice

import (
	"fmt"

	"alicdn_export_exporter/internal/coverage"
)

// TooEarly says why usage is missing whose export was made before it was complete. That
// export files have the delay of the usage data is inferred, not documented.
func TooEarly(usageDelay coverage.Duration) string {
	return fmt.Sprintf("exported too early: usage takes up to %s to be complete (usage_delay), "+
		"so the file probably lacks the last hours", usageDelay)
}

// Unmatched says that no listed task has a name that an expectation's pattern matches.
func Unmatched(pattern coverage.Pattern) string {
	if meant := pattern.Meant(); meant != "" {
		return fmt.Sprintf("no listed task matches %s, did you mean %s?", pattern, meant)
	}
	return fmt.Sprintf("no listed task matches %s", pattern)
}
