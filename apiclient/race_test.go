//go:build race

package apiclient_test

// raceEnabled tells that the race detector makes tests about ten times slower. Long ones
// then play less; "make model" plays them in full without it.
const raceEnabled = true
