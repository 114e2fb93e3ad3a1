//! What stands in paths and queries: indexes, names, times.

use std::str::FromStr;
use std::time::Duration;

use actix_web::http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::problem::Problem;
use crate::text::shown;
use crate::types::{InputKind, OutputKind};

/// The longest time that a caller may ask for, in milliseconds.
const LONGEST: u64 = 600_000;

/// How long something lasts.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Lasts {
    /// Milliseconds, 1 to 600000, after which it ends by itself; without it those of `api.lease_ms`.
    #[param(minimum = 1, maximum = 600_000)]
    pub(super) for_ms: Option<u64>,
}

impl Lasts {
    /// The time, or the usual one.
    pub(super) fn or(self, usual: Duration) -> Result<Duration, Problem> {
        match self.for_ms {
            Some(ms) if !(1..=LONGEST).contains(&ms) => {
                Err(Problem::out_of_range("for_ms", ms, &format!("1 to {LONGEST}")))
            }
            other => Ok(other.map_or(usual, Duration::from_millis)),
        }
    }
}

/// An index as it stands in a path.
pub(super) fn index(what: &str, text: &str) -> Result<u32, Problem> {
    number(what, text, "a whole number from 0 to 4294967295")
}

/// A number as it stands in a path.
pub(super) fn number<T: FromStr>(what: &str, text: &str, allowed: &str) -> Result<T, Problem> {
    text.parse().map_err(|_| {
        let detail = format!("{what} {:?} is no number; allowed: {allowed}", shown(text));
        Problem::new(StatusCode::BAD_REQUEST, "bad-request", detail).about(shown(text), allowed)
    })
}

/// An output by its name in the Buttplug protocol or in definitions.
pub(super) fn output(name: &str) -> Result<OutputKind, Problem> {
    OutputKind::from_name(name).or_else(|| OutputKind::from_key(name)).ok_or_else(|| {
        unknown_name("output", "unknown-output-type", name, OutputKind::ALL.iter().map(|kind| kind.name()))
    })
}

/// An input by its name in the Buttplug protocol or in definitions.
pub(super) fn input(name: &str) -> Result<InputKind, Problem> {
    let named = |kind: &InputKind| kind.name() == name || kind.key() == name;
    InputKind::ALL
        .into_iter()
        .find(named)
        .ok_or_else(|| unknown_name("input", "unknown-input-type", name, InputKind::ALL.iter().map(|kind| kind.name())))
}

fn unknown_name<'a>(what: &str, problem: &str, name: &str, known: impl Iterator<Item = &'a str>) -> Problem {
    let allowed = known.collect::<Vec<_>>().join(", ");
    let detail = format!("there is no {what} {:?}; allowed: {allowed}", shown(name));
    Problem::new(StatusCode::BAD_REQUEST, problem, detail).about(shown(name), allowed)
}
