//! The serial ports of this machine.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::connector::SerialConnector;
use crate::library::{Hardware, Library, Matcher};
use crate::link::Deadlines;
use crate::manager::{
    bus_kind::LibraryHandle, contract::Connector, contract::Factory, open_devices::OpenDevices, polling_manager,
    polling_manager::Enumerated, polling_manager::Enumerator,
};
use crate::types::Bus;

/// The serial ports of this machine.
#[derive(Debug)]
struct Ports {
    /// What names the ports. One that the system does not list, such as a pseudo terminal, is tried as well.
    library: LibraryHandle,
    deadlines: Deadlines,
    open: OpenDevices,
}

/// Makes managers of serial ports for the ports that a library names.
pub(super) fn factory(library: &LibraryHandle, deadlines: Deadlines) -> Factory {
    polling_manager::factory(Ports { library: Arc::clone(library), deadlines, open: OpenDevices::default() })
}

/// Every port of the system, wanted or not. Blocking.
///
/// # Errors
/// Why they cannot be listed.
pub(super) fn all() -> Result<Vec<Hardware>, String> {
    let system = serialport::available_ports().map_err(|error| format!("the ports cannot be listed: {error}"))?;
    let hardware = |port: serialport::SerialPortInfo| {
        let usb = match port.port_type {
            serialport::SerialPortType::UsbPort(usb) => Some((usb.vid, usb.pid)),
            _ => None,
        };
        Hardware { usb, ..Hardware::new(Bus::Serial, port.port_name.clone(), port.port_name) }
    };
    Ok(system.into_iter().map(hardware).collect())
}

/// The ports that definitions name.
pub(super) fn named(library: &Library) -> BTreeSet<String> {
    let matchers = library.definitions().iter().flat_map(|definition| &definition.matchers);
    let ports = matchers.filter_map(|matcher| match matcher {
        Matcher::Serial(serial) if serial.is_real() => Some(serial.port.clone()),
        _ => None,
    });
    ports.collect()
}

impl Enumerator for Ports {
    fn list(&self) -> Result<Vec<Enumerated>, String> {
        let named = named(&self.library.load());
        let mut ports = all()?;
        for name in &named {
            let is_listed = ports.iter().any(|port| port.address == *name);
            if !is_listed && std::path::Path::new(name).exists() {
                ports.push(Hardware::new(Bus::Serial, name.clone(), name.clone()));
            }
        }
        let enumerated = ports.into_iter().map(|hardware| {
            let connector = || SerialConnector::new(hardware.address.clone(), self.deadlines, self.open.clone());
            let connector = named.contains(&hardware.address).then(|| Arc::new(connector()) as Arc<dyn Connector>);
            Enumerated { hardware, connector }
        });
        Ok(enumerated.collect())
    }

    fn wanted(&self) -> Vec<String> {
        named(&self.library.load()).into_iter().collect()
    }

    fn open_devices(&self) -> &OpenDevices {
        &self.open
    }
}
