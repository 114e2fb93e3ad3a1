//! What is taken of a device of Intiface: what is set here already stays, and nothing becomes looser.

use std::collections::BTreeSet;

use super::intiface_config::{IntifaceDevice, IntifaceOutput};
use crate::hub::known_devices::Overview;
use crate::library::{Library, Model};
use crate::user_devices::address::same_address;
use crate::user_devices::{DeviceSettings, Limit, OutputName, OutputSettings, Source, UserDevices};

/// The greatest message gap that `devices.toml` takes, in milliseconds.
const LONGEST_GAP_MS: u32 = 60_000;
/// The most bytes that a name may have there.
const LONGEST_NAME: usize = 300;

/// What is set here before the import.
#[derive(Debug)]
pub(super) struct Before {
    /// What is in force.
    pub overview: Vec<Overview>,
    /// What `devices.toml` says; an explicit `"unlimited"` stands only there.
    pub file: UserDevices,
}

/// What becomes of one thing that the file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Taken,
    /// Something is set here already.
    Kept,
    NotTaken,
}

/// What is taken of one device.
#[derive(Debug)]
pub(super) struct Taken {
    /// The device, for people.
    pub name: String,
    /// What goes to `devices.toml`.
    pub settings: DeviceSettings,
    /// Everything that the file says of it.
    pub lines: Vec<(Verdict, String)>,
}

impl Taken {
    /// Whether there is anything to write.
    pub(super) fn is_new(&self) -> bool {
        self.lines.iter().any(|(verdict, _)| *verdict == Verdict::Taken)
    }

    fn line(&mut self, verdict: Verdict, what: impl Into<String>) {
        self.lines.push((verdict, what.into()));
    }

    /// Decides about one value: `here` is what is set already. Returns it if it is to be written.
    fn decide<T>(&mut self, what: String, new: T, here: bool) -> Option<T> {
        self.line(if here { Verdict::Kept } else { Verdict::Taken }, what);
        (!here).then_some(new)
    }
}

/// Decides about every device of the file.
pub(super) fn take_over(devices: &[IntifaceDevice], before: Before, library: &Library) -> Vec<Taken> {
    let mut import = Import {
        allows: before.overview.iter().any(|device| device.allow),
        indexes: before.overview.iter().filter_map(|device| device.index).collect(),
        before,
        library,
    };
    import.indexes.extend(import.before.file.devices.iter().filter_map(|entry| entry.index));
    let mut taken: Vec<Taken> = Vec::new();
    for device in devices {
        let again = taken.iter().any(|other| same_address(&other.settings.source.address, &device.address));
        let mut one = import.device(device, again);
        for problem in &device.problems {
            one.line(Verdict::NotTaken, problem.clone());
        }
        taken.push(one);
    }
    taken
}

struct Import<'a> {
    before: Before,
    library: &'a Library,
    /// Only what is allowed is taken by the server as things stand.
    allows: bool,
    /// Indexes that belong to devices.
    indexes: BTreeSet<u32>,
}

impl Import<'_> {
    /// `again`: the file has spoken of this address before.
    fn device(&mut self, device: &IntifaceDevice, again: bool) -> Taken {
        let known = self.before.overview.iter().find(|known| same_address(&known.address, &device.address)).cloned();
        let own = |entry: &&DeviceSettings| same_address(&entry.source.address, &device.address);
        let entries: Vec<_> = self.before.file.devices.iter().filter(own).cloned().collect();
        let model = self.library.protocol(&device.protocol).map(|definition| {
            let model = definition.model(device.identifier.as_deref());
            (model, model.name.clone())
        });
        let is_same = |known: &&Overview| {
            known.protocol.as_ref() == Some(&device.protocol) && known.identifier == device.identifier
        };
        let source = Source {
            address: device.address.clone(),
            bus: known.as_ref().filter(is_same).and_then(|known| known.bus),
            protocol: Some(device.protocol.clone()),
            identifier: device.identifier.clone(),
        };
        let mut taken = Taken {
            name: [Some(device.address.as_str()), Some(device.protocol.as_str()), device.identifier.as_deref()]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(" "),
            settings: DeviceSettings { source, ..DeviceSettings::default() },
            lines: Vec::new(),
        };
        let bad =
            self.before.file.problems.iter().find(|problem| {
                problem.address.as_deref().is_none_or(|address| same_address(address, &device.address))
            });
        if let Some(problem) = bad {
            taken.line(Verdict::NotTaken, format!("anything: devices.toml {problem}; correct that first"));
            return taken;
        }
        if again {
            taken.line(Verdict::NotTaken, "anything: the file has an entry for this address above");
            return taken;
        }
        taken.settings.model = model.as_ref().map(|(_, name)| name.clone());
        self.whole_device(device, known.as_ref(), &entries, &mut taken);
        self.outputs(device, model.map(|(model, _)| model), known.as_ref(), &entries, &mut taken);
        taken
    }

    fn whole_device(
        &mut self,
        device: &IntifaceDevice,
        known: Option<&Overview>,
        entries: &[DeviceSettings],
        taken: &mut Taken,
    ) {
        let in_file = |set: fn(&DeviceSettings) -> bool| entries.iter().any(set);
        if let Some(name) = device.display_name.clone().filter(|name| name.len() > LONGEST_NAME) {
            taken.line(Verdict::NotTaken, format!("display_name: {} bytes; allowed: {LONGEST_NAME}", name.len()));
        } else if let Some(name) = device.display_name.clone() {
            let here = in_file(|entry| entry.display_name.is_some()) || known.is_some_and(|k| k.display_name.is_some());
            taken.settings.display_name = taken.decide(format!("display_name = {name:?}"), name, here);
        }
        if let Some(index) = device.index {
            let here = in_file(|entry| entry.index.is_some()) || known.is_some_and(|known| known.index.is_some());
            if !here && !self.indexes.insert(index) {
                taken.line(Verdict::NotTaken, format!("index = {index}: another device has it"));
            } else {
                taken.settings.index = taken.decide(format!("index = {index}"), index, here);
            }
        }
        if let Some(gap) = device.message_gap_ms.filter(|gap| *gap > LONGEST_GAP_MS) {
            let allowed = format!("allowed: 0 to {LONGEST_GAP_MS}");
            taken.line(Verdict::NotTaken, format!("message_gap_ms = {gap}; {allowed}"));
        } else if let Some(gap) = device.message_gap_ms {
            let here =
                in_file(|entry| entry.message_gap_ms.is_some()) || known.is_some_and(|k| k.message_gap_ms.is_some());
            taken.settings.message_gap_ms = taken.decide(format!("message_gap_ms = {gap}"), gap, here);
        }
        if device.deny {
            let here = in_file(|entry| entry.deny.is_some()) || known.is_some_and(|known| known.deny);
            taken.settings.deny = taken.decide("deny = true".to_owned(), true, here);
        }
        if device.allow {
            let here = in_file(|entry| entry.allow.is_some()) || known.is_some_and(|known| known.allow);
            if self.allows && !here {
                let why = "devices.toml allows other devices only, and an import lets nothing more in";
                taken.line(Verdict::NotTaken, format!("allow = true: {why}"));
            } else {
                taken.settings.allow = taken.decide("allow = true".to_owned(), true, here);
            }
        }
    }

    fn outputs(
        &self,
        device: &IntifaceDevice,
        model: Option<&Model>,
        known: Option<&Overview>,
        entries: &[DeviceSettings],
        taken: &mut Taken,
    ) {
        let limited: Vec<_> = device
            .features
            .iter()
            .enumerate()
            .flat_map(|(position, outputs)| outputs.iter().map(move |output| (position, output)))
            .collect();
        // Limits of one model say nothing of another's outputs, and an address has one entry.
        let other = entries.iter().find(|entry| {
            let source = &entry.source;
            source.protocol.is_some()
                && (source.protocol.as_ref() != Some(&device.protocol) || source.identifier != device.identifier)
        });
        for (position, output) in limited {
            let label = format!("feature {position} {}", output.kind.key());
            if let Some(other) = other {
                let line = other.line;
                let why = format!("devices.toml has limits for another model at this address (line {line})");
                taken.line(Verdict::NotTaken, format!("{label}: {why}"));
                continue;
            }
            let found = match model {
                Some(model) => find(model, device, position, output),
                None => Err(format!("hapticd does not know the protocol {:?}", device.protocol)),
            };
            match found {
                Ok((name, whole, duration)) => {
                    let in_file = entries.iter().filter_map(|entry| entry.outputs.get(&name));
                    let in_force = known.and_then(|known| known.outputs.get(&name.to_string()));
                    let here = in_file.copied().fold(
                        OutputSettings {
                            range: in_force.and_then(|limits| limits.range).map(Limit::At),
                            duration_ms: in_force.and_then(|limits| limits.duration_ms).map(Limit::At),
                            disabled: in_force.and_then(|limits| limits.disabled.then_some(true)),
                            reverse: in_force.and_then(|limits| limits.reverse.then_some(true)),
                            ..OutputSettings::default()
                        },
                        |here, entry| OutputSettings {
                            range: here.range.or(entry.range),
                            duration_ms: here.duration_ms.or(entry.duration_ms),
                            disabled: here.disabled.or(entry.disabled),
                            reverse: here.reverse.or(entry.reverse),
                            ..here
                        },
                    );
                    limits(taken, name, output, (whole, duration), here);
                }
                Err(why) if output.says_anything() => taken.line(Verdict::NotTaken, format!("{label}: {why}")),
                Err(_) => {}
            }
        }
    }
}

impl IntifaceOutput {
    fn says_anything(&self) -> bool {
        self.range.is_some() || self.disabled || self.reverse || self.duration_ms.is_some()
    }
}

/// An output of a model, its whole range, and its whole range of durations in milliseconds.
type Found = (OutputName, (i32, i32), Option<(u32, u32)>);

/// The output of the model that the n-th feature of the file is about.
fn find(model: &Model, device: &IntifaceDevice, position: usize, output: &IntifaceOutput) -> Result<Found, String> {
    let name = &model.name;
    let (here, there) = (model.features.len(), device.features.len());
    let driven: Vec<_> = model.features.iter().filter(|feature| !feature.outputs.is_empty()).collect();
    let listed = |features: &[Vec<IntifaceOutput>]| features.iter().filter(|outputs| !outputs.is_empty()).count();
    let feature = if here == there {
        model.features.get(position)
    } else if driven.len() == listed(&device.features) {
        // The two programs differ in the sensors that they know.
        device.features.get(..position).and_then(|before| driven.get(listed(before)).copied())
    } else {
        return Err(format!("the file lists {there} features and {name} has {here}, so that they cannot be matched"));
    };
    let spec = feature.and_then(|feature| feature.outputs.iter().find(|spec| spec.kind == output.kind));
    match feature.zip(spec) {
        Some((feature, spec)) => Ok((OutputName(feature.index, spec.kind), (spec.min, spec.max), spec.duration_ms)),
        None => Err(format!("{name} has no such output")),
    }
}

/// Decides about the limits of one output. What leaves everything open is no limit and is not taken.
fn limits(
    taken: &mut Taken,
    name: OutputName,
    output: &IntifaceOutput,
    (whole, duration): ((i32, i32), Option<(u32, u32)>),
    here: OutputSettings,
) {
    let mut new = OutputSettings::default();
    let of = output.of.unwrap_or(whole);
    match output.range {
        Some((low, high)) if low < 0 || low > high || high > of.1 => {
            let allowed = format!("allowed: 0 to {}", of.1);
            taken.line(Verdict::NotTaken, format!("{name} = {low}..{high}; {allowed}"));
        }
        Some((low, high)) if low > of.0.max(0) || high < of.1 => {
            let what = format!("{name} = {low}..{high} of {}..{}", of.0, of.1);
            new.range = taken.decide(what, Limit::At((low, high)), here.range.is_some());
            new.of = new.range.is_some().then_some(of);
        }
        _ => {}
    }
    if output.disabled {
        new.disabled = taken.decide(format!("{name} = off"), true, here.disabled.is_some());
    }
    if output.reverse {
        new.reverse = taken.decide(format!("{name}.reverse = true"), true, here.reverse.is_some());
    }
    match output.duration_ms {
        Some((shortest, longest)) if shortest > longest => {
            taken.line(
                Verdict::NotTaken,
                format!("{name}.duration_ms = {shortest}..{longest}: it ends before it begins"),
            );
        }
        Some(limit) if Some(limit) != duration => {
            let what = format!("{name}.duration_ms = {}..{}", limit.0, limit.1);
            new.duration_ms = taken.decide(what, Limit::At(limit), here.duration_ms.is_some());
        }
        _ => {}
    }
    if new != OutputSettings::default() {
        taken.settings.outputs.insert(name, new);
    }
}
