// Package config reads what a user can set, the flags and the configuration file, into
// typed values. Values are parsed only here, so code that uses them cannot fail on them.
package config

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"time"
	_ "time/tzdata" // Small container images have no time zone data.

	"go.yaml.in/yaml/v4"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/coverage"
	"alicdn_export_exporter/internal/credentials"
)

// Account is one account of the configuration file. Keys that the file leaves out have
// the values of the flags.
type Account struct {
	// Name is the value of the label account. No other account may have it.
	Name string `yaml:"name"`
	// Endpoint is the host name of the API.
	Endpoint apiclient.Endpoint `yaml:"endpoint"`
	// TimeZone is where the account's months, weeks and days begin.
	TimeZone Zone `yaml:"time_zone"`
	// Exports are the lists to read. Each needs its own RAM action.
	Exports []apiclient.Export `yaml:"exports"`
	// RateLimit is the maximum number of API calls per second.
	RateLimit Rate `yaml:"rate_limit"`
	// UsageDelay is the time after which usage is complete, at most 45d. An export does not cover usage that was
	// younger when it was made.
	UsageDelay coverage.Duration `yaml:"usage_delay"`
	// Since is the first day whose usage is judged. Without it, all usage is judged.
	Since coverage.Date `yaml:"since"`
	// Limits are the thresholds from which something is a problem.
	Limits coverage.Limits `yaml:"limits"`
	// Credentials say where the account's key comes from.
	Credentials credentials.Config `yaml:"credentials"`
	// Expectations are exports that should exist for every month, week or day.
	Expectations expectations `yaml:"expectations"`
}

// Equal reports whether two accounts have the same settings.
func (a Account) Equal(b Account) bool {
	sameZone := a.TimeZone.String() == b.TimeZone.String()
	// A time.Location caches its last lookup, so only its name can be compared.
	a.TimeZone, b.TimeZone = Zone{}, Zone{}
	return sameZone && reflect.DeepEqual(a, b)
}

// check adds mistakes that concern more than one value. readable reports whether a key,
// relative to the account, was read without a mistake.
func (a *Account) check(readable func(key string) bool, add func(key, reason string)) {
	if len(a.Exports) == 0 {
		add("exports", "must not be empty")
	}
	for i, export := range a.Exports {
		if slices.Contains(a.Exports[:i], export) {
			add("exports", fmt.Sprintf("duplicate value %q", export))
		}
	}
	for _, err := range unjoin(a.Credentials.Validate()) {
		if mistake, ok := errors.AsType[*credentials.SettingError](err); ok {
			add("credentials."+mistake.Setting, mistake.Reason)
		}
	}
	checkMax := func(key string, value, most coverage.Duration) {
		if value > most {
			add(key, tooLong(value, most))
		}
	}
	checkMax("usage_delay", a.UsageDelay, coverage.MaxGrace)
	checkMax("limits.pending_age", a.Limits.PendingAge, coverage.MaxPendingAge)
	checkMax("limits.success_age", a.Limits.SuccessAge, coverage.MaxSuccessAge)
	checkMax("limits.month_grace", a.Limits.MonthGrace, coverage.MaxMonthGrace)
	names := make(map[string]bool)
	for i, e := range a.Expectations {
		key := fmt.Sprintf("expectations[%d].", i)
		switch {
		case e.Name == "":
			add(key+"name", "is required")
		case names[e.Name]:
			add(key+"name", fmt.Sprintf("duplicate value %q", e.Name))
		}
		names[e.Name] = true
		switch {
		case e.Export == "":
			add(key+"export", "is required")
		case readable("exports") && !slices.Contains(a.Exports, e.Export):
			add(key+"export", fmt.Sprintf("%s is not one of the account's exports", e.Export))
		}
		if e.Every == "" {
			add(key+"every", "is required")
		}
		checkMax(key+"grace", e.Grace, coverage.MaxGrace)
	}
}

// tooLong returns the mistake of a duration greater than most. Longer ones make no sense,
// because the API forgets a task after three months.
func tooLong(value, most coverage.Duration) string {
	return fmt.Sprintf("must be at most %s (got %s)", most, value)
}

func unjoin(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

// Zone is a time zone of the IANA database. The machine's local zone is refused, because
// an account's calendar must not depend on the machine.
type Zone struct{ *time.Location }

// UnmarshalText loads a zone by its name.
func (z *Zone) UnmarshalText(text []byte) error {
	location, err := time.LoadLocation(string(text))
	if err != nil || len(text) == 0 || location == time.Local {
		return fmt.Errorf("unknown time zone %q (example: Asia/Shanghai)", text)
	}
	z.Location = location
	return nil
}

// Rate is a number of calls per second, finite and greater than 0.
type Rate float64

// UnmarshalText reads a number.
func (r *Rate) UnmarshalText(text []byte) error {
	rate, err := strconv.ParseFloat(string(text), 64)
	if err != nil || !(rate > 0) || math.IsInf(rate, 1) {
		return fmt.Errorf("must be a number greater than 0 (got %q)", text)
	}
	*r = Rate(rate)
	return nil
}

// expectations is a list in which a mistake in one item does not hide the other items.
type expectations []coverage.Expectation

// UnmarshalYAML reads the items one by one.
func (e *expectations) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.SequenceNode {
		return errors.New("must be a list")
	}
	*e = make(expectations, len(node.Content))
	var errs []error
	for i, item := range node.Content {
		errs = append(errs, item.Load(&(*e)[i], strict, yaml.WithUniqueKeys(false)))
	}
	return errors.Join(errs...)
}
