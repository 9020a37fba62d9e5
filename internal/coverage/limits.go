package coverage

import "time"

// Limits are the thresholds of an account from which something is a problem.
type Limits struct {
	// PendingAge is the age from which a pending task is stuck, at most 60d. 0 switches the
	// limit off.
	PendingAge Duration `yaml:"pending_age"`
	// SuccessAge is the age from which the newest success is too old, at most 85d. 0
	// switches the limit off.
	SuccessAge Duration `yaml:"success_age"`
	// MonthGrace is the time after the end of a month within which it may be exported, at
	// most 30d. 0 switches the limit off: then no month is missing.
	MonthGrace Duration `yaml:"month_grace"`
}

// The maximum values. The API forgets a task after three months, so a greater limit would never
// be reached.
const (
	MaxPendingAge = 60 * day
	MaxSuccessAge = 85 * day
	MaxMonthGrace = 30 * day
	// MaxGrace is the maximum of Expectation.Grace and of the usage delay. When it ends, the
	// whole month is still judged.
	MaxGrace = 45 * day
)

const day = Duration(24 * time.Hour)
