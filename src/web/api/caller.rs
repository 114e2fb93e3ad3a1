//! The operators that drive devices for callers of the API: one for all programs of this computer together, and one for each
//! token.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::http::StatusCode;

use super::problem::Problem;
use crate::control::{Control, Operator};
use crate::types::OperatorKind;
use crate::web::access::Asker;
use crate::web::tokens::{TokenId, Tokens};

/// What drives devices for callers of the API. They have no connection to lose, so what they set ends by itself. Copies
/// share it.
#[derive(Debug, Clone)]
pub struct ApiCallers {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    control: Control,
    tokens: Tokens,
    /// How long an output lasts that no caller sets again.
    lease: Duration,
    callers: Mutex<BTreeMap<Option<TokenId>, Caller>>,
}

#[derive(Debug)]
struct Caller {
    operator: Arc<Operator>,
    /// Counts requests about scanning, so that the end of an older one does not end a newer one.
    scans: u64,
}

impl ApiCallers {
    /// Outputs last for `lease` where a caller does not say how long. What was set by a token ends with it.
    #[must_use]
    pub fn new(control: Control, tokens: Tokens, lease: Duration) -> Self {
        Self { shared: Arc::new(Shared { control, tokens, lease, callers: Mutex::default() }) }
    }

    /// How long something lasts where a caller does not say how long.
    pub(super) fn lease(&self) -> Duration {
        self.shared.lease
    }

    /// The operator of a caller, which comes with the first request that needs one. One that was disconnected is replaced.
    pub(super) fn operator(&self, asker: Asker) -> Result<Arc<Operator>, Problem> {
        self.with(asker, |caller| Arc::clone(&caller.operator))
    }

    fn with<T>(&self, asker: Asker, use_it: impl FnOnce(&mut Caller) -> T) -> Result<T, Problem> {
        let token = asker.token();
        let mut callers = self.shared.callers.lock().unwrap_or_else(PoisonError::into_inner);
        callers.retain(|_, caller| !caller.operator.disconnected().is_cancelled());
        if let Some(caller) = callers.get_mut(&token) {
            return Ok(use_it(caller));
        }
        let name = token.and_then(|token| self.shared.tokens.name(token));
        let name = name.map_or_else(|| "API".to_owned(), |name| format!("API, token {name:?}"));
        let operator = self.shared.control.attach(OperatorKind::Api, &name, "").map_err(|most| {
            let detail = format!("{most} operators are here, and no more may come");
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too-many", detail)
        })?;
        let operator = Arc::new(operator);
        if let Some(token) = token {
            let (tokens, control, operator) = (self.shared.tokens.clone(), self.shared.control.clone(), operator.id());
            actix_web::rt::spawn(async move {
                tokens.ended(token).await;
                let _ = control.disconnect(operator);
            });
        }
        Ok(use_it(callers.entry(token).or_insert(Caller { operator, scans: 0 })))
    }

    /// Scans for this time.
    pub(super) fn scan(&self, asker: Asker, lasts: Duration) -> Result<(), Problem> {
        let number = self.with(asker, |caller| {
            caller.scans += 1;
            caller.operator.scan(true);
            caller.scans
        })?;
        let callers = Arc::downgrade(&self.shared);
        actix_web::rt::spawn(async move {
            tokio::time::sleep(lasts).await;
            if let Some(shared) = callers.upgrade() {
                let callers = shared.callers.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(caller) = callers.get(&asker.token()).filter(|caller| caller.scans == number) {
                    caller.operator.scan(false);
                }
            }
        });
        Ok(())
    }

    /// Scans no longer.
    pub(super) fn end_scan(&self, asker: Asker) -> Result<(), Problem> {
        self.with(asker, |caller| {
            caller.scans += 1;
            caller.operator.scan(false);
        })
    }
}
