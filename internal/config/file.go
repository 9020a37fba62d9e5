package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // Small container images have no zone data.

	"go.yaml.in/yaml/v3"
)

// File is a configuration file: what is said there counts instead of the flags.
type File struct {
	Accounts []Account `yaml:"accounts"`
}

// Account is one account of a file. What is left empty is as the flags say.
type Account struct {
	Name      string   `yaml:"name"`
	Endpoint  string   `yaml:"endpoint"`
	TimeZone  string   `yaml:"time_zone"`
	Exports   []string `yaml:"exports"`
	RateLimit float64  `yaml:"rate_limit"` // calls a second

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

// Load reads a file. Its error lists all that is wrong there, one line each, with
// file, line and key. known are the names of the exports there are.
func Load(path string, known []string) (*File, error) {
	content, err := os.ReadFile(path) //nolint:gosec // The file that the user names is the one to read.
	if err != nil {
		return nil, fmt.Errorf("--config.file: %w", err)
	}
	return parse(path, content, known)
}

func parse(path string, content []byte, known []string) (*File, error) {
	f := new(File)
	p := problems{file: path, lines: make(map[string]int)}
	var root yaml.Node
	if err := yaml.Unmarshal(content, &root); err != nil {
		return nil, fmt.Errorf("%s: %s", path, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	p.index(&root, "")
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true)
	if err := decoder.Decode(f); err != nil && !errors.Is(err, io.EOF) {
		var mismatch *yaml.TypeError
		if !errors.As(err, &mismatch) {
			return nil, fmt.Errorf("%s: %s", path, strings.TrimPrefix(err.Error(), "yaml: "))
		}
		for _, text := range mismatch.Errors {
			p.mismatch(text)
		}
		return nil, p.err()
	}
	if errors.Is(decoder.Decode(new(yaml.Node)), io.EOF) {
		f.check(&p, known)
	} else {
		p.add("", "a second document is not read")
	}
	return f, p.err()
}

// check adds what is wrong although it has the right type.
func (f *File) check(p *problems, known []string) {
	if len(f.Accounts) != 1 {
		p.add("accounts", "%d accounts, exactly one is watched", len(f.Accounts))
	}
	for i, account := range f.Accounts {
		at := func(key string) string { return fmt.Sprintf("accounts[%d].%s", i, key) }
		if _, err := time.LoadLocation(account.TimeZone); err != nil || account.TimeZone == "Local" {
			p.add(at("time_zone"), "%q is no time zone, such as Asia/Shanghai", account.TimeZone)
		}
		if p.has(at("rate_limit")) && (!(account.RateLimit > 0) || math.IsInf(account.RateLimit, 1)) {
			p.add(at("rate_limit"), "%v is no number above 0", account.RateLimit)
		}
		if p.has(at("name")) && strings.TrimSpace(account.Name) == "" {
			p.add(at("name"), "is empty")
		}
		for n, export := range account.Exports {
			if !slices.Contains(known, export) {
				p.add(at("exports"), "%q is none of %s", export, strings.Join(known, ", "))
			} else if slices.Contains(account.Exports[:n], export) {
				p.add(at("exports"), "%q stands there twice", export)
			}
		}
		if p.has(at("exports")) && len(account.Exports) == 0 {
			p.add(at("exports"), "is empty")
		}
		names := make(map[string]bool)
		for n, expectation := range account.Expectations {
			at := func(key string) string { return fmt.Sprintf("accounts[%d].expectations[%d].%s", i, n, key) }
			expectation.check(p, at, known)
			if names[expectation.Name] {
				p.add(at("name"), "%q stands there twice", expectation.Name)
			}
			names[expectation.Name] = true
		}
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
