#!/usr/bin/env bash
# Copies the jars that a pom names as dependencies to a folder, without their
# versions, by Maven. It installs a JDK and Maven where apt-get may.
#
#   jars.sh POM DIR
#
# Fails with the reason in one line where Java, Maven or its registry cannot be
# had.
set -euo pipefail

[ $# = 2 ] || { echo "usage: jars.sh POM DIR" >&2; exit 2; }

have_java() { command -v java >/dev/null && command -v javac >/dev/null && command -v mvn >/dev/null; }

if ! have_java; then
	install='apt-get install -y -qq --no-install-recommends default-jdk-headless maven'
	sudo=
	[ "$(id -u)" = 0 ] || sudo="sudo -n"
	if ! command -v apt-get >/dev/null || ! $sudo true 2>/dev/null ||
		! { $sudo apt-get update -qq && $sudo env DEBIAN_FRONTEND=noninteractive $install; } >/dev/null 2>&1; then
		echo "there is no JDK and Maven; on Debian: $install" >&2
		exit 1
	fi
fi
version=$(javac -version 2>&1 | sed 's/[^0-9]*\([0-9]*\).*/\1/')
[ "$version" -ge 17 ] || { echo "javac is of Java $version, and 17 or newer is needed" >&2; exit 1; }

new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
mvn -B -q -Dmaven.repo.local="$new/m2" -f "$1" org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
	-Dmdep.stripVersion=true -DoutputDirectory="$new/jars" >"$new/log" 2>&1 ||
	{ echo "Maven could not fetch the jars of $1: $(grep -m 1 ERROR "$new/log")" >&2; exit 1; }
rm -rf "$2"
mv "$new/jars" "$2"
