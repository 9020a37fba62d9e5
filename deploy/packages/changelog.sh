#!/bin/sh
# Prints the changelog of the packages, in the format of chglog, for version $1 of the date $2 (RFC 3339).
set -eu
cat <<ENTRY
- semver: "$1-1"
  date: $2
  packager: The alicdn_export_exporter authors <maintainers@alicdn-export-exporter.example>
  deb:
    urgency: medium
    distributions: [stable]
  changes:
    - note: Release $1, described in CHANGELOG.md of the source code.
ENTRY
