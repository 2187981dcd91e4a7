#!/bin/sh
# A systemd-journald of the test's own, in mount and process namespaces of its own: journald.sh FOLDER
#
# Its socket is FOLDER/socket, what it keeps is in FOLDER/log. It ends with whoever made the namespaces.
set -eu

mount --make-rprivate /
mkdir "$1/log" "$1/etc"
# Held while the folders above are covered.
mkdir "$1/run"
mount -t tmpfs none "$1/run"
mkdir -p "$1/run/systemd/journal" "$1/run/log/journal"
mount --bind "$1" "$1/run/systemd/journal"
mount --bind "$1/log" "$1/run/log/journal"
cat >"$1/etc/journald.conf" <<EOT
[Journal]
Storage=volatile
RateLimitIntervalSec=0
ForwardToSyslog=no
ReadKMsg=no
Audit=no
EOT
echo 0123456789abcdef0123456789abcdef >"$1/etc/machine-id"
mount --bind "$1/etc/machine-id" /etc/machine-id
mount --bind "$1/etc" /etc/systemd
mount --rbind "$1/run" /run
exec /lib/systemd/systemd-journald
