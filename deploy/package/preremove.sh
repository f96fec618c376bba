#!/bin/sh
# Stops the daemon before it is removed. It then publishes the ends of streams for up to
# drain_timeout. An upgrade leaves it running: postinstall.sh restarts it.
set -e

if [ ! -d /run/systemd/system ]; then
	exit 0
fi
case ${1-} in
remove) systemctl stop ems-sidecar.service ;;         # deb: what is installed again is enabled still
0) systemctl disable --now ems-sidecar.service ;;     # rpm: the last version goes
esac
