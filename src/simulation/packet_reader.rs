//! Which levels explain a packet: the templates of the definition read backwards.

use std::collections::BTreeMap;

use crate::driver::Levels;
use crate::library::{OutputSpec, template::PacketTemplate};
use crate::types::{Endpoint, OutputKind};

use super::constraint::{Domain, Unknown};
use super::context::{DeviceContext, EvalContext, outputs_of};
use super::decode::decode;

/// Values of one output that are tried when a packet fits several combinations.
const TRIED: usize = 4096;

impl DeviceContext<'_> {
    /// The levels after a packet, and the duration that it gave to a move; `None` when it is no output of this device.
    ///
    /// Hardware cannot tell the meanings of one packet apart, so all of them count: a packet that names no feature
    /// is for each that it fits.
    pub(super) fn explain(&self, endpoint: Endpoint, data: &[u8], now: &Levels) -> Option<DecodedPacket> {
        let mut told = DecodedPacket { levels: now.clone(), moves: BTreeMap::new() };
        let mut understood = false;
        for (kind, lines) in &self.definition.write {
            for (feature, output) in self.model.outputs().filter(|(_, output)| output.kind == *kind) {
                let place = Place { context: self, feature, output };
                let lines = lines.iter().filter(|line| line.endpoint() == endpoint);
                let mut read: Vec<_> = lines
                    .filter_map(|line| Some(place.apply(line, data, &decode(line, data, &place)?, &told)))
                    .collect();
                // Of lines that look alike, the one whose condition holds was sent, and the one that changes least.
                let changed = |levels: &Levels| {
                    let outputs = self.model.outputs();
                    let differ = |at: u32, kind| levels.get(at, kind) != told.levels.get(at, kind);
                    outputs.filter(|(at, output)| differ(*at, output.kind)).count()
                };
                read.reverse();
                let best = read
                    .into_iter()
                    .min_by_key(|(certain, new)| (!certain, if *certain { changed(&new.levels) } else { 0 }));
                if let Some((_, best)) = best {
                    understood = true;
                    told = best;
                }
            }
        }
        understood.then_some(told)
    }

    /// Whether `data` is this packet of a connect or read sequence.
    pub(super) fn is_step(&self, line: &PacketTemplate, endpoint: Endpoint, data: &[u8]) -> bool {
        let nothing = OutputSpec { kind: OutputKind::Vibrate, min: 0, max: 0, duration_ms: None };
        let features = self.model.features.iter().map(|feature| feature.index).chain([0]);
        line.endpoint() == endpoint
            && features.into_iter().any(|feature| {
                let place = Place { context: self, feature, output: nothing };
                decode(line, data, &place).is_some()
            })
    }
}

/// What a packet told.
#[derive(Clone)]
pub(super) struct DecodedPacket {
    pub(super) levels: Levels,
    /// Times of moves; `None` where the packet carries none that can be read back.
    pub(super) moves: BTreeMap<(u32, OutputKind), Option<u32>>,
}

/// Feature, output, value.
type Set = (u32, OutputKind, i32);

/// One output that a packet may be for.
struct Place<'a> {
    context: &'a DeviceContext<'a>,
    feature: u32,
    output: OutputSpec,
}

impl Place<'_> {
    /// What is told with this line, too, and whether the line comes out as this packet then. A packet that does not say
    /// which way to turn leaves that as it is.
    fn apply(
        &self,
        line: &PacketTemplate,
        data: &[u8],
        found: &BTreeMap<Unknown, i64>,
        told: &DecodedPacket,
    ) -> (bool, DecodedPacket) {
        let level = told.levels.get(self.feature, self.output.kind);
        let value = found.get(&Unknown::Value).copied().unwrap_or(0);
        if value != 0 && (value < 0) != (level < 0) {
            let mut turned = found.clone();
            turned.insert(Unknown::Value, value.saturating_neg());
            let turned = self.read(line, data, &turned, told);
            if turned.0 {
                return turned;
            }
        }
        self.read(line, data, found, told)
    }

    fn read(
        &self,
        line: &PacketTemplate,
        data: &[u8],
        found: &BTreeMap<Unknown, i64>,
        told: &DecodedPacket,
    ) -> (bool, DecodedPacket) {
        let mut told = told.clone();
        let number = |unknown| found.get(&unknown).copied();
        let value = number(Unknown::Value).and_then(|value| i32::try_from(value).ok());
        let duration = number(Unknown::Duration).and_then(|ms| u32::try_from(ms).ok());
        if self.output.duration_ms.is_some() {
            told.moves.insert((self.feature, self.output.kind), duration);
        }
        let commanded = value.map(|value| (self.feature, self.output.kind, value));
        let mut changes: Vec<Set> = commanded.into_iter().collect();
        for (unknown, value) in found {
            if let (Unknown::Feature(feature), Ok(value)) = (unknown, i32::try_from(*value))
                && let Some(kind) = self.kind_of(*feature, value)
            {
                changes.push((*feature, kind, value));
            }
        }
        let previous = told.levels.get(self.feature, self.output.kind);
        let renders = |levels: &Levels| {
            let scope = EvalContext {
                kind: Some(self.output.kind),
                context: self.context,
                levels: Some(levels),
                feature: self.feature,
                value: value.unwrap_or_else(|| levels.get(self.feature, self.output.kind)),
                duration: duration.unwrap_or(0),
                previous,
            };
            line.applies(&scope) == Ok(true) && line.encode(&scope).is_ok_and(|packet| packet == data)
        };
        // A packet that is right as things stand tells of no change: one that only says which motors run, say.
        if commanded.is_none() && renders(&told.levels) {
            return (true, told);
        }
        told.levels = self.settle(&told.levels, &changes, commanded, &renders);
        (renders(&told.levels), told)
    }

    /// The levels after a packet that told `changes`, such that `renders` accepts them.
    fn settle(
        &self,
        now: &Levels,
        changes: &[Set],
        commanded: Option<Set>,
        renders: &dyn Fn(&Levels) -> bool,
    ) -> Levels {
        let with = |base: &Levels, changes: &[Set]| {
            let mut levels = base.clone();
            for (feature, kind, value) in changes {
                levels.set(*feature, *kind, *value);
            }
            levels
        };
        let all = with(now, changes);
        // Rest is rest, where a packet of coarse steps could be a faint level as well.
        let rest: Vec<_> =
            changes.iter().filter(|change| Some(**change) != commanded).map(|set| (set.0, set.1, 0)).collect();
        let rest = with(&all, &rest);
        if renders(&rest) {
            return rest;
        }
        if renders(&all) {
            return self.raised(all, changes, commanded, renders);
        }
        // What the packet does not carry, its condition may tell: a packet that means "everything off" has no
        // numbers in it.
        let untold = |feature: u32, kind| !changes.iter().any(|change| (change.0, change.1) == (feature, kind));
        let outputs = self.context.model.outputs();
        let zeros: Vec<_> = outputs
            .filter(|(feature, output)| !output.kind.is_position() && untold(*feature, output.kind))
            .map(|(feature, output)| (feature, output.kind, 0))
            .collect();
        let own: Vec<_> =
            zeros.iter().filter(|zero| (zero.0, zero.1) == (self.feature, self.output.kind)).copied().collect();
        let one = zeros.iter().map(std::slice::from_ref);
        // Or it tells which way to turn, and another packet how fast.
        let turned = (self.output.min < 0).then(|| {
            let level = now.get(self.feature, self.output.kind);
            vec![(self.feature, self.output.kind, level.saturating_neg())]
        });
        // Or it means "on".
        let on = (self.output.max == 1).then_some([(self.feature, self.output.kind, 1)]);
        let tries = turned.iter().map(Vec::as_slice).chain([own.as_slice()]).chain(one).chain([zeros.as_slice()]);
        let tries = tries.chain(on.iter().map(<[_; 1]>::as_slice));
        let mut tries = tries.map(|tried| with(&all, tried));
        // Where nothing renders the packet, it depends on what only the driver knows (a counter, a duration).
        tries.find(renders).unwrap_or(all)
    }

    /// Of several combinations that one packet stands for, the one with the greatest levels: motors that share the
    /// greater of two levels both do run at it.
    fn raised(
        &self,
        mut levels: Levels,
        changes: &[Set],
        commanded: Option<Set>,
        renders: &dyn Fn(&Levels) -> bool,
    ) -> Levels {
        // The value that was commanded is read off the packet itself and stays.
        let shared = changes.iter().filter(|change| Some(**change) != commanded);
        for (feature, kind, value) in shared {
            let Some(output) = self.find(*feature, *kind) else {
                continue;
            };
            let mut higher = (value.saturating_add(1)..=output.max).rev().take(TRIED);
            let better = higher.find_map(|value| {
                let mut levels = levels.clone();
                levels.set(*feature, *kind, value);
                renders(&levels).then_some(levels)
            });
            levels = better.unwrap_or(levels);
        }
        levels
    }

    fn find(&self, feature: u32, kind: OutputKind) -> Option<OutputSpec> {
        let mut outputs = self.context.model.outputs();
        let output = outputs.find(|(index, output)| (*index, output.kind) == (feature, kind));
        output.map(|(_, output)| output)
    }

    /// Which output of a feature a level is for, when a packet only says the feature: the one of the line's kind,
    /// else the first that can have the value.
    fn kind_of(&self, feature: u32, value: i32) -> Option<OutputKind> {
        let fits = |output: &OutputSpec| (output.min..=output.max).contains(&value);
        let own = self.find(feature, self.output.kind).filter(fits);
        let outputs = self.context.model.outputs();
        let mut others = outputs.filter(|(index, output)| *index == feature && fits(output));
        own.or_else(|| others.next().map(|(_, output)| output)).map(|output| output.kind)
    }
}

impl Domain for Place<'_> {
    fn range(&self, unknown: Unknown) -> Option<(i64, i64)> {
        let wide = |low: i32, high: i32| (i64::from(low), i64::from(high));
        match unknown {
            Unknown::Value => Some(wide(self.output.min.min(0), self.output.max)),
            Unknown::Duration => self.output.duration_ms.map(|(_, longest)| (0, i64::from(longest))),
            Unknown::Feature(feature) => match self.find(feature, self.output.kind) {
                Some(output) => Some(wide(output.min.min(0), output.max)),
                None => {
                    let outputs = self.context.model.outputs();
                    let of_feature = outputs.filter(|(index, _)| *index == feature);
                    let ranges = of_feature.map(|(_, output)| wide(output.min.min(0), output.max));
                    ranges.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
                }
            },
        }
    }

    fn index(&self) -> u32 {
        self.feature
    }

    fn kind(&self) -> Option<OutputKind> {
        Some(self.output.kind)
    }

    fn outputs(&self, kind: Option<OutputKind>) -> Vec<u32> {
        outputs_of(self.context.model, kind)
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
}
