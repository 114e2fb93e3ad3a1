//! From a connection to a device: the WebSocket request, and the first frame, which says who it is.

use std::sync::{Arc, atomic::AtomicBool};
use std::time::Duration;

use actix::prelude::*;
use futures_util::StreamExt;
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode, uri::Authority};
use tokio_tungstenite::{tungstenite::Message as Frame, tungstenite::protocol::WebSocketConfig};
use tracing::{debug, warn};

use super::connector::Handle;
use super::options::WebsocketOptions;
use super::socket::{Device, UPGRADE, take_leave};
use crate::access::{self, Caller};
use crate::buttplug::number::Whole;
use crate::library::Hardware;
use crate::manager::{contract::Connector, contract::Found, device_threads::DeviceThread};
use crate::patience;
use crate::text::{from_json, shown};
use crate::throttle::Throttle;
use crate::types::Bus;

/// Largest frame that a device may send; protocols send tens of bytes.
const MAX_FRAME: usize = 64 * 1024;
/// Bytes that are read at once. The library keeps a buffer of this size for each device.
const READ_BUFFER: usize = 512;

#[derive(Deserialize)]
struct Hello {
    identifier: String,
    address: String,
    /// Required by the format and not used.
    #[serde(rename = "version")]
    _version: Whole<u32>,
}

/// Takes no request that a web page sent: hardware that a page plays would be nobody's choice.
fn admit(request: &Request) -> Result<(), (StatusCode, String)> {
    static HINT: Throttle = Throttle::new(Duration::from_secs(60));
    let all = |name: &str| request.headers().get_all(name).iter().map(HeaderValue::as_bytes).collect();
    let headers = access::Headers {
        hosts: all("host"),
        target: request.uri().authority().map(Authority::as_str),
        origins: all("origin"),
        fetch_sites: all("sec-fetch-site"),
        forwarded: request.headers().keys().any(|name| access::is_forwarding(name.as_str())),
    };
    match access::caller(&headers) {
        Ok(Caller::Program | Caller::OwnPage) => Ok(()),
        Ok(Caller::ForeignPage) => {
            let origin = headers.origins.first().map(|origin| String::from_utf8_lossy(origin)).unwrap_or_default();
            if let Some(more) = HINT.admit() {
                warn!(
                    "a device that dials in was refused: its request carries the Origin {:?}, as web pages do; \
                     firmware must send none{more}",
                    shown(&origin)
                );
            }
            Err((StatusCode::FORBIDDEN, "a web page may not dial in".to_owned()))
        }
        Ok(Caller::Remote) => Err((StatusCode::FORBIDDEN, "nobody may dial in through a proxy".to_owned())),
        Err(refusal) if refusal.is_malformed() => Err((StatusCode::BAD_REQUEST, refusal.to_string())),
        Err(refusal) => Err((StatusCode::FORBIDDEN, refusal.to_string())),
    }
}

/// Serves a device from its request to its end, on this thread, which is `thread`.
///
/// # Errors
/// Why it never became a device.
pub(super) async fn serve(
    stream: TcpStream,
    options: WebsocketOptions,
    found: Recipient<Found>,
    thread: DeviceThread,
) -> Result<(), String> {
    let _ = stream.set_nodelay(true);
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_FRAME))
        .max_frame_size(Some(MAX_FRAME))
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0);
    let mut refused = None;
    #[expect(clippy::result_large_err, reason = "the library wants it so")]
    let check = |request: &Request, response: Response| match admit(request) {
        Ok(()) => Ok(response),
        Err((status, why)) => {
            let mut answer = ErrorResponse::new(Some(format!("{why}\n")));
            *answer.status_mut() = status;
            refused = Some(why);
            Err(answer)
        }
    };
    let upgrade = tokio_tungstenite::accept_hdr_async_with_config(stream, check, Some(config));
    let upgraded = patience::timeout(UPGRADE, upgrade).await.ok_or("no WebSocket request came")?;
    let mut socket = match upgraded {
        Ok(socket) => socket,
        Err(error) => return Err(refused.unwrap_or_else(|| error.to_string())),
    };
    let first = patience::timeout(options.first_frame, socket.next()).await;
    let hello = match first.ok_or("it did not say who it is")? {
        Some(Ok(Frame::Text(text))) => from_json::<Hello>(&text),
        Some(Ok(_)) => Err("its first frame is no text".to_owned()),
        Some(Err(error)) => Err(error.to_string()),
        None => return Ok(()),
    };
    let hello = match hello {
        Ok(hello) if !hello.address.is_empty() => hello,
        other => {
            take_leave(&mut socket).await;
            return Err(other.err().unwrap_or_else(|| "its address is empty".to_owned()));
        }
    };
    let (commands, from_hub) = mpsc::unbounded_channel();
    let handle = Arc::new(Handle { commands, connected: AtomicBool::new(false), thread });
    let hardware = Hardware::new(Bus::Websocket, hello.identifier, hello.address);
    found.do_send(Found { hardware, connector: Arc::clone(&handle) as Arc<dyn Connector> });
    // The hub keeps a handle for as long as it wants the device.
    drop(handle);
    let why = Device::new(socket, options).run(from_hub).await;
    debug!("a device that had dialled in is gone: {why}");
    Ok(())
}
