//! The shape of a definition file as TOML, before anything in it is checked.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::hardware::SerialPort;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub name: String,
    pub driver: Option<Spanned<String>>,
    pub gap_ms: Option<u32>,
    #[serde(rename = "match", default)]
    pub matches: Vec<Spanned<Match>>,
    #[serde(default)]
    pub identify: Vec<Spanned<Identify>>,
    #[serde(default)]
    pub connect: Vec<Spanned<String>>,
    pub default: Spanned<Model>,
    #[serde(default)]
    pub model: Vec<Spanned<Model>>,
    #[serde(default)]
    pub write: BTreeMap<Spanned<String>, Spanned<OneOrMany>>,
    #[serde(default)]
    pub input: BTreeMap<Spanned<String>, Input>,
    pub repeat: Option<Repeat>,
    #[serde(default)]
    pub example: Vec<Example>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Match {
    pub btle: Option<Btle>,
    pub serial: Option<SerialPort>,
    pub hid: Option<UsbIds>,
    pub usb: Option<UsbIds>,
    pub websocket: Option<Names>,
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
    pub ids: Vec<String>,
    pub name: String,
    pub features: Option<Vec<Feature>>,
    #[serde(default)]
    pub set: BTreeMap<String, f64>,
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

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    pub(super) fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many,
        }
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

#[derive(Debug, Deserialize)]
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
    pub endpoints: Option<Vec<Spanned<String>>>,
    pub steps: Vec<Spanned<String>>,
}
