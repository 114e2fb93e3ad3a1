//! What a request wants, as far as it decides who may send it.

use actix_web::http::Method;

use crate::access::Right;

/// Paths on which nobody speaks Buttplug, even by an upgrade.
const RESERVED: [&str; 6] = ["/health", "/metrics", "/debug/actors", "/stop", "/resume", "/hardware"];
/// Below them nobody does, either.
const RESERVED_BELOW: [&str; 2] = ["/api/", "/assets/"];
/// Where the API begins.
const API: &str = "/api/v1";

/// What a request wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RequestedAccess<'a> {
    pub(super) method: &'a Method,
    /// The path as routes see it, its escapes resolved.
    pub(super) path: &'a str,
    pub(super) upgrade: bool,
    /// Somebody followed a link or typed the address; nothing was embedded.
    pub(super) navigation: bool,
}

impl RequestedAccess<'_> {
    fn reads(&self) -> bool {
        [&Method::GET, &Method::HEAD].contains(&self.method)
    }

    /// Whether nobody can become a client by it.
    pub(super) fn is_reserved(&self) -> bool {
        RESERVED.contains(&self.path) || RESERVED_BELOW.iter().any(|above| self.path.starts_with(above))
    }

    /// A question whether something answers.
    pub(super) fn is_bare_health(&self) -> bool {
        self.reads() && self.path == "/health"
    }

    /// The page and what it is made of, which know nothing.
    pub(super) fn is_page(&self) -> bool {
        self.reads() && !self.upgrade && (self.path == "/" || self.path.starts_with("/assets/"))
    }

    /// A link from elsewhere to the page.
    pub(super) fn is_link(&self) -> bool {
        self.is_page() && self.path == "/" && self.navigation
    }
}

/// What a request does. What is not known of a path below the API is taken for the most that it could be.
pub(super) fn needed(wish: RequestedAccess<'_>) -> Right {
    let below = wish.path.strip_prefix(API).unwrap_or_default();
    let is = |path: &str| below.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    match wish.path {
        "/stop" => Right::Stop,
        "/resume" => Right::Resume,
        "/hardware" => Right::PlayHardware,
        _ if is("/tokens") => Right::Administer,
        _ if is("/origins") || (is("/operators") && !wish.reads()) => Right::Answer,
        _ if is("/hold") => Right::Hold,
        _ if is("/resume") => Right::Resume,
        _ if is("/start-scanning") || is("/stop-scanning") => Right::Drive,
        _ if wish.reads() => Right::Watch,
        _ if below.ends_with("/stop") => Right::Stop,
        // The description of a feature is asked for in this way by programs made for Intiface.
        _ if below.ends_with('/') && wish.method == Method::PUT => Right::Watch,
        _ if is("/devices") || is("/scan") => Right::Drive,
        _ if !below.is_empty() => Right::Administer,
        _ => Right::Drive,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_needs_what_it_does() {
        use Right::{Administer, Answer, Drive, Hold, PlayHardware, Resume, Stop, Watch};
        for (method, path, right) in [
            ("GET", "/", Watch),
            ("GET", "/any", Watch),
            ("GET", "/health", Watch),
            ("GET", "/metrics", Watch),
            ("POST", "/stop", Stop),
            ("POST", "/resume", Resume),
            ("GET", "/hardware", PlayHardware),
            ("GET", "/api/openapi.json", Watch),
            ("GET", "/api/v1/devices", Watch),
            ("GET", "/api/v1/events", Watch),
            ("GET", "/api/v1/operators", Watch),
            ("DELETE", "/api/v1/operators/3", Answer),
            ("GET", "/api/v1/origins", Answer),
            ("POST", "/api/v1/origins/allow", Answer),
            ("GET", "/api/v1/tokens", Administer),
            ("POST", "/api/v1/tokens", Administer),
            ("DELETE", "/api/v1/tokens/x", Administer),
            ("POST", "/api/v1/stop", Stop),
            ("PUT", "/api/v1/devices/stop", Stop),
            ("PUT", "/api/v1/devices/0/stop", Stop),
            ("PUT", "/api/v1/devices/0/features/0/stop", Stop),
            ("PUT", "/api/v1/devices/0/features/0/", Watch),
            ("PUT", "/api/v1/devices/0/outputs/Vibrate/1", Drive),
            ("PUT", "/api/v1/devices/0/features/0/outputs/Vibrate", Drive),
            ("POST", "/api/v1/scan", Drive),
            ("DELETE", "/api/v1/scan", Drive),
            ("GET", "/api/v1/start-scanning", Drive),
            ("POST", "/api/v1/hold", Hold),
            ("POST", "/api/v1/resume", Resume),
            // What nobody has thought of.
            ("POST", "/api/v1/other", Administer),
            ("POST", "/other", Drive),
        ] {
            let method = method.parse().unwrap();
            let wish = RequestedAccess { method: &method, path, upgrade: false, navigation: false };
            assert_eq!(needed(wish), right, "{method} {path}");
        }
    }
}
