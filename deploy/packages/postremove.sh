#!/bin/sh
# After a removal or an upgrade. A purge (deb) also removes the keys.
set -e
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
fi
if [ "$1" = purge ]; then
    rm -rf /etc/alicdn_export_exporter
fi
