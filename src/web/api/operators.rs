//! Who drives devices.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpResponse, Responder};

use super::path::number;
use super::problem::Problem;
use crate::types::{OperatorId, OperatorInfo};
use crate::web::site::Site;
use crate::words::listed;

/// Everybody who may drive devices at the moment.
#[utoipa::path(get, operation_id = "list_operators", path = "/api/v1/operators", tag = "operators", responses((status = 200, body = Vec<OperatorInfo>)))]
pub(super) async fn list(site: Data<Site>) -> impl Responder {
    Json(site.control.operators())
}

/// Has an operator go: its outputs stop, its connection is closed.
#[utoipa::path(delete, operation_id = "disconnect_operator", path = "/api/v1/operators/{operator}", tag = "operators",
    params(("operator" = u64, Path, description = "its id")),
    responses((status = 204, description = "it goes"), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn disconnect(site: Data<Site>, operator: Path<String>) -> Result<HttpResponse, Problem> {
    let id: u64 = number("operator", &operator, "the id of an operator")?;
    if site.control.disconnect(OperatorId(id)) {
        return Ok(HttpResponse::NoContent().finish());
    }
    let known = listed(site.control.operators().iter().map(|operator| operator.id.0.to_string()), "none");
    let detail = format!("there is no operator {id}; there are: {known}");
    Err(Problem::new(StatusCode::NOT_FOUND, "unknown-operator", detail).about(id, known))
}
