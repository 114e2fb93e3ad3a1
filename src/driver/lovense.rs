//! Lovense: text commands, a model that is asked for, six ways to encode (facts: protocols/lovense.md).

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::library::{Definition, Hardware, Model};
use crate::link::{Link, LinkError, Packet};
use crate::types::{Endpoint, InputKind, OutputKind};

use super::{Batch, Boxed, Driver, DriverError, Inputs, Levels, Poll, Protocol};

/// Time for one answer to `DeviceType;` or `Battery;`.
const ANSWER: Duration = Duration::from_millis(500);
/// How often `DeviceType;` is asked before the name has to do.
const ASKED: u32 = 6;
/// The stroker takes a new position this often.
const STEP: Duration = Duration::from_millis(100);
const TURN_AROUND: &str = "RotateChange;";

/// The protocol of all Lovense toys.
#[derive(Debug)]
pub struct Lovense;

impl Protocol for Lovense {
    fn name(&self) -> &'static str {
        "lovense"
    }

    fn identify<'a>(
        &'a self,
        _: &'a Definition,
        hardware: &'a Hardware,
        link: &'a Link,
    ) -> Boxed<'a, Result<Option<String>, DriverError>> {
        Box::pin(async move {
            let mut heard = link.listen();
            link.subscribe(Endpoint::RX).await?;
            for _ in 0..ASKED {
                link.write(text("DeviceType;".to_owned())).await?;
                match heard.next_on(Endpoint::RX, ANSWER).await {
                    Ok(answer) => return type_of(&answer),
                    Err(LinkError::Timeout { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(type_in_name(&hardware.name))
        })
    }

    fn open(&self, _: &Arc<Definition>, model: &Arc<Model>, _: &Link) -> Box<dyn Driver> {
        Box::new(Toy { form: Form::of(model), clockwise: true, stroke: Stroke::default() })
    }
}

/// The type in an answer such as `P:02:0082059AD3BD;`: code, firmware, address. The third firmware of the Flexer is
/// a model of its own.
fn type_of(answer: &[u8]) -> Result<Option<String>, DriverError> {
    let answer = std::str::from_utf8(answer)
        .map_err(|_| DriverError::Unexpected(format!("the type is not text: {}", hex::encode(answer))))?;
    let mut parts = answer.split(':');
    let (Some(code), Some(firmware)) = (parts.next(), parts.next()) else {
        return Ok(None);
    };
    let new_flexer = code == "EI" && firmware.trim_end_matches(';').parse().unwrap_or(0_u32) >= 3;
    Ok(Some(if new_flexer { "EI-FW3".to_owned() } else { code.to_owned() }))
}

/// The capital letters between `LVS-` and a digit.
fn type_in_name(name: &str) -> Option<String> {
    let (_, rest) = name.split_once("LVS-")?;
    let letters: String = rest.chars().take_while(char::is_ascii_uppercase).collect();
    let digit = rest.chars().nth(letters.len()).is_some_and(|next| next.is_ascii_digit());
    (digit && !letters.is_empty()).then_some(letters)
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

struct Toy {
    form: Form,
    /// The direction that the toy turns in, as far as it was told. It cannot be asked.
    clockwise: bool,
    stroke: Stroke,
}

impl Driver for Toy {
    fn encode(&mut self, batch: &Batch<'_>) -> Result<Vec<Packet>, DriverError> {
        if batch.stop {
            self.stroke.cancel();
        }
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
                    if !batch.stop {
                        self.stroke.start(value, change.output.duration_ms);
                    }
                    continue;
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

    fn confirmed(&mut self, packet: &Packet) {
        if packet.data == TURN_AROUND.as_bytes() {
            self.clockwise = !self.clockwise;
        }
    }

    fn poll(&mut self) -> Poll {
        self.stroke.poll(Instant::now())
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

/// A move that the server makes in steps, because the machine only jumps.
///
/// The reference server adds a whole-number step each time, so that a move takes up to twice its time; here each
/// step is where the move should be by then.
#[derive(Debug, Default)]
struct Stroke {
    current: i32,
    /// Where it began, where it goes, which step is next, how many there are.
    running: Option<(i32, i32, u32, u32)>,
    not_before: Option<Instant>,
}

impl Stroke {
    fn start(&mut self, goal: i32, duration_ms: u32) {
        let steps = (duration_ms / 100).max(1);
        self.running = (goal != self.current).then_some((self.current, goal, 1, steps));
    }

    fn cancel(&mut self) {
        self.running = None;
    }

    fn poll(&mut self, now: Instant) -> Poll {
        let Some((from, goal, step, steps)) = self.running else {
            return Poll::default();
        };
        if let Some(time) = self.not_before.filter(|time| *time > now) {
            return Poll { packets: Vec::new(), again: Some(time - now) };
        }
        let way = f64::from(goal - from) * f64::from(step) / f64::from(steps);
        self.current = from + way.round() as i32;
        self.running = (step < steps).then_some((from, goal, step + 1, steps));
        self.not_before = Some(now + STEP);
        let again = self.running.is_some().then_some(STEP);
        Poll { packets: vec![text(format!("FSetSite:{};", self.current))], again }
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
            loop {
                // Answers to other commands, such as `OK;`, come the same way.
                if let Some(level) = battery(&heard.next_on(Endpoint::RX, ANSWER).await?) {
                    return Ok(level);
                }
            }
        })
    }
}

/// The level in `89;`, or in `s89;`, which toys say while a motor runs.
fn battery(answer: &[u8]) -> Option<i32> {
    let answer = std::str::from_utf8(answer).ok()?;
    let level: u8 = answer.strip_suffix(';')?.trim_start_matches('s').parse().ok()?;
    Some(i32::from(level).min(100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types() {
        assert_eq!(type_of(b"P:02:0082059AD3BD;").unwrap().as_deref(), Some("P"));
        assert_eq!(type_of(b"EI:03:00;").unwrap().as_deref(), Some("EI-FW3"));
        assert_eq!(type_of(b"EI:2:00;").unwrap().as_deref(), Some("EI"));
        assert_eq!(type_of(b"OK;").unwrap(), None);
        assert!(type_of(&[0xff]).is_err());
        assert_eq!(type_in_name("LVS-Z001").as_deref(), Some("Z"));
        assert_eq!(type_in_name("LVS-ED36").as_deref(), Some("ED"));
        assert_eq!(type_in_name("LVS-DoesntMatter"), None);
        assert_eq!(type_in_name("LVS-é1"), None);
        assert_eq!(type_in_name("other"), None);
    }

    #[test]
    fn batteries() {
        assert_eq!(battery(b"100;"), Some(100));
        assert_eq!(battery(b"s89;"), Some(89));
        for other in ["", ";", "s", "s;", "OK;", "-1;", "300;", "89"] {
            assert_eq!(battery(other.as_bytes()), None, "{other}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_move_takes_its_time_and_ends_at_its_goal() {
        let mut stroke = Stroke::default();
        stroke.start(100, 300);
        let mut seen = Vec::new();
        for _ in 0..10 {
            let poll = stroke.poll(Instant::now());
            seen.extend(poll.packets.into_iter().map(|packet| String::from_utf8(packet.data).unwrap()));
            let Some(again) = poll.again else { break };
            // A batch for another output asks in between; the step must not come early.
            assert!(stroke.poll(Instant::now()).packets.is_empty());
            tokio::time::sleep(again).await;
        }
        assert_eq!(seen, ["FSetSite:33;", "FSetSite:67;", "FSetSite:100;"]);
        stroke.start(0, 1000);
        stroke.cancel();
        assert!(stroke.poll(Instant::now()).again.is_none());
    }
}
