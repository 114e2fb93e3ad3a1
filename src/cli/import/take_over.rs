//! What is taken of a device of Intiface: what is set here already stays, and nothing becomes looser.

use std::collections::BTreeSet;

use super::intiface_config::{IntifaceDevice, IntifaceOutput};
use crate::cli::device::files;
use crate::hub::known_devices::Overview;
use crate::library::{Library, Model};
use crate::user_devices::address::same_address;
use crate::user_devices::{
    DeviceSettings, LONGEST_TEXT, Limit, MOST_GAP_MS, OutputName, OutputSettings, Source, UserDevices,
};

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
        let is_own = |address: &str| same_address(address, &device.address);
        let known = self.before.overview.iter().find(|known| is_own(&known.address));
        let is_same = |source: &Source| {
            source.protocol.as_ref() == Some(&device.protocol) && source.identifier == device.identifier
        };
        let source = Source {
            address: device.address.clone(),
            bus: known.map(files::source).filter(is_same).and_then(|source| source.bus),
            protocol: Some(device.protocol.clone()),
            identifier: device.identifier.clone(),
        };
        let words = [Some(&device.address), Some(&device.protocol), device.identifier.as_ref()];
        let words: Vec<_> = words.into_iter().flatten().map(String::as_str).collect();
        let name = words.join(" ");
        let mut taken =
            Taken { name, settings: DeviceSettings { source, ..DeviceSettings::default() }, lines: Vec::new() };
        let mut problems = self.before.file.problems.iter();
        let why = if let Some(problem) = problems.find(|problem| problem.address.as_deref().is_none_or(is_own)) {
            Some(format!("devices.toml {problem}; correct that first"))
        } else if again {
            Some("the file has an entry for this address above".to_owned())
        } else {
            let long = words.iter().any(|word| word.len() > LONGEST_TEXT);
            long.then(|| format!("a part of its identifier has more than {LONGEST_TEXT} bytes"))
        };
        if let Some(why) = why {
            taken.line(Verdict::NotTaken, format!("anything: {why}"));
            return taken;
        }
        let mut set: Vec<DeviceSettings> = Vec::new();
        set.extend(self.before.file.devices.iter().filter(|entry| is_own(&entry.source.address)).cloned());
        // Limits of one model say nothing of another's outputs, and an address has one entry.
        let other = set.iter().find(|entry| entry.source.protocol.is_some() && !is_same(&entry.source));
        let other = other
            .map(|entry| format!("devices.toml has limits for another model at this address (line {})", entry.line));
        set.extend(known.map(in_force));
        let model = self.library.protocol(&device.protocol).map(|found| found.model(device.identifier.as_deref()));
        taken.settings.model = model.map(|model| model.name.clone());
        self.whole_device(device, &set, &mut taken);
        for (position, outputs) in device.features.iter().enumerate() {
            for output in outputs {
                let found = match (&other, model) {
                    (Some(other), _) => Err(other.clone()),
                    (None, Some(model)) => find(model, device, position, output),
                    (None, None) => Err(format!("hapticd does not know the protocol {:?}", device.protocol)),
                };
                match found {
                    Ok(found) => limits(&mut taken, output, found, &set),
                    Err(why) if output.says_anything() => {
                        let what = format!("feature {position} {}: {why}", output.kind.key());
                        taken.line(Verdict::NotTaken, what);
                    }
                    Err(_) => {}
                }
            }
        }
        taken
    }

    /// Decides about what is said of a device as a whole; `set` is what is set for it already.
    fn whole_device(&mut self, device: &IntifaceDevice, set: &[DeviceSettings], taken: &mut Taken) {
        let is_set = |says: fn(&DeviceSettings) -> bool| set.iter().any(says);
        match device.display_name.clone() {
            Some(name) if name.len() > LONGEST_TEXT => {
                taken.line(Verdict::NotTaken, format!("display_name: {} bytes; allowed: {LONGEST_TEXT}", name.len()));
            }
            Some(name) => {
                let here = is_set(|entry| entry.display_name.is_some());
                taken.settings.display_name = taken.decide(format!("display_name = {name:?}"), name, here);
            }
            None => {}
        }
        if let Some(index) = device.index {
            let here = is_set(|entry| entry.index.is_some());
            if !here && !self.indexes.insert(index) {
                taken.line(Verdict::NotTaken, format!("index = {index}: another device has it"));
            } else {
                taken.settings.index = taken.decide(format!("index = {index}"), index, here);
            }
        }
        match device.message_gap_ms {
            Some(gap) if gap > MOST_GAP_MS => {
                taken.line(Verdict::NotTaken, format!("message_gap_ms = {gap}; allowed: 0 to {MOST_GAP_MS}"));
            }
            Some(gap) => {
                let here = is_set(|entry| entry.message_gap_ms.is_some());
                taken.settings.message_gap_ms = taken.decide(format!("message_gap_ms = {gap}"), gap, here);
            }
            None => {}
        }
        if device.deny {
            let here = is_set(|entry| entry.deny.is_some());
            taken.settings.deny = taken.decide("deny = true".to_owned(), true, here);
        }
        if device.allow {
            let here = is_set(|entry| entry.allow.is_some());
            if self.allows && !here {
                let why = "devices.toml allows other devices only, and an import lets nothing more in";
                taken.line(Verdict::NotTaken, format!("allow = true: {why}"));
            } else {
                taken.settings.allow = taken.decide("allow = true".to_owned(), true, here);
            }
        }
    }
}

/// What is in force for a device, as the file would say it.
fn in_force(device: &Overview) -> DeviceSettings {
    let outputs = device.outputs.iter().filter_map(|(name, limits)| {
        let settings = OutputSettings {
            range: limits.range.map(Limit::At),
            duration_ms: limits.duration_ms.map(Limit::At),
            disabled: limits.disabled.then_some(true),
            reverse: limits.reverse.then_some(true),
            ..OutputSettings::default()
        };
        Some((OutputName::parse(name)?, settings))
    });
    DeviceSettings {
        source: files::source(device),
        display_name: device.display_name.clone(),
        index: device.index,
        message_gap_ms: device.message_gap_ms,
        allow: device.allow.then_some(true),
        deny: device.deny.then_some(true),
        outputs: outputs.collect(),
        ..DeviceSettings::default()
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

/// Decides about the limits of one output; `set` is what is set for its device already. What leaves everything open is no
/// limit and is not taken.
fn limits(taken: &mut Taken, output: &IntifaceOutput, (name, whole, duration): Found, set: &[DeviceSettings]) {
    let is_set = |says: fn(&OutputSettings) -> bool| set.iter().filter_map(|entry| entry.outputs.get(&name)).any(says);
    let mut new = OutputSettings::default();
    let of = output.of.unwrap_or(whole);
    match output.range {
        Some(_) if of.0 > of.1 || of.1 < 1 => {
            taken.line(Verdict::NotTaken, format!("{name}: {}..{} is no range to take a part of", of.0, of.1));
        }
        Some((low, high)) if low < 0 || low > high || high > of.1 => {
            let allowed = format!("allowed: 0 to {}", of.1);
            taken.line(Verdict::NotTaken, format!("{name} = {low}..{high}; {allowed}"));
        }
        Some((low, high)) if low > of.0.max(0) || high < of.1 => {
            let what = format!("{name} = {low}..{high} of {}..{}", of.0, of.1);
            new.range = taken.decide(what, Limit::At((low, high)), is_set(|set| set.range.is_some()));
            new.of = new.range.is_some().then_some(of);
        }
        _ => {}
    }
    if output.disabled {
        new.disabled = taken.decide(format!("{name} = off"), true, is_set(|set| set.disabled.is_some()));
    }
    if output.reverse {
        new.reverse = taken.decide(format!("{name}.reverse = true"), true, is_set(|set| set.reverse.is_some()));
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
            new.duration_ms = taken.decide(what, Limit::At(limit), is_set(|set| set.duration_ms.is_some()));
        }
        _ => {}
    }
    if new != OutputSettings::default() {
        taken.settings.outputs.insert(name, new);
    }
}
