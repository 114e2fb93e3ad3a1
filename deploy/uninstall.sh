#!/bin/sh
# Takes away what deploy/install.sh has installed.
#
#   sudo deploy/uninstall.sh [--purge] [--root DIR]
#
#   --purge      also the settings (/etc/hapticd), what is known of devices (/var/lib/hapticd) and the user
#   --root DIR   from below DIR, and nothing else
set -eu

root=""
purge=""

fail() { echo "uninstall.sh: $*" >&2; exit 1; }

while [ $# -gt 0 ]; do
    case "$1" in
        --purge) purge=yes; shift ;;
        --root) [ $# -ge 2 ] || fail "--root needs a directory"; root="${2%/}"; shift 2 ;;
        -h | --help) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) fail "unknown option $1 (known: --purge, --root DIR)" ;;
    esac
done
[ -n "$root" ] || [ "$(id -u)" = 0 ] || fail "this needs root; use sudo, or --root DIR"
list="$root/usr/share/hapticd/installed"
[ -f "$list" ] || [ -n "$purge" ] || fail "hapticd is not installed: there is no $list"

# The service stops every device before it ends.
if [ -z "$root" ] && [ -f "$list" ] && command -v systemctl >/dev/null; then
    if [ -d /run/systemd/system ]; then
        systemctl disable --now hapticd.service
    else
        systemctl disable hapticd.service
    fi
fi

if [ -f "$list" ]; then
    copy="$(mktemp)"
    trap 'rm -f "$copy"' EXIT
    cp "$list" "$copy"
    sed -n 's/^file //p' "$copy" | while read -r path; do rm -f "$root$path"; done
    # The innermost first; one that holds anything of somebody else stays.
    sed -n 's/^directory //p' "$copy" | sort -r | while read -r path; do
        rmdir "$root$path" 2>/dev/null || true
    done
fi

if [ -n "$purge" ]; then
    rm -rf "$root/etc/hapticd" "$root/var/lib/hapticd"
    if [ -z "$root" ] && id hapticd >/dev/null 2>&1; then
        userdel hapticd
    fi
fi

if [ -z "$root" ]; then
    if [ -d /run/systemd/system ]; then
        systemctl daemon-reload
        systemctl reload dbus.service 2>/dev/null || true
    fi
    if [ -S /run/udev/control ]; then
        udevadm control --reload
    fi
fi
if [ -n "$purge" ]; then
    echo "hapticd is gone, with its settings and what it knew"
else
    echo "hapticd is gone; kept are /etc/hapticd, /var/lib/hapticd and the user hapticd (--purge takes them away, too)"
fi
