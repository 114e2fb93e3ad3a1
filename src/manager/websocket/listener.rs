//! The port: accepts devices, and hands each socket to the thread on which its device will run.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix::prelude::*;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tracing::debug;

use super::handshake::serve;
use super::options::WebsocketOptions;
use crate::addresses::take_all;
use crate::manager::{contract::Found, device_threads::DeviceThreads};

/// What each new connection needs.
#[derive(Debug, Clone)]
pub(super) struct Entrance {
    pub options: WebsocketOptions,
    /// One place for each device at once.
    pub room: Arc<Semaphore>,
    pub found: Recipient<Found>,
    pub threads: DeviceThreads,
}

/// Accepts devices for as long as it is polled; returns why it cannot. Says in `bound` where it listens.
pub(super) async fn listen(
    addresses: Vec<SocketAddr>,
    bound: Arc<OnceLock<Vec<SocketAddr>>>,
    entrance: Entrance,
) -> String {
    let failed =
        |at: SocketAddr, error: std::io::Error| format!("`buses.websocket.listen` = {at} cannot be used: {error}");
    let bind = |at| {
        let listener = std::net::TcpListener::bind(at)?;
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener)
    };
    let port = |listener: &TcpListener| listener.local_addr().map_or(0, |bound| bound.port());
    let (listeners, missing) = match take_all(&addresses, bind, port) {
        Ok(taken) => taken,
        Err((at, error)) => return failed(at, error),
    };
    if let (true, Some((at, error))) = (listeners.is_empty(), missing.into_iter().next()) {
        return failed(at, error);
    }
    let _ = bound.set(listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect());
    let accepting = listeners.into_iter().map(|listener| accept(listener, entrance.clone()));
    futures_util::future::join_all(accepting).await;
    "nobody accepts devices any more".to_owned()
}

/// Accepts devices for ever.
async fn accept(listener: TcpListener, entrance: Entrance) {
    let Entrance { options, room, found, threads } = entrance;
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            // Too many open files, or the peer was gone at once: neither is the end of the port.
            Err(error) => {
                debug!("a device could not be accepted: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        // A place is taken before a byte is read, so that strangers cannot hold more than there are.
        let Ok(place) = Arc::clone(&room).try_acquire_owned() else {
            debug!("{peer} is turned away: as many devices as allowed are connected, {}", options.max_devices);
            continue;
        };
        // A socket belongs to the thread that made it, so it changes over as a plain one.
        let stream = match stream.into_std() {
            Ok(stream) => stream,
            Err(error) => {
                debug!("device at {peer}: {error}");
                continue;
            }
        };
        let (found, thread) = (found.clone(), threads.next());
        let own = thread.clone();
        thread.spawn(move || async move {
            let served = match TcpStream::from_std(stream) {
                Ok(stream) => serve(stream, options, found, own).await,
                Err(error) => Err(error.to_string()),
            };
            if let Err(why) = served {
                debug!("device at {peer}: {why}");
            }
            drop(place);
        });
    }
}
