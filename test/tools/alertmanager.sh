#!/bin/sh
# Builds alertmanager and amtool into directory $1. Alertmanager embeds its web
# pages, which are not part of its Go module, so this builds from a copy of the
# module with a stub page.
set -eu
out=$(cd "$1" && pwd)
cd "$(dirname "$0")/alertmanager"
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
module=github.com/prometheus/alertmanager
go mod download $module
cp -r "$(go list -m -f '{{.Dir}}' $module)" "$copy/source"
chmod -R u+w "$copy/source"
mkdir -p "$copy/source/ui/app/dist"
echo '<!doctype html><title>Alertmanager without its pages</title>' >"$copy/source/ui/app/dist/index.html"
cp go.mod go.sum "$copy"
go mod edit -replace "$module=$copy/source" "$copy/go.mod"
go build -modfile "$copy/go.mod" -tags netgo -trimpath -ldflags '-s -w' -o "$out/" $module/cmd/alertmanager $module/cmd/amtool
