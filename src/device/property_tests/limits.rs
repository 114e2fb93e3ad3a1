//! The user's limits (promise 10).

use std::time::Duration;

use super::*;
use crate::driver::Change;
use crate::library::Feature;

#[derive(Debug, Clone)]
enum Step {
    /// As sessions do it: checked, then set.
    Ask(Command),
    /// Past the check: the clamp is the last line.
    Force(Command),
    Stop,
    /// The user sets other limits while the device is driven.
    Limit(Vec<UserLimits>),
    Take(bool),
    Done,
    Fail,
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => wild().prop_map(Step::Ask),
        3 => wild().prop_map(Step::Force),
        1 => Just(Step::Stop),
        1 => proptest::collection::vec(user_limits(), 4).prop_map(Step::Limit),
        4 => any::<bool>().prop_map(Step::Take),
        3 => Just(Step::Done),
        1 => Just(Step::Fail),
        1 => (0..5000_u64).prop_map(Step::Pass),
    ]
}

/// Outputs that no built-in definition has, but that a user's own may: the rules of `library/read/features.rs`.
fn invented() -> impl Strategy<Value = Subject> {
    let range = prop_oneof![
        (1..2000).prop_map(|max| (0, max)),
        (1..100, 0..100).prop_map(|(min, more)| (min, min + more)),
        (1..1000_i32).prop_map(|max| (-max, max)),
    ];
    let times = (0..100_u32, 0..100_000_u32);
    let output = (kind(), range, times).prop_map(|(kind, (min, max), (shortest, more))| OutputSpec {
        kind,
        min: if kind.is_position() { 0 } else { min },
        max,
        duration_ms: (kind == OutputKind::HwPositionWithDuration).then_some((shortest, shortest + more)),
    });
    (subject(), proptest::collection::vec(output, 1..4)).prop_map(|(subject, outputs)| {
        let features = outputs.into_iter().zip(0..).map(|(output, index)| Feature {
            index,
            label: String::new(),
            outputs: vec![output],
            inputs: Vec::new(),
        });
        let model = Model { name: "invented".to_owned(), features: features.collect(), ..(*subject.model).clone() };
        Subject { model: Arc::new(model), ..subject }
    })
}

async fn check(subject: Subject, limits: Vec<UserLimits>, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut settings = subject.settings(&limits, None);
    let device = subject.device(&settings);
    let wanted = device.wanted();
    let outputs: Vec<_> = subject.model.outputs().collect();
    let mut forced = std::collections::BTreeSet::new();
    let mut work: Option<desired::WriteBatch> = None;
    // What the hardware does at most.
    let mut levels: BTreeMap<(u32, OutputKind), Vec<i32>> = BTreeMap::new();
    let last = [Step::Done, Step::Take(true), Step::Done, Step::Take(false), Step::Done];
    for step in steps.into_iter().chain(last) {
        let user = |feature, kind| settings.limits.get(&(feature, kind)).copied().unwrap();
        match step {
            Step::Limit(limits) => {
                let other = subject.settings(&limits, None);
                prop_assert_eq!(device.set_user(&other), other != settings);
                settings = other;
                forced.clear();
            }
            Step::Ask(command) => {
                let (feature, output) = command.on(&outputs);
                let accepted = device.accept(feature, output);
                let description = device.description();
                let offered = description.features.iter().find(|known| known.index == feature);
                let offered = offered.and_then(|known| known.outputs.iter().find(|known| known.kind == output.kind));
                let fits = offered.is_some_and(|offered| {
                    let (min, max) = offered.value;
                    let (shortest, longest) = offered.duration_ms.unwrap_or((0, u32::MAX));
                    (min..=max).contains(&output.value) && (shortest..=longest).contains(&output.duration_ms)
                });
                // What is offered is taken and nothing else is.
                prop_assert_eq!(accepted.is_ok(), fits, "{:?}: {:?}", output, accepted);
                if let Ok(output) = accepted {
                    prop_assert!(!user(feature, output.kind).disabled);
                    prop_assert!(device.set(OperatorId(1), &[(feature, output)], None).is_ok());
                }
            }
            Step::Force(command) => {
                let (feature, output) = command.on(&outputs);
                forced.insert((feature, output.kind));
                prop_assert!(wanted.set(OperatorId(2), &[(feature, output)], None).is_ok());
            }
            Step::Stop => {
                prop_assert!(device.begin_stop(None).is_ok());
            }
            Step::Take(stop) => {
                work = wanted.take(stop);
                for change in work.iter().flat_map(|work| &work.changes) {
                    let (feature, output) = (change.feature, change.output);
                    let Some(spec) = subject.spec(feature, output.kind) else {
                        return Err(TestCaseError::fail(format!("there is no such output: {change:?}")));
                    };
                    let user = user(feature, output.kind);
                    let right = allowed(spec, user, output);
                    prop_assert!(right.is_ok(), "{right:?}");
                    if user.disabled && output.kind.is_position() && !stop {
                        // A place has no off; one that gets past the check ends at the low end.
                        prop_assert!(forced.contains(&(feature, output.kind)), "{change:?} is disabled");
                        let low = user.range.map_or(0, |(low, high)| low.min(high).clamp(0, spec.max));
                        prop_assert!(output.value == low, "{change:?} is disabled, {low} is its low end");
                    }
                    prop_assert!(!stop || output.kind.is_position() || output.value == 0, "a stop with {change:?}");
                }
            }
            Step::Done => {
                if let Some(work) = work.take() {
                    for Change { feature, output, .. } in &work.changes {
                        levels.insert((*feature, output.kind), vec![output.value]);
                    }
                    wanted.done(&work);
                }
            }
            Step::Fail => {
                if let Some(work) = work.take() {
                    for Change { feature, output, .. } in &work.changes {
                        levels.entry((*feature, output.kind)).or_default().push(output.value);
                    }
                    wanted.failed(&work);
                }
            }
            Step::Pass(ms) => tokio::time::advance(Duration::from_millis(ms)).await,
        }
    }
    // Once everything is written, nothing runs beyond the limits that hold now.
    for ((feature, kind), values) in levels.into_iter().filter(|((_, kind), _)| !kind.is_position() && !kind.is_event())
    {
        let (spec, user) =
            (subject.spec(feature, kind).unwrap(), settings.limits.get(&(feature, kind)).copied().unwrap());
        for value in values {
            let right = allowed_value(spec, user, Output { kind, value, duration_ms: 0 });
            prop_assert!(right.is_ok(), "it is left running: {right:?}");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn no_value_beyond_the_limits_reaches_the_encoder(
        subject in prop_oneof![2 => subject(), 1 => invented()],
        limits in proptest::collection::vec(user_limits(), 4),
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        paused(check(subject, limits, steps))?;
    }
}

proptest! {
    #![proptest_config(cases(2000))]

    /// No part of a range is allowed that was not allowed before, whatever the two ranges are.
    #[test]
    fn a_scaled_limit_allows_no_greater_part_of_the_range(
        (low, high) in (0..2000_i32, 0..2000_i32).prop_map(|(one, other)| (one.min(other), one.max(other))),
        from in 1..1500_i32,
        to in 1..1500_i32,
    ) {
        let spec = OutputSpec { kind: OutputKind::Position, min: 0, max: to, duration_ms: None };
        let user = UserLimits { range: Some((low, high)), of: Some((0, from)), ..UserLimits::default() };
        let part = |value: i32, of: i32| f64::from(value.min(of)) / f64::from(of);
        let scaled = user.scaled_to(spec);
        match scaled.range {
            Some((least, greatest)) => {
                prop_assert!(part(greatest, to) <= part(high, from) + 1e-9, "{scaled:?}");
                prop_assert!(part(least, to) >= part(low, from) - 1e-9, "{scaled:?}");
                // Nor less than the steps make necessary.
                prop_assert!(part(greatest, to) > part(high, from) - 1.0 / f64::from(to) - 1e-9, "{scaled:?}");
            }
            None => prop_assert!(scaled.disabled),
        }
    }
}
