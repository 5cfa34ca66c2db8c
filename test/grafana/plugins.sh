#!/usr/bin/env bash
# Prints the folder with Grafana's data-source plugins for Jaeger, Tempo and
# Zipkin, which are built once from their sources: GRAFANA_SOURCE names a place
# with their Git repositories, GitHub's otherwise. Where one cannot be had it
# says why on stderr, prints nothing and succeeds: the tests are left out.
set -euo pipefail
cd "$(dirname "$0")/../.."

source=${GRAFANA_SOURCE:-https://github.com/grafana}
dir=$PWD/.cache/grafana

leave_out() {
  echo "left out: Grafana's data sources, because $1" >&2
  exit 0
}

# plugin NAME VERSION COMMIT
plugin() {
  local name=$1 version=$2 commit=$3 new
  [ ! -x "$dir/$name-$version" ] || return 0
  new=$(mktemp -d)
  (git init -q "$new/src" && cd "$new/src" && git fetch -q --depth 1 "$source/grafana-$name-datasource" "$commit" &&
    git -c advice.detachedHead=false checkout -q FETCH_HEAD) 2>"$new/log" ||
    leave_out "the sources for $name could not be fetched ($(tail -n 1 "$new/log")); GRAFANA_SOURCE may name a folder that has them"
  mkdir -p "$dir"
  (cd "$new/src" && go build -o "$dir/$name-$version" ./pkg) >"$new/log" 2>&1 ||
    leave_out "the one for $name could not be built: $(tail -n 1 "$new/log")"
  ln -sf "$name-$version" "$dir/$name"
  rm -rf "$new"
}

plugin jaeger 13.0.1 9d46d95bdbb6326d110a44564cc47d9e29832813
plugin tempo 13.1.5 6cc1347c8a299c8b0c7d72139468e8c86688e2f3
plugin zipkin 12.4.5 5d436ca70fcfd8e78a90800908d3c7df233dc32c
echo "$dir"
