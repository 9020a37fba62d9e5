package advice

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"time"
	"unicode"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/coverage"
)

// The placeholders for names that a person must choose. They begin with a character that no
// other name of an Export has.
const (
	// PlaceholderMatching stands for a name that an expectation's task_name matches.
	PlaceholderMatching = "<a name that task_name matches>"
	// PlaceholderSame stands for the name of the task that the export replaces.
	PlaceholderSame = "<the name of the other task>"
)

// IsPlaceholder reports whether a name stands for one that a person must choose.
func IsPlaceholder(name string) bool { return strings.HasPrefix(name, "<") }

// NameFor returns the name of an export of usage from start to end: the export and the
// month or the day on which the usage begins, such as usage-2026-10 or
// detail-flow-2026-10.
func NameFor(export apiclient.Export, start, end time.Time) string {
	if export == apiclient.UsageDetail {
		return "detail-flow-" + label(start, end)
	}
	return "usage-" + label(start, end)
}

// weekNumber matches the part of a pattern that stands for the number of a week, such as
// W\d{2}.
var weekNumber = regexp.MustCompile(`[Ww]\(?(\\d|\[0-9)`)

// NameMatching returns a name like NameFor's that pattern matches. It returns
// PlaceholderMatching if no such name can be derived from the pattern.
func NameMatching(pattern coverage.Pattern, export apiclient.Export, start, end time.Time) string {
	usual := NameFor(export, start, end)
	if pattern.Matches(usual) {
		return usual
	}
	parsed, err := syntax.Parse(pattern.String(), syntax.Perl)
	if err != nil {
		return PlaceholderMatching
	}
	digits := start.Format("20060102")
	if start.Weekday() == time.Monday && start.AddDate(0, 0, 7).Equal(end) && weekNumber.MatchString(pattern.String()) {
		year, week := start.ISOWeek()
		digits = fmt.Sprintf("%d%02d", year, week)
	}
	for _, label := range []string{label(start, end), start.Format("200601"), start.Format(time.DateOnly)} {
		g := generator{label: label, digits: digits}
		g.write(parsed.Simplify())
		if name := g.String(); pattern.Matches(name) && harmless(name) {
			return name
		}
	}
	return PlaceholderMatching
}

// NameLike returns a task's name. ok reports whether it is harmless in a command line.
func NameLike(task *apiclient.Task) (name string, ok bool) { return task.Name, harmless(task.Name) }

// harmless reports whether a name consists of letters of any script, digits, dots,
// underscores, hyphens and blanks, and does not look like a flag. Anyone who can make tasks
// chooses names.
func harmless(name string) bool {
	allowed := func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._- ", r)
	}
	return strings.TrimSpace(name) != "" && !strings.HasPrefix(name, "-") &&
		strings.IndexFunc(name, func(r rune) bool { return !allowed(r) }) < 0
}

// label returns the month of the usage if it is a whole month, and the first day otherwise.
func label(start, end time.Time) string {
	if start.Day() == 1 && start.AddDate(0, 1, 0).Equal(end) {
		return start.Format("2006-01")
	}
	return start.Format(time.DateOnly)
}

// generator writes a text that probably matches a regular expression. Where the expression
// allows any text, it writes a label. Where the expression requires digits, it writes those
// of a date.
type generator struct {
	strings.Builder

	label   string
	labeled bool
	digits  string // not yet written
}

func (g *generator) write(re *syntax.Regexp) {
	switch re.Op {
	case syntax.OpLiteral:
		text := string(re.Rune)
		if re.Flags&syntax.FoldCase != 0 {
			text = strings.ToLower(text)
		}
		g.WriteString(text)
	case syntax.OpCharClass:
		g.writeOneOf(re.Rune)
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		g.WriteByte('1')
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			g.write(sub)
		}
	case syntax.OpAlternate, syntax.OpCapture:
		g.write(re.Sub[0])
	case syntax.OpStar, syntax.OpPlus:
		g.repeat(re.Sub[0], re.Op == syntax.OpPlus)
	default: // Anchors and optional parts need no text.
	}
}

// repeat writes a repeated expression: the label if it allows any text, all remaining
// digits if it allows digits.
func (g *generator) repeat(re *syntax.Regexp, needed bool) {
	switch {
	case re.Op == syntax.OpAnyChar || re.Op == syntax.OpAnyCharNotNL || re.Op == syntax.OpCharClass && holdsAll(re.Rune, g.label):
		if !g.labeled {
			g.labeled = true
			g.WriteString(g.label)
			return
		}
	case re.Op == syntax.OpCharClass && holdsAll(re.Rune, g.digits):
		g.WriteString(g.digits)
		g.digits = ""
		return
	}
	if needed {
		g.write(re)
	}
}

// writeOneOf writes one character of a class: the next digit of the date if the class
// contains it.
func (g *generator) writeOneOf(class []rune) {
	if g.digits != "" && holdsAll(class, g.digits[:1]) {
		g.WriteByte(g.digits[0])
		g.digits = g.digits[1:]
		return
	}
	if len(class) > 0 {
		g.WriteRune(class[0])
	}
}

// holdsAll reports whether a text is not empty and consists of characters of a class. A
// class is pairs of the first and the last character of a range.
func holdsAll(class []rune, text string) bool {
	for _, r := range text {
		found := false
		for i := 0; i+1 < len(class); i += 2 {
			found = found || class[i] <= r && r <= class[i+1]
		}
		if !found {
			return false
		}
	}
	return text != ""
}
