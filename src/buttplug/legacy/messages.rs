//! The commands of versions 0 to 3 as they stand on the wire. Unknown fields are ignored, as old clients send some.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::fraction::Amount;
use crate::buttplug::{codec::typed_fields, error::ProtocolError, frame::Element, number::Rounded, number::Whole};
use crate::types::Fraction;

/// A message about a whole device.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeviceCmd {
    /// Index of the device.
    pub device_index: Whole<u32>,
}

/// Sets every vibrator of a device.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SingleMotorVibrateCmd {
    /// Index of the device.
    pub device_index: Whole<u32>,
    /// Part of the greatest level.
    pub speed: Fraction,
}

/// Sets vibrators.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct VibrateCmd {
    /// Index of the device.
    pub device_index: Whole<u32>,
    /// At least one.
    pub speeds: Vec<Speed>,
}

/// One vibrator.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Speed {
    /// Its position among the vibrators.
    pub index: Whole<u32>,
    /// Part of the greatest level.
    pub speed: Fraction,
}

/// Sets two-way rotators.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RotateCmd {
    /// Index of the device.
    pub device_index: Whole<u32>,
    /// At least one.
    pub rotations: Vec<Rotation>,
}

/// One rotator.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Rotation {
    /// Its position among the two-way rotators.
    pub index: Whole<u32>,
    /// Part of the greatest speed.
    pub speed: Fraction,
    /// The direction.
    pub clockwise: bool,
}

/// Moves axes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LinearCmd {
    /// Index of the device.
    pub device_index: Whole<u32>,
    /// May be empty: then nothing happens.
    pub vectors: Vec<Vector>,
}

/// One move.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Vector {
    /// Position of the axis among those that make timed moves.
    pub index: Whole<u32>,
    /// Milliseconds.
    pub duration: Rounded<u32>,
    /// Part of the travel.
    pub position: Fraction,
}

/// Sets outputs of any type.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ScalarCmd {
    /// Index of the device.
    pub device_index: Whole<u32>,
    /// At least one.
    pub scalars: Vec<Scalar>,
}

/// One output.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Scalar {
    /// Its position in the list of scalars.
    pub index: Whole<u32>,
    /// Part of the greatest value. The reference answers one out of range with an error of the device.
    pub scalar: Amount,
    /// Name of the output type.
    pub actuator_type: String,
}

/// Asks a sensor, or starts or stops listening to it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SensorCmd {
    /// Index of the device.
    pub device_index: Whole<u32>,
    /// Position in the list of the command.
    pub sensor_index: Whole<u32>,
    /// Name of the input type.
    pub sensor_type: String,
}

/// Turns every two-way rotator of a device.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct VorzeA10CycloneCmd {
    /// Index of the device.
    pub device_index: Whole<u32>,
    /// 0 to 100.
    pub speed: Whole<u32>,
    /// The direction.
    pub clockwise: bool,
}

/// Moves the first axis of a device.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct FleshlightLaunchFW12Cmd {
    /// Index of the device.
    pub device_index: Whole<u32>,
    /// 0 to 99.
    pub position: Whole<u32>,
    /// 0 to 99.
    pub speed: Whole<u32>,
}

/// Asks for an echo.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Test {
    /// What comes back.
    pub test_string: String,
}

/// Asks for log messages.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RequestLog {
    /// `Off` to `Trace`.
    pub log_level: String,
}

/// Reads the fields of a message, naming the field that is wrong and what it may be.
///
/// # Errors
/// [`ProtocolError::BadFields`] with the path of the field and what was expected.
pub fn fields<T: DeserializeOwned>(message: &'static str, element: Element) -> Result<T, ProtocolError> {
    let mut body = element.body;
    if let Value::Object(fields) = &mut body {
        // Some languages write a field that is not set as null.
        fields.retain(|_, value| !value.is_null());
    }
    typed_fields(message, body).map_err(|error| match error {
        ProtocolError::BadFields { message, why } => {
            let missing = why.split_once("missing field `").and_then(|(_, rest)| rest.split_once('`'));
            let expected = missing.and_then(|(field, _)| expected(message, field));
            let why = expected.map_or_else(|| why.clone(), |expected| format!("{why}, {expected}"));
            ProtocolError::BadFields { message, why }
        }
        other => other,
    })
}

/// What a field may be.
fn expected(message: &str, field: &str) -> Option<&'static str> {
    Some(match (message, field) {
        ("FleshlightLaunchFW12Cmd", "Position" | "Speed") => "an integer from 0 to 99",
        ("VorzeA10CycloneCmd", "Speed") => "an integer from 0 to 100",
        (_, "Speed" | "Position" | "Scalar") => "a number from 0 to 1",
        (_, "Duration") => "a number of milliseconds from 0 to 4294967295",
        (_, "DeviceIndex" | "Index" | "SensorIndex") => "an integer from 0 to 4294967295",
        (_, "Clockwise") => "true or false",
        (_, "Speeds" | "Rotations" | "Vectors" | "Scalars") => "an array",
        (_, "ActuatorType" | "SensorType" | "LogLevel" | "TestString") => "a string",
        _ => return None,
    })
}
