//! `/health` and `/metrics`: for programs that watch.

use actix_web::{HttpResponse, http::header, web};

use super::access::Asker;
use super::site::Site;
use crate::access::Right;
use crate::types::Health;

/// What is answered when the hub is no more; the server ends then.
const HUB_GONE: &str = "the hub does not answer";

/// What the server is doing, as JSON. That somebody owns such devices is nobody's business: a stranger learns that
/// something answers, and no more.
pub(super) async fn health(site: web::Data<Site>, asked: Asker) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    if !asked.has(Right::Watch) {
        return response.json(serde_json::json!({ "status": "ok" }));
    }
    response.json(all(&site).await)
}

/// What the server is doing, for those who may know.
pub(super) async fn all(site: &Site) -> Health {
    let server = site.control.status().await;
    Health {
        status: status(site).to_owned(),
        name: site.sessions.server_name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        error: server.is_none().then(|| HUB_GONE.to_owned()),
        server,
    }
}

/// The tree of actors: what each is doing, its restarts, its last error, what waits.
pub(super) async fn actors(site: web::Data<Site>) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    match site.control.actors().await {
        Some(actors) => response.json(actors),
        None => response.json(serde_json::json!({ "error": HUB_GONE })),
    }
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
