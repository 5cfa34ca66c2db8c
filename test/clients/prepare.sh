#!/usr/bin/env bash
# Installs the clients that this folder's test runs: the OpenTelemetry SDKs for
# Node.js and Python, those of Jaeger, Zipkin and Datadog for Node.js, those of
# AWS X-Ray for Go, Node.js and Python, OpenTelemetry's agent and Zipkin's Brave
# for Java, telemetrygen, and parts of the Collector.
#
#   prepare.sh DIR
#
# What is there already and still current stays, so a second run is quick. The
# clients for Java are left out where Java cannot be had.
set -euo pipefail

[ $# = 1 ] || { echo "usage: prepare.sh DIR" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
dir=$(cd "$1" && pwd)

telemetrygen=github.com/open-telemetry/opentelemetry-collector-contrib/cmd/telemetrygen@v0.161.0

need() {
	command -v "$1" >/dev/null || { echo "prepare.sh: $1 is not in PATH; $2" >&2; exit 1; }
}
need go "install Go from https://go.dev/dl/"
need npm "install Node.js 20 or newer from https://nodejs.org/"
need python3 "install Python 3.10 or newer, with venv (Debian: python3-venv)"

# step NAME INPUT COMMAND… runs the command unless it last succeeded with the
# same input.
step() {
	local name=$1 input=$2
	shift 2
	if [ -f "$dir/$name.stamp" ] && [ "$(cat "$dir/$name.stamp")" = "$input" ]; then return; fi
	echo "installing $name"
	rm -f "$dir/$name.stamp"
	"$@"
	printf '%s' "$input" >"$dir/$name.stamp"
}

# Without what is optional: that is native code for profiles and the like.
install_node() {
	mkdir -p "$dir/node"
	cp "$here/node/package.json" "$here/node/package-lock.json" "$dir/node/"
	(cd "$dir/node" && npm ci --ignore-scripts --omit=optional --silent --no-audit --no-fund)
}

install_python() {
	rm -rf "$dir/python"
	python3 -m venv "$dir/python"
	"$dir/python/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$here/python/requirements.txt"
}

install_telemetrygen() {
	GOBIN="$dir/bin" go install "$telemetrygen"
}

install_collector() {
	(cd "$here/collector" && go build -o "$dir/bin/collector" .)
}

install_xray() {
	go build -C "$here/xray" -o "$dir/bin/xray" .
}

install_jars() {
	"$here/../jars.sh" "$here/java/pom.xml" "$dir/java/jars"
}

install_java() {
	local services=$dir/java/classes/META-INF/services
	rm -rf "$dir/java/classes"
	mkdir -p "$services"
	javac --release 17 -encoding UTF-8 -cp "$dir/java/jars/*" -d "$dir/java/classes" "$here"/java/*.java
	echo Recorder >"$services/io.opentelemetry.sdk.autoconfigure.spi.AutoConfigurationCustomizerProvider"
	jar --create --file "$dir/java/recorder.jar" -C "$dir/java/classes" .
}

step node "$(cat "$here/node/package-lock.json" | cksum) $(node -v)" install_node
step python "$(cat "$here/python/requirements.txt" | cksum) $(python3 -V)" install_python
step telemetrygen "$telemetrygen" install_telemetrygen
step collector "$(cat "$here"/collector/* | cksum) $(go version)" install_collector
step xray "$(cat "$here"/xray/go.* "$here"/xray/*.go | cksum) $(go version)" install_xray
mkdir -p "$dir/java"
set +e # for an if would switch it off in all that it calls
(set -e && step jars "$(cat "$here/java/pom.xml" | cksum) $(command -v javac)" install_jars)
got=$?
set -e
if [ $got = 0 ]; then
	step java "$(cat "$here"/java/*.java "$here/java/pom.xml" | cksum) $(javac -version 2>&1)" install_java
else
	rm -rf "$dir/java" "$dir/java.stamp"
	echo "left out: the clients for Java" >&2
fi
