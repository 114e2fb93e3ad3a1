//! The serial ports of this machine.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::connector::SerialConnector;
use crate::library::{Hardware, Library, Matcher};
use crate::link::Deadlines;
use crate::manager::contract::{Connector, Factory};
use crate::manager::open_devices::OpenDevices;
use crate::manager::polling_manager::{self, Enumerated, Enumerator};
use crate::types::Bus;

/// The serial ports of this machine.
#[derive(Debug)]
struct Ports {
    /// Ports that definitions name. One that the system does not list, such as a pseudo terminal, is tried as well.
    named: Vec<String>,
    deadlines: Deadlines,
    open: OpenDevices,
}

/// Makes managers of serial ports for the ports that a library names.
#[must_use]
pub fn factory(library: &Library, deadlines: Deadlines) -> Factory {
    polling_manager::factory(Ports { named: named_ports(library), deadlines, open: OpenDevices::default() })
}

/// Every port of the system, wanted or not. Blocking.
///
/// # Errors
/// Why they cannot be listed.
pub fn all() -> Result<Vec<Hardware>, String> {
    let ports = Ports { named: Vec::new(), deadlines: Deadlines::default(), open: OpenDevices::default() };
    Ok(ports.list()?.into_iter().map(|listed| listed.hardware).collect())
}

fn named_ports(library: &Library) -> Vec<String> {
    let matchers = library.definitions().iter().flat_map(|definition| &definition.matchers);
    let ports = matchers.filter_map(|matcher| match matcher {
        // `default` is no port: it stands for one that the user must name.
        Matcher::Serial(serial) if serial.port != "default" => Some(serial.port.clone()),
        _ => None,
    });
    let ports: BTreeSet<_> = ports.collect();
    ports.into_iter().collect()
}

impl Ports {
    fn listed(&self, name: String, usb: Option<(u16, u16)>) -> Enumerated {
        let wanted = self.named.contains(&name);
        let connector =
            || Arc::new(SerialConnector::new(name.clone(), self.deadlines, self.open.clone())) as Arc<dyn Connector>;
        let connector = wanted.then(connector);
        Enumerated { hardware: Hardware { usb, ..Hardware::new(Bus::Serial, name.clone(), name) }, connector }
    }
}

impl Enumerator for Ports {
    fn list(&self) -> Result<Vec<Enumerated>, String> {
        let system = serialport::available_ports().map_err(|error| format!("the ports cannot be listed: {error}"))?;
        let mut ports: Vec<_> = system
            .into_iter()
            .map(|port| {
                let usb = match port.port_type {
                    serialport::SerialPortType::UsbPort(usb) => Some((usb.vid, usb.pid)),
                    _ => None,
                };
                self.listed(port.port_name, usb)
            })
            .collect();
        for name in &self.named {
            let known = ports.iter().any(|listed| listed.hardware.address == *name);
            if !known && std::path::Path::new(name).exists() {
                ports.push(self.listed(name.clone(), None));
            }
        }
        Ok(ports)
    }

    fn wanted(&self) -> Vec<String> {
        self.named.clone()
    }

    fn open_devices(&self) -> &OpenDevices {
        &self.open
    }
}
