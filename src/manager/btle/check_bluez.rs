//! Bluetooth: the system bus, BlueZ on it, and adapters that are switched on.

use std::collections::HashMap;
use std::time::Duration;

use dbus::arg::{PropMap, prop_cast};
use dbus::blocking::Connection;

use crate::manager::system::System;
use crate::types::Finding;

/// Time for each answer.
const PATIENCE: Duration = Duration::from_secs(2);
const BLUEZ: &str = "org.bluez";
const BUS: &str = "org.freedesktop.DBus";

type Objects = HashMap<dbus::Path<'static>, HashMap<String, PropMap>>;

pub(super) fn check(system: &System) -> Vec<Finding> {
    if !system.settings.buses.btle.enabled {
        return vec![Finding::ok("not needed: `buses.btle.enabled` is false")];
    }
    look().unwrap_or_else(|found| vec![found])
}

const OR_OFF: &str = "or set `buses.btle.enabled` to false";

fn look() -> Result<Vec<Finding>, Finding> {
    // The address is $DBUS_SYSTEM_BUS_ADDRESS, or the usual one.
    let bus = Connection::new_system().map_err(|error| {
        let text = format!("the D-Bus system bus cannot be reached: {}", said(&error));
        Finding::problem(text, format!("install and start dbus, {OR_OFF}"))
    })?;
    let daemon = bus.with_proxy(BUS, "/org/freedesktop/DBus", PATIENCE);
    let silent = |error| {
        let text = format!("the D-Bus system bus does not answer: {}", said(&error));
        Finding::problem(text, format!("look why: systemctl status dbus, {OR_OFF}"))
    };
    let (there,): (bool,) = daemon.method_call(BUS, "NameHasOwner", (BLUEZ,)).map_err(silent)?;
    if !there {
        // BlueZ is not asked anything, as that may start it.
        let (names,): (Vec<String>,) = daemon.method_call(BUS, "ListActivatableNames", ()).map_err(silent)?;
        return Err(if names.iter().any(|name| name == BLUEZ) {
            Finding::problem("BlueZ is installed but not running", "sudo systemctl enable --now bluetooth")
        } else {
            let advice = format!("install bluez and start it (systemctl enable --now bluetooth), {OR_OFF}");
            Finding::problem("BlueZ, the Bluetooth service of Linux, is not on the D-Bus system bus", advice)
        });
    }
    let bluez = bus.with_proxy(BLUEZ, "/", PATIENCE);
    let objects = bluez.method_call("org.freedesktop.DBus.ObjectManager", "GetManagedObjects", ());
    let (objects,): (Objects,) = objects.map_err(|error| refused(&error))?;
    Ok(adapters(&objects))
}

fn refused(error: &dbus::Error) -> Finding {
    if error.name() == Some("org.freedesktop.DBus.Error.AccessDenied") {
        let advice = "install deploy/usr/share/dbus-1/system.d/hapticd.conf for the service; for yourself: \
                      sudo usermod -aG bluetooth $USER, and log in anew";
        return Finding::problem("BlueZ is running, but this user may not speak to it", advice);
    }
    Finding::problem(format!("BlueZ does not answer: {}", said(error)), "sudo systemctl restart bluetooth")
}

fn adapters(objects: &Objects) -> Vec<Finding> {
    let adapters = objects.iter().filter_map(|(path, interfaces)| Some((path, interfaces.get("org.bluez.Adapter1")?)));
    let mut adapters: Vec<_> = adapters.collect();
    adapters.sort_by_key(|(path, _)| path.to_string());
    if adapters.is_empty() {
        let advice = format!("plug in a Bluetooth adapter, {OR_OFF}");
        return vec![Finding::warning("BlueZ is running and has no adapter", advice)];
    }
    let mut found = Vec::new();
    for (path, properties) in adapters {
        let name = path.rsplit('/').next().unwrap_or_default();
        let address = prop_cast::<String>(properties, "Address").map_or("no address", String::as_str);
        found.push(if prop_cast::<bool>(properties, "Powered").copied().unwrap_or(false) {
            Finding::ok(format!("adapter {name} ({address}) is on"))
        } else {
            Finding::problem(format!("adapter {name} ({address}) is off"), "bluetoothctl power on")
        });
    }
    found
}

fn said(error: &dbus::Error) -> &str {
    error.message().or(error.name()).unwrap_or("no reason given")
}

#[cfg(test)]
mod tests {
    use dbus::arg::Variant;

    use super::*;
    use crate::manager::system::FakeSystem;
    use crate::types::Verdict;

    fn adapter(path: &str, powered: bool) -> (dbus::Path<'static>, HashMap<String, PropMap>) {
        let mut properties = PropMap::new();
        properties.insert("Address".to_owned(), Variant(Box::new("00:11:22:33:44:55".to_owned())));
        properties.insert("Powered".to_owned(), Variant(Box::new(powered)));
        (path.to_owned().into(), HashMap::from([("org.bluez.Adapter1".to_owned(), properties)]))
    }

    #[test]
    fn adapters_must_be_there_and_on() {
        assert_eq!(adapters(&Objects::new())[0].verdict, Verdict::Warning);
        let objects = Objects::from([
            adapter("/org/bluez/hci1", false),
            adapter("/org/bluez/hci0", true),
            ("/org/bluez/hci0/dev".into(), HashMap::from([("org.bluez.Device1".to_owned(), PropMap::new())])),
        ]);
        let found = adapters(&objects);
        assert_eq!(found[0], Finding::ok("adapter hci0 (00:11:22:33:44:55) is on"));
        assert_eq!((found.len(), found[1].verdict), (2, Verdict::Problem));
        let strange = HashMap::from([("org.bluez.Adapter1".to_owned(), PropMap::new())]);
        assert_eq!(adapters(&Objects::from([("/x".into(), strange)]))[0].verdict, Verdict::Problem);
    }

    #[test]
    fn who_may_not_speak_to_it_is_told_what_to_do() {
        let denied = refused(&dbus::Error::new_custom("org.freedesktop.DBus.Error.AccessDenied", "Rejected send"));
        assert!(denied.advice.unwrap().contains("bluetooth"));
        let other = refused(&dbus::Error::new_custom("org.freedesktop.DBus.Error.NoReply", "too late"));
        assert!(other.text.contains("too late"));
    }

    #[test]
    fn nothing_is_asked_where_bluetooth_is_not_wanted() {
        let mut fake = FakeSystem::new();
        fake.system.settings.buses.btle.enabled = false;
        assert_eq!(check(&fake.system)[0].verdict, Verdict::Ok);
    }
}
