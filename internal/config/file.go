package config

import (
	"cmp"
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // Small container images have no zone data.
)

// Account is one account: a set of credentials and what to watch with it.
type Account struct {
	Name      string   `yaml:"name"`
	Endpoint  string   `yaml:"endpoint"`
	TimeZone  string   `yaml:"time_zone"`
	Exports   []string `yaml:"exports"`
	RateLimit float64  `yaml:"rate_limit"` // calls a second

	Credentials  Credentials   `yaml:"credentials"`
	Expectations []Expectation `yaml:"expectations"`
}

// Expectation is an export that should exist for every month, week or day.
type Expectation struct {
	Name     string `yaml:"name"`
	Export   string `yaml:"export"`
	TaskName string `yaml:"task_name"` // a regular expression for the whole name
	Every    string `yaml:"every"`     // month, week or day
	Grace    string `yaml:"grace"`     // a duration, such as 72h
	Since    string `yaml:"since"`     // a date, such as 2026-10-01
}

// Accepted is what the rest of the program can work with.
type Accepted struct {
	// Exports are the names of the exports there are.
	Exports []string
	// Endpoint says what is wrong with an API endpoint, nil for nothing.
	Endpoint func(string) error
}

// Load reads a file's accounts, at least one, with names of their own; what they
// leave out is as the defaults say. Its error lists all that is wrong there, one
// line each, with file, line and key.
func Load(path string, defaults Account, accepted Accepted) ([]Account, error) {
	content, err := read(path)
	if err != nil {
		return nil, fmt.Errorf("--config.file: %w", err)
	}
	p := newProblems(path)
	document := p.parse(content)
	if document == nil {
		return nil, p.err()
	}
	var file struct {
		Accounts []Account `yaml:"accounts"`
	}
	if err := p.decode(document, &file); err != nil {
		return nil, err
	}
	if len(file.Accounts) == 0 {
		p.add("accounts", "no account to watch")
	}
	first := make(map[string]string)
	for i := range file.Accounts {
		key := fmt.Sprintf("accounts[%d]", i)
		if p.unread[key] {
			continue
		}
		account := &file.Accounts[i]
		at := func(name string) string { return key + "." + name }
		account.check(p, at, accepted)
		account.Credentials.resolve(filepath.Dir(path))
		account.complete(defaults)
		for n, expectation := range account.Expectations {
			if slices.Contains(accepted.Exports, expectation.Export) && !slices.Contains(account.Exports, expectation.Export) && !p.unread[at("exports")] {
				p.add(at(fmt.Sprintf("expectations[%d].export", n)), "%s is not among the exports of the account", expectation.Export)
			}
		}
		if other, found := first[account.Name]; found && !p.wrong[at("name")] {
			p.add(at("name"), "%q is the name of %s already", account.Name, other)
		} else if !found && !p.wrong[at("name")] {
			first[account.Name] = key
		}
	}
	return file.Accounts, p.err()
}

// check adds what is wrong although it has the right type. What is not there is as
// the defaults say; what is there and empty is not.
func (a *Account) check(p *problems, at func(key string) string, accepted Accepted) {
	if p.has(at("name")) && strings.TrimSpace(a.Name) == "" {
		p.add(at("name"), "is empty")
	}
	if a.Endpoint != "" || p.has(at("endpoint")) {
		if err := accepted.Endpoint(a.Endpoint); err != nil {
			p.add(at("endpoint"), "%s%s", shown("%q: ", a.Endpoint), err)
		}
	}
	if _, err := time.LoadLocation(a.TimeZone); err != nil || a.TimeZone == "Local" || a.TimeZone == "" && p.has(at("time_zone")) {
		p.add(at("time_zone"), "%q is no time zone, such as Asia/Shanghai", a.TimeZone)
	}
	if a.RateLimit != 0 && !(a.RateLimit > 0) || math.IsInf(a.RateLimit, 1) || a.RateLimit == 0 && p.has(at("rate_limit")) {
		p.add(at("rate_limit"), "%v is no number above 0", a.RateLimit)
	}
	for n, export := range a.Exports {
		if p.unread[fmt.Sprintf("%s[%d]", at("exports"), n)] {
			continue
		}
		if !slices.Contains(accepted.Exports, export) {
			p.add(at("exports"), "%q is none of %s", export, strings.Join(accepted.Exports, ", "))
		} else if slices.Contains(a.Exports[:n], export) {
			p.add(at("exports"), "%q stands there twice", export)
		}
	}
	if p.has(at("exports")) && len(a.Exports) == 0 {
		p.add(at("exports"), "is empty")
	}
	a.Credentials.check(p, func(key string) string { return at("credentials." + key) })
	names := make(map[string]bool)
	for n, expectation := range a.Expectations {
		at := func(key string) string { return at(fmt.Sprintf("expectations[%d].%s", n, key)) }
		expectation.check(p, at, accepted.Exports)
		if names[expectation.Name] && !p.wrong[at("name")] {
			p.add(at("name"), "%q stands there twice", expectation.Name)
		}
		names[expectation.Name] = true
	}
}

// shown is an endpoint as the format has it, nothing where it may hold a password.
func shown(format, endpoint string) string {
	if strings.Contains(endpoint, "@") {
		return ""
	}
	return fmt.Sprintf(format, endpoint)
}

// complete takes from the defaults what is left out.
func (a *Account) complete(defaults Account) {
	a.Name = cmp.Or(a.Name, defaults.Name)
	a.Endpoint = cmp.Or(a.Endpoint, defaults.Endpoint)
	a.TimeZone = cmp.Or(a.TimeZone, defaults.TimeZone)
	a.RateLimit = cmp.Or(a.RateLimit, defaults.RateLimit)
	if len(a.Exports) == 0 {
		a.Exports = defaults.Exports
	}
}

func (e Expectation) check(p *problems, at func(string) string, known []string) {
	if strings.TrimSpace(e.Name) == "" {
		p.add(at("name"), "is missing")
	}
	if !slices.Contains(known, e.Export) {
		p.add(at("export"), "%q is none of %s", e.Export, strings.Join(known, ", "))
	}
	if _, err := e.Pattern(); err != nil {
		p.add(at("task_name"), "%s", err)
	}
	if !slices.Contains([]string{"month", "week", "day"}, e.Every) {
		p.add(at("every"), "%q is none of month, week, day", e.Every)
	}
	if grace, err := e.GracePeriod(); err != nil || grace < 0 {
		p.add(at("grace"), "%q is no duration, such as 72h", e.Grace)
	}
	if _, err := e.Begin(time.UTC); err != nil {
		p.add(at("since"), "%q is no date, such as 2026-10-01", e.Since)
	}
}

// Pattern is the TaskName, anchored at both ends; nil for none.
func (e Expectation) Pattern() (*regexp.Regexp, error) {
	if e.TaskName == "" {
		return nil, nil
	}
	if _, err := regexp.Compile(e.TaskName); err != nil { // Unanchored, so that the error shows what was written.
		return nil, err
	}
	return regexp.Compile("^(?:" + e.TaskName + ")$")
}

// GracePeriod is the Grace, 0 for none.
func (e Expectation) GracePeriod() (time.Duration, error) {
	if e.Grace == "" {
		return 0, nil
	}
	return time.ParseDuration(e.Grace)
}

// Begin is the day's first moment in a time zone, the zero time for none.
func (e Expectation) Begin(zone *time.Location) (time.Time, error) {
	if e.Since == "" {
		return time.Time{}, nil
	}
	return time.ParseInLocation(time.DateOnly, e.Since, zone)
}
