package coverage_test

import (
	"encoding"
	"testing"
	"time"

	"alicdn_export_exporter/internal/coverage"
)

// pattern compiles a task name's regular expression.
func pattern(t *testing.T, text string) coverage.Pattern {
	t.Helper()
	var p coverage.Pattern
	if err := p.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestUnmarshalText(t *testing.T) {
	var (
		interval coverage.Interval
		duration coverage.Duration
		date     coverage.Date
		pattern  coverage.Pattern
	)
	for _, tc := range []struct {
		name, text string
		value      encoding.TextUnmarshaler
		want       string // the error, "" for none
	}{
		{"a month", "month", &interval, ""},
		{"a week", "week", &interval, ""},
		{"a day", "day", &interval, ""},
		{"another interval", "year", &interval, `must be one of month, week, day (got "year")`},
		{"an interval in upper case", "Month", &interval, `must be one of month, week, day (got "Month")`},
		{"no interval", "", &interval, `must be one of month, week, day (got "")`},
		{"a duration", "1h30m", &duration, ""},
		{"days", "3d", &duration, ""},
		{"weeks and days", "1w1.5d", &duration, ""},
		{"months are no unit", "1mo", &duration, `must be a duration, such as 72h or 3d (got "1mo")`},
		{"more than a duration can hold", "99999w", &duration, `must be a duration, such as 72h or 3d (got "99999w")`},
		{"no duration at all", "0", &duration, ""},
		{"a negative duration", "-1s", &duration, `must be a duration, such as 72h or 3d (got "-1s")`},
		{"a number without a unit", "72", &duration, `must be a duration, such as 72h or 3d (got "72")`},
		{"an empty duration", "", &duration, `must be a duration, such as 72h or 3d (got "")`},
		{"a date", "2028-02-29", &date, ""},
		{"a day that does not exist", "2026-02-29", &date, `must be a date, such as 2026-10-01 (got "2026-02-29")`},
		{"a moment", "2026-10-01T00:00:00Z", &date, `must be a date, such as 2026-10-01 (got "2026-10-01T00:00:00Z")`},
		{"an empty date", "", &date, `must be a date, such as 2026-10-01 (got "")`},
		{"a pattern", "usage-.*", &pattern, ""},
		{"an empty pattern", "", &pattern, ""},
		{"a pattern that is not closed", "usage-(", &pattern, "error parsing regexp: missing closing ): `usage-(`"},
		{
			"a file name pattern", "*-usage", &pattern,
			"error parsing regexp: missing argument to repetition operator: `*` (did you mean .*-usage?)",
		},
		{
			"a file name pattern with two stars", "usage-**", &pattern,
			"error parsing regexp: invalid nested repetition operator: `**` (did you mean usage-.*.*?)",
		},
		{"a pattern that would close the anchor", "a)|(b", &pattern, "error parsing regexp: unexpected ): `a)|(b`"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got string
			if err := tc.value.UnmarshalText([]byte(tc.text)); err != nil {
				got = err.Error()
			}
			if got != tc.want {
				t.Errorf("error %q, want %q", got, tc.want)
			}
		})
	}
	if interval != coverage.Day || duration != 0 || date != (coverage.Date{Year: 2028, Month: 2, Day: 29}) {
		t.Errorf("the last valid values are kept after errors: %v, %v, %v", interval, duration, date)
	}
}

func TestDuration(t *testing.T) {
	const day = 24 * time.Hour
	for _, tc := range []struct {
		text string
		want time.Duration
		is   string
	}{
		{"72h", 72 * time.Hour, "3d"},
		{"3d", 3 * day, "3d"},
		{"2w", 14 * day, "14d"},
		{"1w2d3h4m5s6ms", 9*day + 3*time.Hour + 4*time.Minute + 5*time.Second + 6*time.Millisecond, "219h4m5.006s"},
		{"0.5d", 12 * time.Hour, "12h"},
		{"90m", 90 * time.Minute, "1h30m"},
		{"10m", 10 * time.Minute, "10m"},
		{"20s", 20 * time.Second, "20s"},
		{"0d", 0, "0s"},
	} {
		t.Run(tc.text, func(t *testing.T) {
			var d coverage.Duration
			if err := d.UnmarshalText([]byte(tc.text)); err != nil || d != coverage.Duration(tc.want) || d.String() != tc.is {
				t.Errorf("%s, %v, want %s, shown as %s", d, err, tc.want, tc.is)
			}
		})
	}
}

func TestDate(t *testing.T) {
	for _, tc := range []struct {
		name, text, zone, want string
	}{
		{"in Shanghai", "2026-10-01", "Asia/Shanghai", "2026-10-01T00:00:00+08:00"},
		{"in UTC", "2026-10-01", "UTC", "2026-10-01T00:00:00Z"},
		{"a day that begins at 01:00", "2026-04-24", "Africa/Cairo", "2026-04-24T01:00:00+03:00"},
		{"a day that begins at 01:00, west of UTC", "2013-03-10", "America/Havana", "2013-03-10T01:00:00-04:00"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var date coverage.Date
			if err := date.UnmarshalText([]byte(tc.text)); err != nil {
				t.Fatal(err)
			}
			if got := date.In(zone(t, tc.zone)); !got.Equal(at(tc.want).Time()) {
				t.Errorf("begins %s, want %s", got, tc.want)
			}
		})
	}
	t.Run("the zero date is the zero time", func(t *testing.T) {
		if got := (coverage.Date{}).In(zone(t, "Asia/Shanghai")); !got.IsZero() {
			t.Errorf("%s", got)
		}
	})
}

func TestPattern(t *testing.T) {
	for _, tc := range []struct {
		name, pattern, task string
		want                bool
	}{
		{"the zero pattern matches every name", "", "anything", true},
		{"the zero pattern matches an empty name", "", "", true},
		{"a whole name", "usage-.*", "usage-2026-10", true},
		{"part of a name", "usage-.*", "my usage-2026-10", false},
		{"the first alternative", "a|b", "a", true},
		{"alternatives are anchored as a whole", "a|b", "ab", false},
		{"a name of several lines", "a", "a\nb", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := pattern(t, tc.pattern)
			if got := p.Matches(tc.task); got != tc.want {
				t.Errorf("%q matches %q: %t, want %t", tc.pattern, tc.task, got, tc.want)
			}
			if p.String() != tc.pattern {
				t.Errorf("it is displayed as %q, want %q", p, tc.pattern)
			}
		})
	}
	t.Run("patterns with the same text are equal", func(t *testing.T) {
		if !pattern(t, "a").Equal(pattern(t, "a")) || pattern(t, "a").Equal(pattern(t, "b")) ||
			pattern(t, "a").Equal(coverage.Pattern{}) {
			t.Error("patterns are not compared by their text")
		}
	})
}

func TestPatternMeant(t *testing.T) {
	for glob, want := range map[string]string{
		"usage-*":        "usage-.*",
		"usage-2026-??":  "usage-2026-..",
		"usage*":         "usage.*",
		"出*":             "出.*",
		"usage-*-*":      "usage-.*-.*",
		"usage-*|bill-*": "usage-.*|bill-.*",
		// These are regular expressions.
		"":               "",
		"usage-.*":       "",
		"usage-.*?":      "",
		"usage-[0-9]*":   "",
		"(usage|bill)*":  "",
		`usage-\d{4}?`:   "",
		"usage":          "",
		"usage-2026.10+": "",
	} {
		if got := pattern(t, glob).Meant(); got != want {
			t.Errorf("%q probably means %q, want %q", glob, got, want)
		}
	}
}
