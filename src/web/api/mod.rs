//! `/api/v1`: for programs that do not speak Buttplug.
//!
//! Here live the routes: the server ([`server`]), devices ([`devices`]), outputs ([`outputs`]), inputs ([`inputs`]), stops
//! ([`stops`]), scanning ([`scan`]), operators ([`operators`]), web pages ([`mod@origins`]), tokens ([`mod@tokens`]),
//! events ([`events`]), their description for tools
//! ([`openapi`]), and the operator that drives for all callers ([`caller`]). What may not live here: who may ask, which
//! `web/access` decides; what a command means, which `control` knows.

mod caller;
mod devices;
mod events;
mod inputs;
mod openapi;
mod operators;
mod origins;
mod outputs;
mod path;
mod problem;
mod scan;
mod server;
mod stops;
mod tokens;

use actix_web::{Resource, Route, web};

pub use caller::ApiCallers;
pub use events::Readers;

use super::reads::reads;
use problem::Problem;

/// The largest body of a request, in bytes.
const LONGEST_BODY: usize = 16 * 1024;

/// Adds every route. Those that Intiface's REST server has are there under its paths and verbs, too.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    let json = web::JsonConfig::default().limit(LONGEST_BODY).content_type_required(false).content_type(|_| true);
    config
        .app_data(json.error_handler(|error, _| Problem::bad_request(&error.to_string()).into()))
        .app_data(web::QueryConfig::default().error_handler(|error, _| Problem::bad_request(&error.to_string()).into()))
        .app_data(web::PathConfig::default().error_handler(|error, _| Problem::bad_request(&error.to_string()).into()))
        .route("/api/openapi.json", reads().to(openapi::document))
        .service(
            web::scope("/api/v1")
                .service(at("/server", "GET, HEAD", [reads().to(server::status)]))
                .service(at("/log", "GET, HEAD", [reads().to(server::log)]))
                .service(at("/stop", "POST", [web::post().to(stops::everything)]))
                .service(at("/hold", "POST", [web::post().to(stops::hold)]))
                .service(at("/resume", "POST", [web::post().to(stops::resume)]))
                .service(at("/scan", "POST, DELETE", [web::post().to(scan::start), web::delete().to(scan::stop)]))
                .service(at("/start-scanning", "GET", [web::get().to(scan::start)]))
                .service(at("/stop-scanning", "GET", [web::get().to(scan::stop)]))
                .service(at("/operators", "GET, HEAD", [reads().to(operators::list)]))
                .service(at("/operators/{operator}", "DELETE", [web::delete().to(operators::disconnect)]))
                .service(at("/events", "GET", [web::get().to(events::events)]))
                .service(at("/origins", "GET, HEAD", [reads().to(origins::list)]))
                .service(at("/origins/allow", "POST", [web::post().to(origins::allow)]))
                .service(at("/origins/deny", "POST", [web::post().to(origins::deny)]))
                .service(at("/tokens", "GET, HEAD, POST", [reads().to(tokens::list), web::post().to(tokens::make)]))
                .service(at("/tokens/{name}", "DELETE", [web::delete().to(tokens::revoke)]))
                .service(at("/devices", "GET, HEAD", [reads().to(devices::list)]))
                .service(at("/devices/stop", "PUT", [web::put().to(stops::everything)]))
                .service(at("/devices/{device}", "GET, HEAD", [reads().to(devices::one)]))
                .service(at("/devices/{device}/stop", "PUT", [web::put().to(stops::device)]))
                .service(at(
                    "/devices/{device}/outputs/{output}/{fraction}",
                    "PUT",
                    [web::put().to(outputs::every_fraction)],
                ))
                .service(at("/devices/{device}/features", "GET, HEAD", [reads().to(devices::features)]))
                .service(at("/devices/{device}/features/{feature}", "GET, HEAD", [reads().to(devices::feature)]))
                .service(at("/devices/{device}/features/{feature}/", "PUT", [web::put().to(devices::feature)]))
                .service(at("/devices/{device}/features/{feature}/stop", "PUT", [web::put().to(stops::feature)]))
                .service(at(
                    "/devices/{device}/features/{feature}/inputs/{input}",
                    "GET, HEAD",
                    [reads().to(inputs::read)],
                ))
                .service(at(
                    "/devices/{device}/features/{feature}/outputs/{output}",
                    "PUT",
                    [web::put().to(outputs::set)],
                ))
                .service(at(
                    "/devices/{device}/features/{feature}/outputs/{output}/{fraction}",
                    "PUT",
                    [web::put().to(outputs::fraction)],
                ))
                .default_service(web::to(problem::unknown_route)),
        );
}

/// The routes of one path. Whoever asks for it by another method is told which are allowed.
fn at<const COUNT: usize>(path: &str, allowed: &'static str, routes: [Route; COUNT]) -> Resource {
    let wrong = web::to(move |request| std::future::ready(problem::wrong_method(&request, allowed)));
    let resource = web::resource(path).default_service(wrong);
    routes.into_iter().fold(resource, Resource::route)
}
