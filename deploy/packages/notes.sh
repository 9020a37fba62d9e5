#!/bin/sh
# Prints the notes of version $1: its section of CHANGELOG.md in the current directory. Fails if there is none.
set -eu
awk -v version="$1" '
    /^## / { inside = index($0, "## [" version "]") == 1; next }
    inside { print; found = found || NF }
    END { if (!found) { print "CHANGELOG.md has no section for version " version > "/dev/stderr"; exit 1 } }
' CHANGELOG.md
