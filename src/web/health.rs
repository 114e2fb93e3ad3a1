//! `/health` and `/metrics`: for programs that watch.

use actix_web::{HttpResponse, http::header, web};

use super::access::Asked;
use super::site::Site;

/// What the server is doing, as JSON. That somebody owns such devices is nobody's business: a stranger learns that
/// something answers, and no more.
pub(super) async fn health(site: web::Data<Site>, asked: Asked) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    if asked == Asked::ByStranger {
        return response.json(serde_json::json!({ "status": "ok" }));
    }
    let mut observed = site.control.status().await;
    if let Some(object) = observed.as_object_mut() {
        object.insert("status".to_owned(), status(&site).into());
        object.insert("name".to_owned(), site.sessions.server_name.clone().into());
        object.insert("version".to_owned(), env!("CARGO_PKG_VERSION").into());
    }
    response.json(observed)
}

/// The tree of actors: what each is doing, its restarts, its last error, what waits.
pub(super) async fn actors(site: web::Data<Site>) -> HttpResponse {
    let observed = site.control.actors().await;
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(observed)
}

fn status(site: &Site) -> &'static str {
    if site.control.is_shutting_down() { "shutting down" } else { "ok" }
}

/// The metrics in the text format of Prometheus.
pub(super) async fn metrics(site: web::Data<Site>) -> HttpResponse {
    match site.control.metrics().text() {
        Ok(text) => HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text),
        Err(error) => HttpResponse::InternalServerError().body(format!("the metrics cannot be written: {error}\n")),
    }
}
