#!/bin/sh
# Before a removal. Before an upgrade, the argument is "upgrade" (deb) or 1 (rpm), and the service goes on.
set -e
if [ "$1" = remove ] || [ "$1" = 0 ]; then
    if [ -d /run/systemd/system ]; then
        systemctl disable --now alicdn_export_exporter.service
    fi
fi
