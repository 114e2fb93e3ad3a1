//! The buses that the settings switch on.

use crate::hub::BusSpec;
use crate::library::Library;
use crate::link::Deadlines;
use crate::manager::{
    btle, btle::BtleOptions, hid, lovense_dongle, serial, virtual_hardware, virtual_hardware::Port, websocket,
    websocket::WebsocketOptions,
};
use crate::settings::Settings;

pub(super) fn buses(
    settings: &Settings,
    library: &Library,
    virtual_port: Option<&Port>,
    deadlines: Deadlines,
) -> Vec<BusSpec> {
    let mut buses = Vec::new();
    if let Some(port) = virtual_port {
        let factory = virtual_hardware::factory(port.clone(), deadlines, settings.buses.virtual_bus.max_devices);
        buses.push(BusSpec { name: "virtual", factory, scans: true });
    }
    if settings.buses.btle.enabled {
        let options = btle_options(settings, deadlines);
        buses.push(BusSpec { name: "btle", factory: btle::factory(options), scans: true });
    }
    if settings.buses.serial.enabled {
        buses.push(BusSpec { name: "serial", factory: serial::factory(library, deadlines), scans: true });
    }
    if settings.buses.hid.enabled {
        buses.push(BusSpec { name: "hid", factory: hid::factory(library, deadlines), scans: true });
    }
    let dongle = &settings.buses.lovense_dongle;
    if dongle.enabled {
        let factory = lovense_dongle::factory(dongle.port.clone(), deadlines);
        buses.push(BusSpec { name: "lovense_dongle", factory, scans: true });
    }
    #[cfg(target_os = "linux")]
    if settings.buses.gamepad.enabled {
        // What is driven by HID has its rumble there.
        let taken = if settings.buses.hid.enabled { hid::named(library) } else { Default::default() };
        let factory = crate::manager::gamepad::factory(library, taken, deadlines);
        buses.push(BusSpec { name: "gamepad", factory, scans: true });
    }
    let own = &settings.buses.websocket;
    if own.enabled {
        let options = WebsocketOptions {
            max_devices: own.max_devices,
            first_frame: own.first_frame_timeout,
            ping: own.ping,
            deadline: own.pong_deadline,
            deadlines,
        };
        buses.push(BusSpec {
            name: "websocket",
            factory: websocket::factory(own.listen.clone(), options),
            scans: false,
        });
    }
    buses
}

/// How the settings want Bluetooth LE.
#[must_use]
pub fn btle_options(settings: &Settings, deadlines: Deadlines) -> BtleOptions {
    let own = &settings.buses.btle;
    BtleOptions { adapter: own.adapter.clone(), services: own.services.clone(), look_every: own.look_every, deadlines }
}
