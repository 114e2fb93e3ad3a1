//! Where a running server is: one way to say it for every command that talks to one.
//!
//! Without `--server` it is where the settings say that the server listens. What may not live here: talking to it.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

use clap::Args;
use tokio_tungstenite::tungstenite::http::Uri;

use super::admin_token::AdminToken;
use super::exit_error::ExitError;
use super::settings_args::SettingsArgs;
use crate::settings::Settings;

const ALLOWED: &str = "allowed: IP:PORT, localhost:PORT, ws://HOST:PORT or http://HOST:PORT";

/// Options of every command that talks to a running server.
#[derive(Debug, Clone, Args)]
pub struct ServerArg {
    /// Where the server is, instead of what the setting `server.listen` says: IP:PORT, or a ws:// or http:// URL
    #[arg(long, global = true, value_name = "ADDRESS", value_parser = ServerAddress::parse)]
    server: Option<ServerAddress>,
}

impl ServerArg {
    /// Where to look for the server. Settings are only read where no address is given.
    pub(super) fn servers(&self, settings: &SettingsArgs) -> Result<Servers, ExitError> {
        self.given(AdminToken::Of(settings.clone())).map_or_else(|| of_settings(&settings.load(&[])?), Ok)
    }

    /// The same for a stop, which must not fail over a misspelt key: what is wrong is told and left out.
    pub(super) fn servers_in_what_is_right(&self, settings: &SettingsArgs) -> Result<Servers, ExitError> {
        if let Some(given) = self.given(AdminToken::Of(settings.clone())) {
            return Ok(given);
        }
        let (settings, wrong) = settings.load_what_is_right()?;
        let servers = of_settings(&settings)?;
        if let Some(wrong) = wrong {
            let all: Vec<_> = servers.iter().map(ToString::to_string).collect();
            eprintln!("hapticd: {wrong}\nhapticd: warning: the server is looked for at {}", all.join(" or "));
        }
        Ok(servers)
    }

    /// The same, for a command that needs the settings anyway.
    pub(super) fn servers_in(&self, settings: &Settings) -> Result<Servers, ExitError> {
        self.given(settings.into()).map_or_else(|| of_settings(settings), Ok)
    }

    /// Whether an address was given.
    pub(super) fn is_given(&self) -> bool {
        self.server.is_some()
    }

    fn given(&self, admin: AdminToken) -> Option<Servers> {
        self.server.clone().map(|first| Servers { first, others: Vec::new(), admin })
    }
}

/// Where a server listens that has these settings.
fn listening(settings: &Settings) -> Vec<SocketAddr> {
    settings.server.listen.clone()
}

fn of_settings(settings: &Settings) -> Result<Servers, ExitError> {
    let listening = listening(settings);
    let mut fixed = listening.into_iter().filter(|address| address.port() != 0).map(ServerAddress::from);
    let Some(first) = fixed.next() else {
        let what = "`server.listen` leaves the port to the system; say with --server where the server is";
        return Err(ExitError::Usage(format!("{what}, it prints that when it starts")));
    };
    Ok(Servers { first, others: fixed.collect(), admin: settings.into() })
}

/// The addresses at which a server may be, in the order in which they are tried.
#[derive(Debug, Clone)]
pub(super) struct Servers {
    first: ServerAddress,
    others: Vec<ServerAddress>,
    admin: AdminToken,
}

impl Servers {
    /// The token that they may ask this user's commands for.
    pub(super) fn admin(&self) -> &AdminToken {
        &self.admin
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &ServerAddress> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// What the first of them answers at which asking does not fail; if all fail, how the first one did.
    pub(super) fn ask<T, E>(&self, ask: impl Fn(&ServerAddress) -> Result<T, E>) -> Result<T, (&ServerAddress, E)> {
        match ask(&self.first) {
            Ok(answer) => Ok(answer),
            Err(error) => self.others.iter().find_map(|other| ask(other).ok()).ok_or((&self.first, error)),
        }
    }
}

/// The address of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAddress {
    /// Host and port, as URLs have them.
    authority: String,
    /// Empty, or what follows in the URL, beginning with `/`.
    path: String,
    query: Option<String>,
}

impl From<SocketAddr> for ServerAddress {
    fn from(mut address: SocketAddr) -> Self {
        // A server that listens everywhere is on this computer, too.
        match address {
            SocketAddr::V4(v4) if v4.ip().is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
            SocketAddr::V6(v6) if v6.ip().is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        Self { authority: address.to_string(), path: String::new(), query: None }
    }
}

impl std::fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.authority)
    }
}

impl ServerAddress {
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| Err(format!("{why}; {ALLOWED}"));
        let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
        let port = match scheme {
            "" => None,
            "ws" | "http" => Some(80_u16),
            "wss" | "https" => return wrong("encrypted connections are not supported"),
            _ => return wrong("this is no address of a server"),
        };
        // Only what has a scheme is told from a path by this parser.
        let Ok(uri) = format!("http://{rest}").parse::<Uri>() else {
            return wrong("this is no address");
        };
        let Some(authority) = uri.authority().filter(|authority| !authority.as_str().contains('@')) else {
            return wrong("this is no address");
        };
        let host = authority.host();
        let written = authority.as_str().strip_prefix(host).and_then(|rest| rest.strip_prefix(':'));
        let port = written.map_or(port, |port| port.parse().ok());
        let Some(port) = port.filter(|port| *port != 0) else {
            let is_number =
                written.is_some_and(|port| port.bytes().all(|digit| digit.is_ascii_digit()) && !port.is_empty());
            return wrong(if is_number { "a port is a number from 1 to 65535" } else { "the port is missing" });
        };
        // Without brackets, the end of an IPv6 address would pass for a port.
        if host.is_empty() || (host.contains(':') && !host.starts_with('[')) {
            return wrong("this is no host");
        }
        let path = if uri.path() == "/" { String::new() } else { uri.path().to_owned() };
        Ok(Self { authority: format!("{host}:{port}"), path, query: uri.query().map(str::to_owned) })
    }

    /// Its WebSocket URL: with a path of its own, or else with this one.
    pub(super) fn url(&self, path: &str) -> String {
        let path = if self.path.is_empty() { path } else { &self.path };
        let query = self.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        format!("ws://{}{path}{query}", self.authority)
    }

    /// A path, and after it what the address carries for every path; and the token that it carries, which only WebSockets take
    /// in their address.
    pub(super) fn with_query(&self, path: &str) -> (String, Option<String>) {
        let parts = self.query.iter().flat_map(|query| query.split('&'));
        let (tokens, others): (Vec<_>, Vec<_>) = parts.partition(|part| part.starts_with("token="));
        let token = tokens.first().and_then(|part| part.strip_prefix("token=")).map(str::to_owned);
        if others.is_empty() {
            return (path.to_owned(), token);
        }
        (format!("{path}{}{}", if path.contains('?') { '&' } else { '?' }, others.join("&")), token)
    }

    /// The token of this user for the server at this address, if there is one.
    pub(super) fn admin_token(&self, admin: &AdminToken) -> Option<String> {
        admin.for_server_at(&self.sockets().ok()?)
    }

    /// The IP addresses of the host. Blocking, if it has to be looked up.
    ///
    /// # Errors
    /// A host that is not known.
    pub(super) fn sockets(&self) -> std::io::Result<Vec<SocketAddr>> {
        Ok(self.authority.to_socket_addrs()?.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> String {
        ServerAddress::parse(text).unwrap_or_else(|why| panic!("{text}: {why}")).url("/hardware")
    }

    #[test]
    fn every_form_of_an_address() {
        for text in ["localhost:1", "ws://localhost:1", "http://localhost:1", "ws://localhost:1/", "localhost:1/"] {
            assert_eq!(url(text), "ws://localhost:1/hardware", "{text}");
        }
        assert_eq!(url("127.0.0.1:12345"), "ws://127.0.0.1:12345/hardware");
        assert_eq!(url("[::1]:2"), "ws://[::1]:2/hardware");
        assert_eq!(url("http://[::1]:2"), "ws://[::1]:2/hardware");
        assert_eq!(url("ws://host"), "ws://host:80/hardware");
        assert_eq!(url("ws://[::1]:1/other"), "ws://[::1]:1/other");
        assert_eq!(url("ws://localhost:1/?token=a"), "ws://localhost:1/hardware?token=a");
        let address = ServerAddress::parse("ws://localhost:1/hardware?token=a").unwrap();
        assert_eq!(address.to_string(), "localhost:1");
        let with = |query: &str, path| ServerAddress::parse(&format!("localhost:1/{query}")).unwrap().with_query(path);
        let token = Some("a".to_owned());
        assert_eq!(with("?token=a", "/stop?hold=true"), ("/stop?hold=true".to_owned(), token.clone()));
        assert_eq!(with("?x=1&token=a", "/stop?hold=true"), ("/stop?hold=true&x=1".to_owned(), token.clone()));
        assert_eq!(with("?token=a&x=1", "/health"), ("/health?x=1".to_owned(), token));
        assert_eq!(with("", "/health"), ("/health".to_owned(), None));
        assert!(address.sockets().unwrap().iter().all(|socket| socket.ip().is_loopback() && socket.port() == 1));
        for text in [
            "",
            " ",
            "localhost",
            "127.0.0.1",
            "::1:2",
            "::1",
            ":1",
            "localhost:x",
            "localhost:0",
            "localhost:65536",
            "ws://",
            "ws:// a",
            "ftp://localhost:1",
            "wss://localhost:1",
            "https://localhost:1",
            "a@localhost:1",
        ] {
            let why = ServerAddress::parse(text).unwrap_err();
            assert!(why.contains("allowed: IP:PORT"), "{text}: {why}");
        }
        assert!(ServerAddress::parse("wss://localhost:1").unwrap_err().contains("encrypted"));
        for (text, why) in [
            ("localhost", "port is missing"),
            ("localhost:", "port is missing"),
            ("localhost:0", "from 1 to 65535"),
            ("127.0.0.1:99999", "from 1 to 65535"),
            ("ws://[::1]:65536", "from 1 to 65535"),
        ] {
            let told = ServerAddress::parse(text).unwrap_err();
            assert!(told.contains(why), "{text}: {told}");
        }
    }

    #[test]
    fn what_the_settings_say() {
        let mut settings = Settings::builtin().unwrap();
        let addresses = |settings: &Settings| {
            of_settings(settings).map(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert_eq!(addresses(&settings).unwrap(), ["127.0.0.1:12345", "[::1]:12345"]);
        settings.server.listen = vec!["[::]:7".parse().unwrap()];
        assert_eq!(addresses(&settings).unwrap(), ["[::1]:7"]);
        settings.server.listen = vec!["0.0.0.0:7".parse().unwrap()];
        assert_eq!(addresses(&settings).unwrap(), ["127.0.0.1:7"]);
        settings.server.listen = vec!["127.0.0.1:0".parse().unwrap()];
        assert!(matches!(addresses(&settings), Err(ExitError::Usage(why)) if why.contains("--server")));
        let given = ServerArg { server: ServerAddress::parse("localhost:9").ok() };
        assert_eq!(given.servers_in(&settings).unwrap().first.to_string(), "localhost:9");
    }

    #[test]
    fn the_first_that_answers_counts_and_the_first_failure_is_told() {
        let address = |port: u16| ServerAddress::from(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        let servers =
            Servers { first: address(1), others: vec![address(2), address(3)], admin: AdminToken::In("/".into()) };
        let ask = |good: u16| {
            let asked = servers.ask(|server| if *server == address(good) { Ok(good) } else { Err(server.to_string()) });
            asked.map_err(|(server, why)| (server.to_string(), why))
        };
        assert_eq!((ask(1), ask(3)), (Ok(1), Ok(3)));
        assert_eq!(ask(9), Err(("127.0.0.1:1".to_owned(), "127.0.0.1:1".to_owned())));
    }
}
