package coverage

import (
	"time"

	"alicdn_export_exporter/apiclient"
)

// horizon is the age beyond which usage is not judged. The API lists a task for three calendar
// months, which are at least 89 days, and a file covers usage from before its task was created.
// A task that covers younger usage is therefore still listed: if no listed task covers that
// usage, no task does.
const horizon = 88 * 24 * time.Hour

// maxListed is longer than any task is listed: three calendar months are at most 92 days.
const maxListed = 93 * 24 * time.Hour

// Rules are the settings of an account that decide how its usage is judged.
type Rules struct {
	// UsageDelay is the time after which usage is complete.
	UsageDelay time.Duration
	// Since is the first moment of usage that is judged. The zero time excludes none.
	Since time.Time
}

// judgedFrom returns the first moment of usage that is judged now.
func (r Rules) judgedFrom(now time.Time) apiclient.Timestamp {
	return max(horizonAt(now), timestamp(r.Since))
}

func horizonAt(now time.Time) apiclient.Timestamp { return timestamp(now.Add(-horizon)) }

func timestamp(t time.Time) apiclient.Timestamp { return apiclient.Timestamp(t.Unix()) }
