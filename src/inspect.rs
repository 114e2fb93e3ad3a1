//! What an actor says of itself, for `/debug/actors`.

use std::time::Duration;

use actix::prelude::*;
use serde_json::{Value, json};

/// Time for an actor to answer; one that takes longer is busy or stuck, and is shown so.
const PATIENCE: Duration = Duration::from_millis(200);

/// Request: what are you doing? The answer is an object by custom.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Value")]
pub struct Inspect;

/// Asks an actor, and says so if it does not answer.
pub async fn ask(actor: &Recipient<Inspect>) -> Value {
    match tokio::time::timeout(PATIENCE, actor.send(Inspect)).await {
        Ok(Ok(description)) => description,
        Ok(Err(_)) => json!({ "state": "ended" }),
        Err(_) => json!({ "state": format!("does not answer within {} ms", PATIENCE.as_millis()) }),
    }
}
