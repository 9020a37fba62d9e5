package config

import (
	"fmt"
	"strconv"
	"time"

	"github.com/alecthomas/kingpin/v2"
)

// value is a flag's value that says which flag it is when a text is not its kind.
type value[T any] struct {
	flag, kind string
	parse      func(string) (T, error)
	into       *T
}

// Set parses a text from the command line, the environment or the default.
func (v value[T]) Set(text string) error {
	parsed, err := v.parse(text)
	if err != nil {
		return fmt.Errorf("--%s=%s is not %s", v.flag, text, v.kind)
	}
	*v.into = parsed
	return nil
}

// String is what kingpin shows.
func (v value[T]) String() string { return fmt.Sprint(*v.into) }

func text(app *kingpin.Application, into *string, flag, byDefault, help string) {
	app.Flag(flag, help).Default(byDefault).StringVar(into)
}

func duration(app *kingpin.Application, into *time.Duration, flag, byDefault, help string) {
	app.Flag(flag, help).Default(byDefault).SetValue(value[time.Duration]{flag, "a duration, such as 30s or 5m", time.ParseDuration, into})
}

func integer(app *kingpin.Application, into *int, flag, byDefault, help string) {
	app.Flag(flag, help).Default(byDefault).SetValue(value[int]{flag, "a whole number", strconv.Atoi, into})
}

func number(app *kingpin.Application, into *float64, flag, byDefault, help string) {
	parse := func(text string) (float64, error) { return strconv.ParseFloat(text, 64) }
	app.Flag(flag, help).Default(byDefault).SetValue(value[float64]{flag, "a number", parse, into})
}
