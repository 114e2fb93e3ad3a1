//! `/schema/vN.json`: the messages of each protocol version, for people who write clients.

use actix_web::{HttpResponse, web};

/// The files of the repository, in the order of their versions.
const SCHEMAS: [&str; 5] = [
    include_str!("../../schema/messages-v0.json"),
    include_str!("../../schema/messages-v1.json"),
    include_str!("../../schema/messages-v2.json"),
    include_str!("../../schema/messages-v3.json"),
    include_str!("../../schema/messages-v4.json"),
];

/// The JSON Schema of one version.
pub(super) async fn schema(file: web::Path<String>) -> HttpResponse {
    let found = file.strip_prefix('v').and_then(|name| name.strip_suffix(".json"));
    match found.and_then(|version| version.parse().ok()).and_then(|version: usize| SCHEMAS.get(version)) {
        Some(schema) => HttpResponse::Ok().content_type("application/schema+json").body(*schema),
        None => {
            let text = "There is a schema of each protocol version: /schema/v0.json to /schema/v4.json.\n";
            HttpResponse::NotFound().content_type("text/plain; charset=utf-8").body(text)
        }
    }
}
