//! What must hold for every definition, model, limit and sequence of commands: no value beyond the user's limits
//! reaches the encoder, and nothing runs after a stop (promises 1, 2 and 10).
//!
//! Here are the random things that all of these tests need, and the oracle of the limits, which must share nothing
//! with [`Limits`].

mod frames;
mod limits;
mod path;
mod stop;
mod versions;
mod watched;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::library::{Definition, Library, Model, OutputSpec};
use crate::types::{Bus, OperatorId, Output, OutputKind};

static LIBRARY: LazyLock<Library> = LazyLock::new(|| Library::load(&[], &crate::driver::names()));

type Shared<T> = Arc<Mutex<T>>;

fn lock<T: ?Sized>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A model of a definition. Its name is what a failure shows.
#[derive(Clone)]
struct Subject {
    definition: Arc<Definition>,
    model: Arc<Model>,
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outputs: Vec<_> = self.model.outputs().collect();
        write!(f, "{}/{:?} {:?} {outputs:?}", self.definition.protocol, self.model.name, self.model.ids.first())
    }
}

impl Subject {
    fn device(&self, user: &UserSettings) -> DeviceHandle {
        DeviceHandle::new(
            Identity {
                index: 0,
                bus: self.definition.matchers.first().map_or(Bus::Btle, crate::library::Matcher::bus),
                address: "a".to_owned(),
                identifier: self.model.ids.first().cloned(),
                definition: Arc::clone(&self.definition),
                model: Arc::clone(&self.model),
            },
            user,
        )
    }

    fn spec(&self, feature: u32, kind: OutputKind) -> Option<OutputSpec> {
        self.model.outputs().find(|(index, spec)| (*index, spec.kind) == (feature, kind)).map(|(_, spec)| spec)
    }

    /// The user's limits of every output, by its place in the model.
    fn settings(&self, limits: &[UserLimits], gap_ms: Option<u32>) -> UserSettings {
        let places = self.model.outputs().map(|(feature, spec)| (feature, spec.kind));
        UserSettings { gap_ms, limits: places.zip(limits.iter().copied().cycle()).collect(), ..UserSettings::default() }
    }
}

fn models_of(definition: &Arc<Definition>) -> Vec<Subject> {
    let models = definition.all_models();
    models.map(|model| Subject { definition: Arc::clone(definition), model: Arc::new(model.clone()) }).collect()
}

/// Any model of any built-in definition; a definition with many models does not push the others aside.
fn subject() -> impl Strategy<Value = Subject> {
    select(LIBRARY.definitions().to_vec()).prop_flat_map(|definition| select(models_of(&definition)))
}

fn kind() -> impl Strategy<Value = OutputKind> {
    select(OutputKind::ALL.to_vec())
}

/// Which output a command is for.
#[derive(Debug, Clone, Copy)]
enum Aim {
    /// One that the model has, counted round.
    Output(usize),
    Anything(u32, OutputKind),
}

#[derive(Debug, Clone, Copy)]
enum Height {
    /// Percent of the greatest value.
    Part(i32),
    Raw(i32),
}

/// What a client may ask for, sense or nonsense.
#[derive(Debug, Clone, Copy)]
struct Command {
    aim: Aim,
    height: Height,
    duration_ms: u32,
}

impl Command {
    fn on(&self, outputs: &[(u32, OutputSpec)]) -> (u32, Output) {
        let at = |at: usize| at.checked_rem(outputs.len()).map(|at| outputs[at]);
        let (feature, kind, max) = match self.aim {
            Aim::Output(number) => at(number).map_or((0, OutputKind::Vibrate, 0), |(f, spec)| (f, spec.kind, spec.max)),
            Aim::Anything(feature, kind) => (feature, kind, 100),
        };
        let value = match self.height {
            Height::Part(percent) => i32::try_from(i64::from(max) * i64::from(percent) / 100).unwrap(),
            Height::Raw(value) => value,
        };
        (feature, Output { kind, value, duration_ms: self.duration_ms })
    }
}

/// Commands that mostly make sense.
fn sensible() -> impl Strategy<Value = Command> {
    // Often the same few, so that values come back to what was there before.
    let few = select(vec![0, 50]).prop_map(Height::Part);
    let height = prop_oneof![6 => few, 3 => (0..=100).prop_map(Height::Part), 1 => (-100..0).prop_map(Height::Part)];
    (any::<u8>(), height, 1..20_000_u32).prop_map(|(at, height, duration_ms)| Command {
        aim: Aim::Output(at.into()),
        height,
        duration_ms,
    })
}

/// Commands of every sort.
fn wild() -> impl Strategy<Value = Command> {
    let anything = (prop_oneof![0..4_u32, any::<u32>()], kind()).prop_map(|(f, kind)| Aim::Anything(f, kind));
    let aim = prop_oneof![3 => any::<u8>().prop_map(|at| Aim::Output(at.into())), 1 => anything];
    let edge = select(vec![i32::MIN, i32::MIN + 1, -1, 0, 1, i32::MAX]);
    let height = prop_oneof![
        3 => (-120..=120).prop_map(Height::Part),
        1 => edge.prop_map(Height::Raw),
        1 => any::<i32>().prop_map(Height::Raw),
    ];
    let duration = prop_oneof![2 => 0..70_000_u32, 1 => any::<u32>()];
    (aim, height, duration).prop_map(|(aim, height, duration_ms)| Command { aim, height, duration_ms })
}

/// What users may have in their files: reasonable, inverted, negative, beyond any hardware.
fn user_limits() -> impl Strategy<Value = UserLimits> {
    let end = || prop_oneof![4 => 0..=100, 1 => -50..1200, 1 => any::<i32>()];
    let time = || prop_oneof![3 => 0..5000_u32, 1 => any::<u32>()];
    let range = proptest::option::of((end(), end()));
    let pace = || proptest::option::weighted(0.3, 1..500_u32);
    let both = (pace(), pace());
    (range, proptest::bool::weighted(0.15), any::<bool>(), proptest::option::of((time(), time())), both).prop_map(
        |(range, disabled, reverse, duration_ms, (speed, rise))| UserLimits {
            range,
            of: None,
            disabled,
            reverse,
            duration_ms,
            speed,
            rise,
        },
    )
}

/// Whether hardware of `spec` may be given `output` by a user who set `user`.
fn allowed(spec: OutputSpec, user: UserLimits, output: Output) -> Result<(), String> {
    let no = |why: &str| Err(format!("{why}: {output:?} with {user:?} on {spec:?}"));
    if output.kind == OutputKind::HwPositionWithDuration {
        let (shortest, longest) = spec.duration_ms.unwrap_or((0, 0));
        let time = output.duration_ms;
        if time < shortest || time > longest {
            return no("a time that the hardware can't have");
        }
        if let Some((least, most)) = user.duration_ms {
            // A wish that the hardware can't fulfil, or that contradicts itself, leaves the nearest that it can.
            if time > most.max(shortest) {
                return no("slower than allowed");
            }
            if time < least && time < most.clamp(shortest, longest) {
                return no("faster than allowed");
            }
        }
    } else if output.duration_ms != 0 {
        return no("a duration where there is none");
    }
    allowed_value(spec, user, output)
}

/// The same without the duration, which not every packet carries.
fn allowed_value(spec: OutputSpec, user: UserLimits, output: Output) -> Result<(), String> {
    let no = |why: &str| Err(format!("{why}: {output:?} with {user:?} on {spec:?}"));
    let position = output.kind.is_position();
    if output.value == 0 && !position {
        return Ok(());
    }
    if user.disabled && !position {
        return no("disabled");
    }
    if output.value < 0 && spec.min >= 0 {
        return no("there is no other direction");
    }
    let strength = i64::from(output.value).abs();
    let most = user.range.map_or(spec.max, |(_, high)| high.min(spec.max)).max(0);
    if strength > i64::from(most) {
        return no("too much");
    }
    // A least value above the greatest leaves only the greatest.
    let least = user.range.map_or(0, |(low, _)| low).min(most);
    if strength < i64::from(least) {
        return no("below the user's least");
    }
    if !position && strength < i64::from(spec.min) {
        return no("below the hardware's least");
    }
    Ok(())
}

/// Runs a case in time that stands still unless told.
fn paused<T>(case: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(case)
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 2000, ..ProptestConfig::default() }
}
