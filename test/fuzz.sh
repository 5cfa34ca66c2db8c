#!/usr/bin/env bash
# Fuzzes every Fuzz target of the checkout, one after the other.
#
#   test/fuzz.sh [DURATION]      time for each target, 60s without it
set -euo pipefail
cd "$(dirname "$0")/.."
duration=${1:-60s}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

targets=$(git ls-files -co --exclude-standard '*_test.go' |
  xargs grep -oHE '^func Fuzz[A-Za-z0-9_]*' | sed 's/:func / /' | sort -u)
[ -n "$targets" ] || { echo "found no fuzz targets" >&2; exit 1; }

while read -r file target; do
  dir=$(dirname "$file") # perhaps of another module
  echo "== fuzz $dir $target for $duration"
  if go test -C "$dir" . -run '^$' -fuzz "^$target\$" -fuzztime "$duration" >"$log" 2>&1; then
    tail -n 1 "$log"
  # The Go tool reports its own deadline as a failure when a worker is busy at
  # that moment. It is none unless an input was written down.
  elif grep -q 'context deadline exceeded' "$log" && ! grep -q 'Failing input written' "$log"; then
    echo "ended at the deadline"
  else
    cat "$log"
    exit 1
  fi
done <<<"$targets"
