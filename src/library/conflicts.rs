//! Hardware that two definitions claim.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::definition::Definition;
use super::hardware::{trimmed, usb_id};
use super::matcher::Matcher;
use super::problem::DefinitionProblem;

/// Reports hardware that two definitions claim equally: the same exact name, port, USB id or identifier, unless the
/// services tell them apart.
pub(super) fn conflicts(definitions: &[Arc<Definition>], problems: &mut Vec<DefinitionProblem>) {
    let mut claimed: BTreeMap<String, (&str, &Matcher)> = BTreeMap::new();
    for definition in definitions {
        for matcher in &definition.matchers {
            for claim in claims(matcher) {
                match claimed.get(&claim) {
                    Some((other, theirs)) if *other != definition.protocol && !told_apart(matcher, theirs) => {
                        let reason = format!(
                            "{} and {other} both claim {claim}, and their services do not tell them apart",
                            definition.protocol
                        );
                        problems.push(DefinitionProblem { file: None, line: None, reason, warning: true });
                    }
                    Some(_) => {}
                    None => {
                        claimed.insert(claim, (&definition.protocol, matcher));
                    }
                }
            }
        }
    }
}

fn claims(matcher: &Matcher) -> Vec<String> {
    match matcher {
        Matcher::Btle { names, .. } => {
            names.iter().map(|name| format!("the Bluetooth name {:?}", trimmed(name))).collect()
        }
        Matcher::Serial(serial) => vec![format!("the serial port {:?}", trimmed(&serial.port))],
        Matcher::Hid(ids) => ids.iter().map(|ids| format!("HID {}", usb_id(*ids))).collect(),
        Matcher::Usb(ids) => ids.iter().map(|ids| format!("USB {}", usb_id(*ids))).collect(),
        Matcher::Websocket(names) => names.iter().map(|name| format!("the identifier {:?}", trimmed(name))).collect(),
        Matcher::Gamepad => vec!["every gamepad".to_owned()],
    }
}

fn told_apart(one: &Matcher, other: &Matcher) -> bool {
    match (one, other) {
        (Matcher::Btle { services: one, .. }, Matcher::Btle { services: other, .. }) => {
            let unknown = one.is_empty() && other.is_empty();
            !unknown && !one.overlap(other)
        }
        _ => false,
    }
}
