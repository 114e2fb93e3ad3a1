//! What a model can do: its features, their outputs and inputs, and the ranges the hardware takes.

use std::collections::BTreeMap;

use crate::types::{InputKind, OutputKind};

/// One model of a protocol.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// Identifiers that mean this model; empty for the default of the protocol.
    pub ids: Vec<String>,
    /// Name for people.
    pub name: String,
    /// Features, ascending by index.
    pub features: Vec<Feature>,
    /// Parameters for templates, such as an id byte.
    pub set: BTreeMap<String, f64>,
}

/// One physical thing: a motor, an axis, a sensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feature {
    /// Index on the wire and for clients; there may be holes.
    pub index: u32,
    /// What it is, for people; may be empty.
    pub label: String,
    /// Ways to drive it.
    pub outputs: Vec<OutputSpec>,
    /// Things it measures.
    pub inputs: Vec<InputSpec>,
}

/// What the hardware takes on one output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputSpec {
    /// Which way of driving.
    pub kind: OutputKind,
    /// Least value.
    pub min: i32,
    /// Greatest value.
    pub max: i32,
    /// Shortest and longest duration in milliseconds, for timed moves.
    pub duration_ms: Option<(u32, u32)>,
}

/// What the hardware measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputSpec {
    /// What is measured.
    pub kind: InputKind,
    /// Least value.
    pub min: i32,
    /// Greatest value.
    pub max: i32,
    /// It can be asked.
    pub read: bool,
    /// It can be listened to.
    pub subscribe: bool,
}

impl Model {
    /// Every output with the index of its feature, in feature order.
    pub fn outputs(&self) -> impl Iterator<Item = (u32, OutputSpec)> + '_ {
        self.features.iter().flat_map(|feature| feature.outputs.iter().map(|output| (feature.index, *output)))
    }

    /// Every input with the index of its feature, in feature order.
    pub fn inputs(&self) -> impl Iterator<Item = (u32, InputSpec)> + '_ {
        self.features.iter().flat_map(|feature| feature.inputs.iter().map(|input| (feature.index, *input)))
    }

    /// How many features have an output.
    #[must_use]
    pub fn output_features(&self) -> usize {
        self.features.iter().filter(|feature| !feature.outputs.is_empty()).count()
    }

    /// How many features have an output of this kind.
    #[must_use]
    pub fn count(&self, kind: OutputKind) -> usize {
        self.outputs().filter(|(_, output)| output.kind == kind).count()
    }
}
