//! Hears what hardware sends by itself.

use std::time::Duration;

use tokio::sync::broadcast;

use super::clock::Clock;
use super::error::LinkError;
use super::operation::Notification;
use crate::patience;
use crate::types::Endpoint;

/// Hears the notifications of a link.
#[derive(Debug)]
pub struct Listener {
    /// `None` when the link was lost before listening began.
    pub(super) notifications: Option<broadcast::Receiver<Notification>>,
    pub(super) clock: Clock,
}

impl Listener {
    /// The next notification of any endpoint. When the listener has lagged, the oldest are skipped.
    ///
    /// # Errors
    /// [`LinkError::Lost`] once the link is gone and everything heard before was returned.
    pub async fn next(&mut self) -> Result<Notification, LinkError> {
        let notifications = self.notifications.as_mut().ok_or(LinkError::Lost)?;
        loop {
            match notifications.recv().await {
                Ok(notification) => return Ok(notification),
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return Err(LinkError::Lost),
            }
        }
    }

    /// The next notification of one endpoint.
    ///
    /// # Errors
    /// As [`Listener::next`], and [`LinkError::Timeout`] after `limit`.
    pub async fn next_on(&mut self, endpoint: Endpoint, limit: Duration) -> Result<Vec<u8>, LinkError> {
        // What a script sends, it has sent before it answers the write that comes before.
        let clock = self.clock.clone();
        let wait = if clock.is_manual() { Duration::from_millis(1) } else { limit };
        let heard = async {
            loop {
                let notification = self.next().await?;
                if notification.endpoint == endpoint {
                    return Ok(notification.data);
                }
            }
        };
        patience::timeout(wait, heard).await.unwrap_or_else(|| {
            clock.advance(limit);
            Err(LinkError::Timeout { what: format!("waiting for {endpoint}"), limit_ms: limit.as_millis() })
        })
    }
}
