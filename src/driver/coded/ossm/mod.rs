//! OSSM, the open source sex machine: text commands for two modes, one of which the machine has to be in (facts:
//! protocols/ossm.md).

mod simulated;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::Instant;

use crate::driver::{
    coded::without_inputs::WithoutInputs, contract::Batch, contract::Boxed, contract::Driver, contract::DriverError,
    contract::Inputs, contract::Poll, contract::Protocol, simulated::SimulatedDevice, template,
};
use crate::library::{Definition, Hardware, Model};
use crate::link::{Link, Listener, Packet};
use crate::types::{Endpoint, OutputKind};

use simulated::SimulatedOssm;

/// How often it is looked whether the machine has reported another state.
const LOOK: Duration = Duration::from_millis(250);

/// The protocol of OSSM.
#[derive(Debug)]
pub struct Ossm;

impl Protocol for Ossm {
    fn name(&self) -> &'static str {
        "ossm"
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
        Box::new(Machine { mode: None, reports: None, state: String::new(), answers: Vec::new(), stopped: false })
    }

    fn simulate(&self, model: &Model) -> Option<Box<dyn SimulatedDevice>> {
        Some(Box::new(SimulatedOssm::new(model)))
    }
}

/// What the machine was switched to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    StrokeEngine,
    Streaming,
}

impl Mode {
    fn name(self) -> &'static str {
        match self {
            Self::StrokeEngine => "strokeEngine",
            Self::Streaming => "streaming",
        }
    }

    fn command(self) -> String {
        format!("go:{}", self.name())
    }
}

struct Machine {
    /// The mode that the machine was last commanded to go to.
    mode: Option<Mode>,
    /// What the machine reports.
    reports: Option<Listener>,
    /// The state that it last reported.
    state: String,
    /// What a new state is answered with, until the machine has it.
    answers: Vec<Packet>,
    /// The last thing that it was told was to stop. Until it is told something else, nothing else is said: the answers to
    /// its new states wait for the next command.
    stopped: bool,
}

impl Machine {
    /// Answers a state that the machine has not reported before: it forgets how deep and how far it may go.
    fn report(&mut self, data: &[u8]) {
        let Some(state) = state(data).filter(|state| *state != self.state) else { return };
        let streaming = state == Mode::Streaming.name();
        let settings = [("set:depth:100", Endpoint::TX), ("set:stroke:100", Endpoint::TX)];
        self.answers.clear();
        if streaming || state == Mode::StrokeEngine.name() {
            self.answers.push(text("false", Endpoint::TXMODE));
            self.answers.extend(settings.map(|(command, endpoint)| text(command, endpoint)));
        }
        // The speed of streamed moves. The reference server sets it whoever chose that mode; in the other one the machine
        // would then stroke with all its speed as soon as somebody turns it there by hand.
        if streaming && self.mode == Some(Mode::Streaming) {
            self.answers.push(text("set:speed:100", Endpoint::TX));
        }
        self.state = state;
    }
}

impl Driver for Machine {
    fn connect<'a>(&'a mut self, link: &'a Link) -> Boxed<'a, Result<(), DriverError>> {
        Box::pin(async move {
            self.reports = Some(link.listen());
            Ok(link.subscribe(Endpoint::RX).await?)
        })
    }

    fn encode(&mut self, batch: &Batch<'_>, _: Instant) -> Result<Vec<Packet>, DriverError> {
        let mut mode = self.mode;
        let mut packets = if self.stopped && !batch.stop { self.answers.clone() } else { Vec::new() };
        self.stopped = batch.stop;
        for change in batch.changes {
            let output = change.output;
            let (wanted, command) = match output.kind {
                OutputKind::Oscillate => (Mode::StrokeEngine, format!("set:speed:{}", output.value)),
                OutputKind::HwPositionWithDuration => {
                    (Mode::Streaming, format!("stream:{}:{}", output.value, output.duration_ms))
                }
                other => return Err(DriverError::Unexpected(format!("OSSM has no {other}"))),
            };
            let rest = batch.stop || (output.kind == OutputKind::Oscillate && output.value == 0);
            if mode != Some(wanted) && rest {
                // To rest it need not change its mode. In which one it was left before this connection is not known.
                if mode.is_none() && output.kind == OutputKind::Oscillate {
                    packets.push(text(&command, Endpoint::TX));
                }
                continue;
            }
            if mode != Some(wanted) {
                packets.push(text("go:menu", Endpoint::TX));
                packets.push(text(&wanted.command(), Endpoint::TX));
                mode = Some(wanted);
            }
            packets.push(text(&command, Endpoint::TX));
        }
        Ok(packets)
    }

    fn confirmed(&mut self, packet: &Packet, _: Instant) {
        for mode in [Mode::StrokeEngine, Mode::Streaming] {
            if packet.data == mode.command().as_bytes() {
                self.mode = Some(mode);
            }
        }
        if let Some(at) = self.answers.iter().position(|answer| answer == packet) {
            self.answers.remove(at);
        }
    }

    fn poll(&mut self, _: Instant) -> Poll {
        while let Some(Ok(report)) = self.reports.as_mut().and_then(|reports| reports.next().now_or_never()) {
            if report.endpoint == Endpoint::RX {
                self.report(&report.data);
            }
        }
        let packets = if self.stopped { Vec::new() } else { self.answers.clone() };
        Poll { packets, again: Some(LOOK) }
    }

    fn inputs(&self) -> Arc<dyn Inputs> {
        Arc::new(WithoutInputs)
    }
}

/// The state in a report, without what comes after a point: `strokeEngine.idle` is `strokeEngine`.
fn state(data: &[u8]) -> Option<String> {
    let report: serde_json::Value = serde_json::from_slice(data).ok()?;
    let state = report.get("state")?.as_str()?;
    Some(state.split('.').next().unwrap_or_default().to_owned())
}

fn text(command: &str, endpoint: Endpoint) -> Packet {
    Packet { endpoint, data: command.as_bytes().to_vec(), ack: true }
}
