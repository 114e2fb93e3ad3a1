//! Serial ports: devices with a cable, by the user's own entry that names the port.
//!
//! No serial device says what it speaks, so a port is only opened when a definition names it (a user's file with
//! `extends = "tcode-v03"` and `serial = { port = ..., baud = ... }`). The library is blocking; each open port has two
//! threads of its own, and the list of ports is made on another.

mod port;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;

use super::{Connector, Factory, Found, ManagerContext, ManagerGuard, ManagerHandle, Scan};
use crate::describe::Describe;
use crate::library::{Bus, Hardware, Library, Matcher};
use crate::link::Deadlines;

/// How often the ports are listed. Known devices are found without a scan, so it goes on all the time.
const LISTED_EVERY: Duration = Duration::from_secs(1);

/// The manager of serial ports.
#[derive(Debug)]
pub struct SerialManager {
    found: Recipient<Found>,
    deadlines: Deadlines,
    /// Ports that definitions name. One that the system does not list, such as a pseudo terminal, is tried as well.
    named: Vec<String>,
    /// Ports that are there and were reported.
    reported: BTreeSet<String>,
    open: port::OpenPorts,
    scanning: bool,
    last_error: Option<String>,
    _guard: ManagerGuard,
}

/// Makes managers of serial ports for the ports that a library names.
#[must_use]
pub fn factory(library: &Library, deadlines: Deadlines) -> Factory {
    let named = named_ports(library);
    Box::new(move |ManagerContext { found, guard }| {
        let manager = SerialManager {
            found,
            deadlines,
            named: named.clone(),
            reported: BTreeSet::new(),
            open: port::OpenPorts::default(),
            scanning: false,
            last_error: None,
            _guard: guard,
        };
        ManagerHandle::new(manager.start())
    })
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

/// A port that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Listed {
    name: String,
    usb: Option<(u16, u16)>,
}

/// The ports of the system that may be wanted. Blocking.
fn list(named: &[String]) -> Result<Vec<Listed>, String> {
    let system = serialport::available_ports().map_err(|error| format!("the ports cannot be listed: {error}"))?;
    let mut ports: Vec<_> = system
        .into_iter()
        .map(|port| {
            let usb = match port.port_type {
                serialport::SerialPortType::UsbPort(usb) => Some((usb.vid, usb.pid)),
                _ => None,
            };
            Listed { name: port.port_name, usb }
        })
        .collect();
    for name in named {
        if !ports.iter().any(|port| port.name == *name) && std::path::Path::new(name).exists() {
            ports.push(Listed { name: name.clone(), usb: None });
        }
    }
    Ok(ports)
}

impl SerialManager {
    fn look(&mut self, ctx: &mut Context<Self>) {
        let named = self.named.clone();
        let listing = tokio::task::spawn_blocking(move || list(&named));
        ctx.spawn(listing.into_actor(self).map(|listed, this, _| match listed {
            Ok(Ok(ports)) => {
                this.last_error = None;
                this.report(&ports);
            }
            Ok(Err(why)) => this.last_error = Some(why),
            Err(error) => this.last_error = Some(error.to_string()),
        }));
    }

    fn report(&mut self, ports: &[Listed]) {
        self.reported.retain(|name| ports.iter().any(|port| port.name == *name));
        for port in ports {
            // A port that was lost while its name stayed is reported again.
            let news = self.reported.insert(port.name.clone()) || self.scanning;
            if news && self.named.contains(&port.name) && !self.open.has(&port.name) {
                let mut hardware = Hardware::new(Bus::Serial, port.name.clone(), port.name.clone());
                hardware.usb = port.usb;
                let connector = port::Way::new(port.name.clone(), self.deadlines, self.open.clone());
                self.found.do_send(Found { hardware, connector: Arc::new(connector) as Arc<dyn Connector> });
            }
        }
        for lost in self.open.take_lost() {
            self.reported.remove(&lost);
        }
    }
}

impl Actor for SerialManager {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        // Without a named port there is nothing that could ever be taken.
        if !self.named.is_empty() {
            self.look(ctx);
            ctx.run_interval(LISTED_EVERY, Self::look);
        }
    }
}

impl Handler<Scan> for SerialManager {
    type Result = ();

    fn handle(&mut self, scan: Scan, ctx: &mut Self::Context) {
        match scan {
            Scan::Start => self.scanning = true,
            Scan::Stop => self.scanning = false,
            // The list is made every second anyway.
            Scan::LookFor(_) => {}
        }
        if self.scanning && !self.named.is_empty() {
            self.look(ctx);
        }
    }
}

impl Handler<Describe> for SerialManager {
    type Result = MessageResult<Describe>;

    fn handle(&mut self, Describe: Describe, _: &mut Self::Context) -> Self::Result {
        MessageResult(serde_json::json!({
            "state": "running", "named_ports": self.named, "ports": self.reported, "open": self.open.names(),
            "last_error": self.last_error,
        }))
    }
}
