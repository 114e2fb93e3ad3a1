#!/usr/bin/env bash
# image.sh DIR HAPTICD OUT: packs the guest, a root file system in memory, from what prepare.sh fetched and one binary.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
dir=$(realpath "$1")
binary=$(realpath "$2")
out=$(realpath -m "$3")
root=$(mktemp -d "$dir/root.XXXXXX")
trap 'rm -rf "$root"' EXIT
modules=$(echo "$dir"/kernel/lib/modules/*)
lib=lib/$(uname -m)-linux-gnu
busybox=$dir/pkgs/busybox-static/bin/busybox

cd "$root"
chmod 755 .
mkdir -p bin usr/bin usr/libexec/bluetooth proc sys dev run tmp "$lib" lib64 lib/udev m \
    etc/bluetooth etc/dbus-1/system.d etc/hapticd/definitions var/lib/bluetooth var/lib/hapticd
ln -s usr/bin sbin

cp "$busybox" bin/
for applet in $("$busybox" --list); do [ "$applet" = busybox ] || ln -s busybox "bin/$applet"; done
# Of udev: the daemon (udevadm under its other name) and the rules by which serial ports show their USB ids.
cp "$dir"/pkgs/udev/bin/udevadm bin/
ln -s ../../bin/udevadm usr/bin/systemd-udevd
mkdir lib/udev/rules.d
for rules in 50-udev-default 60-input-id 60-serial; do
    cp "$dir/pkgs/udev/lib/udev/rules.d/$rules.rules" lib/udev/rules.d/
done
cp "$dir"/pkgs/bluez/usr/libexec/bluetooth/bluetoothd usr/libexec/bluetooth/
cp "$dir"/pkgs/{bluez/usr/bin/btattach,dbus-daemon/usr/bin/dbus-daemon,dbus-bin/usr/bin/dbus-send} usr/bin/
cp "$dir"/pkgs/bluez/etc/dbus-1/system.d/bluetooth.conf etc/dbus-1/system.d/
# Debugging symbols are most of a debug build.
strip --strip-debug -o usr/bin/hapticd "$binary" 2>/dev/null || cp "$binary" usr/bin/hapticd

# Shared libraries, from the packages if they are not installed here.
search=$(printf '%s:' "$dir"/pkgs/*/{,usr/}"$lib")
programs=(bin/udevadm usr/bin/{btattach,dbus-daemon,dbus-send,hapticd} usr/libexec/bluetooth/bluetoothd)
needed=$(LD_LIBRARY_PATH=$search ldd "${programs[@]}")
if missing=$(grep 'not found' <<<"$needed"); then
    echo "the guest's programs lack libraries:" >&2
    sort -u <<<"$missing" >&2
    exit 1
fi
grep -oE '/[^ ]+\.so[^ ]*' <<<"$needed" | sort -u | while read -r file; do
    case $file in
        */ld-linux*) cp -L "$file" lib64/ ;;
        *) cp -L "$file" "$lib/" ;;
    esac
done

cat >etc/dbus-1/system.conf <<'X'
<busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen><auth>EXTERNAL</auth>
<policy context="default">
  <allow user="*"/><deny own="*"/><deny send_type="method_call"/><allow send_type="signal"/>
  <allow send_requested_reply="true" send_type="method_return"/><allow send_requested_reply="true" send_type="error"/>
  <allow receive_type="method_call"/><allow receive_type="method_return"/><allow receive_type="error"/><allow receive_type="signal"/>
  <allow send_destination="org.freedesktop.DBus"/>
</policy>
<includedir>/etc/dbus-1/system.d</includedir></busconfig>
X
# Powered at once: bluetoothctl would cost seconds.
printf '[General]\nControllerMode = le\n[Policy]\nAutoEnable=true\n' >etc/bluetooth/main.conf
printf 'root:x:0:0:root:/:/bin/sh\nhapticd:x:900:900::/var/lib/hapticd:/bin/sh\n' >etc/passwd
cat >etc/group <<'X'
root:x:0:
tty:x:5:
disk:x:6:
lp:x:7:
kmem:x:15:
dialout:x:20:hapticd
cdrom:x:24:
tape:x:26:
audio:x:29:
video:x:44:
plugdev:x:46:hapticd
input:x:101:hapticd
bluetooth:x:105:
kvm:x:102:
render:x:103:
sgx:x:104:
hapticd:x:900:
X
# On a desktop, logind gives these to whoever sits at it.
echo 'KERNEL=="hidraw*", GROUP="plugdev", MODE="0660"' >lib/udev/rules.d/70-lab.rules
cp "$here"/guest/config.toml etc/hapticd/
cp "$here"/guest/definitions/*.toml etc/hapticd/definitions/
cp "$here"/guest/lab.sh .
cp "$here"/guest/forward "$here"/guest/init .

# Modules, in the order in which they can be loaded.
declare -A taken
take() {
    local line file
    line=$(grep -E "/$1\.ko(\.xz)?:" "$modules/modules.dep") || {
        grep -qE "/$1\.ko" "$modules/modules.builtin" || { echo "the kernel has no module $1" >&2; exit 1; }
        return 0
    }
    for file in $(tr ' ' '\n' <<<"${line#*:}" | tac) ${line%%:*}; do
        [ -z "${taken[$file]:-}" ] || continue
        taken[$file]=1
        cp "$modules/$file" m/
        case $file in *.xz) "$busybox" unxz "m/$(basename "$file")" ;; esac
        basename "${file%.xz}" >>m/order
    done
}
for module in virtio_pci virtio_console virtio_net cmac ecb algif_skcipher algif_hash drbg hci_uart evdev dummy_hcd \
    libcomposite usb_f_acm usb_f_hid cdc-acm usbhid hid-generic hid-dr; do
    take "$module"
done

# Not in a pipe alone: a missing cpio must not pass for an image.
find . | "$busybox" cpio -o -H newc >"$out.part" 2>/dev/null
[ -s "$out.part" ]
mv "$out.part" "$out"
