//! The API as OpenAPI 3.1, made from the code. `schema/openapi.json` is a copy of it.

use actix_web::HttpResponse;
use serde_json::Value;
use utoipa::OpenApi;

use super::{devices, events, inputs, operators, origins, outputs, problem, scan, server, stops, tokens};
use crate::types::ServerEvent;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "hapticd",
        description = "What a program may ask of hapticd that does not speak the Buttplug protocol. docs/api.md says more.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    paths(
        server::status,
        server::log,
        stops::everything,
        stops::hold,
        stops::resume,
        stops::device,
        stops::feature,
        scan::start,
        scan::stop,
        operators::list,
        operators::disconnect,
        origins::list,
        origins::allow,
        origins::deny,
        tokens::list,
        tokens::make,
        tokens::revoke,
        events::events,
        devices::list,
        devices::one,
        devices::features,
        devices::feature,
        inputs::read,
        outputs::set,
        outputs::fraction,
        outputs::every_fraction,
        scan::start_by_get,
        scan::stop_by_get,
        stops::everything_by_put,
        devices::feature_by_put,
    ),
    components(schemas(ServerEvent, events::Snapshot, events::OutputsChanged))
)]
struct Api;

/// The document as text.
fn text() -> String {
    let mut document = serde_json::to_value(Api::openapi()).unwrap_or_default();
    name_problems(&mut document);
    serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
}

/// Says of each answer that is a problem that it has the media type of one; the macros take every body for plain JSON.
fn name_problems(part: &mut Value) {
    let Value::Object(fields) = part else { return };
    let of = |content: &Value| {
        content.pointer("/schema/$ref").and_then(Value::as_str) == Some("#/components/schemas/Problem")
    };
    if fields.get("application/json").is_some_and(of)
        && let Some(content) = fields.remove("application/json")
    {
        fields.insert(problem::TYPE.to_owned(), content);
    }
    fields.values_mut().for_each(name_problems);
}

/// The document.
pub(super) async fn document() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(text())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_in_the_repository_is_the_newest() {
        let copy = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/openapi.json");
        let is_newest = std::fs::read_to_string(copy).is_ok_and(|copy| copy == text());
        if !is_newest {
            let newest = concat!(env!("CARGO_MANIFEST_DIR"), "/target/openapi.json");
            std::fs::write(newest, text()).unwrap();
            panic!("schema/openapi.json is stale: cp {newest} {copy}");
        }
    }
}
