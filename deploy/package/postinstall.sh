#!/bin/sh
# After an installation or an upgrade. A new service is neither enabled nor started: its config is
# the example. One that runs is restarted, unless its config is wrong for the new version:
# then the old one goes on.
set -e

case ${1-} in
abort-* | triggered) exit 0 ;; # deb: nothing was installed
esac
if [ ! -d /run/systemd/system ]; then
	exit 0
fi
systemctl daemon-reload
if systemctl --quiet is-active ems-sidecar.service; then
	code=0
	mistakes=$(ems-sidecar check --offline 2>&1) || code=$?
	if [ "$code" = 2 ]; then # a mistake in the config, with which the daemon would not start
		printf '%s\n' "$mistakes" \
			'ems-sidecar is not restarted: its config does not suit the new version. The old version goes on' \
			'until you correct it and run: systemctl restart ems-sidecar' >&2
		exit 0
	fi
	systemctl restart ems-sidecar.service ||
		echo 'ems-sidecar does not start: see journalctl -u ems-sidecar' >&2
elif ! systemctl --quiet is-enabled ems-sidecar.service 2>/dev/null; then
	echo 'Edit /etc/ems-sidecar/config.ini, run "ems-sidecar check", and then'
	echo '"systemctl enable --now ems-sidecar".'
fi
