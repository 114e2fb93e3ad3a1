//! The middleware: judges each request by its raw headers, and refuses what its sender may not ask.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode, header, uri};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpResponse, web};
use tracing::debug;

use super::asked::{RequestedAccess, needed};
use super::asker::Asker;
use super::credentials;
use crate::access::{
    Caller, Headers, LocalAccess, Origin, Refusal, Right, Scope, caller, is_forwarding, is_granted_here,
};
use crate::text::shown;
use crate::web::site::Site;
use crate::web::tokens::TokenId;
use crate::web::websocket;

/// What a page is told that may not have what it wants. One that nobody knows and one that was denied look alike.
const FOREIGN: &str = "a page from elsewhere may not ask for this";

/// What a request carries to prove who sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Credential {
    None,
    /// A token that is not valid, or several.
    Wrong,
    Token(TokenId, Scope),
}

pub(super) type Decision = Result<Asker, (StatusCode, String)>;

/// Serves a request or refuses it.
pub(super) fn decide(
    wish: RequestedAccess<'_>,
    caller: Result<Caller, Refusal>,
    credential: Credential,
    local: LocalAccess,
) -> Decision {
    let right = needed(wish);
    // Stopping is safe, and must never depend on who asks.
    let anybody = || (wish.method == Method::POST && wish.path == "/stop").then_some(Asker::Stranger);
    let refuse = |status, why: &str| anybody().map_or_else(|| Err((status, why.to_owned())), Ok);
    let caller = match caller {
        Ok(caller) => caller,
        Err(refusal) if refusal.is_malformed() => return refuse(StatusCode::BAD_REQUEST, &refusal.to_string()),
        Err(refusal) => return refuse(StatusCode::FORBIDDEN, &refusal.to_string()),
    };
    // Who shows a token is who it says, even where it could do more without.
    match credential {
        Credential::Token(_, scope) if !scope.grants(right) => {
            return refuse(StatusCode::FORBIDDEN, &format!("a token with the scope {} is not enough", scope.name()));
        }
        Credential::Token(id, scope) => return Ok(Asker::Token(id, scope)),
        Credential::Wrong => return refuse(StatusCode::UNAUTHORIZED, "the token is not valid"),
        Credential::None => {}
    }
    match caller {
        Caller::Program | Caller::OwnPage if local == LocalAccess::Open => {
            if is_granted_here(right) {
                return Ok(Asker::Local);
            }
            refuse(StatusCode::UNAUTHORIZED, "this needs the admin token")
        }
        Caller::ForeignPage if right == Right::Watch && wish.upgrade && !wish.is_reserved() => Ok(Asker::Page),
        Caller::ForeignPage if wish.is_bare_health() || wish.is_link() => Ok(Asker::Stranger),
        Caller::ForeignPage => refuse(StatusCode::FORBIDDEN, FOREIGN),
        Caller::Program | Caller::OwnPage | Caller::Remote if wish.is_bare_health() || wish.is_page() => {
            Ok(Asker::Stranger)
        }
        Caller::Program | Caller::OwnPage | Caller::Remote => refuse(StatusCode::UNAUTHORIZED, "this needs a token"),
    }
}

/// The middleware.
pub(in crate::web) async fn guard<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    match judge(&request) {
        Ok(asker) => {
            request.extensions_mut().insert(asker);
            next.call(request).await.map(ServiceResponse::map_into_boxed_body)
        }
        Err((status, why)) => {
            debug!("a request to {:?} is refused: {why}", shown(request.path()));
            let mut answer = HttpResponse::build(status);
            if status == StatusCode::UNAUTHORIZED {
                answer.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
            }
            Ok(request.into_response(answer.content_type("text/plain; charset=utf-8").body(why + "\n")))
        }
    }
}

fn judge(request: &ServiceRequest) -> Decision {
    let Some(site) = request.app_data::<web::Data<Site>>() else {
        return Err((StatusCode::SERVICE_UNAVAILABLE, "the server is not ready".to_owned()));
    };
    let wish = wish(request);
    let credential = match credentials::of(request.request(), wish.upgrade) {
        Ok(None) => Credential::None,
        Err(_) => Credential::Wrong,
        Ok(Some(shown)) => match site.tokens.find(&shown.secret) {
            // What stands in an address is kept in many places.
            Some((_, Scope::Admin)) if shown.in_address => Credential::Wrong,
            Some((id, scope)) => Credential::Token(id, scope),
            None => Credential::Wrong,
        },
    };
    let asker = decide(wish, caller(&headers(request)), credential, site.local)?;
    if asker == Asker::Page { admitted(request, site) } else { Ok(asker) }
}

/// Lets a page that wants to be a client in as its user has answered. Its origin goes with the request.
fn admitted(request: &ServiceRequest, site: &Site) -> Decision {
    let origin = match headers(request).origins.as_slice() {
        [origin] => Origin::from_header(origin),
        _ => None,
    };
    let admitted = origin.filter(|origin| site.origins.admit(origin));
    let origin = admitted.ok_or_else(|| (StatusCode::FORBIDDEN, FOREIGN.to_owned()))?;
    request.extensions_mut().insert(origin);
    Ok(Asker::Page)
}

fn wish(request: &ServiceRequest) -> RequestedAccess<'_> {
    let says =
        |name: &str, value: &str| request.headers().get(name).is_some_and(|said| said.as_bytes() == value.as_bytes());
    RequestedAccess {
        method: request.method(),
        path: request.match_info().as_str(),
        upgrade: websocket::is_upgrade(request.request()),
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
