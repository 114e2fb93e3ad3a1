//! What happens, as server-sent events: a snapshot first, then each event by its name.
//!
//! Nothing is kept for a reader but a bounded number of events: one that falls behind gets a new snapshot.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::web::{Bytes, Data, Query};
use actix_web::{HttpResponse, rt::time::Interval};
use futures_util::future::BoxFuture;
use futures_util::stream;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio::time::Instant;
use utoipa::{IntoParams, ToSchema};

use super::devices::{self, Device};
use super::problem::Problem;
use crate::types::{OperatorInfo, OutputStatus, ServerEvent};
use crate::web::access::Asker;
use crate::web::site::Site;

/// Changes of outputs are looked for this often: 30 times a second at most.
const SAMPLE: Duration = Duration::from_millis(34);
/// A reader that hears nothing for this long is sent a comment, so that both ends notice a connection that is lost.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Readers at the same time.
const MOST_READERS: usize = 64;
/// Names of events beside those of [`ServerEvent`].
const SNAPSHOT: &str = "snapshot";
const OUTPUTS: &str = "outputs";

/// Which events a reader wants.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// Names of events with commas between, such as `outputs,device_added`; every event without it. The snapshot comes in
    /// any case.
    only: Option<String>,
}

/// The first event, and the one after events that the reader was too slow for: how everything is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Snapshot {
    /// Devices by index.
    devices: BTreeMap<u32, Device>,
    /// Who may drive them.
    operators: Vec<OperatorInfo>,
    /// Outputs are refused after an emergency stop.
    held: bool,
}

/// What the outputs of a device do by now.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OutputsChanged {
    /// Index of the device.
    device: u32,
    /// Its outputs, in the hardware's own steps.
    outputs: Vec<OutputStatus>,
}

/// Counts readers.
#[derive(Debug, Clone, Default)]
pub struct Readers(Arc<AtomicUsize>);

#[derive(Debug)]
struct Reader(Readers);

impl Readers {
    fn enter(&self) -> Option<Reader> {
        let before = self.0.fetch_add(1, Ordering::Relaxed);
        let reader = Reader(self.clone());
        (before < MOST_READERS).then_some(reader)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What happens, as it happens.
#[utoipa::path(get, operation_id = "get_events", path = "/api/v1/events", tag = "events", params(Filter),
    responses((status = 200, description = "events `snapshot` (`Snapshot`), `outputs` (`OutputsChanged`), and those of \
        `ServerEvent` by the name in its field `event`", content_type = "text/event-stream", body = String),
        (status = 400, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn events(site: Data<Site>, asker: Asker, filter: Query<Filter>) -> Result<HttpResponse, Problem> {
    let only = filter.into_inner().only.map(|only| only.split(',').map(|name| name.trim().to_owned()).collect());
    let reader = site.readers.enter().ok_or_else(|| {
        let detail = format!("{MOST_READERS} programs read events already, and no more may");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too-many", detail)
    })?;
    // What happens while the snapshot is made comes after it.
    let feed = Feed {
        events: site.control.events(),
        next: Some(snapshot(&site)),
        only,
        seen: BTreeMap::new(),
        ticks: ticks(),
        ended: ended(&site, asker),
        last: Instant::now(),
        site,
        _reader: reader,
    };
    let mut feed = feed;
    // What is in the snapshot is no change.
    let _ = feed.changed();
    let parts =
        stream::unfold(feed, |mut feed| async { feed.next().await.map(|part| (Ok::<_, Infallible>(part), feed)) });
    let mut response = HttpResponse::Ok();
    response.content_type("text/event-stream").insert_header((header::CACHE_CONTROL, "no-store"));
    Ok(response.streaming(parts))
}

fn ended(site: &Site, asker: Asker) -> BoxFuture<'static, ()> {
    let (tokens, token) = (site.tokens.clone(), asker.token());
    Box::pin(async move {
        match token {
            Some(token) => tokens.ended(token).await,
            None => std::future::pending().await,
        }
    })
}

fn ticks() -> Interval {
    let mut ticks = actix_web::rt::time::interval(SAMPLE);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    ticks
}

/// What one reader gets.
struct Feed {
    site: Data<Site>,
    events: Receiver<ServerEvent>,
    next: Option<Bytes>,
    only: Option<BTreeSet<String>>,
    /// By device, which change of its outputs the reader knows.
    seen: BTreeMap<u32, u64>,
    ticks: Interval,
    /// The token by which the reader came in is valid no longer.
    ended: BoxFuture<'static, ()>,
    /// When the reader was last sent something.
    last: Instant,
    _reader: Reader,
}

impl Feed {
    /// The next part of the answer; nothing when the server ends.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(next) = self.next.take() {
                self.last = Instant::now();
                return Some(next);
            }
            tokio::select! {
                () = &mut self.ended => return None,
                event = self.events.recv() => self.next = match event {
                    Ok(event) => named(&event).filter(|(name, _)| self.wants(name)).map(|(name, data)| part(&name, &data)),
                    Err(RecvError::Lagged(_)) => Some(snapshot(&self.site)),
                    Err(RecvError::Closed) => return None,
                },
                _ = self.ticks.tick() => {
                    if self.site.control.is_shutting_down() {
                        return None;
                    }
                    let silent = self.last.elapsed() >= KEEP_ALIVE;
                    self.next = self.changed().or_else(|| silent.then(|| Bytes::from_static(b":\n\n")));
                }
            }
        }
    }

    fn wants(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(name))
    }

    /// The outputs that have changed since the last time.
    fn changed(&mut self) -> Option<Bytes> {
        if !self.wants(OUTPUTS) {
            return None;
        }
        let changed = self.site.control.changed_outputs(&mut self.seen).into_iter();
        let parts = changed.map(|(device, outputs)| part(OUTPUTS, &json(&OutputsChanged { device, outputs })));
        let parts: Vec<u8> = parts.flatten().collect();
        (!parts.is_empty()).then(|| parts.into())
    }
}

fn snapshot(site: &Site) -> Bytes {
    let held = *site.control.watch_hold().borrow();
    part(SNAPSHOT, &json(&Snapshot { devices: devices::all(site), operators: site.control.operators(), held }))
}

/// An event's name, which its data has too, and its data.
fn named(event: &ServerEvent) -> Option<(String, String)> {
    let value = serde_json::to_value(event).ok()?;
    let name = value.get("event")?.as_str()?.to_owned();
    Some((name, value.to_string()))
}

fn json(data: &impl Serialize) -> String {
    serde_json::to_string(data).unwrap_or_default()
}

fn part(name: &str, data: &str) -> Bytes {
    format!("event: {name}\ndata: {data}\n\n").into()
}
