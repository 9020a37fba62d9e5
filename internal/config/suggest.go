package config

import "strings"

// didYouMean returns "; did you mean NAME?" with the closest name, or "" if there is none.
func didYouMean(wrong string, names []string) string {
	if name := closest(wrong, names); name != "" {
		return "; did you mean " + name + "?"
	}
	return ""
}

// closest returns the name that is most similar to a wrong one or, if none is similar, the first one that contains it.
// It returns "" if there is none.
func closest(wrong string, names []string) string {
	best, distance := "", 1+min(len(wrong), 12)/4 // One mistake in every four characters.
	for _, name := range names {
		if d := editDistance(plain(wrong), plain(name), distance); d < distance || d == distance && best == "" {
			best, distance = name, d
		}
	}
	for _, name := range names {
		if best == "" && len(wrong) > 2 && strings.Contains(plain(name), plain(wrong)) {
			best = name
		}
	}
	return best
}

// plain returns a name in lower case and without separators, so that time-zone, timeZone and
// time_zone are equal.
func plain(name string) string {
	return strings.ToLower(strings.NewReplacer("-", "", "_", "", ".", "", " ", "").Replace(name))
}

// editDistance returns how many characters must be inserted, removed or replaced to turn a into b. It returns most+1
// if the number is greater than most.
func editDistance(a, b string, most int) int {
	if max(len(a), len(b))-min(len(a), len(b)) > most {
		return most + 1
	}
	row := make([]int, len(b)+1) // The distances of a[:i] to each b[:j].
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return min(row[len(b)], most+1)
}
