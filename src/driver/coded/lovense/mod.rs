//! Lovense: text commands, a model that is asked for, six ways to encode (facts: protocols/lovense.md).

mod replies;
mod simulated;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::library::{Definition, Hardware, Model};
use crate::link::{Link, LinkError, Listener, Packet};
use crate::types::{Endpoint, InputKind, OutputKind};

use crate::driver::{
    contract::Batch, contract::Boxed, contract::Driver, contract::DriverError, contract::Inputs, contract::Protocol,
    levels::Levels, simulated::SimulatedDevice,
};

use replies::{Word, Words, type_in_name};
use simulated::SimulatedLovense;

/// Time for an answer to `DeviceType;`, and for the next word after `Battery;`.
const ANSWER: Duration = Duration::from_millis(500);
/// Time for the answer to `Battery;`, however much else the hardware sends.
const CHARGE: Duration = Duration::from_secs(2);
/// How often `DeviceType;` is asked before the name has to do.
const ASKED: u32 = 6;
/// The stroker takes a new position this often.
const STEP: Duration = Duration::from_millis(100);
const TURN_AROUND: &str = "RotateChange;";

/// The protocol of all Lovense hardware.
#[derive(Debug)]
pub struct Lovense;

impl Protocol for Lovense {
    fn name(&self) -> &'static str {
        "lovense"
    }

    fn identify<'a>(
        &'a self,
        definition: &'a Definition,
        hardware: &'a Hardware,
        link: &'a Link,
    ) -> Boxed<'a, Result<Option<String>, DriverError>> {
        Box::pin(async move {
            // One listener for all questions: an answer that comes late is an answer.
            let mut heard = link.listen();
            let mut words = Words::default();
            link.subscribe(Endpoint::RX).await?;
            for _ in 0..ASKED {
                link.write(text("DeviceType;".to_owned())).await?;
                let found =
                    wait(link, &mut heard, &mut words, ANSWER, ANSWER, |word| word.device_type(definition)).await;
                match found {
                    Ok(code) => return Ok(Some(code)),
                    Err(LinkError::Timeout { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(type_in_name(&hardware.name))
        })
    }

    fn open(&self, _: &Arc<Definition>, model: &Arc<Model>, _: &Link) -> Box<dyn Driver> {
        Box::new(LovenseDriver { form: Form::of(model), clockwise: true })
    }

    fn simulate(&self, model: &Model) -> Option<Box<dyn SimulatedDevice>> {
        Some(Box::new(SimulatedLovense::new(model)))
    }
}

/// How a model wants its outputs; the first rule that fits decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// A machine with a stroke; `idle_range` is the range that goes with speed 0.
    Stroker {
        idle_range: u8,
    },
    Single,
    Max,
    Rotator,
    /// All levels in one command.
    Multi,
    Dual,
}

impl Form {
    fn of(model: &Model) -> Self {
        let is = |id: &str| model.ids.iter().any(|known| known == id);
        let outputs = model.output_features();
        let has = |kind| model.count(kind) > 0;
        let strong = model.count(OutputKind::Vibrate) + model.count(OutputKind::Oscillate);
        if is("BA") {
            Self::Stroker { idle_range: 20 }
        } else if is("H") {
            Self::Stroker { idle_range: 0 }
        } else if outputs == 1 {
            Self::Single
        } else if outputs == 2 && has(OutputKind::Vibrate) && has(OutputKind::Constrict) {
            Self::Max
        } else if outputs == 2 && has(OutputKind::Vibrate) && has(OutputKind::Rotate) {
            Self::Rotator
        } else if (strong == 2 && outputs > 2) || strong > 2 {
            Self::Multi
        } else {
            Self::Dual
        }
    }
}

struct LovenseDriver {
    form: Form,
    /// The direction that the motor turns in, as far as it was commanded. It cannot be asked.
    clockwise: bool,
}

impl Driver for LovenseDriver {
    fn encode(&mut self, batch: &Batch<'_>, _: Instant) -> Result<Vec<Packet>, DriverError> {
        let mut packets = Vec::new();
        if self.form == Form::Multi {
            if !batch.changes.is_empty() {
                packets.push(text(all_levels(batch.levels)));
            }
            return Ok(packets);
        }
        for change in batch.changes {
            let value = change.output.value;
            let command = match (self.form, change.output.kind) {
                (Form::Stroker { .. }, OutputKind::HwPositionWithDuration) => {
                    // It stands where it was last sent.
                    if batch.stop {
                        continue;
                    }
                    format!("FSetSite:{value};")
                }
                (Form::Stroker { idle_range }, OutputKind::Oscillate) => {
                    format!("Mply:{value}:{};", if value == 0 { idle_range } else { 20 })
                }
                (_, OutputKind::Constrict) => format!("Air:Level:{value};"),
                (_, OutputKind::Rotate) => {
                    // Zero has no direction.
                    if value != 0 && (value > 0) != self.clockwise {
                        packets.push(text(TURN_AROUND.to_owned()));
                    }
                    format!("Rotate:{};", value.unsigned_abs())
                }
                (Form::Dual, _) => format!("Vibrate{}:{value};", change.feature + 1),
                _ => format!("Vibrate:{value};"),
            };
            packets.push(text(command));
        }
        Ok(packets)
    }

    fn confirmed(&mut self, packet: &Packet, _: Instant) {
        if packet.data == TURN_AROUND.as_bytes() {
            self.clockwise = !self.clockwise;
        }
    }

    fn step(&self) -> Option<Duration> {
        matches!(self.form, Form::Stroker { .. }).then_some(STEP)
    }

    fn inputs(&self) -> Arc<dyn Inputs> {
        Arc::new(Sensors)
    }
}

/// `Mply:` with one level for each feature that has an output; direction is lost.
fn all_levels(levels: &Levels) -> String {
    let mut command = "Mply:".to_owned();
    let values: Vec<_> = levels.outputs(None).iter().map(|(_, value)| value.unsigned_abs().to_string()).collect();
    command.push_str(&values.join(":"));
    command.push(';');
    command
}

fn text(command: String) -> Packet {
    Packet { endpoint: Endpoint::TX, data: command.into_bytes(), ack: false }
}

/// What the first word that means something means. Others are passed over until nothing was said for `silence`, or until
/// `longest` is over, whatever is said.
///
/// # Errors
/// [`LinkError::Timeout`], or a link that is lost.
async fn wait<T>(
    link: &Link,
    heard: &mut Listener,
    words: &mut Words,
    silence: Duration,
    longest: Duration,
    meaning: impl Fn(&Word) -> Option<T>,
) -> Result<T, LinkError> {
    let until = link.clock().now() + longest;
    loop {
        let left = until.saturating_duration_since(link.clock().now());
        let notification = heard.next_on(Endpoint::RX, silence.min(left)).await?;
        if let Some(found) = words.take(&notification).iter().find_map(&meaning) {
            return Ok(found);
        }
        if left.is_zero() {
            let what = format!("waiting for {}", Endpoint::RX);
            return Err(LinkError::Timeout { what, limit_ms: longest.as_millis() });
        }
    }
}

struct Sensors;

impl Inputs for Sensors {
    fn read(&self, _: u32, kind: InputKind, link: Link) -> Boxed<'static, Result<i32, DriverError>> {
        Box::pin(async move {
            if kind != InputKind::Battery {
                return Err(DriverError::Unexpected(format!("these toys have no {kind}")));
            }
            let mut heard = link.listen();
            link.write(text("Battery;".to_owned())).await?;
            Ok(wait(&link, &mut heard, &mut Words::default(), ANSWER, CHARGE, Word::charge).await?)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::library::Library;
    use crate::link::{Clock, Confirms, Deadlines, LinkInfo, LinkRequest, Notification, Operation, pair};
    use crate::types::Bus;

    /// A link whose other side, when it is asked for a type for the `asks`-th time, says this.
    fn toy_that_says(asks: u32, said: Vec<Vec<u8>>) -> Link {
        let (link, mut end) = pair(LinkInfo {
            endpoints: BTreeSet::from([Endpoint::TX, Endpoint::RX]),
            gap: Duration::ZERO,
            deadlines: Deadlines::default(),
            confirms: Confirms::Everything,
            clock: Clock::system(),
        });
        tokio::spawn(async move {
            let mut asked = 0;
            while let Some(LinkRequest { operation, done }) = end.requests.recv().await {
                let _ = done.send(Ok(Vec::new()));
                asked += u32::from(matches!(operation, Operation::Write(_)));
                if matches!(operation, Operation::Write(_)) && asked == asks {
                    let (said, notify) = (said.clone(), end.notify.clone());
                    tokio::spawn(async move {
                        for data in said {
                            tokio::time::sleep(Duration::from_millis(100)).await;
                            let _ = notify.send(Notification { endpoint: Endpoint::RX, data });
                        }
                    });
                }
            }
        });
        link
    }

    async fn identified(name: &str, link: &Link) -> Option<String> {
        let library = Library::load(&[], &crate::driver::names());
        let definition = library.protocol("lovense").unwrap();
        Lovense.identify(definition, &Hardware::new(Bus::Btle, name, "a"), link).await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_no_type_is_passed_over_until_the_time_is_up() {
        for noise in [b"OK;".as_slice(), b"89;", b"ER;", b"\xff", b"", b"OK;89;"] {
            let link = toy_that_says(1, vec![noise.to_vec(), b"P:02:0082059AD3BD;".to_vec()]);
            let begun = Instant::now();
            assert_eq!(identified("LVS-DoesntMatter", &link).await.as_deref(), Some("P"), "{noise:?}");
            assert_eq!(begun.elapsed(), Duration::from_millis(200));
            // Nothing but noise: it is asked six times, then its name has to do.
            let link = toy_that_says(2, vec![noise.to_vec(); 9]);
            let begun = Instant::now();
            assert_eq!(identified("LVS-Z001", &link).await.as_deref(), Some("Z"), "{noise:?}");
            assert_eq!(begun.elapsed(), ANSWER * ASKED);
        }
        // The fifth answer comes when the time of the first question is over.
        let late = vec![
            b"OK;".to_vec(),
            b"OK;".to_vec(),
            b"OK;".to_vec(),
            b"OK;".to_vec(),
            b"OK;".to_vec(),
            b"A:1:00;".to_vec(),
        ];
        assert_eq!(identified("LVS-Z001", &toy_that_says(1, late)).await.as_deref(), Some("A"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_charge_is_waited_for_but_not_for_ever() {
        let read = |link: Link| Sensors.read(1, InputKind::Battery, link);
        let said = vec![b"OK;".to_vec(), vec![0xff], b"P:02:0082059AD3BD;".to_vec(), b"s8".to_vec(), b"9;".to_vec()];
        assert_eq!(read(toy_that_says(1, said)).await, Ok(89));
        let begun = Instant::now();
        assert!(read(toy_that_says(1, vec![b"OK;".to_vec(); 1000])).await.is_err());
        assert!(begun.elapsed() <= CHARGE + ANSWER, "{:?}", begun.elapsed());
        let begun = Instant::now();
        assert!(read(toy_that_says(9, Vec::new())).await.is_err());
        assert_eq!(begun.elapsed(), ANSWER);
    }
}
