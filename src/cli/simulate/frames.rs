//! The frames of the `/hardware` socket (design/virtual-hardware.md).

use serde::Deserialize;
use serde_json::{Value, json};

use crate::link::Notification;

/// What a server says.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ServerFrame {
    Attached {
        protocol: String,
    },
    /// The address is this toy's own.
    Present,
    Refused {
        reason: String,
        /// `taken`: another program plays hardware at this address.
        #[serde(default)]
        code: String,
    },
    /// The server has connected, but could not go on.
    Failed {
        reason: String,
    },
    Write {
        endpoint: String,
        data: String,
        #[serde(default)]
        with_response: bool,
    },
    Read {
        id: u64,
        endpoint: String,
    },
    Subscribe {
        endpoint: String,
    },
    Unsubscribe {
        endpoint: String,
    },
    Disconnect,
    Error {
        reason: String,
    },
}

pub(super) fn notify(notification: &Notification) -> Value {
    json!({ "type": "notify", "endpoint": notification.endpoint.name(), "data": hex::encode(&notification.data) })
}

pub(super) fn reply(id: u64, answer: &Result<Vec<u8>, String>) -> Value {
    match answer {
        Ok(data) => json!({ "type": "reply", "id": id, "data": hex::encode(data) }),
        Err(error) => json!({ "type": "reply", "id": id, "error": error }),
    }
}

pub(super) fn goodbye() -> Value {
    json!({ "type": "goodbye" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Endpoint;

    #[test]
    fn as_designed() {
        let told = |text: &str| serde_json::from_str::<ServerFrame>(text).unwrap();
        assert_eq!(
            told(r#"{"type":"write","id":1,"endpoint":"tx","data":"ff","with_response":true}"#),
            ServerFrame::Write { endpoint: "tx".to_owned(), data: "ff".to_owned(), with_response: true }
        );
        assert_eq!(told(r#"{"type":"disconnect"}"#), ServerFrame::Disconnect);
        assert_eq!(told(r#"{"type":"present"}"#), ServerFrame::Present);
        let refused = |code: &str| ServerFrame::Refused { reason: "no".to_owned(), code: code.to_owned() };
        assert_eq!(told(r#"{"type":"refused","reason":"no"}"#), refused(""));
        assert_eq!(told(r#"{"type":"refused","reason":"no","code":"taken"}"#), refused("taken"));
        let rx = Notification { endpoint: Endpoint::RX, data: b"100;".to_vec() };
        assert_eq!(notify(&rx).to_string(), r#"{"data":"3130303b","endpoint":"rx","type":"notify"}"#);
        assert_eq!(reply(7, &Ok(vec![100])).to_string(), r#"{"data":"64","id":7,"type":"reply"}"#);
        assert_eq!(reply(7, &Err("no".to_owned()))["error"], "no");
    }
}
