//! Stops. Each begins before anything is waited for, and goes on until the hardware confirms it.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpResponse, Responder};
use serde::Serialize;
use utoipa::ToSchema;

use super::path::index;
use super::problem::Problem;
use crate::types::StopScope;
use crate::web::access::Asker;
use crate::web::site::Site;

/// What came of a stop.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Stopped {
    /// Every device has confirmed it.
    stopped: bool,
    /// Outputs are refused until somebody resumes.
    held: bool,
    /// The devices that did not confirm within a second. Their stop is repeated until they do.
    unconfirmed: Vec<String>,
}

async fn all(site: &Site, hold: bool) -> HttpResponse {
    let unconfirmed = site.control.stop_all(hold).await;
    let status = if unconfirmed.is_empty() { StatusCode::OK } else { StatusCode::GATEWAY_TIMEOUT };
    // A hold that was asked for holds already; the hub publishes it in a moment.
    let held = hold || *site.control.watch_hold().borrow();
    HttpResponse::build(status).json(Stopped { stopped: unconfirmed.is_empty(), held, unconfirmed })
}

/// Stops every output of every device, whoever drives it.
#[utoipa::path(post, operation_id = "stop_everything", path = "/api/v1/stop", tag = "stop",
    responses((status = 200, body = Stopped), (status = 504, body = Stopped)))]
pub(super) async fn everything(site: Data<Site>) -> impl Responder {
    all(&site, false).await
}

/// As `POST /stop`; the route of Intiface's REST server.
#[utoipa::path(put, operation_id = "stop_everything_by_put", path = "/api/v1/devices/stop", tag = "intiface",
    responses((status = 200, body = Stopped), (status = 504, body = Stopped)))]
#[allow(dead_code, reason = "it describes a second route of a handler")]
pub(super) fn everything_by_put() {}

/// Stops everything and takes no output from anybody until somebody resumes.
#[utoipa::path(post, operation_id = "hold", path = "/api/v1/hold", tag = "stop",
    responses((status = 200, body = Stopped), (status = 504, body = Stopped)))]
pub(super) async fn hold(site: Data<Site>) -> impl Responder {
    all(&site, true).await
}

/// Whether outputs are refused.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Held {
    /// Outputs are refused until somebody resumes.
    held: bool,
}

/// Takes outputs again. Nothing that was stopped starts by it.
#[utoipa::path(post, operation_id = "resume", path = "/api/v1/resume", tag = "stop", responses((status = 200, body = Held)))]
pub(super) async fn resume(site: Data<Site>) -> impl Responder {
    site.control.resume().await;
    Json(Held { held: false })
}

async fn some(site: &Site, asker: Asker, device: u32, feature: Option<u32>) -> Result<Json<Stopped>, Problem> {
    let scope = StopScope { device: Some(device), feature, inputs: false, outputs: true };
    site.api.operator(asker)?.stop(scope)?.confirmed().await?;
    let held = *site.control.watch_hold().borrow();
    Ok(Json(Stopped { stopped: true, held, unconfirmed: Vec::new() }))
}

/// Stops every output of a device, whoever drives it.
#[utoipa::path(put, operation_id = "stop_device", path = "/api/v1/devices/{device}/stop", tag = "stop",
    params(("device" = u32, Path, description = "its index")),
    responses((status = 200, body = Stopped), (status = 400, body = Problem), (status = 404, body = Problem), (status = 504, body = Problem)))]
pub(super) async fn device(site: Data<Site>, asker: Asker, device: Path<String>) -> Result<Json<Stopped>, Problem> {
    some(&site, asker, index("device", &device)?, None).await
}

/// Stops every output of a feature, whoever drives it.
#[utoipa::path(put, operation_id = "stop_feature", path = "/api/v1/devices/{device}/features/{feature}/stop", tag = "stop",
    params(("device" = u32, Path, description = "its index"), ("feature" = u32, Path, description = "its index")),
    responses((status = 200, body = Stopped), (status = 400, body = Problem), (status = 404, body = Problem), (status = 504, body = Problem)))]
pub(super) async fn feature(
    site: Data<Site>,
    asker: Asker,
    path: Path<(String, String)>,
) -> Result<Json<Stopped>, Problem> {
    some(&site, asker, index("device", &path.0)?, Some(index("feature", &path.1)?)).await
}
