//! The server's address, and why it cannot be reached.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::http::Uri;
use tokio_tungstenite::tungstenite::{Error, http::StatusCode};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Time to get from nothing to an open socket.
const LIMIT: Duration = Duration::from_secs(5);
const PATH: &str = "/hardware";
const HINT: &str = "start the server with: hapticd --virtual";

/// An open connection.
pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The full URL of what the user gave.
pub(super) fn url(given: &str) -> Result<String, String> {
    let wrong = |why: &str| format!("--server {given}: {why}; allowed: ws://HOST:PORT, and a path if it is not {PATH}");
    let uri: Uri = given.parse().map_err(|error| wrong(&format!("{error}")))?;
    match (uri.scheme_str(), uri.authority()) {
        (Some("ws"), Some(authority)) => {
            let path = if uri.path() == "/" { PATH } else { uri.path() };
            let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
            Ok(format!("ws://{authority}{path}{query}"))
        }
        (Some("wss"), _) => Err(wrong("encrypted connections are not supported")),
        _ => Err(wrong("this is no WebSocket address")),
    }
}

/// Connects. The error is a sentence that says what to do.
pub(super) async fn connect(url: &str) -> Result<Socket, String> {
    match tokio::time::timeout(LIMIT, connect_async(url)).await {
        Ok(Ok((socket, _))) => Ok(socket),
        Ok(Err(error)) => Err(reason(url, &error)),
        Err(_) => Err(format!("the server at {url} did not answer within {} s; {HINT}", LIMIT.as_secs())),
    }
}

fn reason(url: &str, error: &Error) -> String {
    match error {
        Error::Io(error) => format!("no server can be reached at {url} ({error}); {HINT}"),
        Error::Http(response) => match response.status() {
            StatusCode::NOT_FOUND => format!("the server at {url} takes no virtual hardware; {HINT}"),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let status = response.status();
                format!("the server at {url} does not let this program in ({status}); add its token to the address")
            }
            status => format!("the server at {url} answered {status} instead of taking hardware; {HINT}"),
        },
        error => format!("what answers at {url} is no hapticd ({error}); {HINT}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        assert_eq!(url("ws://localhost:1").unwrap(), "ws://localhost:1/hardware");
        assert_eq!(url("ws://localhost:1/?token=a").unwrap(), "ws://localhost:1/hardware?token=a");
        assert_eq!(url("ws://[::1]:1/other").unwrap(), "ws://[::1]:1/other");
        for wrong in ["", "localhost:1", "http://localhost:1", "wss://localhost", "ws://", "ws:// a"] {
            assert!(url(wrong).unwrap_err().contains("allowed: ws://HOST:PORT"), "{wrong}");
        }
    }

    #[tokio::test]
    async fn nobody_there() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let text = connect(&format!("ws://{free}/hardware")).await.unwrap_err();
        assert!(text.contains("hapticd --virtual"), "{text}");
    }
}
