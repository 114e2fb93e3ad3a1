//! The server's address, and why it cannot be reached.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, http::StatusCode};
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
        match connect_to(&url).await {
            Ok(socket) => return Ok((socket, url)),
            Err(why) => failed = failed.or(Some(why)),
        }
    }
    Err(failed.unwrap_or_default())
}

async fn connect_to(url: &str) -> Result<Socket, String> {
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
        let text = connect_to(&format!("ws://{free}/hardware")).await.unwrap_err();
        assert!(text.contains("hapticd --virtual"), "{text}");
    }
}
