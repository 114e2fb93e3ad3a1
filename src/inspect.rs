//! How an actor is asked what it is doing, for `/health` and `/debug/actors`.

use std::time::Duration;

use actix::prelude::*;

use crate::types::{ActorState, ActorStatus};

/// Time for an actor to answer; one that takes longer is busy or stuck, and is shown so.
const PATIENCE: Duration = Duration::from_millis(200);

/// Request: what are you doing?
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "ActorStatus")]
pub struct Inspect;

/// Asks an actor. One that has ended or does not answer in time is reported so.
pub async fn ask(actor: &Recipient<Inspect>) -> ActorStatus {
    match tokio::time::timeout(PATIENCE, actor.send(Inspect)).await {
        Ok(Ok(status)) => status,
        Ok(Err(_)) => ActorStatus::new(ActorState::Ended),
        Err(_) => {
            let within_ms = u64::try_from(PATIENCE.as_millis()).unwrap_or(u64::MAX);
            ActorStatus::new(ActorState::Unresponsive { within_ms })
        }
    }
}
