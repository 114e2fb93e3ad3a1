//! The token that a request carries: as a Bearer header, or, on an upgrade, where a browser cannot set one, as a subprotocol or
//! in the address.

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderName};

/// The subprotocol of hapticd's own clients, which is the only one that is answered to them.
pub(in crate::web) const PROTOCOL: &str = "hapticd";
/// A subprotocol that carries a token.
pub(in crate::web) const TOKEN_PROTOCOL: &str = "hapticd.token.";
/// The longest that is looked at, in bytes.
const LONGEST: usize = 200;

/// A token as it came.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) secret: String,
    /// It stood in the address, which is kept in many places.
    pub(super) in_address: bool,
}

/// More than one token, or something in the place of one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// The subprotocols that a request offers.
pub(in crate::web) fn protocols(request: &HttpRequest) -> impl Iterator<Item = &str> {
    let offered = request.headers().get_all(HeaderName::from_static("sec-websocket-protocol"));
    offered.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).map(str::trim)
}

/// The token of a request, if it carries one.
///
/// # Errors
/// It carries several, or something that is none.
pub(super) fn of(request: &HttpRequest, upgrade: bool) -> Result<Option<Shown>, Malformed> {
    let mut all = Vec::new();
    for value in request.headers().get_all(header::AUTHORIZATION) {
        let bearer = value.to_str().ok().and_then(|value| value.split_once(' '));
        let bearer = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let (_, secret) = bearer.ok_or(Malformed)?;
        all.push(Shown { secret: secret.trim().to_owned(), in_address: false });
    }
    if upgrade {
        let offered = protocols(request).filter_map(|offered| offered.strip_prefix(TOKEN_PROTOCOL));
        all.extend(offered.map(|secret| Shown { secret: secret.to_owned(), in_address: false }));
        let query = request.query_string().split('&').filter_map(|part| part.strip_prefix("token="));
        all.extend(query.map(|secret| Shown { secret: secret.to_owned(), in_address: true }));
    }
    match (all.pop(), all.is_empty()) {
        (Some(shown), true) if shown.secret.len() <= LONGEST => Ok(Some(shown)),
        (None, _) => Ok(None),
        _ => Err(Malformed),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn shown(secret: &str, in_address: bool) -> Result<Option<Shown>, Malformed> {
        Ok(Some(Shown { secret: secret.to_owned(), in_address }))
    }

    #[test]
    fn a_token_comes_in_one_of_three_ways() {
        let header = |name: &'static str, value: &'static str| TestRequest::default().insert_header((name, value));
        assert_eq!(of(&TestRequest::default().to_http_request(), true), Ok(None));
        assert_eq!(of(&header("authorization", "Bearer abc").to_http_request(), false), shown("abc", false));
        assert_eq!(of(&header("authorization", "bearer  abc ").to_http_request(), false), shown("abc", false));
        for wrong in ["Basic abc", "abc", ""] {
            assert_eq!(of(&header("authorization", wrong).to_http_request(), false), Err(Malformed), "{wrong}");
        }
        let offered = header("sec-websocket-protocol", "x, hapticd,hapticd.token.abc").to_http_request();
        assert_eq!((of(&offered, true), of(&offered, false)), (shown("abc", false), Ok(None)));
        let address = TestRequest::with_uri("/x?a=b&token=abc").to_http_request();
        assert_eq!((of(&address, true), of(&address, false)), (shown("abc", true), Ok(None)));
        let two = TestRequest::with_uri("/?token=abc").insert_header(("authorization", "Bearer abc")).to_http_request();
        assert_eq!((of(&two, true), of(&two, false)), (Err(Malformed), shown("abc", false)));
        let long = format!("Bearer {}", "a".repeat(LONGEST + 1));
        let long = TestRequest::default().insert_header(("authorization", long)).to_http_request();
        assert_eq!(of(&long, false), Err(Malformed));
    }
}
