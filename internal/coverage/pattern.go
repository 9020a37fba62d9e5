package coverage

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// Pattern is a regular expression that matches whole task names. The zero Pattern
// matches every name.
type Pattern struct {
	source string
	regexp *regexp.Regexp // source, anchored at both ends; nil for the zero Pattern
}

// UnmarshalText compiles a regular expression in Go's syntax. An empty text yields the zero
// Pattern.
func (p *Pattern) UnmarshalText(text []byte) error {
	source := string(text)
	if source == "" {
		*p = Pattern{}
		return nil
	}
	// Compile it without the anchors first, so that an error quotes the text as it was written.
	if _, err := regexp.Compile(source); err != nil {
		if meant := regexpOfGlob(source); meant != "" {
			return fmt.Errorf("%w (did you mean %s?)", err, meant)
		}
		return err
	}
	anchored, err := regexp.Compile("^(?:" + source + ")$")
	if err != nil {
		return err
	}
	*p = Pattern{source, anchored}
	return nil
}

// Matches reports whether the pattern matches a whole name.
func (p Pattern) Matches(name string) bool { return p.regexp == nil || p.regexp.MatchString(name) }

// String returns the regular expression as it was written, or "" for the zero Pattern.
func (p Pattern) String() string { return p.source }

// Equal reports whether two patterns have the same text.
func (p Pattern) Equal(other Pattern) bool { return p.source == other.source }

// Meant returns the regular expression that a user probably meant if the pattern looks
// like a file name pattern, such as usage-*, and "" otherwise.
func (p Pattern) Meant() string { return regexpOfGlob(p.source) }

func regexpOfGlob(source string) string {
	var meant strings.Builder
	isGlob, afterLiteral := false, true
	for _, r := range source {
		switch {
		case afterLiteral && r == '*':
			isGlob = true
			meant.WriteString(".*")
		case afterLiteral && r == '?':
			isGlob = true
			meant.WriteString(".")
		default:
			// In a regular expression, * and ? usually follow something else.
			afterLiteral = unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(" -_", r)
			meant.WriteRune(r)
		}
	}
	if !isGlob {
		return ""
	}
	return meant.String()
}
