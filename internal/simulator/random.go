package simulator

import (
	"time"
)

// draw returns a number that looks random and is the same for the same seed and
// keys, whatever was drawn before: the state of an account at any moment can be
// worked out without living through the moments before it.
func draw(seed uint64, keys ...uint64) uint64 {
	x := mix(seed)
	for _, key := range keys {
		x = mix(x ^ mix(key))
	}
	return x
}

// mix is the finishing step of SplitMix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// seconds draws a whole number of seconds, from least to most.
func seconds(least, most time.Duration, seed uint64, keys ...uint64) time.Duration {
	span := uint64((most-least)/time.Second) + 1
	return least + time.Duration(draw(seed, keys...)%span)*time.Second
}
