//! Who sent a request.
//!
//! A web page may send requests to this computer without its user's knowledge, under a host name of its own
//! (DNS rebinding) or under ours. Nothing here reads what a library makes of `X-Forwarded-*` or `Forwarded`: a page can
//! set those. What they are good for is that a proxy or a tunnel gives itself away by them.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The headers of a request that say who sent it, each as often as it came, and the host of its target.
#[derive(Debug, Default, Clone)]
pub struct Headers<'a> {
    /// Every `Host` header.
    pub hosts: Vec<&'a [u8]>,
    /// The authority of an absolute-form target (`GET http://host/path`).
    pub target: Option<&'a str>,
    /// Every `Origin` header.
    pub origins: Vec<&'a [u8]>,
    /// Every `Sec-Fetch-Site` header.
    pub fetch_sites: Vec<&'a [u8]>,
    /// There is a header that proxies and tunnels add, see [`is_forwarding`].
    pub forwarded: bool,
}

/// Whether a header of this name, in lower case, says that a proxy or a tunnel has passed the request on.
#[must_use]
pub fn is_forwarding(name: &str) -> bool {
    ["forwarded", "x-real-ip", "via"].contains(&name) || name.starts_with("x-forwarded-") || name.starts_with("cf-")
}

/// Who sent a request that may be answered at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// A program on this computer: no browser.
    Program,
    /// The server's own page.
    OwnPage,
    /// A page from elsewhere; other ports of this computer are elsewhere, too.
    ForeignPage,
    /// Whoever is behind a proxy or a tunnel that runs on this computer.
    Remote,
}

/// Why a request is not answered. The texts do not say who refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No `Host`, or several.
    #[error("a request must name one host")]
    NotOneHost,
    /// A `Host` that is none.
    #[error("the Host of the request is not valid")]
    InvalidHost,
    /// A target with another host than the header.
    #[error("the target of the request and its Host differ")]
    AnotherTarget,
    /// A host that is no name or address of this computer.
    #[error("this host is not served here")]
    ForeignHost,
}

impl Refusal {
    /// Whether the request is malformed, and not merely unwanted.
    #[must_use]
    pub fn is_malformed(self) -> bool {
        self != Self::ForeignHost
    }
}

/// Says who sent a request.
///
/// # Errors
/// A request that was not sent to a loopback name or address.
pub fn caller(headers: &Headers<'_>) -> Result<Caller, Refusal> {
    let [host] = headers.hosts.as_slice() else {
        return Err(Refusal::NotOneHost);
    };
    let host = std::str::from_utf8(host).map_err(|_| Refusal::InvalidHost)?.trim_matches([' ', '\t']);
    let loopback = is_loopback(host).ok_or(Refusal::InvalidHost)?;
    if headers.target.is_some_and(|target| !target.eq_ignore_ascii_case(host)) {
        return Err(Refusal::AnotherTarget);
    }
    if !loopback {
        return Err(Refusal::ForeignHost);
    }
    if headers.forwarded {
        return Ok(Caller::Remote);
    }
    let own_origin = |origin: &&[u8]| origin.strip_prefix(b"http://").is_some_and(|name| name == host.as_bytes());
    // What a browser says when the user typed the address, or opened a bookmark.
    let own_site = |site: &&[u8]| [b"same-origin".as_slice(), b"none"].contains(site);
    let foreign = !headers.origins.iter().all(own_origin) || !headers.fetch_sites.iter().all(own_site);
    Ok(match (foreign, headers.origins.is_empty() && headers.fetch_sites.is_empty()) {
        (true, _) => Caller::ForeignPage,
        (false, true) => Caller::Program,
        (false, false) => Caller::OwnPage,
    })
}

/// Whether a host, with or without a port, is a loopback name or address; `None` when it is no host at all.
fn is_loopback(host: &str) -> Option<bool> {
    // `user@host`: the part that people read is not the part that counts.
    if host.is_empty() || host.contains(['@', '/', '\\', '?', '#', ' ']) {
        return None;
    }
    if let Some(rest) = host.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        is_port(port).then_some(())?;
        return address.parse::<Ipv6Addr>().ok().map(|address| address.is_loopback());
    }
    let (name, port) = host.split_at(host.find(':').unwrap_or(host.len()));
    (is_port(port) && !name.is_empty()).then_some(())?;
    // Strictly four decimal numbers: other spellings (`127.1`, `0x7f.1`) are names to us, and foreign.
    let address = name.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback());
    Some(address || name.eq_ignore_ascii_case("localhost"))
}

/// Nothing, or a colon and a number; which one does not matter.
fn is_port(text: &str) -> bool {
    text.is_empty() || text.strip_prefix(':').is_some_and(|port| port.is_empty() || port.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from<'a>(host: &'a str, origin: Option<&'a str>, site: Option<&'a str>) -> Result<Caller, Refusal> {
        caller(&Headers {
            hosts: vec![host.as_bytes()],
            target: None,
            origins: origin.map(str::as_bytes).into_iter().collect(),
            fetch_sites: site.map(str::as_bytes).into_iter().collect(),
            forwarded: false,
        })
    }

    #[test]
    fn only_loopback_names_and_addresses_are_served_whatever_the_port() {
        for host in [
            "localhost",
            "LocalHost:1",
            "127.0.0.1",
            "127.0.0.1:12345",
            "127.255.3.4:0",
            "[::1]",
            "[::1]:80",
            "[0:0:0:0:0:0:0:1]:12345",
            "localhost:",
            " 127.0.0.1 ",
        ] {
            assert_eq!(from(host, None, None), Ok(Caller::Program), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:12345",
            "0.0.0.0",
            "0.0.0.0:12345",
            "192.168.1.2:12345",
            "[::]:1",
            "[::2]",
            "[::ffff:127.0.0.1]:1",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "127.1",
            "0x7f.0.0.1",
            "127.0.0.01",
            "2130706433",
            "localhost.",
            "evil.localhost",
            "128.0.0.1",
            "hapticd.local",
        ] {
            assert_eq!(from(host, None, None), Err(Refusal::ForeignHost), "{host}");
        }
        for host in [
            "",
            "user@localhost",
            "localhost@evil.example",
            "localhost:12345@evil.example",
            "localhost:x",
            "[::1",
            "[::1]x",
            "[::1%lo]",
            "[evil]",
            "localhost/",
            "localhost:70000",
            ":12345",
            "localhost evil.example",
            "localhost:1:2",
            "localhost\\@evil",
            "localhost#",
            "localhost?",
        ] {
            assert_eq!(from(host, None, None), Err(Refusal::InvalidHost), "{host}");
        }
        let hosts = |hosts: Vec<&'static [u8]>| caller(&Headers { hosts, ..Headers::default() });
        assert_eq!(hosts(vec![]), Err(Refusal::NotOneHost));
        assert_eq!(hosts(vec![b"localhost", b"localhost"]), Err(Refusal::NotOneHost));
        assert_eq!(hosts(vec![b"\xff"]), Err(Refusal::InvalidHost));
    }

    #[test]
    fn a_target_with_a_host_must_be_the_same_host() {
        let target =
            |target| caller(&Headers { hosts: vec![b"localhost:1"], target: Some(target), ..Headers::default() });
        assert_eq!(target("LOCALHOST:1"), Ok(Caller::Program));
        for other in ["evil.example", "localhost", "localhost:2", "user@localhost:1", "127.0.0.1:1"] {
            assert_eq!(target(other), Err(Refusal::AnotherTarget), "{other}");
        }
    }

    #[test]
    fn programs_the_own_page_and_others_are_told_apart() {
        const HOST: &str = "127.0.0.1:12345";
        for (origin, site, expected) in [
            (None, None, Caller::Program),
            (Some("http://127.0.0.1:12345"), None, Caller::OwnPage),
            (Some("http://127.0.0.1:12345"), Some("same-origin"), Caller::OwnPage),
            (None, Some("same-origin"), Caller::OwnPage),
            (None, Some("none"), Caller::OwnPage),
            (Some("http://evil.example"), None, Caller::ForeignPage),
            (Some("http://evil.example"), Some("same-origin"), Caller::ForeignPage),
            (Some("http://127.0.0.1:12345"), Some("cross-site"), Caller::ForeignPage),
            (None, Some("cross-site"), Caller::ForeignPage),
            (None, Some("same-site"), Caller::ForeignPage),
            (None, Some("whatever"), Caller::ForeignPage),
            (None, Some(""), Caller::ForeignPage),
            // Other ports, schemes and names of this computer are other origins.
            (Some("http://127.0.0.1"), None, Caller::ForeignPage),
            (Some("http://127.0.0.1:8080"), None, Caller::ForeignPage),
            (Some("http://localhost:12345"), None, Caller::ForeignPage),
            (Some("https://127.0.0.1:12345"), None, Caller::ForeignPage),
            (Some("HTTP://127.0.0.1:12345"), None, Caller::ForeignPage),
            (Some("http://127.0.0.1:12345/"), None, Caller::ForeignPage),
            (Some("null"), None, Caller::ForeignPage),
            (Some("file://"), None, Caller::ForeignPage),
            (Some(""), None, Caller::ForeignPage),
        ] {
            assert_eq!(from(HOST, origin, site), Ok(expected), "{origin:?} {site:?}");
        }
        let two = Headers {
            hosts: vec![HOST.as_bytes()],
            origins: vec![b"http://127.0.0.1:12345", b"http://evil.example"],
            ..Headers::default()
        };
        assert_eq!(caller(&two), Ok(Caller::ForeignPage));
    }

    #[test]
    fn a_proxy_makes_a_stranger_of_everybody() {
        for name in
            ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via", "cf-connecting-ip", "cf-ray"]
        {
            assert!(is_forwarding(name), "{name}");
        }
        for name in ["host", "origin", "x-forwarde", "viaduct", "user-agent"] {
            assert!(!is_forwarding(name), "{name}");
        }
        let by_proxy = |host| caller(&Headers { hosts: vec![host], forwarded: true, ..Headers::default() });
        assert_eq!(by_proxy(b"localhost"), Ok(Caller::Remote));
        assert_eq!(by_proxy(b"evil.example"), Err(Refusal::ForeignHost));
    }

    #[test]
    fn no_refusal_names_the_server() {
        for refusal in [Refusal::NotOneHost, Refusal::InvalidHost, Refusal::AnotherTarget, Refusal::ForeignHost] {
            assert!(!refusal.to_string().contains("hapticd"));
        }
    }
}
