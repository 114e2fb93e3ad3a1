//! `/api/v1/origins`: which web pages may connect and which wait for an answer, and the answers. `access` lets only programs
//! of this computer and the own page ask.

use actix_web::error::ErrorBadRequest;
use actix_web::{Error, HttpResponse, web};
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
    fn origin(&self) -> Result<Origin, Error> {
        let allowed = "allowed: scheme://host or scheme://host:port, such as https://app.example";
        let wrong = || ErrorBadRequest(format!("{:?} is no origin of a web page; {allowed}\n", shown(&self.origin)));
        Origin::from_person(&self.origin).ok_or_else(wrong)
    }
}

pub(in crate::web) async fn list(site: web::Data<Site>) -> HttpResponse {
    HttpResponse::Ok().json(site.origins.list())
}

pub(in crate::web) async fn allow(site: web::Data<Site>, answer: web::Query<Answer>) -> Result<HttpResponse, Error> {
    let (origin, always) = (answer.origin()?, answer.always);
    let (origins, of) = (site.origins.clone(), origin.clone());
    let (time, kept) = web::block(move || origins.allow(of, always)).await?;
    let seconds = time.map(|time| time.as_secs());
    Ok(HttpResponse::Ok().json(json!({
        "origin": origin, "allowed": true, "seconds_left": seconds, "not_remembered": kept.err(),
    })))
}

pub(in crate::web) async fn deny(site: web::Data<Site>, answer: web::Query<Answer>) -> Result<HttpResponse, Error> {
    let origin = answer.origin()?;
    let (origins, of) = (site.origins.clone(), origin.clone());
    let kept = web::block(move || origins.deny(of)).await?;
    Ok(HttpResponse::Ok().json(json!({ "origin": origin, "allowed": false, "not_remembered": kept.err() })))
}
