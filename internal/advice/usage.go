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

// Unreplaced says what to do about a failed export that no success has replaced.
const Unreplaced = "Make the export again in the CDN console, while its usage can still be exported."

// Overdue says what to do about an overdue export. tooEarly tells that it was made before its usage was complete,
// unmatched that no listed task has the expectation's task_name, which may be wrong.
func Overdue(tooEarly, unmatched bool) string {
	switch {
	case unmatched:
		return "Make the export in the CDN console, or correct task_name of the expectation."
	case tooEarly:
		return "Make the export again in the CDN console, and from now on later after the end of its period."
	default:
		return "Make the export in the CDN console, and find out why it was not made."
	}
}
