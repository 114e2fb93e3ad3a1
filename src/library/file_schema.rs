//! The shape of a definition file as TOML, before anything in it is checked.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use toml::Spanned;

use super::matcher::SerialPort;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub name: String,
    pub driver: Option<Spanned<String>>,
    pub gap_ms: Option<u32>,
    pub packet_gap_ms: Option<Spanned<u32>>,
    #[serde(rename = "match", default)]
    pub matches: Vec<Spanned<Match>>,
    #[serde(default)]
    pub identify: Vec<Spanned<Identify>>,
    #[serde(default)]
    pub connect: Vec<Spanned<String>>,
    pub start_position: Option<Spanned<String>>,
    #[serde(rename = "let", default)]
    pub lets: BTreeMap<Spanned<String>, Spanned<String>>,
    #[serde(default)]
    pub features: FeatureSets,
    pub default: Spanned<Model>,
    #[serde(default)]
    pub model: Vec<Spanned<Model>>,
    #[serde(default)]
    pub models: Vec<Models>,
    #[serde(default)]
    pub write: BTreeMap<Spanned<String>, Spanned<OneOrMany>>,
    #[serde(default)]
    pub input: BTreeMap<Spanned<String>, Input>,
    pub repeat: Option<Spanned<Repeat>>,
    #[serde(default)]
    pub example: Vec<Spanned<Example>>,
}

/// A file that adds to another definition.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Extension {
    pub extends: Spanned<String>,
    #[serde(rename = "match", default)]
    pub matches: Vec<Spanned<Match>>,
    #[serde(default)]
    pub features: FeatureSets,
    #[serde(default)]
    pub model: Vec<Spanned<Model>>,
    #[serde(default)]
    pub models: Vec<Models>,
    #[serde(default)]
    pub example: Vec<Spanned<Example>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Match {
    pub btle: Option<Btle>,
    pub serial: Option<SerialPort>,
    pub hid: Option<UsbIds>,
    pub usb: Option<UsbIds>,
    pub websocket: Option<Names>,
    pub gamepad: Option<Anything>,
    #[serde(default)]
    pub services: BTreeMap<String, BTreeMap<String, String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Btle {
    #[serde(default)]
    pub names: Vec<String>,
    #[serde(default)]
    pub advertised: Vec<String>,
    #[serde(default)]
    pub manufacturer: Vec<Manufacturer>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manufacturer {
    pub company: u16,
    #[serde(default)]
    pub data: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UsbIds {
    pub ids: Vec<String>,
}

/// `{}`: nothing to tell apart by.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Anything {}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Names {
    pub names: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Identify {
    pub from: String,
    pub r#as: Option<String>,
    pub split: Option<String>,
    pub part: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Model {
    #[serde(default)]
    pub ids: Vec<Spanned<String>>,
    pub name: String,
    pub features: Option<Features>,
    #[serde(default)]
    pub set: BTreeMap<String, f64>,
}

/// Models that differ in names and identifiers alone, one a row: the name, then the identifiers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Models {
    pub features: Option<Features>,
    #[serde(default)]
    pub set: BTreeMap<String, f64>,
    pub rows: Spanned<Vec<Spanned<Vec<Spanned<String>>>>>,
}

/// Lists of features with a name, by which models take them.
pub(super) type FeatureSets = BTreeMap<Spanned<String>, Vec<Feature>>;

/// The features of a model: a list, or the name of one of `[features]`.
#[derive(Debug, Clone)]
pub(super) enum Features {
    Set(String),
    List(Vec<Feature>),
}

impl<'de> Deserialize<'de> for Features {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Given;

        impl<'de> Visitor<'de> for Given {
            type Value = Features;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of features or the name of one in [features]")
            }

            fn visit_str<E>(self, name: &str) -> Result<Features, E> {
                Ok(Features::Set(name.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Features, A::Error> {
                let mut features = Vec::new();
                while let Some(feature) = list.next_element()? {
                    features.push(feature);
                }
                Ok(Features::List(features))
            }
        }

        deserializer.deserialize_any(Given)
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Feature {
    pub index: Option<u32>,
    #[serde(default)]
    pub label: String,
    pub vibrate: Option<[i32; 2]>,
    pub rotate: Option<[i32; 2]>,
    pub oscillate: Option<[i32; 2]>,
    pub constrict: Option<[i32; 2]>,
    pub spray: Option<[i32; 2]>,
    pub temperature: Option<[i32; 2]>,
    pub led: Option<[i32; 2]>,
    pub position: Option<[i32; 2]>,
    pub hw_position: Option<Timed>,
    pub battery: Option<[i32; 2]>,
    pub rssi: Option<[i32; 2]>,
    pub pressure: Option<[i32; 2]>,
    pub button: Option<[i32; 2]>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Timed {
    pub value: [i32; 2],
    pub duration_ms: [u32; 2],
}

/// One line or a list of them. Not derived, because the usual way of trying both forgets where each line stands.
#[derive(Debug)]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<Spanned<String>>),
}

impl OneOrMany {
    /// Each line with the place at which it stands.
    pub(super) fn lines(given: Spanned<Self>) -> Vec<(usize, String)> {
        let start = given.span().start;
        match given.into_inner() {
            Self::One(one) => vec![(start, one)],
            Self::Many(many) => many.into_iter().map(|line| (line.span().start, line.into_inner())).collect(),
        }
    }
}

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Lines;

        impl<'de> Visitor<'de> for Lines {
            type Value = OneOrMany;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a line or a list of lines")
            }

            fn visit_str<E>(self, line: &str) -> Result<OneOrMany, E> {
                Ok(OneOrMany::One(line.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<OneOrMany, A::Error> {
                let mut lines = Vec::new();
                while let Some(line) = list.next_element()? {
                    lines.push(line);
                }
                Ok(OneOrMany::Many(lines))
            }
        }

        deserializer.deserialize_any(Lines)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    pub read: Option<Vec<Spanned<String>>>,
    pub subscribe: Option<Spanned<String>>,
    pub when: Option<Spanned<String>>,
    pub value: Spanned<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Repeat {
    pub every_ms: u64,
    #[serde(default)]
    pub only_running: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Example {
    pub model: Option<Spanned<String>>,
    pub name: Option<String>,
    pub manufacturer: Option<Manufacturer>,
    pub endpoints: Option<Vec<Spanned<String>>>,
    pub steps: Vec<Spanned<String>>,
}
