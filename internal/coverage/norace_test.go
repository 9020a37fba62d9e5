//go:build !race

package coverage_test

import "time"

// step is the time between two checks of the simulation.
const step = time.Hour
