#!/bin/sh
# After a removal. A purge, which only deb has, also removes what the daemon and its package made:
# state, user and the link that enables it. dpkg removes config.ini. What the operator made stays:
# other files in /etc/ems-sidecar, drop-ins of the unit, and spools, whose files are perhaps not in
# the bucket.
set -e

if [ -d /run/systemd/system ]; then
	case ${1-} in
	remove | purge | 0) systemctl daemon-reload ;;
	esac
fi
if [ "${1-}" = purge ]; then
	rm -f /etc/systemd/system/*.wants/ems-sidecar.service
	rm -rf /var/lib/ems-sidecar
	if id -u ems-sidecar >/dev/null 2>&1; then
		userdel ems-sidecar || echo 'the user ems-sidecar stays' >&2
	fi
	for left in /etc/ems-sidecar /etc/systemd/system/ems-sidecar.service.d; do
		if [ -e "$left" ]; then
			echo "$left has files that the package did not make: it stays" >&2
		fi
	done
fi
