//! `/stop` and `/resume`: everything stops, whoever asks and whatever clients want.

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use serde::Deserialize;

use super::Site;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Options {
    /// Refuse outputs afterwards, until `/resume`.
    #[serde(default)]
    hold: bool,
}

/// Stops every output. Stopping is safe, so anybody who can reach the server may do it.
pub(super) async fn stop(site: web::Data<Site>, options: web::Query<Options>) -> HttpResponse {
    let unconfirmed = site.hub.stop_all(options.hold).await;
    let answer =
        serde_json::json!({ "stopped": unconfirmed.is_empty(), "held": options.hold, "unconfirmed": unconfirmed });
    if unconfirmed.is_empty() {
        HttpResponse::Ok().json(answer)
    } else {
        // The stop goes on; whoever asked should know that it is not confirmed yet.
        HttpResponse::GatewayTimeout().json(answer)
    }
}

/// Ends a hold. A page from elsewhere must not undo an emergency stop behind its user's back, so requests that a browser
/// sends for a foreign page are refused.
pub(super) async fn resume(request: HttpRequest, site: web::Data<Site>) -> HttpResponse {
    let origin = request.headers().get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    let own = format!("http://{}", request.connection_info().host());
    if origin.is_some_and(|origin| origin != own) {
        return HttpResponse::Forbidden().body("only the server's own page may resume outputs\n");
    }
    site.hub.resume().await;
    HttpResponse::Ok().json(serde_json::json!({ "held": false }))
}
