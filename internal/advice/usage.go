package advice

import (
	"fmt"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/coverage"
)

// TooEarly explains why usage is missing: its export was made before the usage was
// complete. It is inferred, not documented, that export files have the same delay as usage
// data.
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

// Overdue returns the advice for an overdue export. tooEarly means that it was made before its usage was
// complete. unmatched means that no listed task matches the expectation's task_name, which may be wrong.
func Overdue(tooEarly, unmatched bool) string {
	switch {
	case unmatched:
		return "Make the export, or correct task_name of the expectation."
	case tooEarly:
		return "Make the export again, and from now on later after the end of its period."
	default:
		return "Make the export, and find out why it was not made."
	}
}

// MonthMissing returns the advice for a month that is not covered. tooEarly means that it was exported before its
// usage was complete.
func MonthMissing(tooEarly bool) string {
	if tooEarly {
		return "Export the month again, and from now on later after its end."
	}
	return "Export the month."
}

// The advice for other problems.
const (
	Failed    = "Make the export again."
	Stuck     = "Make the export again: a success replaces it. If exports often get stuck, ask Alibaba Cloud's support."
	TooOld    = "It can no longer be exported. To end this, delete the task in the CDN console, or set since of the account to a later day."
	AnyExport = "Make an export, and find out why none was made. If none is needed, switch the limit off (success_age: 0)."
	EmptyList = "If the account has exports, this key probably belongs to another account, " +
		"or to the other site's: aliyun.com and alibabacloud.com have separate accounts."
	Stale    = "Find out why no newer list was read: the last refreshes say so."
	Slow     = "Raise the rate limit (--api.rate-limit, or rate_limit of the account), or find out who else uses the account's quota."
	Unlisted = "This usually ends by itself. If it does not, compare the list with the CDN console, " +
		"and ask Alibaba Cloud's support."
	UnknownStatus = "Look at the tasks in the CDN console, and report their status together with the version."
	Malformed     = "Look at the tasks in the CDN console. If their times are right there, report this together with the version."
	More          = "They are not written out. Act on the others first."
)

// Permission says whose key a command that makes an export needs.
func Permission(export apiclient.Export) string {
	return "Use the CDN console, or this command with the key of a person who has the RAM action cdn:" + CreateAction(export) +
		". The exporter's own key must not have it."
}

// Notes about a command.
const (
	Rename     = "Replace the placeholder in angle brackets."
	DetailType = "The list does not tell the type of a task: replace --Type flow by --Type vas for value-added services."
)
