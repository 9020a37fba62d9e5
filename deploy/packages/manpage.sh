#!/bin/sh
# Prints the man page of the program that the arguments start. Its head is written here, because kingpin's contains
# all lines of --version.
set -eu
cat <<'HEAD'
.TH ALICDN_EXPORT_EXPORTER 1 "" "" "User Commands"
.SH "NAME"
alicdn_export_exporter \- Prometheus exporter for the usage export tasks of Alibaba Cloud CDN
HEAD
"$@" --help-man | sed -n '/^\.SH "SYNOPSIS"/,$p'
cat <<'FOOT'
.SH "FILES"
.TP
\fI/etc/alicdn_export_exporter/config.yml\fR
The accounts.
.TP
\fI/etc/alicdn_export_exporter/keys/\fR
The keys of the accounts, which the service passes on.
.TP
\fI/etc/default/alicdn_export_exporter\fR
Flags of the service, as environment variables.
FOOT
