#!/usr/bin/env bash
# Runs the browser tests of ui/e2e against two of bin/kiseki, one fed by kiseki
# demo and one that has no span yet, on free ports and data folders of their own.
#
#   test/browser.sh              # the tests
#   test/browser.sh FILE …       # some of them, such as e2e/giant.test.mjs
#   test/browser.sh screenshots  # the pictures of docs/images instead, after ten minutes of the demo
set -euo pipefail
cd "$(dirname "$0")/.."

browser() { command -v chromium || command -v chromium-browser || command -v google-chrome; }

if ! browser >/dev/null; then
  echo "installing Chromium"
  install=(apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core)
  if ! command -v apt-get >/dev/null; then
    echo "the browser tests need Chromium in PATH; install it with this system's package manager" >&2
    exit 1
  elif [ "$(id -u)" = 0 ]; then
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive "${install[@]}"; } >/dev/null
  elif sudo -n true 2>/dev/null; then
    { sudo apt-get update -qq && sudo DEBIAN_FRONTEND=noninteractive "${install[@]}"; } >/dev/null
  else
    echo "the browser tests need Chromium: sudo ${install[*]}" >&2
    exit 1
  fi
fi

dir=$(mktemp -d)
cleanup() {
  kill "${demo:-}" "${fed:-}" "${empty:-}" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$dir"
}
trap cleanup EXIT

# serve NAME starts a kiseki and leaves its process id in $pid.
serve() {
  bin/kiseki serve --data "$dir/$1" --http 127.0.0.1:0 --otlp-http 127.0.0.1:0 --otlp-grpc 127.0.0.1:0 \
    >"$dir/$1.out" 2>"$dir/$1.log" &
  pid=$!
}
# The addresses are printed once the server is ready.
address() { sed -n "s/^ *$2 *//p" "$dir/$1.out"; }
ready() {
  for _ in $(seq 300); do
    [ -n "$(address "$1" 'OTLP\/gRPC')" ] && return
    kill -0 "$2" 2>/dev/null || { cat "$dir/$1.log" >&2; exit 1; }
    sleep 0.1
  done
  echo "kiseki is not ready after 30 s" >&2
  exit 1
}

serve fed; fed=$pid
serve empty; empty=$pid
ready fed "$fed"
ready empty "$empty"
bin/kiseki demo --otlp-http "$(address fed 'OTLP\/HTTP')" --ui "$(address fed 'UI and API')" >"$dir/demo" 2>&1 &
demo=$!

export BASE_URL EMPTY_URL EMPTY_OTLP_HTTP CHROMIUM LENS_DIR JAEGER_UI_OLD_DIR JAEGER_UI_NEW_DIR
BASE_URL=$(address fed 'UI and API')
EMPTY_URL=$(address empty 'UI and API')
EMPTY_OTLP_HTTP=$(address empty 'OTLP\/HTTP')
CHROMIUM=$(browser)
if [ "${1:-}" = screenshots ]; then
  sleep 600
  (cd ui && node e2e/screenshots.mjs ../docs/images)
  exit
fi
run=(node --test --test-concurrency=1 "$@")
if [ $# = 0 ]; then
  LENS_DIR=$(test/lens.sh)
  JAEGER_UI_OLD_DIR=$(test/jaeger-ui.sh v2.14.1)
  JAEGER_UI_NEW_DIR=$(test/jaeger-ui.sh v2.19.0)
  run=(npm run --silent e2e)
fi
if ! (cd ui && "${run[@]}"); then
  for name in fed empty; do echo "--- the log of the $name kiseki"; tail -n 20 "$dir/$name.log"; done
  echo "--- the demo's output"; tail -n 20 "$dir/demo"
  exit 1
fi
