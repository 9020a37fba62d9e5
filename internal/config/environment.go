package config

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/alecthomas/kingpin/v2"
)

// UnknownVariable is an environment variable that has the prefix of the flags' variables, but belongs to
// no flag.
type UnknownVariable struct {
	Name string
	// Meant is the variable that was probably meant, or empty.
	Meant string
}

// ofService matches the variables that Kubernetes sets in every pod for a Service
// (https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables). A Service with the
// exporter's name has variables with the exporter's prefix.
var ofService = regexp.MustCompile(`_(SERVICE_(HOST|PORT(_.+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

// UnknownVariables returns the unknown variables in an environment, which lists variables as NAME=value. The
// application must have parsed its arguments.
func UnknownVariables(app *kingpin.Application, environment []string) []UnknownVariable {
	prefix := strings.ToUpper(app.Name) + "_"
	var known []string // without the prefix
	for _, flag := range allFlags(app) {
		known = append(known, strings.TrimPrefix(flag.Envar, prefix))
	}
	var unknown []UnknownVariable
	for _, variable := range environment {
		name, _, _ := strings.Cut(variable, "=")
		suffix, ok := strings.CutPrefix(name, prefix)
		if !ok || slices.Contains(known, suffix) || ofService.MatchString(name) {
			continue
		}
		meant := closest(suffix, known)
		if meant != "" {
			meant = prefix + meant
		}
		unknown = append(unknown, UnknownVariable{name, meant})
	}
	return unknown
}

// CheckBooleans returns an error for each environment variable that must be true or false, but is not. Kingpin
// stops at the first one, and its error does not name the variable.
func CheckBooleans(app *kingpin.Application) error {
	var errs []error
	for _, flag := range allFlags(app) {
		value := os.Getenv(flag.Envar)
		if _, err := strconv.ParseBool(value); flag.IsBoolFlag() && value != "" && err != nil {
			errs = append(errs, fmt.Errorf("--%s (%s): must be true or false (got %q)", flag.Name, flag.Envar, value))
		}
	}
	return errors.Join(errs...)
}

// allFlags returns the flags of an application and its commands that have an environment variable.
func allFlags(app *kingpin.Application) []*kingpin.FlagModel {
	model := app.Model()
	flags := model.Flags
	for _, command := range model.Commands {
		flags = append(flags, command.Flags...)
	}
	return slices.DeleteFunc(flags, func(flag *kingpin.FlagModel) bool { return flag.Envar == "" })
}
