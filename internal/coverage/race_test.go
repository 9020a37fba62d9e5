//go:build race

package coverage_test

import "time"

// step is the time between two checks of the simulation. The race detector makes it ten
// times slower. Five hours are every hour of the day in turn.
const step = 5 * time.Hour
