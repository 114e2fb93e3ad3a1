//! Which path leads where.

use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::{Method, header};
use actix_web::{App, HttpMessage, HttpRequest, HttpResponse, middleware, web};

use super::access::Asker;
use super::reads::reads;
use super::site::Site;
use super::{access, api, health, page, schema, stop, websocket};
use crate::access::{Origin, Right};
use crate::session::{self, SessionOptions};
use crate::text::shown;

/// The whole site, with the rules of access around it.
pub fn app(
    site: &Site,
) -> App<
    impl ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse, Error = actix_web::Error, InitError = ()>
    + use<>,
> {
    App::new()
        .wrap(middleware::from_fn(access::guard))
        .wrap(headers())
        .app_data(web::Data::new(site.clone()))
        .route("/health", reads().to(health::health))
        .route("/metrics", reads().to(health::metrics))
        .route("/debug/actors", reads().to(health::actors))
        .route("/schema/{file}", reads().to(schema::schema))
        .route("/stop", web::post().to(stop::stop))
        .route("/resume", web::post().to(stop::resume))
        .configure(api::routes)
        .route("/assets/{file}", reads().to(page::asset))
        .route("/hardware", web::get().to(hardware))
        .default_service(web::to(anything))
}

/// What every answer says to browsers, refusals too: that nothing of it is for other pages, nor may be framed or guessed at.
/// The page itself has a policy of its own.
fn headers() -> middleware::DefaultHeaders {
    middleware::DefaultHeaders::new()
        .add((header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"))
        .add((header::X_FRAME_OPTIONS, "DENY"))
        .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .add((header::REFERRER_POLICY, "no-referrer"))
        .add(("cross-origin-resource-policy", "same-origin"))
        .add(("cross-origin-opener-policy", "same-origin"))
}

/// A client, a person with a browser, or a mistake.
async fn anything(request: HttpRequest, asker: Asker, payload: web::Payload, site: web::Data<Site>) -> HttpResponse {
    if websocket::is_upgrade(&request) {
        return match websocket::upgrade(&request, payload, site.limits) {
            Ok((response, connection)) => {
                if let Some(origin) = request.extensions_mut().remove::<Origin>() {
                    actix_web::rt::spawn(site.origins.clone().watch(origin, connection.outgoing.clone()));
                }
                if let Some(token) = asker.token() {
                    actix_web::rt::spawn(site.tokens.clone().watch(token, connection.outgoing.clone()));
                }
                let sessions = SessionOptions { may_drive: asker.has(Right::Drive), ..site.sessions.clone() };
                session::serve(connection, site.control.clone(), sessions);
                response
            }
            Err(error) => error.error_response(),
        };
    }
    if request.path() == "/" && [Method::GET, Method::HEAD].contains(request.method()) {
        return page::index(&request, &site).await;
    }
    let text = format!(
        "There is nothing at {}. Clients connect by WebSocket on any path; for people there are /, /health and /metrics.\n",
        shown(request.path())
    );
    HttpResponse::NotFound().content_type("text/plain; charset=utf-8").body(text)
}

/// A program that plays hardware.
async fn hardware(request: HttpRequest, payload: web::Payload, site: web::Data<Site>) -> HttpResponse {
    let Some(port) = &site.virtual_port else {
        let text = "Virtual hardware is off. Start the server with --virtual, or set buses.virtual.enabled = true.\n";
        return HttpResponse::NotFound().content_type("text/plain; charset=utf-8").body(text);
    };
    match websocket::upgrade(&request, payload, site.limits) {
        Ok((response, connection)) => {
            port.plug(connection);
            response
        }
        Err(error) => error.error_response(),
    }
}
