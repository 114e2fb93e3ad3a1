//! Whose request a handler serves.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use crate::access::{Right, Scope, is_granted_here};
use crate::web::tokens::TokenId;

/// Whose request a handler serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) enum Asker {
    /// A program of this computer, or the server's own page.
    Local,
    /// Whoever has this token.
    Token(TokenId, Scope),
    /// Whoever else may ask: is told nothing about devices, and changes nothing but by a stop.
    Stranger,
    /// A page from elsewhere that wants to be a client: what its user has answered decides.
    Page,
}

impl Asker {
    /// Whether this asker may do that.
    pub(in crate::web) fn has(self, right: Right) -> bool {
        match self {
            Self::Local => is_granted_here(right),
            Self::Token(_, scope) => scope.grants(right),
            Self::Stranger => right == Right::Stop,
            // It comes as far as to a session, and no further.
            Self::Page => [Right::Watch, Right::Drive, Right::Stop].contains(&right),
        }
    }

    /// The token by which it came in.
    pub(in crate::web) fn token(self) -> Option<TokenId> {
        match self {
            Self::Token(id, _) => Some(id),
            Self::Local | Self::Stranger | Self::Page => None,
        }
    }
}

impl FromRequest for Asker {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        // A route that is not behind the middleware serves strangers.
        ready(Ok(request.extensions().get::<Self>().copied().unwrap_or(Self::Stranger)))
    }
}
