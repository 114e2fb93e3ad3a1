//! Scanning for hardware. Nobody's connection ends it, so it ends by itself.

use actix_web::web::{Data, Json, Query};
use serde::Serialize;
use utoipa::ToSchema;

use super::path::Lasts;
use super::problem::Problem;
use crate::web::access::Asker;
use crate::web::site::Site;

/// Whether this caller scans.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Scanning {
    /// Whether hardware is looked for on behalf of the API.
    scanning: bool,
    /// Milliseconds after which that ends, unless it is asked for again.
    ends_in_ms: Option<u64>,
}

/// Looks for hardware.
#[utoipa::path(post, operation_id = "start_scan", path = "/api/v1/scan", tag = "scan", params(Lasts),
    responses((status = 200, body = Scanning), (status = 400, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn start(site: Data<Site>, asker: Asker, lasts: Query<Lasts>) -> Result<Json<Scanning>, Problem> {
    let lasts = lasts.or(site.api.lease())?;
    site.api.scan(asker, lasts)?;
    let ends_in_ms = u64::try_from(lasts.as_millis()).ok();
    Ok(Json(Scanning { scanning: true, ends_in_ms }))
}

/// Looks for hardware no longer. Other clients may go on.
#[utoipa::path(delete, operation_id = "end_scan", path = "/api/v1/scan", tag = "scan",
    responses((status = 200, body = Scanning), (status = 503, body = Problem)))]
pub(super) async fn stop(site: Data<Site>, asker: Asker) -> Result<Json<Scanning>, Problem> {
    site.api.end_scan(asker)?;
    Ok(Json(Scanning { scanning: false, ends_in_ms: None }))
}

/// As `POST /scan`; the route of Intiface's REST server.
#[utoipa::path(get, operation_id = "start_scan_by_get", path = "/api/v1/start-scanning", tag = "intiface", params(Lasts),
    responses((status = 200, body = Scanning), (status = 400, body = Problem), (status = 503, body = Problem)))]
#[allow(dead_code, reason = "it describes a second route of a handler")]
pub(super) fn start_by_get() {}

/// As `DELETE /scan`; the route of Intiface's REST server.
#[utoipa::path(get, operation_id = "end_scan_by_get", path = "/api/v1/stop-scanning", tag = "intiface", responses((status = 200, body = Scanning)))]
#[allow(dead_code, reason = "it describes a second route of a handler")]
pub(super) fn stop_by_get() {}
