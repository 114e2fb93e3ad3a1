//! Sets outputs. A caller has no connection to lose, so each output that is set ends by itself (`api.lease_ms`).

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path, Query};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::path::{Lasts, index, number, output};
use super::problem::Problem;
use crate::types::{CommandError, Description, Fraction, Output, OutputDescription, OutputKind, OutputStatus};
use crate::web::access::Asker;
use crate::web::site::Site;

/// What an output is to be set to: `value` or `fraction`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// In the steps that the feature names.
    value: Option<i32>,
    /// Part of the greatest value, 0 to 1; -1 to 0 for the other direction.
    fraction: Option<f64>,
    /// Milliseconds that a timed move takes; for `HwPositionWithDuration` alone.
    duration_ms: Option<u32>,
    /// Milliseconds, 1 to 600000, after which the output ends by itself; without it those of `api.lease_ms`.
    #[schema(minimum = 1, maximum = 600_000)]
    for_ms: Option<u64>,
}

/// Times of an output whose value stands in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Times {
    /// Milliseconds that a timed move takes; for `HwPositionWithDuration` alone.
    duration_ms: Option<u32>,
    /// Milliseconds, 1 to 600000, after which the output ends by itself; without it those of `api.lease_ms`.
    #[param(minimum = 1, maximum = 600_000)]
    for_ms: Option<u64>,
}

/// What was set.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Driven {
    /// Milliseconds until the first of these outputs ends by itself, unless it is set again; none when nothing runs.
    ends_in_ms: Option<u64>,
    /// The outputs that were set, in the hardware's own steps.
    outputs: Vec<OutputStatus>,
}

/// A value on one of two scales.
#[derive(Debug, Clone, Copy)]
enum Amount {
    Steps(i32),
    Part(f64),
}

impl Amount {
    fn on(self, output: &OutputDescription) -> Result<i32, Problem> {
        let (least, greatest) = output.value;
        let number = match self {
            Self::Steps(steps) => return Ok(steps),
            Self::Part(number) => number,
        };
        let allowed = if least < 0 { "-1 to 1" } else { "0 to 1" };
        let part = Fraction::new(number.abs()).filter(|_| number >= 0.0 || least < 0 || number.abs() < 1e-5);
        let part = part.ok_or_else(|| Problem::out_of_range("fraction", number, allowed))?;
        let (base, steps) = if number < 0.0 { (0, least.saturating_neg()) } else { (least.max(0), greatest) };
        let steps = steps.saturating_sub(base);
        let step = match output.kind {
            OutputKind::HwPositionWithDuration => part.timed_position(steps),
            OutputKind::Position => part.position(steps),
            _ => part.level(steps),
        };
        Ok(if number < 0.0 { -step } else { base + step })
    }
}

/// Sets outputs of this kind: of one feature, or of each that has it.
fn drive(
    (site, asker): (&Site, Asker),
    (device, feature): (u32, Option<u32>),
    kind: OutputKind,
    amount: Amount,
    times: Times,
) -> Result<Json<Driven>, Problem> {
    let lasts = Lasts { for_ms: times.for_ms }.or(site.api.lease())?;
    let operator = site.api.operator(asker)?;
    let mut batch = operator.batch().for_at_most(lasts);
    let devices = batch.devices();
    let found = devices.get(&device).ok_or_else(|| CommandError::unknown_device(device, devices.keys()))?;
    let chosen = chosen(found, feature, kind);
    let sets = chosen.iter().map(|(feature, output)| {
        let duration_ms = duration(output, times.duration_ms)?;
        Ok((*feature, Output { kind, value: amount.on(output)?, duration_ms }))
    });
    let mut sets = sets.collect::<Result<Vec<_>, Problem>>()?;
    if sets.is_empty() {
        // The device itself says what it has in place of it.
        let feature = feature.or_else(|| found.features.first().map(|feature| feature.index)).unwrap_or_default();
        sets.push((feature, Output { kind, value: 0, duration_ms: 0 }));
    }
    operator.add(&mut batch, (), device, &sets)?;
    for ((), outcome) in operator.output(&mut batch) {
        outcome?;
    }
    let set =
        |output: &OutputStatus| output.output == kind && sets.iter().any(|(feature, _)| *feature == output.feature);
    let status = site.control.device_view(device).map(|view| view.status.outputs).unwrap_or_default();
    let outputs: Vec<_> = status.into_iter().filter(set).collect();
    Ok(Json(Driven { ends_in_ms: outputs.iter().filter_map(|output| output.left_ms).min(), outputs }))
}

/// The outputs of this kind, with the features that have them.
fn chosen(device: &Description, feature: Option<u32>, kind: OutputKind) -> Vec<(u32, OutputDescription)> {
    let of = device.features.iter().filter(|known| feature.is_none_or(|feature| feature == known.index));
    let outputs = of.flat_map(|known| known.outputs.iter().map(|output| (known.index, *output)));
    outputs.filter(|(_, output)| output.kind == kind).collect()
}

fn duration(output: &OutputDescription, duration_ms: Option<u32>) -> Result<u32, Problem> {
    let bad = |detail: String| Problem::new(StatusCode::BAD_REQUEST, "duration-range", detail);
    match (output.duration_ms, duration_ms) {
        (Some(_), Some(duration_ms)) => Ok(duration_ms),
        (None, None) => Ok(0),
        (Some((shortest, longest)), None) => {
            let allowed = format!("{shortest} to {longest}");
            Err(bad(format!("{} takes a time: duration_ms is missing; allowed: {allowed}", output.kind)))
        }
        (None, Some(duration_ms)) => {
            let detail = format!("{} takes no time, but duration_ms is {duration_ms}", output.kind);
            Err(bad(detail).about(duration_ms, "no duration_ms"))
        }
    }
}

/// Sets one output of one feature.
#[utoipa::path(put, operation_id = "set_output", path = "/api/v1/devices/{device}/features/{feature}/outputs/{output}", tag = "outputs",
    params(("device" = u32, Path, description = "its index"), ("feature" = u32, Path, description = "its index"),
        ("output" = inline(OutputKind), Path, description = "by its name in the Buttplug protocol or in definitions")),
    request_body = Wanted,
    responses((status = 200, body = Driven), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn set(
    site: Data<Site>,
    asker: Asker,
    path: Path<(String, String, String)>,
    wanted: Json<Wanted>,
) -> Result<Json<Driven>, Problem> {
    let (device, feature, kind) = (index("device", &path.0)?, index("feature", &path.1)?, output(&path.2)?);
    let amount = match (wanted.value, wanted.fraction) {
        (Some(value), None) => Amount::Steps(value),
        (None, Some(fraction)) => Amount::Part(fraction),
        _ => return Err(Problem::bad_request("an output is set to `value` or to `fraction`: exactly one of them")),
    };
    let times = Times { duration_ms: wanted.duration_ms, for_ms: wanted.for_ms };
    drive((&site, asker), (device, Some(feature)), kind, amount, times)
}

/// Sets one output of one feature to a part of its greatest value.
#[utoipa::path(put, operation_id = "set_output_fraction", path = "/api/v1/devices/{device}/features/{feature}/outputs/{output}/{fraction}", tag = "intiface",
    params(("device" = u32, Path, description = "its index"), ("feature" = u32, Path, description = "its index"),
        ("output" = inline(OutputKind), Path, description = "by its name in the Buttplug protocol or in definitions"),
        ("fraction" = f64, Path, minimum = -1, maximum = 1, description = "-1 to 0 is the other direction"), Times),
    responses((status = 200, body = Driven), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn fraction(
    site: Data<Site>,
    asker: Asker,
    path: Path<(String, String, String, String)>,
    times: Query<Times>,
) -> Result<Json<Driven>, Problem> {
    let (device, feature, kind) = (index("device", &path.0)?, index("feature", &path.1)?, output(&path.2)?);
    drive((&site, asker), (device, Some(feature)), kind, part(&path.3)?, *times)
}

/// Sets this output of every feature that has it to a part of its greatest value.
#[utoipa::path(put, operation_id = "set_every_output_fraction", path = "/api/v1/devices/{device}/outputs/{output}/{fraction}", tag = "intiface",
    params(("device" = u32, Path, description = "its index"), ("output" = inline(OutputKind), Path, description = "by its name in the Buttplug protocol or in definitions"),
        ("fraction" = f64, Path, minimum = -1, maximum = 1, description = "-1 to 0 is the other direction"), Times),
    responses((status = 200, body = Driven), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn every_fraction(
    site: Data<Site>,
    asker: Asker,
    path: Path<(String, String, String)>,
    times: Query<Times>,
) -> Result<Json<Driven>, Problem> {
    let (device, kind) = (index("device", &path.0)?, output(&path.1)?);
    drive((&site, asker), (device, None), kind, part(&path.2)?, *times)
}

fn part(text: &str) -> Result<Amount, Problem> {
    number("fraction", text, "-1 to 1").map(Amount::Part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_greatest_value_is_a_step_of_the_output() {
        use OutputKind::{HwPositionWithDuration, Position, Rotate, Vibrate};
        for (kind, value, part, step) in [
            (Vibrate, (0, 20), 0.0, Some(0)),
            (Vibrate, (0, 20), -0.0, Some(0)),
            // Whoever asks for a little gets a little, not nothing.
            (Vibrate, (0, 20), 0.001, Some(1)),
            (Vibrate, (0, 20), 0.5, Some(10)),
            (Vibrate, (0, 20), 1.0, Some(20)),
            (Vibrate, (0, 20), 1.000_001, Some(20)),
            (Vibrate, (0, 20), 1.1, None),
            (Vibrate, (0, 20), -0.5, None),
            (Vibrate, (0, 20), f64::NAN, None),
            (Vibrate, (0, 20), f64::INFINITY, None),
            (Rotate, (-10, 10), -1.0, Some(-10)),
            (Rotate, (-10, 10), -0.001, Some(-1)),
            (Rotate, (-10, 10), -1.1, None),
            (Rotate, (i32::MIN, i32::MAX), -1.0, Some(-i32::MAX)),
            (Position, (0, 100), 0.5, Some(50)),
            (HwPositionWithDuration, (0, 127), 0.5, Some(63)),
            (Vibrate, (5, 25), 0.5, Some(15)),
        ] {
            let output = OutputDescription { kind, value, duration_ms: None };
            assert_eq!(Amount::Part(part).on(&output).ok(), step, "{kind} {value:?} {part}");
        }
    }
}
