//! Tokens: who may come in that is not of this computer. Only the admin token says so.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use actix_web::web::{self, Data, Json, Path, Query};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::problem::Problem;
use crate::access::{Right, Scope};
use crate::web::access::Asker;
use crate::web::site::Site;
use crate::web::tokens::{Refused, TokenInfo};

/// The longest time for which a token can be made, in seconds: ten years.
const LONGEST: u64 = 315_360_000;

/// A token to be made.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct NewToken {
    /// What it is called, so that it can be revoked: 1 to 100 bytes.
    name: String,
    /// What it is good for.
    #[param(inline)]
    scope: Scope,
    /// Seconds for which it is valid, 1 to 315360000; without it until it is revoked.
    #[param(minimum = 1, maximum = 315_360_000)]
    for_s: Option<u64>,
}

/// A token that was made.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Made {
    /// The token itself. It is shown this once.
    token: String,
    /// Why it is valid only until the server ends, if so.
    not_remembered: Option<String>,
}

/// What came of a revocation.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Revoked {
    /// It is valid no longer, and what came in by it has ended.
    revoked: bool,
    /// Why it will be valid again when the server starts again, if so.
    not_remembered: Option<String>,
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let (status, name) = match &refused {
            Refused::Name => (StatusCode::BAD_REQUEST, "bad-request"),
            Refused::Taken(_) => (StatusCode::CONFLICT, "name-taken"),
            Refused::Full => (StatusCode::SERVICE_UNAVAILABLE, "too-many"),
            Refused::Unknown(_) => (StatusCode::NOT_FOUND, "unknown-token"),
            Refused::Failed(_) => (StatusCode::CONFLICT, "not-done"),
        };
        Self::new(status, name, refused.to_string())
    }
}

/// The middleware has asked already; whoever says who may come in is asked twice.
fn allowed(asker: Asker) -> Result<(), Problem> {
    let refused = || Problem::new(StatusCode::UNAUTHORIZED, "not-allowed", "this needs the admin token".to_owned());
    asker.has(Right::Administer).then_some(()).ok_or_else(refused)
}

/// The tokens that let somebody in.
#[utoipa::path(get, path = "/api/v1/tokens", operation_id = "list_tokens", tag = "tokens",
    responses((status = 200, body = Vec<TokenInfo>), (status = 401)))]
pub(super) async fn list(site: Data<Site>, asker: Asker) -> Result<Json<Vec<TokenInfo>>, Problem> {
    allowed(asker)?;
    Ok(Json(site.tokens.list()))
}

/// Makes a token.
#[utoipa::path(post, path = "/api/v1/tokens", operation_id = "make_token", tag = "tokens", params(NewToken),
    responses((status = 200, body = Made), (status = 400, body = Problem), (status = 401), (status = 409, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn make(
    site: Data<Site>,
    asker: Asker,
    new: Query<NewToken>,
) -> Result<HttpResponse, actix_web::Error> {
    allowed(asker)?;
    let NewToken { name, scope, for_s } = new.into_inner();
    if let Some(seconds) = for_s.filter(|seconds| !(1..=LONGEST).contains(seconds)) {
        return Err(Problem::out_of_range("for_s", seconds, &format!("1 to {LONGEST}")).into());
    }
    let tokens = site.tokens.clone();
    let made = web::block(move || tokens.make(&name, scope, for_s.map(Duration::from_secs))).await?;
    let (token, kept) = made.map_err(Problem::from)?;
    let mut answer = HttpResponse::Ok();
    answer.insert_header((header::CACHE_CONTROL, "no-store"));
    Ok(answer.json(Made { token, not_remembered: kept.err() }))
}

/// Ends a token, and everything that came in by it.
#[utoipa::path(delete, path = "/api/v1/tokens/{name}", operation_id = "revoke_token", tag = "tokens",
    params(("name" = String, Path, description = "what it is called")),
    responses((status = 200, body = Revoked), (status = 401), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn revoke(
    site: Data<Site>,
    asker: Asker,
    name: Path<String>,
) -> Result<Json<Revoked>, actix_web::Error> {
    allowed(asker)?;
    let (tokens, name) = (site.tokens.clone(), name.into_inner());
    let kept = web::block(move || tokens.revoke(&name)).await?.map_err(Problem::from)?;
    Ok(Json(Revoked { revoked: true, not_remembered: kept.err() }))
}
