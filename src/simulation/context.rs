//! What the templates of a definition see of a simulated device.

use std::collections::{BTreeMap, BTreeSet};

use crate::driver::Levels;
use crate::library::{Definition, Matcher, Model, template::PacketTemplate, template::Scope};
use crate::types::{Endpoint, OutputKind};

/// Bytes by their name in the steps.
pub(super) type Buffers = BTreeMap<String, Vec<u8>>;

/// What of a simulated device does not depend on the packets that it gets.
pub(super) struct DeviceContext<'a> {
    pub(super) definition: &'a Definition,
    pub(super) model: &'a Model,
    pub(super) buffers: &'a Buffers,
    pub(super) endpoints: BTreeSet<Endpoint>,
}

impl<'a> DeviceContext<'a> {
    pub(super) fn new(definition: &'a Definition, model: &'a Model, buffers: &'a Buffers) -> Self {
        Self {
            definition,
            model,
            buffers,
            endpoints: definition.matchers.iter().flat_map(Matcher::endpoints).collect(),
        }
    }

    /// Whether an output ends by itself: a shot of spray, or what is repeated while it runs, when no line says 0.
    pub(super) fn has_no_rest(&self, feature: u32, kind: OutputKind) -> bool {
        let scope = EvalContext { kind: Some(kind), ..EvalContext::idle(self, feature) };
        let says_rest = |line: &PacketTemplate| line.applies(&scope) == Ok(true);
        (kind == OutputKind::Spray || self.definition.repeat.is_some_and(|repeat| repeat.only_running))
            && !self.definition.write.get(&kind).is_some_and(|lines| lines.iter().any(says_rest))
    }

    /// The same at a scope at which other bytes are known.
    pub(super) fn with<'b>(&'b self, buffers: &'b Buffers) -> DeviceContext<'b> {
        DeviceContext { definition: self.definition, model: self.model, buffers, endpoints: self.endpoints.clone() }
    }
}

/// The features that have an output, or one of this kind.
pub(super) fn outputs_of(model: &Model, kind: Option<OutputKind>) -> Vec<u32> {
    let levels = Levels::new(model).outputs(kind);
    levels.into_iter().map(|(feature, _)| feature).collect()
}

/// What a line can see at one scope, to check that it comes out as the packet that was received.
pub(super) struct EvalContext<'a> {
    pub(super) context: &'a DeviceContext<'a>,
    pub(super) levels: Option<&'a Levels>,
    pub(super) kind: Option<OutputKind>,
    pub(super) feature: u32,
    pub(super) value: i32,
    pub(super) duration: u32,
    pub(super) previous: i32,
}

impl<'a> EvalContext<'a> {
    /// Nothing is commanded; a feature may be asked for.
    pub(super) fn idle(context: &'a DeviceContext<'a>, feature: u32) -> Self {
        Self { context, levels: None, kind: None, feature, value: 0, duration: 0, previous: 0 }
    }
}

impl Scope for EvalContext<'_> {
    fn value(&self) -> f64 {
        self.value.into()
    }

    fn duration(&self) -> f64 {
        self.duration.into()
    }

    fn index(&self) -> f64 {
        self.feature.into()
    }

    fn previous(&self) -> f64 {
        self.previous.into()
    }

    fn kind(&self) -> Option<OutputKind> {
        self.kind
    }

    fn kind_of(&self, feature: u32) -> Option<OutputKind> {
        self.levels.and_then(|levels| levels.kind(feature))
    }

    fn feature(&self, index: u32) -> f64 {
        self.levels.map_or(0.0, |levels| levels.feature(index).into())
    }

    fn outputs(&self, kind: Option<OutputKind>) -> Vec<(u32, f64)> {
        let outputs = outputs_of(self.context.model, kind);
        let level = |index| self.levels.map_or(0.0, |levels| levels.feature(index).into());
        match (self.levels, kind) {
            (Some(levels), Some(_)) => {
                let levels = levels.outputs(kind);
                levels.into_iter().map(|(index, value)| (index, value.into())).collect()
            }
            _ => outputs.into_iter().map(|index| (index, level(index))).collect(),
        }
    }

    fn param(&self, name: &str) -> Option<f64> {
        self.context.model.set.get(name).copied()
    }

    fn buffer(&self, name: &str) -> Option<&[u8]> {
        self.context.buffers.get(name).map(Vec::as_slice)
    }

    fn has(&self, endpoint: Endpoint) -> bool {
        self.context.endpoints.contains(&endpoint)
    }

    fn next_sequence(&self) -> u8 {
        0
    }
}
