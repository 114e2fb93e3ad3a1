//! What is done with each new connection before its first request.

use std::any::Any;
use std::time::Duration;

use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use tracing::warn;

use super::websocket;
use crate::patience;
use crate::throttle::Throttle;

/// First byte of every TLS connection: a handshake record.
const TLS_HANDSHAKE: u8 = 0x16;
/// How long a connection's first byte is waited for. The web server gives up earlier.
const FIRST_BYTE: Duration = Duration::from_secs(10);

/// Give this to `HttpServer::on_connect`.
pub fn on_connect(connection: &dyn Any, data: &mut Extensions) {
    websocket::on_connect(connection, data);
    if let Some(stream) = connection.downcast_ref::<TcpStream>()
        && let Some((copy, peer)) = second_handle(stream)
    {
        // The task runs before the web server's own one, and its handle, which was made later, hears first of what comes. In
        // the rare case that the web server was quicker all the same, a hint is lost and nothing else.
        actix_web::rt::spawn(async move {
            let first = match peek(&copy) {
                Some(first) => Some(first),
                None => patience::timeout(FIRST_BYTE, later(&copy)).await.flatten(),
            };
            if first == Some(TLS_HANDSHAKE) {
                hint(&peer);
            }
        });
    }
}

fn second_handle(stream: &TcpStream) -> Option<(TcpStream, String)> {
    let peer = stream.peer_addr().ok()?.to_string();
    let copy = socket2::SockRef::from(stream).try_clone().ok()?;
    Some((TcpStream::from_std(copy.into()).ok()?, peer))
}

/// The first byte that has come and not been read, without waiting and without taking it from whoever reads.
fn peek(stream: &TcpStream) -> Option<u8> {
    let plain: std::net::TcpStream = socket2::SockRef::from(stream).try_clone().ok()?.into();
    let mut first = [0];
    let count = plain.peek(&mut first).ok()?;
    first.first().copied().filter(|_| count > 0)
}

/// The first byte as soon as it comes; nothing when the peer goes without a word.
async fn later(stream: &TcpStream) -> Option<u8> {
    let mut first = [0];
    let count = stream.peek(&mut first).await.ok()?;
    first.first().copied().filter(|_| count > 0)
}

/// A client that was told `wss://` gets no answer that it understands; whoever set it up may look here.
fn hint(peer: &str) {
    static HINT: Throttle = Throttle::new(Duration::from_secs(60));
    if let Some(more) = HINT.admit() {
        warn!("{peer} began an encrypted connection, which this port does not take: use ws://, not wss://{more}");
    }
}
