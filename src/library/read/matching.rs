//! Reads how hardware is recognised and how its model is found out.

use std::collections::BTreeMap;

use toml::Spanned;

use super::commands::Endpoints;
use super::reader::Reader;
use crate::library::{
    definition::Identify, definition::IdentifyForm, definition::IdentifyFrom, file_schema, hardware::trimmed,
    matcher::Matcher, services::Services, services::UuidPattern,
};
use crate::types::Endpoint;

impl Reader<'_> {
    pub(super) fn matcher(&mut self, entry: &Spanned<file_schema::Match>) -> Option<Matcher> {
        let raw = entry.get_ref();
        let given = [
            raw.btle.is_some(),
            raw.serial.is_some(),
            raw.hid.is_some(),
            raw.usb.is_some(),
            raw.websocket.is_some(),
            raw.gamepad.is_some(),
        ];
        if given.iter().filter(|given| **given).count() != 1 {
            self.wrong(entry, "a [[match]] names exactly one of: btle, serial, hid, usb, websocket, gamepad");
            return None;
        }
        if raw.btle.is_none() && !raw.services.is_empty() {
            self.wrong(entry, "only Bluetooth hardware has services");
        }
        if let Some(btle) = &raw.btle {
            let services = self.services(entry, &raw.services);
            self.match_names(entry, &btle.names);
            if btle.names.is_empty() && btle.advertised.is_empty() && btle.manufacturer.is_empty() {
                self.wrong(
                    entry,
                    "this [[match]] has nothing to recognise hardware by; allowed: names, advertised, manufacturer",
                );
            }
            let advertised = btle.advertised.iter().filter_map(|uuid| self.uuid(entry, uuid)).collect();
            let manufacturer =
                btle.manufacturer.iter().filter_map(|raw| self.manufacturer(entry.span().start, raw)).collect();
            return Some(Matcher::Btle { names: btle.names.clone(), advertised, manufacturer, services });
        }
        if let Some(serial) = &raw.serial {
            if serial.port.is_empty() {
                self.wrong(entry, "the port has no name");
            }
            return Some(Matcher::Serial(serial.clone()));
        }
        if let Some(websocket) = &raw.websocket {
            self.match_names(entry, &websocket.names);
            if websocket.names.is_empty() {
                self.wrong(entry, "`websocket` needs `names`, the identifiers under which devices dial in");
            }
            return Some(Matcher::Websocket(websocket.names.clone()));
        }
        if raw.gamepad.is_some() {
            return Some(Matcher::Gamepad);
        }
        let ids = raw.hid.as_ref().or(raw.usb.as_ref())?;
        if ids.ids.is_empty() {
            self.wrong(entry, "this [[match]] has nothing to recognise hardware by: `ids` is empty");
        }
        let ids = ids
            .ids
            .iter()
            .filter_map(|id| {
                let parsed = id.split_once(':').and_then(|(vendor, product)| {
                    Some((u16::from_str_radix(vendor, 16).ok()?, u16::from_str_radix(product, 16).ok()?))
                });
                if parsed.is_none() {
                    self.wrong(entry, format!("{id:?} is not of the form vendor:product in hex, like \"1915:520a\""));
                }
                parsed
            })
            .collect();
        Some(if raw.hid.is_some() { Matcher::Hid(ids) } else { Matcher::Usb(ids) })
    }

    fn services(
        &mut self,
        at: &Spanned<file_schema::Match>,
        raw: &BTreeMap<String, BTreeMap<String, String>>,
    ) -> Services {
        let mut services = Services::default();
        for (text, endpoints) in raw {
            let Some(service) = self.uuid(at, text) else {
                continue;
            };
            services.insert_service(service);
            for (endpoint, characteristic) in endpoints {
                let uuid = self.uuid(at, characteristic);
                if uuid.is_some_and(|uuid| uuid.is_more_open_than(&service)) {
                    let reason = format!(
                        "{endpoint} = {characteristic:?} has a ? where its service {text:?} has a digit; allowed: ? only \
                         where the service has one, which gives the digit"
                    );
                    self.wrong(at, reason);
                }
                match Endpoint::parse(endpoint) {
                    // There all the same, so that its uses are not reported as well.
                    Some(endpoint) => services.insert(service, endpoint, uuid.unwrap_or(service)),
                    None => self.wrong(at, format!("{endpoint:?} is no endpoint")),
                }
            }
        }
        services
    }

    /// A UUID, which may have open digits, or the 16 bits of one on the Bluetooth base.
    fn uuid<T>(&mut self, at: &Spanned<T>, text: &str) -> Option<UuidPattern> {
        let parsed = UuidPattern::parse(text);
        if parsed.is_none() {
            let reason =
                format!("{text:?} is neither a UUID (? for an open digit) nor the 4 hex digits of a Bluetooth one");
            self.wrong(at, reason);
        }
        parsed
    }

    /// Company and bytes.
    pub(super) fn manufacturer(&mut self, at: usize, raw: &file_schema::Manufacturer) -> Option<(u16, Vec<u8>)> {
        match hex::decode(raw.data.replace(' ', "")) {
            Ok(data) => Some((raw.company, data)),
            Err(error) => {
                self.wrong_at(at, format!("manufacturer data {:?} is not hex: {error}", raw.data));
                None
            }
        }
    }

    fn match_names(&mut self, entry: &Spanned<file_schema::Match>, names: &[String]) {
        for name in names.iter().filter(|name| matches!(trimmed(name), "" | "*")) {
            self.wrong(entry, format!("the name {name:?} would recognise nothing or everything"));
        }
    }

    pub(super) fn identify(
        &mut self,
        entry: &Spanned<file_schema::Identify>,
        provided: Option<&Endpoints>,
    ) -> Option<Identify> {
        let raw = entry.get_ref();
        let from = match raw.from.as_str() {
            "name" => IdentifyFrom::Name,
            "manufacturer" => IdentifyFrom::Manufacturer,
            other => match other.strip_prefix("read ").and_then(Endpoint::parse) {
                Some(endpoint) => {
                    self.provided(entry.span().start, endpoint, provided);
                    IdentifyFrom::Read(endpoint)
                }
                None => {
                    self.wrong(entry, format!("from = {other:?}; allowed: name, manufacturer, read ENDPOINT"));
                    return None;
                }
            },
        };
        let form = match (raw.r#as.as_deref(), &raw.split, raw.part) {
            (None | Some("text"), None, None) => IdentifyForm::Text,
            (Some("hex"), None, None) => IdentifyForm::Hex,
            (Some("u32be"), None, None) => IdentifyForm::U32Be,
            (None | Some("text"), Some(split), Some(part)) if part > 0 && !split.is_empty() => {
                IdentifyForm::Part(split.clone(), part)
            }
            _ => {
                self.wrong(entry, "allowed: as = text, hex or u32be; or split = SEPARATOR with part = 1, 2, ...");
                return None;
            }
        };
        Some(Identify { from, form })
    }
}
