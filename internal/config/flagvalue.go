package config

import (
	"encoding"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"alicdn_export_exporter/internal/coverage"
)

// flagValue is a kingpin.Value. Unlike kingpin's own values, its errors name the flag.
type flagValue struct {
	name  string
	text  string
	parse func(string) error
	errs  *[]error
}

// Set parses a value from the command line, the environment or the default.
func (v *flagValue) Set(value string) error {
	if err := v.parse(value); err != nil {
		*v.errs = append(*v.errs, fmt.Errorf("--%s: %w", v.name, err))
	}
	v.text = value
	return nil
}

// String returns the text of the value.
func (v *flagValue) String() string { return v.text }

func text(into encoding.TextUnmarshaler) func(string) error {
	return func(value string) error { return into.UnmarshalText([]byte(value)) }
}

func oneOf(into *string, options ...string) func(string) error {
	return func(value string) error {
		if !slices.Contains(options, value) {
			return fmt.Errorf("must be one of %s (got %q%s)", strings.Join(options, ", "), value, didYouMean(value, options))
		}
		*into = value
		return nil
	}
}

// duration reads a duration of at least 0.
func duration(into *time.Duration) func(string) error {
	return func(value string) error {
		parsed, err := coverage.ParseDuration(value)
		if err != nil {
			return fmt.Errorf("must be a duration, such as 30s or 5m (got %q)", value)
		}
		if parsed < 0 {
			return fmt.Errorf("must not be negative (got %s)", value)
		}
		*into = parsed
		return nil
	}
}

// positiveDuration reads a duration greater than 0.
func positiveDuration(into *time.Duration) func(string) error {
	return func(value string) error {
		var parsed time.Duration
		err := duration(&parsed)(value)
		if parsed == 0 && err == nil {
			err = fmt.Errorf("must be greater than 0 (got %s)", value)
		}
		if err == nil {
			*into = parsed
		}
		return err
	}
}

// durationUpTo reads a duration from 0 to most.
func durationUpTo(into *coverage.Duration, most coverage.Duration) func(string) error {
	return func(value string) error {
		if err := duration((*time.Duration)(into))(value); err != nil {
			return err
		}
		if *into > most {
			return errors.New(tooLong(*into, most))
		}
		return nil
	}
}

func integerIn(into *int, least, most int) func(string) error {
	return func(value string) error {
		number, err := strconv.Atoi(value)
		switch {
		case err != nil:
			return fmt.Errorf("must be a whole number (got %q)", value)
		case number < least || number > most:
			return fmt.Errorf("must be from %d to %d (got %d)", least, most, number)
		}
		*into = number
		return nil
	}
}
