//! Which web pages may connect and which wait for an answer, and the answers.

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Json, Query};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::problem::Problem;
use crate::access::Origin;
use crate::text::shown;
use crate::web::origins::OriginList;
use crate::web::site::Site;

/// An answer about a web page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Answer {
    /// Its site, such as `https://app.example`.
    origin: String,
    /// For good, and not for twelve hours only.
    #[serde(default)]
    always: bool,
}

impl Answer {
    fn origin(&self) -> Result<Origin, Problem> {
        Origin::from_person(&self.origin).ok_or_else(|| {
            let allowed = "scheme://host or scheme://host:port, such as https://app.example";
            let detail = format!("{:?} is no origin of a web page; allowed: {allowed}", shown(&self.origin));
            Problem::new(StatusCode::BAD_REQUEST, "bad-request", detail).about(shown(&self.origin), allowed)
        })
    }
}

/// What holds from now on.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Answered {
    #[schema(value_type = String)]
    origin: Origin,
    /// Whether its pages may connect.
    allowed: bool,
    /// Seconds for which they may; none when they may for good, or not at all.
    seconds_left: Option<u64>,
    /// Why it holds only until the server ends, if so.
    not_remembered: Option<String>,
}

/// The web pages that may connect, those that may not, and those that wait for an answer.
#[utoipa::path(get, path = "/api/v1/origins", operation_id = "list_origins", tag = "origins",
    responses((status = 200, body = OriginList)))]
pub(super) async fn list(site: Data<Site>) -> Json<OriginList> {
    Json(site.origins.list())
}

/// Lets a web page in.
#[utoipa::path(post, path = "/api/v1/origins/allow", operation_id = "allow_origin", tag = "origins", params(Answer),
    responses((status = 200, body = Answered), (status = 400, body = Problem)))]
pub(super) async fn allow(site: Data<Site>, answer: Query<Answer>) -> Result<Json<Answered>, actix_web::Error> {
    let (origin, always) = (answer.origin()?, answer.always);
    let (origins, of) = (site.origins.clone(), origin.clone());
    let (time, kept) = web::block(move || origins.allow(of, always)).await?;
    let seconds_left = time.map(|time| time.as_secs());
    Ok(Json(Answered { origin, allowed: true, seconds_left, not_remembered: kept.err() }))
}

/// Keeps a web page out for good. What it has connected ends.
#[utoipa::path(post, path = "/api/v1/origins/deny", operation_id = "deny_origin", tag = "origins", params(Answer),
    responses((status = 200, body = Answered), (status = 400, body = Problem)))]
pub(super) async fn deny(site: Data<Site>, answer: Query<Answer>) -> Result<Json<Answered>, actix_web::Error> {
    let origin = answer.origin()?;
    let (origins, of) = (site.origins.clone(), origin.clone());
    let kept = web::block(move || origins.deny(of)).await?;
    Ok(Json(Answered { origin, allowed: false, seconds_left: None, not_remembered: kept.err() }))
}
