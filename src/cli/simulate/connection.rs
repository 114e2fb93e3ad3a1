//! The server's address, and why it cannot be reached.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, http::StatusCode, http::header};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::cli::server_address::Servers;

/// Time to get from nothing to an open socket.
const LIMIT: Duration = Duration::from_secs(5);
const PATH: &str = "/hardware";
const HINT: &str = "start the server with: hapticd --virtual";

/// An open connection.
pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Connects to the first server that takes hardware, and says which that is. The error is a sentence that says what to
/// do, about the server that was to be tried first.
pub(super) async fn connect(servers: &Servers) -> Result<(Socket, String), String> {
    let mut failed = None;
    for server in servers.iter() {
        let url = server.url(PATH);
        let mut connected = connect_to(&url, None).await;
        if let Err(Failure::Unauthorized(_)) = connected
            && let Some(token) = server.admin_token(servers.admin())
        {
            connected = connect_to(&url, Some(&token)).await;
        }
        match connected {
            Ok(socket) => return Ok((socket, url)),
            Err(Failure::Unauthorized(why) | Failure::Other(why)) => failed = failed.or(Some(why)),
        }
    }
    Err(failed.unwrap_or_default())
}

/// Why there is no connection, as a sentence that says what to do.
#[derive(Debug)]
enum Failure {
    /// The server wants a token.
    Unauthorized(String),
    Other(String),
}

async fn connect_to(url: &str, token: Option<&str>) -> Result<Socket, Failure> {
    let mut request = url.into_client_request().map_err(|error| Failure::Other(reason(url, &error)))?;
    if let Some(token) = token.and_then(|token| format!("Bearer {token}").parse().ok()) {
        request.headers_mut().insert(header::AUTHORIZATION, token);
    }
    match tokio::time::timeout(LIMIT, connect_async(request)).await {
        Ok(Ok((socket, _))) => Ok(socket),
        Ok(Err(error)) if matches!(&error, Error::Http(response) if response.status() == StatusCode::UNAUTHORIZED) => {
            Err(Failure::Unauthorized(reason(url, &error)))
        }
        Ok(Err(error)) => Err(Failure::Other(reason(url, &error))),
        Err(_) => {
            let seconds = LIMIT.as_secs();
            Err(Failure::Other(format!("the server at {url} did not answer within {seconds} s; {HINT}")))
        }
    }
}

fn reason(url: &str, error: &Error) -> String {
    match error {
        Error::Io(error) => format!("no server can be reached at {url} ({error}); {HINT}"),
        Error::Http(response) => match response.status() {
            StatusCode::NOT_FOUND if is_ours(response.body().as_deref()) => {
                format!("the server at {url} takes no virtual hardware; {HINT}")
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let status = response.status();
                format!("the server at {url} does not let this program in ({status}); add its token to the address")
            }
            status => format!("what listens at {url} is no hapticd, it answers {status}; {HINT}"),
        },
        error => format!("what answers at {url} is no hapticd ({error}); {HINT}"),
    }
}

/// Whether the answer is that of a hapticd without virtual hardware. One without a body says nothing against it.
fn is_ours(body: Option<&[u8]>) -> bool {
    body.is_none_or(|body| body.is_empty() || String::from_utf8_lossy(body).contains("Virtual hardware is off"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nobody_there() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let Failure::Other(text) = connect_to(&format!("ws://{free}/hardware"), None).await.unwrap_err() else {
            panic!("nobody asks for a token");
        };
        assert!(text.contains("hapticd --virtual"), "{text}");
    }
}
