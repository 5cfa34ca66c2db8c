#!/usr/bin/env bash
# Prints the folder with the files of a version of Jaeger's UI, which is built
# once from its sources: JAEGER_UI_SOURCE names a Git repository with them,
# GitHub's otherwise. Where it cannot be had it says why on stderr, prints nothing
# and succeeds: the tests that need it are left out.
#
#   test/jaeger-ui.sh v2.19.0
set -euo pipefail
cd "$(dirname "$0")/.."

version=$1
source=${JAEGER_UI_SOURCE:-https://github.com/jaegertracing/jaeger-ui}
dir=$PWD/.cache/jaeger-ui/$version

leave_out() {
  echo "left out: Jaeger's UI $version, because $1" >&2
  exit 0
}

if [ ! -f "$dir/index.html" ]; then
  for tool in git node npm; do
    command -v $tool >/dev/null || leave_out "$tool is not installed"
  done
  new=$(mktemp -d)
  trap 'rm -rf "$new"' EXIT
  git -c advice.detachedHead=false clone -q --depth 1 --branch "$version" "$source" "$new/src" 2>"$new/log" ||
    leave_out "its sources could not be fetched ($(tail -n 1 "$new/log")); JAEGER_UI_SOURCE may name a repository that has them"
  cd "$new/src"
  # It asks for a newer Node.js than it needs to be built.
  npm ci --engine-strict=false --ignore-scripts --no-audit --no-fund >"$new/log" 2>&1 ||
    leave_out "its dependencies could not be fetched: $(grep -m 1 -i error "$new/log")"
  (cd packages/plexus && NODE_ENV=production npm run --if-present _tasks/bundle-worker) >"$new/log" 2>&1 ||
    leave_out "plexus could not be built: $(tail -n 1 "$new/log")"
  (cd packages/jaeger-ui && NODE_ENV=production REACT_APP_VSN_STATE= npx vite build) >"$new/log" 2>&1 ||
    leave_out "it could not be built: $(tail -n 1 "$new/log")"
  mkdir -p "$(dirname "$dir")"
  mv packages/jaeger-ui/build "$dir"
fi
echo "$dir"
