#!/bin/sh
# Makes the daemon's user before the files are unpacked: config.ini is for its group. On an upgrade,
# and if it runs again, the user is there.
set -e

if id -u ems-sidecar >/dev/null 2>&1; then
	exit 0
fi
if command -v systemd-sysusers >/dev/null; then
	# What will be /usr/lib/sysusers.d/ems-sidecar.conf.
	echo 'u ems-sidecar - "ems-sidecar"' | systemd-sysusers -
elif command -v useradd >/dev/null; then
	useradd --system --user-group --no-create-home --home-dir / --shell /usr/sbin/nologin \
		--comment ems-sidecar ems-sidecar
else # BusyBox
	addgroup -S ems-sidecar
	adduser -S -D -H -h / -s /sbin/nologin -G ems-sidecar -g ems-sidecar ems-sidecar
fi
