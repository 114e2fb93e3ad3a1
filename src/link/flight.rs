//! A write that is under way: what the bus was given cannot be called back.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::error::LinkError;
use crate::patience;
use crate::types::Endpoint;

/// Where the bus says what came of an operation.
pub(super) type Outcome = oneshot::Receiver<Result<Vec<u8>, LinkError>>;

/// A write that the bus was given.
#[derive(Debug)]
pub struct Flight {
    endpoint: Endpoint,
    limit: Duration,
    until: Instant,
    outcome: Outcome,
    /// What the bus said when it gave up waiting for the hardware.
    given_up: Option<LinkError>,
}

impl Flight {
    /// A write to `endpoint` of which the bus says by `until` what came of it, `limit` after it was asked.
    pub(super) fn new(endpoint: Endpoint, limit: Duration, until: Instant, outcome: Outcome) -> Self {
        Self { endpoint, limit, until, outcome, given_up: None }
    }

    /// Where it goes.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        self.endpoint
    }

    /// Whether the bus has given up waiting for the hardware: nobody will ever know whether that gets the packet.
    #[must_use]
    pub fn is_given_up(&self) -> bool {
        self.given_up.is_some()
    }

    /// Whether the hardware may still get it, by what the bus has said up to now.
    pub fn is_open(&mut self) -> bool {
        if self.given_up.is_none() {
            match self.outcome.try_recv() {
                Ok(Err(error @ LinkError::Timeout { .. })) => self.given_up = Some(error),
                Ok(_) | Err(oneshot::error::TryRecvError::Closed) => return false,
                Err(oneshot::error::TryRecvError::Empty) => {}
            }
        }
        true
    }

    /// Returns when the hardware has the packet as far as the bus can tell, or refused it. A call that is dropped before
    /// it has returned loses nothing, and after [`LinkError::Timeout`] it may be called again: the bus may still answer.
    ///
    /// # Errors
    /// As [`write`](super::Link::write).
    pub async fn landed(&mut self) -> Result<(), LinkError> {
        if let Some(error) = &self.given_up {
            return Err(error.clone());
        }
        match patience::timeout(self.until.saturating_duration_since(Instant::now()), &mut self.outcome).await {
            Some(Ok(Err(error @ LinkError::Timeout { .. }))) => {
                self.given_up = Some(error.clone());
                Err(error)
            }
            Some(outcome) => outcome.map_err(|_| LinkError::Lost)?.map(drop),
            None => {
                let (what, limit_ms) = (format!("a write to {}", self.endpoint), self.limit.as_millis());
                Err(LinkError::Timeout { what, limit_ms })
            }
        }
    }
}
