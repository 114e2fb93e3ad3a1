//! Who gets what, by method, path and caller.

use actix_web::http::Method;

use super::asked::RequestedAccess;
use super::asker::Asker;
use super::guard::{Credential, decide};
use crate::access::{Caller, LocalAccess, Refusal, Scope};
use crate::web::tokens::TokenId;

const WAYS: [(&Method, &str, bool); 24] = [
    (&Method::GET, "/health", false),
    (&Method::HEAD, "/health", false),
    (&Method::POST, "/health", false),
    (&Method::GET, "/metrics", false),
    (&Method::GET, "/debug/actors", false),
    (&Method::GET, "/", false),
    (&Method::GET, "/assets/app.js", false),
    (&Method::GET, "/other", false),
    (&Method::OPTIONS, "/stop", false),
    (&Method::GET, "/stop", false),
    (&Method::POST, "/stop", false),
    (&Method::POST, "/resume", false),
    (&Method::GET, "/hardware", true),
    (&Method::GET, "/metrics", true),
    (&Method::GET, "/", true),
    (&Method::GET, "/any/path", true),
    (&Method::GET, "/api/v1/origins", false),
    (&Method::GET, "/api/v1/origins", true),
    (&Method::POST, "/api/v1/origins/allow", false),
    (&Method::PUT, "/api/v1/devices/0/stop", false),
    (&Method::PUT, "/api/v1/devices/0/outputs/Vibrate/1", false),
    (&Method::POST, "/api/v1/hold", false),
    (&Method::GET, "/api/v1/tokens", false),
    (&Method::DELETE, "/api/v1/tokens/x", false),
];

fn decided(
    (method, path, upgrade): (&Method, &str, bool),
    caller: Result<Caller, Refusal>,
    credential: Credential,
    local: LocalAccess,
) -> Result<Asker, u16> {
    let wish = RequestedAccess { method, path, upgrade, navigation: false };
    decide(wish, caller, credential, local).map_err(|(status, _)| status.as_u16())
}

fn is_stop((method, path, _): (&Method, &str, bool)) -> bool {
    method == Method::POST && path == "/stop"
}

fn is_bare((method, path, upgrade): (&Method, &str, bool)) -> bool {
    [Method::GET, Method::HEAD].contains(method)
        && (path == "/health" || (!upgrade && ["/", "/assets/app.js"].contains(&path)))
}

#[test]
fn programs_of_this_computer_may_ask_for_everything_but_tokens() {
    for way in WAYS {
        for caller in [Caller::Program, Caller::OwnPage] {
            let expected = if way.1.contains("tokens") { Err(401) } else { Ok(Asker::Local) };
            assert_eq!(decided(way, Ok(caller), Credential::None, LocalAccess::Open), expected, "{way:?}");
        }
    }
}

#[test]
fn who_has_no_token_gets_the_bare_page_and_a_stop() {
    for way in WAYS {
        let expected = if is_stop(way) || is_bare(way) { Ok(Asker::Stranger) } else { Err(401) };
        assert_eq!(decided(way, Ok(Caller::Remote), Credential::None, LocalAccess::Open), expected, "{way:?}");
        for caller in [Caller::Program, Caller::OwnPage] {
            assert_eq!(decided(way, Ok(caller), Credential::None, LocalAccess::Token), expected, "{way:?}");
        }
    }
}

#[test]
fn pages_from_elsewhere_may_ask_to_be_clients_and_no_more() {
    for way in WAYS {
        let expected = match way {
            (&Method::GET, "/" | "/any/path", true) => Ok(Asker::Page),
            (&Method::GET | &Method::HEAD, "/health", _) => Ok(Asker::Stranger),
            way if is_stop(way) => Ok(Asker::Stranger),
            _ => Err(403),
        };
        assert_eq!(decided(way, Ok(Caller::ForeignPage), Credential::None, LocalAccess::Open), expected, "{way:?}");
    }
}

#[test]
fn a_refused_host_gets_a_stop_whatever_token_it_shows() {
    for way in WAYS {
        for (refusal, status) in
            [(Refusal::ForeignHost, 403), (Refusal::NotOneHost, 400), (Refusal::AnotherTarget, 400)]
        {
            for credential in [Credential::None, Credential::Token(TokenId::for_tests(), Scope::Admin)] {
                let expected = if is_stop(way) { Ok(Asker::Stranger) } else { Err(status) };
                assert_eq!(decided(way, Err(refusal), credential, LocalAccess::Open), expected, "{way:?} {refusal:?}");
            }
        }
    }
}

#[test]
fn a_token_is_good_for_its_scope_whoever_shows_it() {
    let id = TokenId::for_tests();
    for way in WAYS {
        for caller in [Caller::Program, Caller::OwnPage, Caller::ForeignPage, Caller::Remote] {
            for scope in Scope::ALL {
                let token = Credential::Token(id, scope);
                let asker = decided(way, Ok(caller), token, LocalAccess::Open);
                let reads = [Method::GET, Method::HEAD].contains(way.0);
                let least = match way.1 {
                    "/stop" | "/api/v1/devices/0/stop" => Scope::Watch,
                    "/resume" => Scope::Admin,
                    "/hardware" => Scope::Drive,
                    path if path.contains("tokens") || path.contains("origins") => Scope::Admin,
                    "/api/v1/hold" => Scope::Drive,
                    _ if reads => Scope::Watch,
                    _ => Scope::Drive,
                };
                let expected = if scope >= least { Ok(Asker::Token(id, scope)) } else { Err(403) };
                assert_eq!(asker, expected, "{way:?} {scope:?}");
            }
            // A wrong one is no better than none, and worse where none is needed.
            let expected = if is_stop(way) { Ok(Asker::Stranger) } else { Err(401) };
            assert_eq!(decided(way, Ok(caller), Credential::Wrong, LocalAccess::Open), expected, "{way:?}");
        }
    }
}

#[test]
fn a_link_from_elsewhere_opens_the_page_and_a_frame_does_not() {
    let decide = |navigation, caller| {
        let wish = RequestedAccess { method: &Method::GET, path: "/", upgrade: false, navigation };
        decide(wish, caller, Credential::None, LocalAccess::Open)
    };
    assert_eq!(decide(true, Ok(Caller::ForeignPage)), Ok(Asker::Stranger));
    assert!(decide(false, Ok(Caller::ForeignPage)).is_err());
    assert!(decide(true, Err(Refusal::ForeignHost)).is_err());
}
