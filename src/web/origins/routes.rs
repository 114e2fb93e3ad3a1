//! `/api/v1/origins`: which web pages may connect and which wait for an answer, and the answers. `access` lets only programs
//! of this computer and the own page ask.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use crate::access::Origin;
use crate::text::shown;
use crate::web::site::Site;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Answer {
    origin: String,
    /// For good, and not this time only.
    #[serde(default)]
    always: bool,
}

impl Answer {
    fn origin(&self) -> Result<Origin, HttpResponse> {
        Origin::from_person(&self.origin).ok_or_else(|| {
            let text = format!(
                "{:?} is no origin of a web page; allowed: scheme://host or scheme://host:port, such as https://app.example\n",
                shown(&self.origin)
            );
            HttpResponse::BadRequest().content_type("text/plain; charset=utf-8").body(text)
        })
    }
}

pub(in crate::web) async fn list(site: web::Data<Site>) -> HttpResponse {
    HttpResponse::Ok().json(site.origins.list())
}

pub(in crate::web) async fn allow(site: web::Data<Site>, answer: web::Query<Answer>) -> HttpResponse {
    let (origin, always) = match answer.origin() {
        Ok(origin) => (origin, answer.always),
        Err(response) => return response,
    };
    let (origins, of) = (site.origins.clone(), origin.clone());
    let done = web::block(move || origins.allow(of, always)).await;
    let Ok((time, kept)) = done else { return HttpResponse::ServiceUnavailable().finish() };
    let seconds = time.map(|time| time.as_secs());
    HttpResponse::Ok().json(json!({
        "origin": origin, "allowed": true, "seconds_left": seconds, "not_remembered": kept.err(),
    }))
}

pub(in crate::web) async fn deny(site: web::Data<Site>, answer: web::Query<Answer>) -> HttpResponse {
    let origin = match answer.origin() {
        Ok(origin) => origin,
        Err(response) => return response,
    };
    let (origins, of) = (site.origins.clone(), origin.clone());
    let done = web::block(move || origins.deny(of)).await;
    let Ok(kept) = done else { return HttpResponse::ServiceUnavailable().finish() };
    HttpResponse::Ok().json(json!({ "origin": origin, "allowed": false, "not_remembered": kept.err() }))
}
