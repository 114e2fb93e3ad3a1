# What can be done in the guest, as functions: read by init and by every shell that the checks open.
export PATH=/usr/bin:/bin
export DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/dbus/system_bus_socket
gadgets=/sys/kernel/config/usb_gadget

# Logs go to consoles that the host writes to files.
start_hapticd() {
    rm -f /run/hapticd.pid /run/hapticd.exit
    {
        start-stop-daemon -S -c hapticd:hapticd -m -p /run/hapticd.pid -x /usr/bin/hapticd
        echo $? >/run/hapticd.exit
    } </dev/null >/dev/hvc1 2>&1 &
}
start_bluetoothd() {
    setsid /usr/libexec/bluetooth/bluetoothd -n </dev/null >/dev/hvc2 2>&1 &
    echo $! >/run/bluetoothd.pid
}
kill_bluetoothd() { kill -9 $(cat /run/bluetoothd.pid); }
attach_radio() {
    setsid btattach -B /dev/hvc0 -P h4 -S 3000000 </dev/null >/dev/hvc2 2>&1 &
    echo $! >/run/btattach.pid
}
detach_radio() { kill $(cat /run/btattach.pid); }
powered() {
    dbus-send --system --print-reply=literal --dest=org.bluez /org/bluez/hci0 org.freedesktop.DBus.Properties.Get \
        string:org.bluez.Adapter1 string:Powered 2>/dev/null | grep -q true
}

# gadget NAME VENDOR PRODUCT MAKER TITLE SERIAL FUNCTION
gadget() {
    mkdir -p $gadgets/$1/strings/0x409 $gadgets/$1/configs/c.1 $gadgets/$1/functions/$7
    echo $2 >$gadgets/$1/idVendor
    echo $3 >$gadgets/$1/idProduct
    echo "$4" >$gadgets/$1/strings/0x409/manufacturer
    echo "$5" >$gadgets/$1/strings/0x409/product
    echo "$6" >$gadgets/$1/strings/0x409/serialnumber
}
# hid NAME LENGTH DESCRIPTOR: the HID function of a gadget.
hid() {
    echo $2 >$gadgets/$1/functions/hid.$1/report_length
    printf "$3" >$gadgets/$1/functions/hid.$1/report_desc
    ln -s $gadgets/$1/functions/hid.$1 $gadgets/$1/configs/c.1/
}
make_gadgets() {
    gadget serial 0x1209 0x0b0b "Lab Maker" "Lab Machine" SN0001 acm.serial
    ln -s $gadgets/serial/functions/acm.serial $gadgets/serial/configs/c.1/
    gadget joycon 0x057e 0x2009 "Nintendo Co., Ltd." "Pro Controller" 000000000001 hid.joycon
    # Input report 0x30; output reports 0x01 and 0x10, 63 bytes each.
    hid joycon 64 '\x05\x01\x09\x05\xa1\x01\x06\x00\xff\x85\x30\x09\x01\x75\x08\x95\x3f\x15\x00\x26\xff\x00\x81\x02\x85\x01\x09\x02\x95\x3f\x91\x02\x85\x10\x09\x03\x95\x3f\x91\x02\xc0'
    gadget gamepad 0x0079 0x0006 "DragonRise Inc." "Generic USB Joystick" "" hid.gamepad
    # Two axes, four buttons, and the seven bytes by which the kernel's hid-dr drives its motors.
    hid gamepad 8 '\x05\x01\x09\x04\xa1\x01\x15\x00\x26\xff\x00\x75\x08\x95\x02\x09\x30\x09\x31\x81\x02\x05\x09\x19\x01\x29\x04\x25\x01\x75\x01\x95\x04\x81\x02\x75\x04\x95\x01\x81\x03\x06\x00\xff\x26\xff\x00\x75\x08\x95\x07\x09\x02\x91\x02\xc0'
    fake_serial &
}
# plug NAME, unplug NAME: the cable. Each gadget has the controller of its place in this list. A HID gadget keeps every
# report that it is sent, one after the other, in /run/NAME.reports.
plug() {
    case $1 in serial) n=0 ;; joycon) n=1 ;; gamepad) n=2 ;; esac
    echo dummy_udc.$n >$gadgets/$1/UDC
    [ -d $gadgets/$1/functions/hid.$1 ] || return 0
    node=/dev/hidg$(cut -d : -f 2 $gadgets/$1/functions/hid.$1/dev)
    while [ ! -c $node ]; do sleep 0.05; done
    setsid cat $node </dev/null >>/run/$1.reports 2>/dev/hvc2 &
    echo $! >/run/$1.pid
}
unplug() {
    [ ! -e /run/$1.pid ] || kill $(cat /run/$1.pid)
    rm -f /run/$1.pid
    echo "" >$gadgets/$1/UDC
}

# A machine that speaks TCode: says who it is, and writes down with the time what it is told.
fake_serial() {
    while :; do
        if [ -c /dev/ttyGS0 ]; then
            {
                stty raw -echo
                while IFS= read -r line; do
                    echo "$(cut -d ' ' -f 1 /proc/uptime) $line" >>/run/serial.told
                    case $line in
                        D0) printf 'Lab TCode machine\r\n' ;;
                        D1) printf 'TCode v0.3\r\n' ;;
                    esac
                done
            } <>/dev/ttyGS0 >&0 2>/dev/null
        fi
        sleep 0.1
    done
}
