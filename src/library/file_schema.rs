//! The shape of a definition file as TOML, before anything in it is checked.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use toml::Spanned;

use super::matcher::SerialPort;

/// A definition: how one protocol is spoken, and by which models.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// Title, for people.
    pub name: String,
    /// A driver in code, for protocols that are more than bytes around a value.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub driver: Option<Spanned<String>>,
    /// Least time between two writes in milliseconds.
    pub gap_ms: Option<u32>,
    /// Least time between two packets of one write in milliseconds.
    #[cfg_attr(test, schemars(with = "Option<u32>"))]
    pub packet_gap_ms: Option<Spanned<u32>>,
    /// How the hardware is recognised.
    #[serde(rename = "match", default)]
    #[cfg_attr(test, schemars(with = "Vec<Match>"))]
    pub matches: Vec<Spanned<Match>>,
    /// How a model is told apart by what the hardware says of itself.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Vec<Identify>"))]
    pub identify: Vec<Spanned<Identify>>,
    /// What is said after connecting.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub connect: Vec<Spanned<String>>,
    /// Where an axis stands after connecting, as an expression.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub start_position: Option<Spanned<String>>,
    /// Names for expressions of the lines below.
    #[serde(rename = "let", default)]
    #[cfg_attr(test, schemars(with = "BTreeMap<String, String>"))]
    pub lets: BTreeMap<Spanned<String>, Spanned<String>>,
    /// Lists of features that models name.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "BTreeMap<String, Vec<Feature>>"))]
    pub features: FeatureSets,
    /// The model, unless one below is meant.
    #[cfg_attr(test, schemars(with = "Model"))]
    pub default: Spanned<Model>,
    /// Models that are told apart by their identifiers.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Vec<Model>"))]
    pub model: Vec<Spanned<Model>>,
    /// Models that differ in name and identifiers alone.
    #[serde(default)]
    pub models: Vec<Models>,
    /// The bytes, by the name of the output.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "BTreeMap<String, OneOrMany>"))]
    pub write: BTreeMap<Spanned<String>, Spanned<OneOrMany>>,
    /// Where inputs come from, by their names.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "BTreeMap<String, Input>"))]
    pub input: BTreeMap<Spanned<String>, Input>,
    /// Hardware that falls asleep when it hears nothing.
    #[cfg_attr(test, schemars(with = "Option<Repeat>"))]
    pub repeat: Option<Spanned<Repeat>>,
    /// Conversations that must come out exactly so.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Vec<Example>"))]
    pub example: Vec<Spanned<Example>>,
}

/// A file that adds to another definition.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Extension {
    /// The protocol that it adds to.
    #[cfg_attr(test, schemars(with = "String"))]
    pub extends: Spanned<String>,
    #[serde(rename = "match", default)]
    #[cfg_attr(test, schemars(with = "Vec<Match>"))]
    pub matches: Vec<Spanned<Match>>,
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "BTreeMap<String, Vec<Feature>>"))]
    pub features: FeatureSets,
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Vec<Model>"))]
    pub model: Vec<Spanned<Model>>,
    #[serde(default)]
    pub models: Vec<Models>,
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Vec<Example>"))]
    pub example: Vec<Spanned<Example>>,
}

/// One way to recognise the hardware.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Match {
    /// By what it advertises over Bluetooth LE.
    pub btle: Option<Btle>,
    /// By its serial port.
    pub serial: Option<SerialPort>,
    /// By its USB ids, as a HID device.
    pub hid: Option<UsbIds>,
    /// By its USB ids.
    pub usb: Option<UsbIds>,
    /// By the name under which it dials in.
    pub websocket: Option<Names>,
    /// Any gamepad.
    pub gamepad: Option<Anything>,
    /// Bluetooth services by UUID, each with its characteristics by endpoint.
    #[serde(default)]
    pub services: BTreeMap<String, BTreeMap<String, String>>,
}

/// What Bluetooth LE hardware advertises.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Btle {
    /// Names; `*` at the end stands for anything.
    #[serde(default)]
    pub names: Vec<String>,
    /// UUIDs of services.
    #[serde(default)]
    pub advertised: Vec<String>,
    /// Data of the manufacturer.
    #[serde(default)]
    pub manufacturer: Vec<Manufacturer>,
}

/// Data of a manufacturer in an advertisement.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Manufacturer {
    /// The number of the company.
    pub company: u16,
    /// The beginning of the data, in hexadecimal digits.
    #[serde(default)]
    pub data: String,
}

/// USB ids.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct UsbIds {
    /// `VENDOR:PRODUCT`, in hexadecimal digits.
    pub ids: Vec<String>,
}

/// `{}`: nothing to tell apart by.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Anything {}

/// Names.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Names {
    /// The names.
    pub names: Vec<String>,
}

/// How a model is told apart.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Identify {
    /// The answer that says it.
    pub from: String,
    /// What the text is called.
    pub r#as: Option<String>,
    /// What separates its parts.
    pub split: Option<String>,
    /// Which part it is, from 0.
    pub part: Option<usize>,
}

/// A model.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Model {
    /// Names or numbers by which it is told apart.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub ids: Vec<Spanned<String>>,
    /// Its name, for people.
    pub name: String,
    /// What it can do.
    pub features: Option<Features>,
    /// Numbers for the lines of `[write]`.
    #[serde(default)]
    pub set: BTreeMap<String, f64>,
}

/// Models that differ in names and identifiers alone, one a row: the name, then the identifiers.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Models {
    /// What they can do.
    pub features: Option<Features>,
    /// Numbers for the lines of `[write]`.
    #[serde(default)]
    pub set: BTreeMap<String, f64>,
    /// A row each: the name, then the identifiers.
    #[cfg_attr(test, schemars(with = "Vec<Vec<String>>"))]
    pub rows: Spanned<Vec<Spanned<Vec<Spanned<String>>>>>,
}

/// Lists of features with a name, by which models take them.
pub(super) type FeatureSets = BTreeMap<Spanned<String>, Vec<Feature>>;

/// The features of a model: a list, or the name of one of `[features]`.
#[derive(Debug, Clone)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(untagged))]
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

/// One physical thing of a device: a motor, an axis, a sensor.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Feature {
    /// Its index, where it is not the next.
    pub index: Option<u32>,
    /// What it is, for people.
    #[serde(default)]
    pub label: String,
    /// Vibration, from least to greatest step.
    pub vibrate: Option<[i32; 2]>,
    /// Rotation; negative is counter-clockwise.
    pub rotate: Option<[i32; 2]>,
    /// A motion that repeats by itself.
    pub oscillate: Option<[i32; 2]>,
    /// Squeeze or suction.
    pub constrict: Option<[i32; 2]>,
    /// A spray; each command is one event.
    pub spray: Option<[i32; 2]>,
    /// Heating, or cooling when negative.
    pub temperature: Option<[i32; 2]>,
    /// Light.
    pub led: Option<[i32; 2]>,
    /// A place to go to at once.
    pub position: Option<[i32; 2]>,
    /// A place to go to within a time.
    pub hw_position: Option<Timed>,
    /// Charge in percent.
    pub battery: Option<[i32; 2]>,
    /// Signal strength in dBm.
    pub rssi: Option<[i32; 2]>,
    /// Pressure in units of the device.
    pub pressure: Option<[i32; 2]>,
    /// 1 down, 0 up.
    pub button: Option<[i32; 2]>,
}

/// A move that the hardware times.
#[derive(Debug, Clone, Copy, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Timed {
    /// Least and greatest place.
    pub value: [i32; 2],
    /// Shortest and longest time in milliseconds.
    pub duration_ms: [u32; 2],
}

/// One line or a list of them. Not derived, because the usual way of trying both forgets where each line stands.
#[derive(Debug)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(untagged))]
pub(super) enum OneOrMany {
    One(String),
    Many(#[cfg_attr(test, schemars(with = "Vec<String>"))] Vec<Spanned<String>>),
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

/// Where an input comes from.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    /// What is said to ask for it.
    #[cfg_attr(test, schemars(with = "Option<Vec<String>>"))]
    pub read: Option<Vec<Spanned<String>>>,
    /// The endpoint to listen to.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub subscribe: Option<Spanned<String>>,
    /// Which answers are meant.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub when: Option<Spanned<String>>,
    /// The value, as an expression.
    #[cfg_attr(test, schemars(with = "String"))]
    pub value: Spanned<String>,
}

/// What is written last is repeated.
#[derive(Debug, Clone, Copy, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Repeat {
    /// Every so many milliseconds.
    pub every_ms: u64,
    /// Only while something runs.
    #[serde(default)]
    pub only_running: bool,
}

/// A conversation that must come out exactly so.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Example {
    /// An identifier of the model.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub model: Option<Spanned<String>>,
    /// The name that the hardware advertises.
    pub name: Option<String>,
    /// The data that it advertises.
    pub manufacturer: Option<Manufacturer>,
    /// The endpoints that it has.
    #[cfg_attr(test, schemars(with = "Option<Vec<String>>"))]
    pub endpoints: Option<Vec<Spanned<String>>>,
    /// What is asked for, and what goes over the wire.
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub steps: Vec<Spanned<String>>,
}
