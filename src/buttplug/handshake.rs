//! The first message of a connection, which decides its version.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::codec;
use super::error::ProtocolError;
use super::number::Whole;
use super::versions;
use crate::text::shown;

/// The name of the message.
pub const NAME: &str = "RequestServerInfo";

/// A valid `RequestServerInfo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handshake {
    /// What the client calls itself; may be empty.
    pub client_name: String,
    /// The protocol version that the connection will speak.
    pub version: u32,
}

/// The message itself, in the fields of every version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct RequestServerInfo {
    /// Id of the request.
    pub id: Whole<u32>,
    /// What the client calls itself; may be empty.
    pub client_name: String,
    /// The version, up to version 3; version 0 leaves it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_version: Option<Whole<u64>>,
    /// The version, from version 4 on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol_version_major: Option<Whole<u64>>,
    /// Stands beside the major version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol_version_minor: Option<Whole<u64>>,
}

/// Reads the fields of a `RequestServerInfo`. The version is the one the client names, and is fixed only once the
/// whole request is valid (facts: sessions.md section 3).
///
/// # Errors
/// Missing, unknown or wrongly typed fields, and versions that the server does not speak. The text says which client it
/// was, the version that it asked for and those that are spoken.
pub fn read(body: Value) -> Result<Handshake, ProtocolError> {
    let client = client(&body);
    let asked = body.get("ProtocolVersionMajor").or_else(|| body.get("MessageVersion"));
    let asked = asked.map_or_else(|| "not given".to_owned(), |version| shown(&version.to_string()).into_owned());
    understand(body).map_err(|error| match error {
        ProtocolError::VersionUnsupported { asked, supported, .. } => {
            ProtocolError::VersionUnsupported { client, asked, supported }
        }
        ProtocolError::BadFields { why, .. } => {
            ProtocolError::HandshakeFields { client, asked, why, supported: versions::supported() }
        }
        other => other,
    })
}

/// What the client calls itself, in quotes, or that it does not say.
fn client(body: &Value) -> String {
    match body.get("ClientName").and_then(Value::as_str) {
        Some(name) => format!("{:?}", shown(name)),
        None => "without a name".to_owned(),
    }
}

fn understand(mut body: Value) -> Result<Handshake, ProtocolError> {
    if let Value::Object(fields) = &mut body
        && !fields.keys().any(|name| name.starts_with("Protocol"))
    {
        // Versions 0 to 3 have clients that send fields of their own, and write null for what they leave out.
        const KNOWN: [&str; 3] = ["Id", "ClientName", "MessageVersion"];
        fields.retain(|name, value| KNOWN.contains(&name.as_str()) && (name != "MessageVersion" || !value.is_null()));
    }
    let fields: RequestServerInfo = codec::fields(NAME, body)?;
    let asked = match (fields.protocol_version_major, fields.message_version) {
        (Some(Whole(major)), None) => {
            if fields.protocol_version_minor.is_none() {
                return Err(ProtocolError::BadFields {
                    message: NAME,
                    why: "ProtocolVersionMajor needs a ProtocolVersionMinor beside it".to_owned(),
                });
            }
            major
        }
        (None, Some(Whole(version))) => version,
        (None, None) => 0,
        (Some(_), Some(_)) => {
            return Err(ProtocolError::BadFields {
                message: NAME,
                why: "MessageVersion (up to version 3) and ProtocolVersionMajor (version 4) exclude each other"
                    .to_owned(),
            });
        }
    };
    let version = u32::try_from(asked).ok().filter(|version| versions::for_version(*version).is_some());
    let Some(version) = version else {
        return Err(ProtocolError::VersionUnsupported {
            client: String::new(),
            asked,
            supported: versions::supported(),
        });
    };
    Ok(Handshake { client_name: fields.client_name, version })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn version_4_with_any_minor() {
        for minor in [0, 7] {
            let body = json!({"Id": 1, "ClientName": "", "ProtocolVersionMajor": 4, "ProtocolVersionMinor": minor});
            assert_eq!(read(body).unwrap(), Handshake { client_name: String::new(), version: 4 });
        }
    }

    #[test]
    fn older_versions_with_the_habits_of_their_clients() {
        for (body, version) in [
            (json!({"Id": 1, "ClientName": "x"}), 0),
            (json!({"Id": 1, "ClientName": "x", "MessageVersion": null}), 0),
            (json!({"Id": 1, "ClientName": "x", "MessageVersion": 0}), 0),
            (json!({"Id": 1, "ClientName": "x", "MessageVersion": 1, "Extra": {"a": null}}), 1),
            (json!({"Id": 1, "ClientName": "x", "MessageVersion": 2, "Extra": null}), 2),
            (json!({"Id": 1, "ClientName": "x", "MessageVersion": 3.0}), 3),
            // Of the layouts that the reference mistakes for others (facts: sessions.md 3.4), the obvious meaning.
            (json!({"Id": 1, "ClientName": "x", "MessageVersion": 4}), 4),
            (json!({"Id": 1, "ClientName": "x", "ProtocolVersionMajor": 3, "ProtocolVersionMinor": 0}), 3),
        ] {
            assert_eq!(read(body.clone()).map(|handshake| handshake.version), Ok(version), "{body}");
        }
    }

    #[test]
    fn versions_may_be_written_with_a_point() {
        let body = json!({"Id": 1.0, "ClientName": "x", "ProtocolVersionMajor": 4.0, "ProtocolVersionMinor": 0.0});
        assert_eq!(read(body).unwrap().version, 4);
        let body = json!({"Id": 1, "ClientName": "x", "MessageVersion": 9.0});
        assert!(matches!(read(body), Err(ProtocolError::VersionUnsupported { asked: 9, .. })));
        let body = json!({"Id": 1, "ClientName": "x", "ProtocolVersionMajor": 4.5, "ProtocolVersionMinor": 0});
        assert!(read(body).unwrap_err().to_string().contains("4.5"));
    }

    #[test]
    fn refusals_name_what_is_allowed() {
        let newer = json!({"Id": 1, "ClientName": "x", "ProtocolVersionMajor": 5, "ProtocolVersionMinor": 0});
        let error = read(newer).unwrap_err();
        assert_eq!(
            error.to_string(),
            "client \"x\" asks for protocol version 5, which is not supported; this server speaks versions 4, 3, 2, 1, 0"
        );
        let no_version = json!({"Id": 1, "ClientName": "x".repeat(500), "ProtocolVersion": 4});
        let text = read(no_version).unwrap_err().to_string();
        assert!(text.starts_with("RequestServerInfo: ") && text.contains("this server speaks versions 4"), "{text}");
        assert!(text.contains("xxx…\", protocol version not given") && text.len() < 500, "{text}");
        for bad in [
            json!({"Id": 1}),
            json!({"Id": 1, "ClientName": null}),
            json!({"Id": 1, "ClientName": "x", "MessageVersion": -1}),
            json!({"Id": 1, "ClientName": null, "ProtocolVersionMajor": 4, "ProtocolVersionMinor": 0}),
            json!({"Id": 1, "ClientName": "x", "ProtocolVersionMajor": 4}),
            json!({"Id": 1, "ClientName": "x", "ProtocolVersionMajor": 4, "ProtocolVersionMinor": 0, "X": 1}),
            json!({"Id": 1, "ClientName": "x", "ProtocolVersionMajor": 4, "ProtocolVersionMinor": 0, "MessageVersion": 3}),
        ] {
            assert!(matches!(read(bad.clone()), Err(ProtocolError::HandshakeFields { .. })), "{bad}");
        }
    }
}
