package coverage

import "time"

// reportedMonths is the number of complete calendar months that are judged.
const reportedMonths = 2

// MonthCoverage says how much of a calendar month successful tasks cover.
type MonthCoverage struct {
	// Ago is 1 for the last complete month and 2 for the one before it.
	Ago int
	// Start is the start of the month. End is the start of the next one.
	Start, End time.Time
	// JudgedFrom is Start. It is later if the month's first days are too old to be judged, or
	// are before Rules.Since.
	JudgedFrom time.Time
	// Ratio is the covered share of the usage from JudgedFrom to End, from 0 to 1.
	Ratio float64
	// TooEarly tells whether the rest is missing only because an export was made before
	// the usage was complete.
	TooEarly bool
}

// Months returns the last two complete calendar months, the older one first, except
// those that end before rules.Since. Months and their times are in now's time zone.
func Months(e Exported, rules Rules, now time.Time) []MonthCoverage {
	var months []MonthCoverage
	for ago := reportedMonths; ago >= 1; ago-- {
		month := Month.Period(now, ago)
		judged := month.from(rules.judgedFrom(now))
		if judged.empty() {
			continue
		}
		months = append(months, MonthCoverage{
			Ago:        ago,
			Start:      month.Start.Time().In(now.Location()),
			End:        month.End.Time().In(now.Location()),
			JudgedFrom: judged.Start.Time().In(now.Location()),
			Ratio:      e.Covered.Ratio(judged),
			TooEarly:   e.TooEarly(judged),
		})
	}
	return months
}

// DayCoverage is the covered share of a day.
type DayCoverage struct {
	Judged bool    // whether any of the day is judged
	Ratio  float64 // of the judged part, from 0 to 1
}

// Days returns the coverage of each day of the month.
func (m MonthCoverage) Days(covered Union) []DayCoverage {
	var days []DayCoverage
	for start := m.Start; start.Before(m.End); {
		day := Day.Period(start, 0)
		if judged := day.from(timestamp(m.JudgedFrom)); judged.empty() {
			days = append(days, DayCoverage{})
		} else {
			days = append(days, DayCoverage{Judged: true, Ratio: covered.Ratio(judged)})
		}
		start = day.End.Time().In(start.Location())
	}
	return days
}
