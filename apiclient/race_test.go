//go:build race

package apiclient_test

// raceEnabled is true with the race detector, which makes tests about ten times slower. Long
// tests then play fewer histories; "make model" plays all of them without it.
const raceEnabled = true
