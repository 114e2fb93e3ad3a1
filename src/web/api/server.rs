//! The server as a whole.

use std::time::UNIX_EPOCH;

use actix_web::Responder;
use actix_web::web::{Data, Json};
use serde::Serialize;
use utoipa::ToSchema;

use crate::types::Health;
use crate::web::health;
use crate::web::site::Site;

/// What the server is doing, as `/health` says it.
#[utoipa::path(get, operation_id = "get_server", path = "/api/v1/server", tag = "server", responses((status = 200, body = Health)))]
pub(super) async fn status(site: Data<Site>) -> impl Responder {
    Json(health::all(&site).await)
}

/// A line of the log.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LogLine {
    /// Milliseconds since 1970.
    at_ms: u64,
    /// `info`, `warn` or `error`.
    #[schema(value_type = String)]
    level: &'static str,
    /// Index of the device that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<u64>,
    /// Id of the operator that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<u64>,
    /// What happened.
    text: String,
}

/// The last lines of the log, oldest first; 500 at most.
#[utoipa::path(get, operation_id = "get_log", path = "/api/v1/log", tag = "server", responses((status = 200, body = Vec<LogLine>)))]
pub(super) async fn log(site: Data<Site>) -> impl Responder {
    let lines = site.control.metrics().log().entries().into_iter().map(|line| {
        let about = |name: &str| line.about.filter(|(what, _)| *what == name).map(|(_, number)| number);
        let at = line.at.duration_since(UNIX_EPOCH).unwrap_or_default();
        LogLine {
            at_ms: u64::try_from(at.as_millis()).unwrap_or(u64::MAX),
            level: line.level,
            device: about("device"),
            session: about("session"),
            text: line.text,
        }
    });
    Json(lines.collect::<Vec<_>>())
}
