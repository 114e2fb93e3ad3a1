//! A driver that is watched: what it is told to encode must be allowed, and what it says is written down.

use std::time::Duration;

use tokio::time::Instant;

use super::*;
use crate::driver::{Batch, Driver, Inputs, Poll};
use crate::library::definition::Repeat;
use crate::link::Packet;

/// What a driver said.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) packet: Packet,
    pub(super) stop: bool,
}

/// A driver with somebody who looks at what it is given.
pub(super) struct Watched {
    pub(super) driver: Box<dyn Driver>,
    pub(super) subject: Subject,
    pub(super) settings: UserSettings,
    pub(super) wrong: Shared<Vec<String>>,
    /// Everything that the driver wanted to be written.
    pub(super) said: Shared<Vec<Said>>,
}

impl Driver for Watched {
    fn encode(&mut self, batch: &Batch<'_>, now: Instant) -> Result<Vec<Packet>, crate::driver::DriverError> {
        for change in batch.changes {
            let place = (change.feature, change.output.kind);
            let user = self.settings.limits.get(&place).copied().unwrap_or_default();
            let right = match self.subject.spec(place.0, place.1) {
                Some(spec) => allowed(spec, user, change.output),
                None => Err(format!("no such output: {change:?}")),
            };
            lock(&self.wrong).extend(right.err());
            if batch.stop && !change.output.kind.is_position() && change.output.value != 0 {
                lock(&self.wrong).push(format!("a stop with {change:?}"));
            }
        }
        let packets = self.driver.encode(batch, now);
        lock(&self.wrong).extend(packets.as_ref().err().map(|error| format!("{batch:?} has no bytes: {error}")));
        let said = packets.iter().flatten().map(|packet| Said { packet: packet.clone(), stop: batch.stop });
        lock(&self.said).extend(said);
        packets
    }

    fn confirmed(&mut self, packet: &Packet, now: Instant) {
        self.driver.confirmed(packet, now);
    }

    fn step(&self) -> Option<Duration> {
        self.driver.step()
    }

    fn position(&self, feature: u32) -> Option<i32> {
        self.driver.position(feature)
    }

    fn refresh(&self) -> Option<Repeat> {
        self.driver.refresh()
    }

    fn again(&mut self, last: &[Packet]) -> Vec<Packet> {
        self.driver.again(last)
    }

    fn poll(&mut self, now: Instant) -> Poll {
        let poll = self.driver.poll(now);
        lock(&self.said).extend(poll.packets.iter().map(|packet| Said { packet: packet.clone(), stop: false }));
        poll
    }

    fn inputs(&self) -> Arc<dyn Inputs> {
        self.driver.inputs()
    }
}
