//! What is said to the dongle and what it says (facts: protocols/lovense-dongle.md).

use serde::{Deserialize, Serialize};

/// The search has ended.
pub(super) const SEARCH_STOPPED: u16 = 206;
/// A toy is connected.
pub(super) const CONNECTED: u16 = 202;
/// The toy is gone.
pub(super) const DISCONNECTED: u16 = 403;

/// What is said to the dongle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ToDongle {
    /// Asks for a toy that is connected already.
    AskStatus,
    Search,
    StopSearch,
    /// Text for the toy of this id.
    Command {
        id: String,
        command: String,
    },
}

impl ToDongle {
    /// The line.
    pub(super) fn line(&self) -> String {
        #[derive(Serialize)]
        struct Line<'a> {
            r#type: &'a str,
            func: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            id: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            cmd: Option<&'a str>,
        }
        let line = |r#type, func, id, cmd| Line { r#type, func, id, cmd };
        let line = match self {
            Self::AskStatus => line("toy", "statuss", None, None),
            Self::Search => line("toy", "search", None, None),
            Self::StopSearch => line("usb", "stopSearch", None, None),
            Self::Command { id, command } => line("toy", "command", Some(id), Some(command)),
        };
        // Texts alone can always be written.
        serde_json::to_string(&line).unwrap_or_default()
    }
}

/// What a message of the dongle is about. Of those that are not listed, nothing follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum About {
    #[serde(rename = "search")]
    Search,
    #[serde(rename = "status")]
    Status,
    #[serde(rename = "toyData")]
    ToyData,
    #[serde(other)]
    Other,
}

/// A message of the dongle, as far as anything follows from it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct FromDongle {
    #[serde(rename = "func")]
    pub(super) about: About,
    #[serde(default)]
    pub(super) result: Option<u16>,
    #[serde(default)]
    pub(super) data: Option<Data>,
}

/// What a message carries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Data {
    #[serde(default)]
    pub(super) id: Option<String>,
    #[serde(default)]
    pub(super) data: Option<String>,
    #[serde(default)]
    pub(super) status: Option<u16>,
}

impl FromDongle {
    /// The messages of a line. What is none is passed over, and hides none of those after it: the next one may begin at
    /// every brace.
    pub(super) fn parse(line: &str) -> Vec<Self> {
        let mut messages = Vec::new();
        let mut rest = line;
        while let Some(begun) = rest.find('{').and_then(|at| rest.get(at..)) {
            let mut values = serde_json::Deserializer::from_str(begun).into_iter::<serde_json::Value>();
            let after = match values.next() {
                Some(Ok(value)) => {
                    messages.extend(Self::deserialize(value));
                    values.byte_offset()
                }
                _ => 1,
            };
            rest = begun.get(after..).unwrap_or_default();
        }
        messages
    }

    /// The toy that is connected, if this says so.
    pub(super) fn connected(&self) -> Option<&str> {
        let data = self.data.as_ref().filter(|_| self.about == About::Status)?;
        data.id.as_deref().filter(|_| data.status == Some(CONNECTED))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_the_order_and_names_of_the_sheet() {
        assert_eq!(ToDongle::AskStatus.line(), r#"{"type":"toy","func":"statuss"}"#);
        assert_eq!(ToDongle::Search.line(), r#"{"type":"toy","func":"search"}"#);
        assert_eq!(ToDongle::StopSearch.line(), r#"{"type":"usb","func":"stopSearch"}"#);
        let command = ToDongle::Command { id: "AB".to_owned(), command: "Vibrate:1;\"".to_owned() };
        assert_eq!(command.line(), r#"{"type":"toy","func":"command","id":"AB","cmd":"Vibrate:1;\""}"#);
    }

    #[test]
    fn messages_are_found_one_behind_the_other_and_nonsense_is_passed_over() {
        let line = concat!(
            r#"{"type":"toy","func":"search","result":205}{"type":"usb","func":"reset"} 7 "#,
            r#"{"func":"toyData","data":{"id":"AB","data":"OK;"}}{"func":"status","result":"x"}"#,
            r#"{"func":"status","data":{"id":"AB","status":202}}{broken {"func":"search"}"#
        );
        let messages = FromDongle::parse(line);
        let about: Vec<_> = messages.iter().map(|message| message.about).collect();
        assert_eq!(about, [About::Search, About::Other, About::ToyData, About::Status, About::Search]);
        assert_eq!(messages[0].result, Some(205));
        assert_eq!(messages[2].data.as_ref().unwrap().data.as_deref(), Some("OK;"));
        assert_eq!(messages[3].connected(), Some("AB"));
        // A report that was lost cuts a message off, and bytes that are no text stand before the next.
        let cut = "\u{fffd}{\"func\":\"toyData\",\"data\":{\"id\":\"A\u{fffd}{\"func\":\"search\",\"result\":206}";
        assert_eq!(FromDongle::parse(cut).iter().map(|message| message.result).collect::<Vec<_>>(), [Some(206)]);
        for nothing in ["", "7", "[]", "{}", "{\"func\":3}", "\u{0}", &"[".repeat(100_000), &"{".repeat(100_000)] {
            assert!(FromDongle::parse(nothing).is_empty());
        }
    }
}
