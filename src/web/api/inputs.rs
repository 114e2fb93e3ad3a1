//! What devices measure.

use actix_web::web::{Data, Json, Path};
use serde::Serialize;
use utoipa::ToSchema;

use super::path::{index, input};
use super::problem::Problem;
use crate::types::{InputAddress, InputKind};
use crate::web::access::Asker;
use crate::web::site::Site;

/// A measured value.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Measured {
    /// In the unit of the input: percent for a battery, dBm for a signal.
    value: i32,
}

/// Reads an input.
#[utoipa::path(get, operation_id = "read_input", path = "/api/v1/devices/{device}/features/{feature}/inputs/{input}", tag = "devices",
    params(("device" = u32, Path, description = "its index"), ("feature" = u32, Path, description = "its index"),
        ("input" = inline(InputKind), Path, description = "by its name in the Buttplug protocol or in definitions")),
    responses((status = 200, body = Measured), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn read(
    site: Data<Site>,
    asker: Asker,
    path: Path<(String, String, String)>,
) -> Result<Json<Measured>, Problem> {
    let (device, feature, kind) = (index("device", &path.0)?, index("feature", &path.1)?, input(&path.2)?);
    let value = site.api.operator(asker)?.read(InputAddress { device, feature, kind }).await?;
    Ok(Json(Measured { value }))
}
