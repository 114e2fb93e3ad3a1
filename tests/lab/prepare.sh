#!/usr/bin/env bash
# prepare.sh DIR: fetches what the lab needs into DIR. Installs QEMU alone; every other package is only unpacked there.
# Steps that are done are not done again. Ends with 77 and "lab not run: REASON" when something cannot be had.
set -euo pipefail
dir=$(realpath -m "$1")
mkdir -p "$dir"/{deb,pkgs,kernel}
cd "$dir"

cannot() { echo "lab not run: $*"; exit 77; }

tools=(busybox-static bluez udev kmod dbus-daemon dbus-bin)
python=(bumble==0.0.236 websockets==15.0.1 jsonschema==4.25.1)

command -v apt-get >/dev/null || cannot "it takes its kernel and tools from Debian packages, and there is no apt-get"
[ "$(uname -m)" = x86_64 ] || cannot "it is written for x86_64"

if ! command -v qemu-system-x86_64 >/dev/null; then
    [ "$(id -u)" = 0 ] || cannot "QEMU is not installed (package qemu-system-x86), and only root can install it"
    apt-get update -qq >/dev/null 2>apt.log || cannot "apt-get update failed: $(tail -n 1 apt.log)"
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 \
        qemu-system-x86 >apt.log 2>&1 || cannot "QEMU cannot be installed: $(tail -n 1 apt.log)"
fi

# fetch PACKAGE: downloads it once; the lists are renewed when they do not know it or are out of date.
fetch() {
    compgen -G "deb/$1_*.deb" >/dev/null && return
    (cd deb && apt-get download -qq "$1" 2>../apt.log) && return
    apt-get update -qq >/dev/null 2>&1 || true
    (cd deb && apt-get download -qq "$1" 2>../apt.log) || cannot "$1 cannot be downloaded: $(tail -n 1 apt.log)"
}

unpack() { [ -d "pkgs/$1" ] || { dpkg -x deb/"$1"_*.deb "pkgs/$1.part" && mv "pkgs/$1.part" "pkgs/$1"; }; }

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# The kernel with all its drivers: the "cloud" one knows neither Bluetooth nor USB devices.
if [ ! -e kernel/done ]; then
    package=$(apt-cache depends linux-image-amd64 2>/dev/null | awk '/Depends:/ {print $2; exit}')
    if [ -z "$package" ]; then
        apt-get update -qq >/dev/null 2>&1 || true
        package=$(apt-cache depends linux-image-amd64 2>/dev/null | awk '/Depends:/ {print $2; exit}')
    fi
    [ -n "$package" ] || cannot "the package linux-image-amd64 is not known here"
    fetch "$package"
    # Where modules are differs: /lib of old, /usr/lib since Debian 13.
    m='./*lib/modules/*'
    dpkg --fsys-tarfile deb/"$package"_*.deb | tar -x -C kernel --wildcards './boot/vmlinuz-*' \
        "$m/modules.*" "$m"/kernel/{crypto,lib,fs/configfs,net/bluetooth,net/rfkill,net/core}/'*' \
        "$m"/kernel/drivers/{bluetooth,usb,hid,input,virtio,char,tty}/'*' \
        "$m"/kernel/drivers/net/{virtio_net,net_failover}'*' ||
        cannot "the kernel package $package cannot be unpacked"
    touch kernel/done
fi

# The tools, and of the libraries they need those that are not installed here.
queue=("${tools[@]}")
while [ ${#queue[@]} -gt 0 ]; do
    name=${queue[0]}
    queue=("${queue[@]:1}")
    [ ! -d "pkgs/$name" ] || [ ! -e pkgs/done ] || continue
    fetch "$name"
    unpack "$name"
    for need in $(dpkg-deb -f deb/"$name"_*.deb Depends Pre-Depends | sed 's/^[A-Z][A-Za-z-]*: //' |
        tr ',' '\n' | sed 's/|.*//; s/(.*//; s/:any//' | grep -oE '^ *lib[^ ]+' || true); do
        installed "$need" || [ -d "pkgs/$need" ] || queue+=("$need")
    done
done
touch pkgs/done
version=$(ls kernel/lib/modules 2>/dev/null || ls kernel/usr/lib/modules)
if [ ! -e kernel/depmod-done ]; then
    [ -d kernel/lib ] || ln -s usr/lib kernel/lib
    (export LD_LIBRARY_PATH; LD_LIBRARY_PATH=$(printf '%s:' "$dir"/pkgs/*/{,usr/}lib/x86_64-linux-gnu)
        exec -a depmod pkgs/kmod/bin/kmod -b "$dir/kernel" "$version" 2>/dev/null) || cannot "depmod failed"
    touch kernel/depmod-done
fi

if [ ! -e venv/"${python[*]}" ]; then
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || cannot "it needs Python 3.11 or newer"
    rm -rf venv
    python3 -m venv venv >pip.log 2>&1 ||
        cannot "no Python environment can be made (package python3-venv?): $(tail -n 1 pip.log)"
    venv/bin/pip install -q --disable-pip-version-check "${python[@]}" >pip.log 2>&1 ||
        cannot "${python[*]} cannot be installed: $(grep -m 1 -E 'WARNING|ERROR' pip.log)"
    touch venv/"${python[*]}"
fi
