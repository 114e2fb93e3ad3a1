//! What hardware must say of itself to be taken for one certain model.
//!
//! The definition is read backwards: names, advertisements and data that its matchers accept are put together in
//! turn, and the first that the library itself takes for this model is used. A model that stands for everything unknown,
//! in a definition that recognises nothing unknown, looks like nothing: it says which protocol it speaks.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::FutureExt;
use serde_json::{Value, json};

use super::model_lookup::FoundModel;
use crate::driver::{for_definition, identify};
use crate::library::{
    Definition, Hardware, Identify, Library, Matcher, Model, Strength, definition::IdentifyForm,
    definition::IdentifyFrom,
};
use crate::link::{Clock, Confirms, Deadlines, LinkInfo, pair};
use crate::simulation::identifier_bytes;
use crate::types::Bus;

/// The first frame, but for its address.
#[derive(Debug, Clone)]
pub(super) struct Advertisement {
    frame: Value,
    bus: Bus,
    /// What tells this hardware from other models.
    identity: String,
}

impl Advertisement {
    /// The frame for hardware with this address.
    pub(super) fn at(&self, address: &str) -> Value {
        let mut frame = self.frame.clone();
        if let Some(frame) = frame.as_object_mut() {
            frame.insert("address".to_owned(), json!(address));
        }
        frame
    }

    /// The address of the first, second, ... piece of this hardware, in the shape that the bus uses. It is the same
    /// whenever and wherever it is played.
    pub(super) fn address(&self, number: u8) -> String {
        let identity = format!("{}#{number}", self.identity);
        // FNV-1a: the hashes of the standard library may change between its releases.
        let hash = identity
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        // All bytes take part in the last ones.
        let [.., a, b, c] = (hash ^ hash >> 32).to_be_bytes();
        match self.bus {
            Bus::Btle => format!("C0:FF:EE:{a:02X}:{b:02X}:{c:02X}"),
            _ => format!("virtual-{a:02x}{b:02x}{c:02x}"),
        }
    }
}

/// What to attach so that a server takes it for this model. The file of known devices keeps it if it is `remembered`.
pub(super) fn advertisement(
    library: &Library,
    found: &FoundModel,
    bus: Option<Bus>,
    remembered: bool,
) -> Result<Advertisement, String> {
    let (hardware, matcher) = hardware(library, found, bus)?;
    let mut frame = json!({
        "type": "attach", "bus": hardware.bus.name(), "name": hardware.name, "exclusive": true,
        "remember": remembered,
    });
    let mut add = |key: &str, value: Value| {
        if let Some(frame) = frame.as_object_mut() {
            frame.insert(key.to_owned(), value);
        }
    };
    if !hardware.advertised.is_empty() {
        add("advertised_services", json!(hardware.advertised));
    }
    if !hardware.manufacturer.is_empty() {
        let data = hardware.manufacturer.iter();
        let data: BTreeMap<_, _> = data.map(|(company, data)| (company.to_string(), hex::encode(data))).collect();
        add("manufacturer_data", json!(data));
    }
    if let Some((vendor, product)) = hardware.usb {
        add("vendor_id", json!(vendor));
        add("product_id", json!(product));
    }
    // Where several definitions recognise it, the services that it really has decide.
    if let Matcher::Btle { services, .. } = &matcher
        && library.candidates(&hardware).len() > 1
    {
        add("services", json!(services.example()));
    }
    if let Some(protocol) = &hardware.protocol {
        add("protocol", json!(protocol));
    }
    let id = found.model.ids.first().unwrap_or(&found.model.name);
    let identity = format!("{}/{id}", found.definition.protocol);
    Ok(Advertisement { frame, bus: hardware.bus, identity })
}

fn hardware(library: &Library, found: &FoundModel, bus: Option<Bus>) -> Result<(Hardware, Matcher), String> {
    let FoundModel { definition, model } = found;
    let buses: Vec<_> = definition.matchers.iter().map(|matcher| matcher.bus().name()).collect();
    if let Some(bus) = bus
        && !buses.contains(&bus.name())
    {
        let allowed = buses.join(", ");
        return Err(format!("--bus {bus}: {} is not found on it; allowed: {allowed}", model.name));
    }
    let mut usable = Vec::new();
    for matcher in definition.matchers.iter().filter(|matcher| bus.is_none_or(|bus| bus == matcher.bus())) {
        for hardware in guesses(definition, model, matcher) {
            if matcher.fits(&hardware).is_some() && is_taken_for(definition, model, matcher, &hardware) {
                usable.push((hardware, matcher.clone()));
            }
        }
    }
    let first = |hardware: &Hardware| {
        let first = library.candidates(hardware).into_iter().next();
        first.is_some_and(|first| first.definition.protocol == definition.protocol)
    };
    let best = usable.iter().position(|(hardware, _)| first(hardware)).unwrap_or(0);
    usable.into_iter().nth(best).or_else(|| unlike(found, bus)).ok_or_else(|| {
        format!(
            "no hardware is taken for {:?}: everything that {} recognises is one of its other models, and its own name is \
             one of theirs",
            model.name, definition.protocol
        )
    })
}

/// Hardware that looks like nothing that is known and says what it speaks.
fn unlike(found: &FoundModel, bus: Option<Bus>) -> Option<(Hardware, Matcher)> {
    let FoundModel { definition, model } = found;
    let matcher = definition.matchers.iter().find(|matcher| bus.is_none_or(|bus| bus == matcher.bus()))?;
    let protocol = Some(definition.protocol.clone());
    let hardware = Hardware { protocol, ..Hardware::new(matcher.bus(), &model.name, "") };
    is_taken_for(definition, model, matcher, &hardware).then(|| (hardware, matcher.clone()))
}

/// Everything worth trying, the most natural first.
fn guesses(definition: &Definition, model: &Model, matcher: &Matcher) -> Vec<Hardware> {
    let named = |name: &str| Hardware::new(matcher.bus(), name, "");
    match matcher {
        Matcher::Serial(serial) => vec![named(&serial.port)],
        Matcher::Gamepad => model.ids.iter().chain([&model.name]).map(|name| named(name)).collect(),
        Matcher::Websocket(names) => model.ids.iter().chain(names).map(|name| named(name)).collect(),
        Matcher::Hid(ids) | Matcher::Usb(ids) => {
            let names: Vec<&str> = model.ids.iter().map(String::as_str).chain([model.name.as_str()]).collect();
            let both = ids.iter().flat_map(|id| names.iter().map(move |name| (*id, *name)));
            both.map(|(id, name)| Hardware { usb: Some(id), ..named(name) }).collect()
        }
        Matcher::Btle { names, advertised, manufacturer, .. } => {
            let company = manufacturer.first().map_or(u16::MAX, |(company, _)| *company);
            let from_data = |from: &&Identify| from.from == IdentifyFrom::Manufacturer;
            let id = definition.identify.iter().find(from_data).zip(model.ids.first());
            let id = id.and_then(|(identify, id)| identifier_bytes(&identify.form, id));
            let mut names_of = names_of(definition, model, names);
            // Hardware mostly has a name of its maker's, whatever else it is recognised by.
            names_of
                .sort_by_key(|name| !matches!(matcher.fits(&named(name)), Some(Strength::Exact | Strength::Pattern)));
            let with_data = |company: u16, data: Vec<u8>| {
                names_of.iter().map(move |name| {
                    let mut hardware = named(name);
                    hardware.manufacturer.insert(company, data.clone());
                    hardware
                })
            };
            let mut all = Vec::new();
            if let Some(id) = id {
                all.extend(with_data(company, id));
            }
            all.extend(names_of.iter().map(|name| named(name)));
            for (company, data) in manufacturer {
                all.extend(with_data(*company, data.clone()));
            }
            all.extend(advertised.first().into_iter().flat_map(|service| {
                names_of.iter().map(|name| {
                    let mut hardware = named(name);
                    hardware.advertised.insert(service.example());
                    hardware
                })
            }));
            all
        }
    }
}

/// Bluetooth names, the identifiers first.
fn names_of(definition: &Definition, model: &Model, patterns: &[String]) -> Vec<String> {
    let mut names = model.ids.clone();
    let id = model.ids.first().map_or("", String::as_str);
    let code: String = id.chars().take_while(char::is_ascii_alphanumeric).collect();
    for pattern in patterns {
        let Some(start) = pattern.strip_suffix('*') else {
            names.push(pattern.clone());
            continue;
        };
        for identify in definition.identify.iter().filter(|identify| identify.from == IdentifyFrom::Name) {
            names.extend(completed(start, &identify.form, id));
        }
        names.push(format!("{start}{code}001"));
        names.push(format!("{start}001"));
    }
    names.push(model.name.clone());
    names
}

/// A name that begins with `start` and has the identifier where `form` looks for it.
fn completed(start: &str, form: &IdentifyForm, id: &str) -> Option<String> {
    let IdentifyForm::Part(split, part) = form else {
        let bytes = identifier_bytes(form, id)?;
        return String::from_utf8(bytes).ok();
    };
    let mut parts: Vec<&str> = start.split(split.as_str()).collect();
    let at = part.checked_sub(1)?;
    while parts.len() <= at {
        parts.push("0");
    }
    if start.split(split.as_str()).count() > at + 1 {
        return Some(start.to_owned());
    }
    // A part that the pattern begins must be the beginning of the identifier, which is checked afterwards.
    if let Some(place) = parts.get_mut(at) {
        *place = id;
    }
    let last = start.split(split.as_str()).count().checked_sub(1)?;
    if last < at && parts.get(last).is_some_and(|part| part.is_empty()) {
        parts.get_mut(last).map(|part| *part = "0")?;
    }
    Some(parts.join(split))
}

/// Whether a server that asks this hardware comes to this model. Reads are answered by the toy.
fn is_taken_for(definition: &Definition, model: &Model, matcher: &Matcher, hardware: &Hardware) -> bool {
    // A coded driver goes by what the hardware says of itself, or asks the toy, which knows what it is.
    let asks = definition.driver.is_some() && definition.identify.is_empty();
    let first = definition.identify.iter().find(|identify| match identify.from {
        IdentifyFrom::Name => true,
        IdentifyFrom::Manufacturer => !hardware.manufacturer.is_empty(),
        IdentifyFrom::Read(endpoint) => matcher.endpoints().contains(&endpoint),
    });
    if first.is_some_and(|first| matches!(first.from, IdentifyFrom::Read(_))) {
        return true;
    }
    // Without endpoints nothing has to be waited for, and nothing can be asked.
    let (link, _end) = pair(LinkInfo {
        endpoints: Default::default(),
        gap: Duration::ZERO,
        deadlines: Deadlines::default(),
        confirms: Confirms::Everything,
        clock: Clock::manual(),
    });
    let identified = match definition.identify.as_slice() {
        [] => for_definition(definition).identify(definition, hardware, &link),
        _ => identify(definition, hardware, &link),
    };
    match identified.now_or_never() {
        Some(Ok(id)) => {
            let known = definition.model(id.as_deref());
            known.name == model.name && known.ids.len() == model.ids.len()
        }
        _ => asks,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn found(definition: &Arc<Definition>, model: &Model) -> FoundModel {
        FoundModel { definition: Arc::clone(definition), model: model.clone() }
    }

    /// Every model can be played, and a server takes it for nothing else.
    #[test]
    fn every_model() {
        let library = Library::load(&[], &crate::driver::names());
        let (mut models, mut addresses) = (0, BTreeMap::new());
        for definition in library.definitions() {
            for model in definition.all_models() {
                let found = found(definition, model);
                let (hardware, _) = hardware(&library, &found, None).unwrap();
                let candidates = library.candidates(&hardware);
                assert_eq!(candidates[0].definition.protocol, definition.protocol, "{hardware}");
                let attach = advertisement(&library, &found, None, false).unwrap();
                for number in [1, 2] {
                    let other = addresses.insert(attach.address(number), &model.name);
                    assert_eq!(other, None, "{} has the same address", model.name);
                }
                models += 1;
            }
        }
        assert!(models >= 162, "{models}");
    }

    #[test]
    fn frames() {
        let library = Library::load(&[], &crate::driver::names());
        let frame = |protocol: &str, id: Option<&str>| {
            let definition = library.protocol(protocol).unwrap();
            let found = found(definition, definition.model(id));
            advertisement(&library, &found, None, false).unwrap().at("A")
        };
        assert_eq!(
            frame("lovense", Some("Z")),
            json!({ "type": "attach", "bus": "btle", "name": "LVS-Z001", "address": "A", "exclusive": true,
                "remember": false })
        );
        assert_eq!(frame("lovense", Some("EI-FW3"))["name"], "LVS-EI001");
        assert_eq!(frame("wevibe", Some("Cougar"))["name"], "Cougar");
        assert_eq!(frame("wevibe", Some("Cougar")).get("protocol"), None);
        assert_eq!(frame("wevibe", None)["protocol"], "wevibe");
        let satisfyer = frame("satisfyer", Some("10160"));
        assert_eq!(satisfyer["name"], "SF 10160001");
        assert_eq!(satisfyer["manufacturer_data"], json!({ "93": "000027b0" }));
        assert_eq!(frame("tcode-v03", None)["bus"], "serial");
        let definition = library.protocol("wevibe").unwrap();
        let found = found(definition, definition.model(Some("Gala")));
        let own = advertisement(&library, &found, None, true).unwrap();
        assert_eq!(own.at("A")["remember"], true);
        // Written down: another build must come to the same, or limits that a user has set are not found.
        assert_eq!([own.address(1), own.address(2)], ["C0:FF:EE:2E:BE:03", "C0:FF:EE:2E:84:6A"]);
        assert!(advertisement(&library, &found, Some(Bus::Usb), false).unwrap_err().contains("allowed: btle"));
    }

    #[test]
    fn names_in_parts() {
        let form = IdentifyForm::Part("-".to_owned(), 2);
        assert_eq!(completed("AB-", &form, "X9").as_deref(), Some("AB-X9"));
        assert_eq!(completed("AB", &form, "X9").as_deref(), Some("AB-X9"));
        let third = IdentifyForm::Part("-".to_owned(), 3);
        assert_eq!(completed("AB-", &third, "X9").as_deref(), Some("AB-0-X9"));
        assert_eq!(completed("A-B-C", &form, "X9").as_deref(), Some("A-B-C"));
    }
}
