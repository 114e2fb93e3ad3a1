//! Joy-Con and Pro Controller: a rumble that is encoded by logarithms and has to be said again and again (facts:
//! protocols/nintendo-joycon.md).
//!
//! The reference server writes without end, from a loop beside its commands. Here the level goes out with its command,
//! like any other, and the writer repeats it as [`Driver::refresh`] asks for, while something runs. So a stop that is
//! confirmed is the last packet.

mod simulated;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::library::{Definition, Hardware, Model, definition::Repeat};
use crate::link::{Link, Packet};
use crate::types::{Endpoint, InputKind};

use crate::driver::{
    contract::Batch, contract::Boxed, contract::Driver, contract::DriverError, contract::Inputs, contract::Protocol,
    simulated::SimulatedDevice, template,
};

use simulated::SimulatedJoycon;

/// Every report has this length.
const REPORT: usize = 64;
/// Time between two reports of the same level.
const AGAIN: Duration = Duration::from_millis(15);
/// Both motors at rest.
const SILENCE: [u8; 4] = [0x00, 0x00, 0x41, 0x40];

/// The protocol of Nintendo's controllers.
#[derive(Debug)]
pub struct NintendoJoycon;

impl Protocol for NintendoJoycon {
    fn name(&self) -> &'static str {
        "nintendo-joycon"
    }

    fn identify<'a>(
        &'a self,
        definition: &'a Definition,
        hardware: &'a Hardware,
        link: &'a Link,
    ) -> Boxed<'a, Result<Option<String>, DriverError>> {
        template::identify(definition, hardware, link)
    }

    fn open(&self, _: &Arc<Definition>, _: &Arc<Model>, _: &Link) -> Box<dyn Driver> {
        Box::new(Controller)
    }

    fn simulate(&self, model: &Model) -> Option<Box<dyn SimulatedDevice>> {
        Some(Box::new(SimulatedJoycon::new(model)))
    }
}

struct Controller;

impl Driver for Controller {
    fn connect<'a>(&'a mut self, link: &'a Link) -> Boxed<'a, Result<(), DriverError>> {
        Box::pin(async move {
            // The command 0x48, "vibration on or off", with a rumble of nothing before it.
            let enable = report(&[0x01, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x48, 0x01]);
            Ok(link.write(enable).await?)
        })
    }

    fn encode(&mut self, batch: &Batch<'_>, _: Instant) -> Result<Vec<Packet>, DriverError> {
        let changed = batch.changes.last().map(|change| both(encoded(change.output.value)));
        Ok(changed.into_iter().collect())
    }

    fn refresh(&self) -> Option<Repeat> {
        Some(Repeat { every: AGAIN, only_running: true })
    }

    fn inputs(&self) -> Arc<dyn Inputs> {
        Arc::new(Nothing)
    }
}

/// A report, filled up with zeros.
fn report(start: &[u8]) -> Packet {
    let mut data = start.to_vec();
    data.resize(REPORT, 0);
    Packet { endpoint: Endpoint::TX, data, ack: false }
}

/// The same rumble for both halves, so that a left, a right and a whole controller take it alike.
fn both([a, b, c, d]: [u8; 4]) -> Packet {
    report(&[0x10, 0x01, a, b, c, d, a, b, c, d])
}

/// The rumble of a level, 0 to 1000, at 200 Hz.
fn encoded(level: i32) -> [u8; 4] {
    let amplitude = level as f32 / 1000.0;
    if amplitude <= 0.001 {
        return SILENCE;
    }
    let strength = if amplitude > 0.23 {
        (32.0 * (8.7 * amplitude).log2()).round()
    } else if amplitude > 0.12 {
        (16.0 * (17.0 * amplitude).log2()).round()
    } else {
        0.0
    };
    // 100 is what the greatest level gives.
    let strength = strength.clamp(0.0, 100.0) as u8;
    [0xA8, 2 * strength, 0x8A + strength / 2, 0x40 + strength / 2]
}

struct Nothing;

impl Inputs for Nothing {
    fn read(&self, _: u32, kind: InputKind, _: Link) -> Boxed<'static, Result<i32, DriverError>> {
        Box::pin(async move { Err(DriverError::Unexpected(format!("these controllers have no {kind}"))) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::{Change, Levels};
    use crate::library::Library;
    use crate::types::{Output, OutputKind};

    #[test]
    fn levels_are_encoded_as_the_sheet_says() {
        assert_eq!((encoded(0), encoded(1)), (SILENCE, SILENCE));
        for quiet in 2..=120 {
            assert_eq!(encoded(quiet), [0xA8, 0x00, 0x8A, 0x40], "{quiet}");
        }
        assert_eq!(encoded(121), [0xA8, 0x22, 0x92, 0x48]);
        assert_eq!(encoded(230), [0xA8, 0x3E, 0x99, 0x4F]);
        assert_eq!(encoded(231), [0xA8, 0x40, 0x9A, 0x50]);
        assert_eq!(encoded(500), [0xA8, 0x88, 0xAC, 0x62]);
        assert_eq!(encoded(1000), [0xA8, 0xC8, 0xBC, 0x72]);
        // Nonsense that no limit lets through.
        assert_eq!((encoded(-5), encoded(i32::MAX)), (SILENCE, [0xA8, 0xC8, 0xBC, 0x72]));
    }

    /// That it is repeated until the stop and never after, the tests of the writer show.
    #[test]
    fn a_level_is_one_report_and_nothing_is_said_without_one() {
        let library = Library::load(&[], &crate::driver::names());
        let definition = library.protocol("nintendo-joycon").unwrap();
        let levels = Levels::new(&definition.default);
        let tell = |value, stop| {
            let output = Output { kind: OutputKind::Vibrate, value, duration_ms: 0 };
            let changes = [Change { feature: 0, output, previous: 0 }];
            Controller.encode(&Batch { changes: &changes, levels: &levels, stop }, Instant::now()).unwrap()
        };
        assert_eq!(tell(500, false), [both([0xA8, 0x88, 0xAC, 0x62])]);
        assert_eq!(tell(0, true), [both(SILENCE)]);
        let poll = Controller.poll(Instant::now());
        assert!(poll.packets.is_empty() && poll.again.is_none());
        let refresh = Controller.refresh().unwrap();
        assert!(refresh.only_running && refresh.every == Duration::from_millis(15));
    }
}
