#!/usr/bin/env bash
# Runs the browser tests of ui/e2e against bin/kiseki, fed by kiseki demo, on
# free ports and a data folder of its own.
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
  kill "${demo:-}" "${serve:-}" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$dir"
}
trap cleanup EXIT

bin/kiseki serve --data "$dir/data" --http 127.0.0.1:0 --otlp-http 127.0.0.1:0 --otlp-grpc 127.0.0.1:0 >"$dir/out" 2>"$dir/log" &
serve=$!
# The addresses are printed once the server is ready.
address() { sed -n "s/^ *$1 *//p" "$dir/out"; }
for _ in $(seq 300); do
  [ -n "$(address 'OTLP\/gRPC')" ] && break
  kill -0 "$serve" 2>/dev/null || { cat "$dir/log" >&2; exit 1; }
  sleep 0.1
done
bin/kiseki demo --otlp-http "$(address 'OTLP\/HTTP')" --ui "$(address 'UI and API')" >"$dir/demo" 2>&1 &
demo=$!

if ! (cd ui && BASE_URL=$(address 'UI and API') CHROMIUM=$(browser) npm run --silent e2e); then
  echo "--- kiseki's log"; tail -n 20 "$dir/log"
  echo "--- the demo's output"; tail -n 20 "$dir/demo"
  exit 1
fi
