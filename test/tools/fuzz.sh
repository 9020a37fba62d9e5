#!/bin/sh
# Runs every fuzz target of the module in directory $1 for $FUZZTIME, one after
# the other, because "go test -fuzz" accepts only one target.
set -eu
cd "$1"
go list -f '{{.ImportPath}} {{.Dir}}' ./... | while read -r package dir; do
  cat "$dir"/*_test.go 2>/dev/null | sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' | while read -r target; do
    echo "$package $target"
    go test -vet=off -run '^$' -fuzz "^$target\$" -fuzztime "$FUZZTIME" -fuzzminimizetime 1000x "$package" </dev/null
  done
done
