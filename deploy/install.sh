#!/bin/sh
# Installs hapticd as a service: what lies in deploy/usr and deploy/etc, and the program. Run again, it updates.
#
#   sudo deploy/install.sh [--binary FILE] [--root DIR]
#
#   --binary FILE   the program; by default target/release/hapticd beside deploy/
#   --root DIR      put the files below DIR and do nothing else: no user, no reload (for packages and images)
#
# What is there in /etc/hapticd is never changed. deploy/uninstall.sh takes everything away again.
set -eu

here="$(cd "$(dirname "$0")" && pwd)"
binary="$here/../target/release/hapticd"
root=""

fail() { echo "install.sh: $*" >&2; exit 1; }

while [ $# -gt 0 ]; do
    case "$1" in
        --binary) [ $# -ge 2 ] || fail "--binary needs a file"; binary="$2"; shift 2 ;;
        --root) [ $# -ge 2 ] || fail "--root needs a directory"; root="${2%/}"; shift 2 ;;
        -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) fail "unknown option $1 (known: --binary FILE, --root DIR)" ;;
    esac
done
[ -f "$binary" ] || fail "there is no program at $binary; make it with: cargo build --release --locked"
[ -n "$root" ] || [ "$(id -u)" = 0 ] || fail "this needs root; use sudo, or --root DIR"
[ -z "$root" ] || mkdir -p "$root"

# What was installed is written down, so that it can be taken away again even by a later version of these scripts.
list="$root/usr/share/hapticd/installed"
new="$(mktemp)"
trap 'rm -f "$new"' EXIT

# Makes a directory and those above it, and writes down which of them are ours.
directory() {
    [ ! -d "$root$1" ] || return 0
    directory "$(dirname "$1")"
    mkdir -m 755 "$root$1"
    echo "directory $1" >>"$new"
}

# put MODE FROM TO: beside it first and then renamed, as the program may be running.
put() {
    directory "$(dirname "$3")"
    cp "$2" "$root$3.new"
    chmod "$1" "$root$3.new"
    mv -f "$root$3.new" "$root$3"
    echo "file $3" >>"$new"
}

[ ! -f "$list" ] || grep '^directory ' "$list" >>"$new" || true
put 755 "$binary" /usr/bin/hapticd
for file in $(cd "$here" && find usr -type f | sort); do
    put 644 "$here/$file" "/$file"
done
put 644 "$here/../docs/service.md" /usr/share/doc/hapticd/service.md

# Neither the settings nor the directory of definitions is on the list: they belong to whoever changes them.
mkdir -p "$root/etc/hapticd/definitions"
if [ -e "$root/etc/hapticd/config.toml" ]; then
    echo "kept /etc/hapticd/config.toml as it is"
else
    cp "$here/etc/hapticd/config.toml" "$root/etc/hapticd/config.toml"
    chmod 644 "$root/etc/hapticd/config.toml"
fi

# Files of an earlier version that this one no longer has.
if [ -f "$list" ]; then
    sed -n 's/^file //p' "$list" | while read -r path; do
        grep -qxF "file $path" "$new" || [ "$root$path" = "$list" ] || rm -f "$root$path"
    done
fi
put 644 "$new" /usr/share/hapticd/installed
# The list is on the list, with the directories that were made for it.
sort -u "$new" >"$list"

if [ -n "$root" ]; then
    echo "hapticd is below $root; the user is made by systemd-sysusers when that system starts"
    exit 0
fi

if command -v systemd-sysusers >/dev/null; then
    systemd-sysusers hapticd.conf
elif ! id hapticd >/dev/null 2>&1; then
    useradd --system --user-group --home-dir /var/lib/hapticd --no-create-home --shell /usr/sbin/nologin \
        --groups dialout hapticd
fi
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    systemctl reload dbus.service 2>/dev/null || echo "D-Bus was not told of its new policy; a restart of the computer does that"
    systemctl try-restart hapticd.service
fi
if [ -S /run/udev/control ]; then
    udevadm control --reload
    udevadm trigger --subsystem-match=hidraw --subsystem-match=input --subsystem-match=usb --subsystem-match=tty
fi
echo "hapticd is installed. Start it, now and with the computer:   sudo systemctl enable --now hapticd"
echo "Is everything there that it needs?                           sudo -u hapticd env STATE_DIRECTORY=/var/lib/hapticd hapticd doctor"
