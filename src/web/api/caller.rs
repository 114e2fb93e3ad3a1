//! The operator that drives devices for all callers of the API together.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::http::StatusCode;

use super::problem::Problem;
use crate::control::{Control, Operator};
use crate::types::OperatorKind;

/// What drives devices for callers of the API. They have no connection to lose, so what they set ends by itself. Copies
/// share it.
#[derive(Debug, Clone)]
pub struct ApiCaller {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    control: Control,
    /// How long an output lasts that no caller sets again.
    lease: Duration,
    operator: Mutex<Option<Arc<Operator>>>,
    /// Counts requests about scanning, so that the end of an older one does not end a newer one.
    scans: AtomicU64,
}

impl ApiCaller {
    /// Outputs last for `lease` where a caller does not say how long.
    #[must_use]
    pub fn new(control: Control, lease: Duration) -> Self {
        let (operator, scans) = (Mutex::default(), AtomicU64::new(0));
        Self { shared: Arc::new(Shared { control, lease, operator, scans }) }
    }

    /// How long something lasts where a caller does not say how long.
    pub(super) fn lease(&self) -> Duration {
        self.shared.lease
    }

    /// The operator, which comes with the first request that needs one. One that was disconnected is replaced.
    pub(super) fn operator(&self) -> Result<Arc<Operator>, Problem> {
        let mut operator = self.shared.operator.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(operator) = operator.as_ref().filter(|operator| !operator.disconnected().is_cancelled()) {
            return Ok(Arc::clone(operator));
        }
        let new = self.shared.control.attach(OperatorKind::Api, "API", "").map_err(|most| {
            let detail = format!("{most} operators are here, and no more may come");
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too-many", detail)
        })?;
        Ok(Arc::clone(operator.insert(Arc::new(new))))
    }

    /// Scans for this time.
    pub(super) fn scan(&self, lasts: Duration) -> Result<(), Problem> {
        let operator = self.operator()?;
        let own = self.shared.scans.fetch_add(1, Ordering::Relaxed) + 1;
        operator.scan(true);
        let (shared, operator) = (Arc::downgrade(&self.shared), Arc::downgrade(&operator));
        actix_web::rt::spawn(async move {
            tokio::time::sleep(lasts).await;
            let newest = shared.upgrade().map(|shared| shared.scans.load(Ordering::Relaxed));
            if let Some(operator) = operator.upgrade().filter(|_| newest == Some(own)) {
                operator.scan(false);
            }
        });
        Ok(())
    }

    /// Scans no longer.
    pub(super) fn end_scan(&self) -> Result<(), Problem> {
        self.shared.scans.fetch_add(1, Ordering::Relaxed);
        self.operator()?.scan(false);
        Ok(())
    }
}
