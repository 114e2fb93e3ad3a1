//! The frames of the `/hardware` WebSocket.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use crate::buttplug::{number::Rounded, number::Whole};
use crate::library::{Hardware, RealServices};
use crate::link::Packet;
use crate::text::shown;
use crate::types::{Bus, Endpoint};

/// What a peripheral says.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum FromPeripheral {
    Attach(Attach),
    Notify {
        endpoint: String,
        data: String,
    },
    Reply {
        id: Whole<u64>,
        data: Option<String>,
        error: Option<String>,
    },
    Detach,
    /// It is switched off and does not come back by itself: the hub need not wait for it.
    Goodbye,
}

/// The hardware appears.
#[derive(Debug, Deserialize)]
pub(super) struct Attach {
    bus: Bus,
    name: String,
    address: String,
    #[serde(default)]
    services: Option<RealServices>,
    #[serde(default)]
    advertised_services: BTreeSet<Uuid>,
    /// Keys stay text here: serde reads no numbers from keys inside a tagged enum.
    #[serde(default)]
    manufacturer_data: BTreeMap<String, String>,
    vendor_id: Option<Whole<u16>>,
    product_id: Option<Whole<u16>>,
    #[serde(default)]
    ack: Ack,
    /// The protocol that it speaks, for hardware that looks like nothing that is known.
    protocol: Option<String>,
    /// Whether the server's file of known devices keeps it.
    #[serde(default = "yes")]
    remember: bool,
    /// Nothing else may be played under its address at the same time.
    #[serde(default)]
    pub(super) exclusive: bool,
    /// Part of the format; nothing in the server asks for it yet.
    #[serde(rename = "rssi")]
    _rssi: Option<Rounded<i32>>,
}

fn yes() -> bool {
    true
}

/// Who says that an operation is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ack {
    /// It is done when it is sent.
    #[default]
    Auto,
    /// The peripheral replies.
    Manual,
}

impl Attach {
    /// The hardware, its services if it named them, and how it acknowledges.
    pub(super) fn hardware(self) -> Result<(Hardware, Option<RealServices>, Ack), String> {
        let mut hardware = Hardware::new(self.bus, self.name, self.address);
        if hardware.address.is_empty() {
            return Err("address must not be empty".to_owned());
        }
        hardware.advertised = self.advertised_services;
        hardware.protocol = self.protocol;
        hardware.remembered = self.remember;
        for (company, data) in self.manufacturer_data {
            let Ok(company) = company.parse() else {
                let company = shown(&company);
                return Err(format!("manufacturer {company:?} is no company id; allowed: 0 to 65535 in decimal"));
            };
            hardware.manufacturer.insert(company, bytes(&data)?);
        }
        hardware.usb = match (self.vendor_id, self.product_id) {
            (Some(Whole(vendor)), Some(Whole(product))) => Some((vendor, product)),
            (None, None) => None,
            _ => return Err("vendor_id and product_id go together".to_owned()),
        };
        Ok((hardware, self.services, self.ack))
    }
}

/// Bytes as hex; upper case is understood, too.
pub(super) fn bytes(text: &str) -> Result<Vec<u8>, String> {
    hex::decode(text).map_err(|error| format!("data {:?} is not hex: {error}", shown(text)))
}

pub(super) fn attached(protocol: &str) -> String {
    json!({ "type": "attached", "protocol": protocol }).to_string()
}

pub(super) fn refused(reason: &str) -> String {
    json!({ "type": "refused", "reason": reason }).to_string()
}

/// Another program plays hardware with this address; what was attached is not.
pub(super) fn taken(address: &str) -> String {
    let reason = format!("another program plays hardware at {address}");
    json!({ "type": "refused", "reason": reason, "code": "taken" }).to_string()
}

/// The answer to an exclusive attach that counts: the address is its own.
pub(super) fn present() -> String {
    json!({ "type": "present" }).to_string()
}

/// The hardware is wanted, but could not be opened.
pub(super) fn failed(reason: &str) -> String {
    json!({ "type": "failed", "reason": reason }).to_string()
}

pub(super) fn error(reason: &str) -> String {
    json!({ "type": "error", "reason": reason }).to_string()
}

pub(super) fn disconnect() -> String {
    json!({ "type": "disconnect" }).to_string()
}

pub(super) fn write(id: u64, Packet { endpoint, data, ack }: &Packet) -> String {
    let data = hex::encode(data);
    json!({ "type": "write", "id": id, "endpoint": endpoint.name(), "data": data, "with_response": ack }).to_string()
}

/// `kind` is `read`, `subscribe` or `unsubscribe`.
pub(super) fn request(kind: &str, id: u64, endpoint: Endpoint) -> String {
    json!({ "type": kind, "id": id, "endpoint": endpoint.name() }).to_string()
}
