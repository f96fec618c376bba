#!/usr/bin/env bash
# peers.sh builds mc and s5cmd, in the versions that were measured, from the Go module proxy into the
# directory where bench looks for them besides PATH. The other peers are packages of Debian:
#
#	apt-get install inotify-tools rclone lsyncd
set -euo pipefail

bin=${XDG_CACHE_HOME:-$HOME/.cache}/ems-sidecar-bench
mkdir -p "$bin"
export GOFLAGS=-trimpath CGO_ENABLED=0

# build NAME MODULE@VERSION: builds a module as it is, also where a proxy has no list of its versions,
# which go install needs.
build() {
	local copy
	copy=$(mktemp -d)
	cp -r "$(cd / && go mod download -json "$2" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')/." "$copy"
	chmod -R u+w "$copy"
	go -C "$copy" build -mod=mod -o "$bin/$1" .
	rm -r "$copy"
	echo "$bin/$1: $2"
}

build mc github.com/minio/mc@v0.0.0-20250313080218-cf909e1063a9
build s5cmd github.com/peak/s5cmd/v2@v2.3.0
