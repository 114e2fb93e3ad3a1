//! Operators come, go, and want scanning.

use actix::prelude::*;

use super::actor::Hub;
use super::messages::SessionHandle;
use crate::types::OperatorId;

/// Event: an operator has arrived.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Arrived(pub OperatorId);

impl Handler<Arrived> for Hub {
    type Result = ();

    fn handle(&mut self, Arrived(owner): Arrived, _: &mut Self::Context) {
        self.operators.insert(owner);
    }
}

/// Request: tell this session what happens.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Register {
    pub owner: OperatorId,
    pub session: SessionHandle,
}

impl Handler<Register> for Hub {
    type Result = ();

    fn handle(&mut self, Register { owner, session }: Register, _: &mut Self::Context) {
        self.sessions.insert(owner, session);
    }
}

/// Event: an operator has gone.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Left(pub OperatorId);

impl Handler<Left> for Hub {
    type Result = ();

    fn handle(&mut self, Left(owner): Left, _: &mut Self::Context) {
        self.operators.remove(&owner);
        self.sessions.remove(&owner);
        for device in self.devices.values() {
            device.handle.release(owner);
        }
        self.scan(owner, false);
    }
}

/// Request: an operator wants scanning, or no longer.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct ScanWanted {
    pub owner: OperatorId,
    pub wanted: bool,
}

impl Handler<ScanWanted> for Hub {
    type Result = ();

    fn handle(&mut self, ScanWanted { owner, wanted }: ScanWanted, _: &mut Self::Context) {
        // An operator that has left in the meantime must not scan for ever.
        if self.operators.contains(&owner) {
            self.scan(owner, wanted);
        }
    }
}
