//! What each caller may ask of the one port: a middleware around everything.
//!
//! The caller is judged by [`crate::access`] from the raw headers. What the routes themselves need to know of it they take
//! as an argument ([`Asker`]).

use std::future::{Ready, ready};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode, header, uri};
use actix_web::middleware::Next;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, web};
use tracing::debug;

use super::site::Site;
use crate::access::{Caller, Headers, Origin, Refusal, caller, is_forwarding};
use crate::text::shown;

/// Paths on which nobody speaks Buttplug, even by an upgrade.
const RESERVED: [&str; 6] = ["/health", "/metrics", "/debug/actors", "/stop", "/resume", "/hardware"];
/// Below it nobody does, either.
const API: &str = "/api/";

/// What a page is told that may not have what it wants. One that nobody knows and one that was denied look alike.
const FOREIGN: &str = "a page from elsewhere may not ask for this";

/// Whose request a handler serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asker {
    /// A program of this computer, or the server's own page: is told everything.
    Ours,
    /// Whoever else may ask: is told nothing about devices, and changes nothing but by a stop.
    Stranger,
    /// A page from elsewhere that wants to be a client: what its user has answered decides.
    Page,
}

impl FromRequest for Asker {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        // A route that is not behind the middleware serves strangers.
        ready(Ok(request.extensions().get::<Self>().copied().unwrap_or(Self::Stranger)))
    }
}

/// What a request wants, as far as it decides who may have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct RequestedAccess<'a> {
    method: &'a Method,
    /// The path as routes see it, its escapes resolved.
    path: &'a str,
    upgrade: bool,
    /// Somebody followed a link or typed the address; nothing was embedded.
    navigation: bool,
}

/// Serves a request or refuses it.
fn decide(wish: RequestedAccess<'_>, caller: Result<Caller, Refusal>) -> Result<Asker, (StatusCode, String)> {
    let reads = [&Method::GET, &Method::HEAD].contains(&wish.method);
    match caller {
        Ok(Caller::Program | Caller::OwnPage) => Ok(Asker::Ours),
        // Stopping is safe, and must never depend on who asks.
        _ if wish.method == Method::POST && wish.path == "/stop" => Ok(Asker::Stranger),
        Ok(Caller::ForeignPage) => {
            let health = reads && wish.path == "/health";
            let page = reads && wish.path == "/" && wish.navigation;
            if wish.upgrade && !RESERVED.contains(&wish.path) && !wish.path.starts_with(API) {
                return Ok(Asker::Page);
            }
            if health || page {
                return Ok(Asker::Stranger);
            }
            Err((StatusCode::FORBIDDEN, FOREIGN.to_owned()))
        }
        Ok(Caller::Remote) if reads && wish.path == "/health" => Ok(Asker::Stranger),
        Ok(Caller::Remote) => {
            Err((StatusCode::FORBIDDEN, "what comes through a proxy or a tunnel is not served".to_owned()))
        }
        Err(refusal) if refusal.is_malformed() => Err((StatusCode::BAD_REQUEST, refusal.to_string())),
        Err(refusal) => Err((StatusCode::FORBIDDEN, refusal.to_string())),
    }
}

/// The middleware.
pub(super) async fn guard<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    match decide(wish(&request), caller(&headers(&request))).and_then(|asked| answered(&request, asked)) {
        Ok(asked) => {
            request.extensions_mut().insert(asked);
            next.call(request).await.map(ServiceResponse::map_into_boxed_body)
        }
        Err((status, why)) => {
            debug!("a request to {:?} is refused: {why}", shown(request.path()));
            let text = HttpResponse::build(status).content_type("text/plain; charset=utf-8").body(why + "\n");
            Ok(request.into_response(text))
        }
    }
}

/// Lets a page that wants to be a client in as its user has answered. Its origin goes with the request.
fn answered(request: &ServiceRequest, asked: Asker) -> Result<Asker, (StatusCode, String)> {
    if asked != Asker::Page {
        return Ok(asked);
    }
    let origin = match headers(request).origins.as_slice() {
        [origin] => Origin::from_header(origin),
        _ => None,
    };
    let site = request.app_data::<web::Data<Site>>();
    let admitted = origin.filter(|origin| site.is_some_and(|site| site.origins.admit(origin)));
    let origin = admitted.ok_or_else(|| (StatusCode::FORBIDDEN, FOREIGN.to_owned()))?;
    request.extensions_mut().insert(origin);
    Ok(asked)
}

fn wish(request: &ServiceRequest) -> RequestedAccess<'_> {
    let says =
        |name: &str, value: &str| request.headers().get(name).is_some_and(|said| said.as_bytes() == value.as_bytes());
    RequestedAccess {
        method: request.method(),
        path: request.match_info().as_str(),
        upgrade: super::websocket::is_upgrade(request.request()),
        navigation: says("sec-fetch-mode", "navigate") && says("sec-fetch-dest", "document"),
    }
}

fn headers(request: &ServiceRequest) -> Headers<'_> {
    let all = |name: header::HeaderName| request.headers().get_all(name).map(header::HeaderValue::as_bytes).collect();
    Headers {
        hosts: all(header::HOST),
        target: request.uri().authority().map(uri::Authority::as_str),
        origins: all(header::ORIGIN),
        fetch_sites: all(header::HeaderName::from_static("sec-fetch-site")),
        forwarded: request.headers().keys().any(|name| is_forwarding(name.as_str())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(method: &Method, path: &str, upgrade: bool, caller: Result<Caller, Refusal>) -> Result<Asker, u16> {
        let wish = RequestedAccess { method, path, upgrade, navigation: false };
        decide(wish, caller).map_err(|(status, _)| status.as_u16())
    }

    #[test]
    fn ours_may_ask_for_everything_and_strangers_for_little() {
        let foreign = Ok(Caller::ForeignPage);
        let ways = [
            (&Method::GET, "/health", false, Ok(Asker::Stranger)),
            (&Method::HEAD, "/health", false, Ok(Asker::Stranger)),
            (&Method::POST, "/health", false, Err(403)),
            (&Method::GET, "/metrics", false, Err(403)),
            (&Method::GET, "/debug/actors", false, Err(403)),
            (&Method::GET, "/", false, Err(403)),
            (&Method::GET, "/other", false, Err(403)),
            (&Method::OPTIONS, "/stop", false, Err(403)),
            (&Method::GET, "/stop", false, Err(403)),
            (&Method::POST, "/stop", false, Ok(Asker::Stranger)),
            (&Method::POST, "/resume", false, Err(403)),
            (&Method::GET, "/hardware", true, Err(403)),
            (&Method::GET, "/metrics", true, Err(403)),
            (&Method::GET, "/", true, Ok(Asker::Page)),
            (&Method::GET, "/any/path", true, Ok(Asker::Page)),
            (&Method::GET, "/api/v1/origins", false, Err(403)),
            (&Method::GET, "/api/v1/origins", true, Err(403)),
            (&Method::POST, "/api/v1/origins/allow", false, Err(403)),
            (&Method::POST, "/api/v1/origins/deny", false, Err(403)),
        ];
        for (method, path, upgrade, expected) in ways {
            assert_eq!(decided(method, path, upgrade, foreign), expected, "{method} {path} {upgrade}");
            for ours in [Caller::Program, Caller::OwnPage] {
                assert_eq!(decided(method, path, upgrade, Ok(ours)), Ok(Asker::Ours), "{method} {path}");
            }
            let proxied = match (method, path) {
                (&Method::POST, "/stop") | (&Method::GET | &Method::HEAD, "/health") => Ok(Asker::Stranger),
                _ => Err(403),
            };
            assert_eq!(decided(method, path, upgrade, Ok(Caller::Remote)), proxied, "{method} {path}");
            for (refusal, status) in
                [(Refusal::ForeignHost, 403), (Refusal::NotOneHost, 400), (Refusal::AnotherTarget, 400)]
            {
                let stop = method == Method::POST && path == "/stop";
                let expected = if stop { Ok(Asker::Stranger) } else { Err(status) };
                assert_eq!(decided(method, path, upgrade, Err(refusal)), expected, "{method} {path} {refusal:?}");
            }
        }
    }

    #[test]
    fn a_link_from_elsewhere_opens_the_page_and_a_frame_does_not() {
        let wish = |navigation| RequestedAccess { method: &Method::GET, path: "/", upgrade: false, navigation };
        assert_eq!(decide(wish(true), Ok(Caller::ForeignPage)), Ok(Asker::Stranger));
        assert!(decide(wish(false), Ok(Caller::ForeignPage)).is_err());
        assert!(decide(wish(true), Err(Refusal::ForeignHost)).is_err());
    }
}
