//! `/stop` and `/resume`: everything stops, whoever asks and whatever clients want.

use actix_web::{HttpResponse, http::StatusCode, web};
use serde::Deserialize;
use serde_json::json;

use super::access::Asker;
use super::site::Site;
use crate::access::Right;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Options {
    /// Refuse outputs afterwards, until `/resume`.
    #[serde(default)]
    hold: bool,
}

/// Stops every output. Stopping is safe, so whoever can reach the server may do it. A stranger's stop never holds: that
/// would let any page keep devices from their user. A stranger is told no device by name. Options that are not
/// understood are an error, but nothing runs on because of it.
pub(super) async fn stop(
    site: web::Data<Site>,
    asked: Asker,
    options: Result<web::Query<Options>, actix_web::Error>,
) -> HttpResponse {
    let ours = asked.has(Right::Watch);
    let hold = asked.has(Right::Hold) && options.as_ref().is_ok_and(|options| options.hold);
    let unconfirmed = site.control.stop_all(hold).await;
    if let Some(error) = options.err().filter(|_| ours) {
        return error.as_response_error().error_response();
    }
    // Where it is not confirmed, the stop goes on; whoever asked should know that it is not confirmed yet.
    let status = if unconfirmed.is_empty() { StatusCode::OK } else { StatusCode::GATEWAY_TIMEOUT };
    let mut answer = json!({ "stopped": unconfirmed.is_empty() });
    if let Some(fields) = answer.as_object_mut().filter(|_| ours) {
        fields.extend([("held".to_owned(), hold.into()), ("unconfirmed".to_owned(), unconfirmed.into())]);
    }
    HttpResponse::build(status).json(answer)
}

/// Ends a hold. A page from elsewhere must not undo an emergency stop behind its user's back: `access` refuses it.
pub(super) async fn resume(site: web::Data<Site>) -> HttpResponse {
    site.control.resume().await;
    HttpResponse::Ok().json(json!({ "held": false }))
}
