//! The system's refusals in plain words.

/// What an error of the library means and what to do. The names of the errors are those of D-Bus and BlueZ (seen in
/// the lab); they stand in the debug text only.
pub(super) fn explain(error: &btleplug::Error) -> String {
    let all = format!("{error:?}");
    let has = |part: &str| all.contains(part);
    let meaning = if has("ServiceUnknown") || has("NameHasNoOwner") {
        "BlueZ is not running: install it and start it (systemctl enable --now bluetooth)"
    } else if has("AccessDenied") {
        "this user may not use Bluetooth: add it to the group `bluetooth` and sign in again"
    } else if has("DBus.Error.FileNotFound") || has("DBus.Error.NoServer") || has("DBus.Error.BadAddress") {
        "there is no D-Bus system bus, which Bluetooth needs: install dbus, or give the container its socket"
    } else if has("DBus.Error.Disconnected") || has("DBus.Error.NoReply") {
        "BlueZ or D-Bus has ended"
    } else if has("NotReady") {
        "the adapter is switched off: bluetoothctl power on"
    } else if matches!(error, btleplug::Error::PermissionDenied) {
        "the system does not allow this program to use Bluetooth: allow it in the system's privacy settings"
    } else {
        return error.to_string();
    };
    format!("{meaning} ({error})")
}
