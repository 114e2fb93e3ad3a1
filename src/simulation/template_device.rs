//! A simulated device that reads packets by the templates of its definition.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::driver::{
    Levels, for_definition, simulated::CHARGE, simulated::Level, simulated::SimulatedDevice, simulated::levels_of,
};
use crate::library::{Definition, Model, definition::IdentifyFrom, template::Step};
use crate::link::Notification;
use crate::types::{Endpoint, OutputKind};

use super::context::DeviceContext;
use super::responses;
use super::script::Script;

/// A simulated device of this model, fresh from the box: just switched on, everything off. It presents itself with the
/// first of the model's identifiers.
#[must_use]
pub fn simulate(definition: &Arc<Definition>, model: &Model) -> Box<dyn SimulatedDevice> {
    // Of a coded driver without a simulated side the packets are shown as they are.
    let coded = for_definition(definition).simulate(model);
    coded.unwrap_or_else(|| Box::new(TemplateDevice::new(definition, model)))
}

/// How long a shot of spray lasts that no packet ends. No source says how long it really is.
const SHOT: Duration = Duration::from_millis(500);

/// See the module.
pub(super) struct TemplateDevice {
    definition: Arc<Definition>,
    model: Model,
    levels: Levels,
    moves: BTreeMap<(u32, OutputKind), Option<u32>>,
    /// Outputs that end by themselves when nothing repeats what they were told, because no bytes would end them.
    ends_alone: Vec<(u32, OutputKind)>,
    /// When it was last told a level.
    told: Instant,
    connecting: Script,
    /// The connect step that comes next.
    next: usize,
    measuring: Vec<Script>,
    not_understood: u64,
}

impl fmt::Debug for TemplateDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TemplateDevice({:?} of {})", self.model.name, self.definition.protocol)
    }
}

impl TemplateDevice {
    pub(super) fn new(definition: &Arc<Definition>, model: &Model) -> Self {
        let connecting = responses::connecting(definition, model);
        let measuring = responses::measuring(definition, model, &connecting.buffers);
        let context = DeviceContext::new(definition, model, &connecting.buffers);
        let outputs = model.outputs().map(|(feature, output)| (feature, output.kind));
        let ends_alone = outputs.filter(|(feature, kind)| context.has_no_rest(*feature, *kind)).collect();
        Self {
            definition: Arc::clone(definition),
            model: model.clone(),
            levels: Levels::new(model),
            moves: BTreeMap::new(),
            ends_alone,
            told: Instant::now(),
            connecting,
            next: 0,
            measuring,
            not_understood: 0,
        }
    }

    /// If this packet is the next of the connect sequence, what comes after it. A packet of the sequence may look
    /// like an output (We-Vibe buzzes for a moment), so the order decides.
    fn connect_step(&mut self, endpoint: Endpoint, data: &[u8]) -> Option<Vec<Notification>> {
        let context = DeviceContext::new(&self.definition, &self.model, &self.connecting.buffers);
        let steps = self.connecting.steps.iter().enumerate().skip(self.next);
        let mut writes = steps.filter_map(|(at, step)| match step {
            // A step whose condition does not hold is left out by the server; the one after it comes then.
            Step::Write(line) => Some((at, context.is_step(line, endpoint, data))),
            _ => None,
        });
        let found = writes.find(|(_, fits)| *fits);
        let Some((at, _)) = found else {
            // Whatever this is, the sequence is over.
            self.next = self.connecting.steps.len();
            return None;
        };
        self.next = at + 1;
        Some(self.connecting.said_after(at))
    }
}

impl SimulatedDevice for TemplateDevice {
    fn written(&mut self, endpoint: Endpoint, data: &[u8]) -> Vec<Notification> {
        if let Some(said) = self.connect_step(endpoint, data) {
            return said;
        }
        let context = DeviceContext::new(&self.definition, &self.model, &self.connecting.buffers);
        if let Some(told) = context.explain(endpoint, data, &self.levels) {
            self.levels = told.levels;
            self.told = Instant::now();
            self.moves.extend(told.moves);
            return Vec::new();
        }
        for script in &self.measuring {
            let context = DeviceContext::new(&self.definition, &self.model, &script.buffers);
            let asked = script.steps.iter().position(|step| match step {
                Step::Write(line) => context.is_step(line, endpoint, data),
                _ => false,
            });
            if let Some(at) = asked {
                return script.said_after(at);
            }
        }
        self.not_understood += 1;
        Vec::new()
    }

    fn subscribed(&mut self, endpoint: Endpoint) -> Vec<Notification> {
        let steps = self.connecting.steps.iter().enumerate().skip(self.next);
        let mut before_write = steps.take_while(|(_, step)| !matches!(step, Step::Write(_)));
        let listens = |step: &Step| matches!(step, Step::Subscribe(to) if *to == endpoint);
        if let Some((at, _)) = before_write.find(|(_, step)| listens(step)) {
            self.next = at + 1;
            return self.connecting.said_after(at);
        }
        // Some hardware needs no other question than that.
        let measuring = self.measuring.iter().filter_map(|script| {
            let at = script.steps.iter().position(listens)?;
            Some(script.said_after(at))
        });
        measuring.flatten().collect()
    }

    fn read(&mut self, endpoint: Endpoint) -> Result<Vec<u8>, String> {
        let identify = self.definition.identify.iter();
        if let Some(identify) = identify.into_iter().find(|identify| identify.from == IdentifyFrom::Read(endpoint)) {
            // Without an identifier this is the default model, which is what an empty value means.
            let id = self.model.ids.first();
            let bytes = id.and_then(|id| responses::identifier_bytes(&identify.form, id));
            return Ok(bytes.unwrap_or_default());
        }
        let scripts = std::iter::once(&self.connecting).chain(&self.measuring);
        for script in scripts {
            if let Some(value) = script.value_of(endpoint) {
                return Ok(value);
            }
        }
        if endpoint == Endpoint::BATTERY {
            return Ok(vec![CHARGE]);
        }
        Err(format!("nothing is known of {endpoint} that could be read"))
    }

    fn released(&mut self) {
        self.next = 0;
    }

    fn levels(&self) -> Vec<Level> {
        let is_over = self.told.elapsed() > self.definition.repeat.map_or(SHOT, |repeat| repeat.every * 2);
        levels_of(&self.model, |feature, kind| {
            if is_over && self.ends_alone.contains(&(feature, kind)) {
                return (0, None);
            }
            let duration = self.moves.get(&(feature, kind)).copied().flatten();
            (self.levels.get(feature, kind), duration)
        })
    }

    fn unmet(&self) -> Vec<String> {
        let scripts = std::iter::once(&self.connecting).chain(&self.measuring);
        scripts.flat_map(|script| script.unmet.clone()).collect()
    }

    fn not_understood(&self) -> u64 {
        self.not_understood
    }
}
