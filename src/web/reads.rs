//! How a route says that it reads.

use actix_web::{Route, guard, web};

/// GET, and HEAD, which is GET without the body.
pub(super) fn reads() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}
