package scenario

import "time"

// random returns a number that looks random but depends only on the seed and the keys, not
// on earlier calls. Therefore the state of an account at any moment can be computed without
// its earlier states.
func random(seed uint64, keys ...uint64) uint64 {
	x := mix(seed)
	for _, key := range keys {
		x = mix(x ^ mix(key))
	}
	return x
}

// mix is a step of SplitMix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// randomSeconds returns a random whole number of seconds from shortest to longest.
func randomSeconds(shortest, longest time.Duration, seed uint64, keys ...uint64) time.Duration {
	choices := uint64((longest-shortest)/time.Second) + 1
	return shortest + time.Duration(random(seed, keys...)%choices)*time.Second
}
