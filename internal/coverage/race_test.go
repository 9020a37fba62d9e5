//go:build race

package coverage_test

import "time"

// step is the time between two checks of the simulation. The race detector makes the simulation
// ten times slower. Steps of five hours reach every hour of the day in turn.
const step = 5 * time.Hour
