//! What went wrong, for programs: `application/problem+json` (RFC 9457).

use std::fmt;

use actix_web::http::{StatusCode, header, header::HeaderValue};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::text::shown;
use crate::types::CommandError;

/// The media type.
pub(super) const TYPE: &str = "application/problem+json";

/// Why a request was not done.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Problem {
    /// What kind of problem it is: `urn:hapticd:` and a name that stays as it is.
    #[serde(rename = "type")]
    #[schema(example = "urn:hapticd:value-range")]
    kind: String,
    /// The status of the answer.
    #[schema(example = 400)]
    status: u16,
    /// What went wrong, for people: the thing, the bad value, what is allowed.
    detail: String,
    /// The bad value, if it is one value.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
    /// What is allowed in its place, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed: Option<String>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, name: &str, detail: String) -> Self {
        Self { kind: format!("urn:hapticd:{name}"), status: status.as_u16(), detail, value: None, allowed: None }
    }

    /// What stands in place of the bad value, and what may stand there.
    pub(super) fn about(self, value: impl Into<Value>, allowed: impl Into<String>) -> Self {
        Self { value: Some(value.into()), allowed: Some(allowed.into()), ..self }
    }

    /// A request that is not understood.
    pub(super) fn bad_request(why: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", shown(why).into_owned())
    }

    /// A number outside of its range.
    pub(super) fn out_of_range(name: &str, value: impl Into<Value>, allowed: &str) -> Self {
        let value = value.into();
        let detail = format!("{name} {value} is out of range; allowed: {allowed}");
        Self::new(StatusCode::BAD_REQUEST, "value-range", detail).about(value, allowed)
    }
}

/// Whoever asks for what there is not is told where it is said what there is.
pub(super) async fn unknown_route(request: HttpRequest) -> Problem {
    let detail = format!(
        "there is no {} {}; /api/openapi.json describes what there is",
        request.method(),
        shown(request.path())
    );
    Problem::new(StatusCode::NOT_FOUND, "unknown-route", detail)
}

/// A path that is asked by a method that it does not have.
pub(super) fn wrong_method(request: &HttpRequest, allowed: &'static str) -> HttpResponse {
    let detail = format!("{} is not asked by {}; allowed: {allowed}", shown(request.path()), request.method());
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "wrong-method", detail);
    let mut response = problem.about(request.method().as_str(), allowed).error_response();
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let body = serde_json::to_string(self).unwrap_or_default();
        HttpResponse::build(self.status_code()).content_type(TYPE).body(body)
    }
}

impl actix_web::Responder for Problem {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        self.error_response()
    }
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        use CommandError as E;
        let (status, name) = match &error {
            E::ShuttingDown => (StatusCode::SERVICE_UNAVAILABLE, "shutting-down"),
            E::WatchOnly => (StatusCode::FORBIDDEN, "watch-only"),
            E::Disconnected => (StatusCode::CONFLICT, "disconnected"),
            E::UnknownDevice { .. } => (StatusCode::NOT_FOUND, "unknown-device"),
            E::UnknownFeature { .. } => (StatusCode::NOT_FOUND, "unknown-feature"),
            E::NoSuchOutput { .. } => (StatusCode::NOT_FOUND, "no-such-output"),
            E::NoSuchInput { .. } => (StatusCode::NOT_FOUND, "no-such-input"),
            E::InputAction { .. } => (StatusCode::CONFLICT, "input-not-readable"),
            E::ValueRange { .. } => (StatusCode::BAD_REQUEST, "value-range"),
            E::DurationRange { .. } => (StatusCode::BAD_REQUEST, "duration-range"),
            E::DeviceUnreachable { .. } => (StatusCode::SERVICE_UNAVAILABLE, "device-unreachable"),
            E::OutputsRefused { .. } => (StatusCode::CONFLICT, "outputs-refused"),
            E::InputFailed { .. } => (StatusCode::SERVICE_UNAVAILABLE, "input-failed"),
            E::StopUnconfirmed { .. } => (StatusCode::GATEWAY_TIMEOUT, "stop-unconfirmed"),
        };
        let problem = Self::new(status, name, error.to_string());
        match error {
            E::UnknownDevice { index, known } => problem.about(index, known),
            E::UnknownFeature { feature, known, .. } => problem.about(feature, known),
            E::NoSuchOutput { kind, known, .. } => problem.about(kind.name(), known),
            E::NoSuchInput { kind, known, .. } => problem.about(kind.name(), known),
            E::ValueRange { value, min, max, .. } => problem.about(value, format!("{min} to {max}")),
            E::DurationRange { value, min, max, .. } => problem.about(value, format!("{min} to {max}")),
            _ => problem,
        }
    }
}
