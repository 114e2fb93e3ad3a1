//! Which web page it is: its origin, as browsers write it (RFC 6454), and what that is worth.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

/// Bytes of the longest origin that is taken: that of the longest DNS name.
const LONGEST: usize = 253;

/// What becomes of a page of which nobody has said whether it may connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownOrigins {
    /// It is refused, and the user is asked.
    Ask,
    /// It may connect.
    Allow,
    /// It is refused, and nobody is asked.
    Deny,
}

impl UnknownOrigins {
    /// The value of a word of `access.unknown_origins`.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        match word {
            "ask" => Some(Self::Ask),
            "allow" => Some(Self::Allow),
            "deny" => Some(Self::Deny),
            _ => None,
        }
    }
}

/// An origin: `scheme://host[:port]` in lower case, or `null`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin(String);

impl Origin {
    /// Reads an `Origin` header. Nothing that no browser sends is taken, so that it may stand in lists and logs.
    #[must_use]
    pub fn from_header(header: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(header).ok().filter(|text| text.len() <= LONGEST)?;
        if text == "null" {
            return Some(Self(text.to_owned()));
        }
        let (scheme, rest) = text.split_once("://")?;
        let scheme_is_valid = scheme.starts_with(|first: char| first.is_ascii_lowercase())
            && scheme.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.".contains(&b));
        let (host, port) = split_port(rest);
        let port_is_valid = port.is_none_or(|port| {
            !port.starts_with(['0', '+']) && port.parse::<u16>().is_ok() && Some(port) != default_port(scheme)
        });
        let host_is_valid = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(address) => address.parse::<Ipv6Addr>().is_ok() && !address.contains(|c: char| c.is_ascii_uppercase()),
            None => host.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-._".contains(&b)),
        };
        let names_somebody = !host.is_empty() || (port.is_none() && !is_web(scheme));
        (scheme_is_valid && host_is_valid && port_is_valid && names_somebody).then(|| Self(text.to_owned()))
    }

    /// Reads what a person writes: in any case, with the slash and the port that browsers leave out.
    #[must_use]
    pub fn from_person(text: &str) -> Option<Self> {
        let lower = text.trim().to_ascii_lowercase();
        let bare = if lower.ends_with("://") { lower.as_str() } else { lower.strip_suffix('/').unwrap_or(&lower) };
        let port = bare.split_once("://").and_then(|(scheme, _)| default_port(scheme));
        let bare = port.and_then(|port| bare.strip_suffix(&format!(":{port}"))).unwrap_or(bare);
        Self::from_header(bare.as_bytes())
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a web server of this computer serves the page, on whatever port.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let Some((scheme, rest)) = self.0.split_once("://") else { return false };
        let host = split_port(rest).0;
        let v6 = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).and_then(|host| host.parse().ok());
        let is_loopback = host == "localhost"
            || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
            || v6.is_some_and(|address: Ipv6Addr| address.is_loopback());
        is_web(scheme) && is_loopback
    }

    /// Whether many pages that have nothing to do with each other share it, as local files and packaged applications do. It
    /// says nothing of who asks.
    #[must_use]
    pub fn is_class(&self) -> bool {
        let Some((scheme, host)) = self.0.split_once("://") else { return true };
        !is_web(scheme) && ["", "localhost", ".", "-"].contains(&split_port(host).0)
    }

    /// What pages of one owner share: scheme aside, the last two labels of the host. One site may have a thousand names.
    #[must_use]
    pub fn owner(&self) -> String {
        let host = self.0.split_once("://").map_or(self.0.as_str(), |(_, rest)| split_port(rest).0);
        if host.parse::<Ipv4Addr>().is_ok() || host.starts_with('[') || host.is_empty() {
            return self.0.clone();
        }
        let mut labels = host.rsplitn(3, '.');
        let (last, before) = (labels.next().unwrap_or_default(), labels.next());
        before.map_or_else(|| last.to_owned(), |before| format!("{before}.{last}"))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Origin {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::from_header(text.as_bytes()).ok_or_else(|| format!("{text:?} is no origin"))
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> Self {
        origin.0
    }
}

fn is_web(scheme: &str) -> bool {
    ["http", "https"].contains(&scheme)
}

fn default_port(scheme: &str) -> Option<&'static str> {
    match scheme {
        "http" => Some("80"),
        "https" => Some("443"),
        _ => None,
    }
}

/// The host and the port behind it, if there is one.
fn split_port(rest: &str) -> (&str, Option<&str>) {
    match rest.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (rest, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Origin {
        Origin::from_header(text.as_bytes()).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn only_what_browsers_send_is_an_origin() {
        for good in [
            "null",
            "http://a.example",
            "https://xn--bcher-kva.example:8443",
            "http://127.0.0.1:1",
            "http://[::1]:12345",
            "file://",
            "tauri://localhost",
            "chrome-extension://abcdef",
        ] {
            assert_eq!(origin(good).as_str(), good);
        }
        let long = format!("http://{}", "a".repeat(250));
        for bad in [
            "",
            "a.example",
            "http://",
            "HTTP://a.example",
            "http://A.example",
            "http://a.example/",
            "http://a.example:80",
            "https://a.example:443",
            "http://a.example:0",
            "http://a.example:+1",
            "http://a.example:01",
            "http://a.example:70000",
            "http://user@a.example",
            "http://a.example evil",
            "http://a.example, http://b.example",
            "http://b\u{fc}cher.example",
            "http://a.example\u{202e}",
            "http://[::1",
            "http://[::G]",
            "http://[::A]",
            "://a",
            "1a://b",
            "file://:1",
            long.as_str(),
        ] {
            assert_eq!(Origin::from_header(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(Origin::from_header(b"http://\xff"), None);
    }

    #[test]
    fn people_write_them_as_they_see_them() {
        let read = |text| Origin::from_person(text).map(|origin| origin.to_string());
        assert_eq!(read(" HTTPS://App.Example/ ").as_deref(), Some("https://app.example"));
        assert_eq!(read("https://app.example:443").as_deref(), Some("https://app.example"));
        assert_eq!(read("file://").as_deref(), Some("file://"));
        assert_eq!(read("app.example"), None);
        assert_eq!(read("https://app.example/player"), None);
    }

    #[test]
    fn pages_of_this_computer_and_pages_without_identity_are_known() {
        for here in ["http://localhost", "https://localhost:8443", "http://127.0.0.1:8080", "http://[::1]:3000"] {
            assert!(origin(here).is_loopback() && !origin(here).is_class(), "{here}");
        }
        for class in ["null", "file://", "tauri://localhost", "app://."] {
            assert!(origin(class).is_class() && !origin(class).is_loopback(), "{class}");
        }
        for other in ["http://localhost.evil.example", "https://127.0.0.1.evil.example", "http://0.0.0.0:1"] {
            assert!(!origin(other).is_class() && !origin(other).is_loopback(), "{other}");
        }
        assert!(!origin("chrome-extension://abcdef").is_class());
    }

    #[test]
    fn names_of_one_owner_share_their_last_labels() {
        assert_eq!(origin("https://a.b.evil.example:1").owner(), "evil.example");
        assert_eq!(origin("https://evil.example").owner(), "evil.example");
        assert_eq!(origin("http://192.168.1.2").owner(), "http://192.168.1.2");
        assert_eq!(origin("null").owner(), "null");
    }
}
