#!/usr/bin/env bash
# Prints the folder with the files of Lens, Zipkin's UI, which Maven fetches once
# as part of Zipkin's server. Where it cannot be had it says why on stderr, prints
# nothing and succeeds: the tests that need it are left out.
set -euo pipefail
cd "$(dirname "$0")/.."

version=3.4.2
dir=$PWD/.cache/lens/$version

leave_out() {
  echo "left out: Zipkin's Lens, because $1" >&2
  exit 0
}

if [ ! -f "$dir/zipkin-lens/index.html" ]; then
  for tool in mvn unzip; do
    command -v $tool >/dev/null || leave_out "$tool is not installed"
  done
  new=$(mktemp -d)
  trap 'rm -rf "$new"' EXIT
  mvn -B -q -Dmaven.repo.local="$new/m2" org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy \
    -Dartifact=io.zipkin:zipkin-server:$version:jar:exec -DoutputDirectory="$new" >"$new/log" 2>&1 ||
    leave_out "Maven could not fetch io.zipkin:zipkin-server:$version: $(grep -m 1 ERROR "$new/log")"
  unzip -q "$new/zipkin-server-$version-exec.jar" "BOOT-INF/lib/zipkin-lens-$version.jar" -d "$new"
  mkdir -p "$dir"
  unzip -qo "$new/BOOT-INF/lib/zipkin-lens-$version.jar" 'zipkin-lens/*' -d "$dir"
fi
echo "$dir/zipkin-lens"
