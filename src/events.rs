//! Every metric, and the event that moves it. An event is also the line of the process's log and of the server's own, so
//! that they cannot drift apart.

use std::sync::Arc;
use std::time::Duration;

use prometheus::core::Collector;
use prometheus::{
    Encoder, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};

use crate::log_ring::LogRing;
use tokio::sync::broadcast;

use crate::types::{Bus, OperatorId, ServerEvent, SessionEnd};

/// Something that happened and that people want to know of.
#[derive(Debug)]
#[allow(missing_docs, reason = "each variant is said in words in `Metrics::emit`")]
pub enum Event<'a> {
    SessionOpened { id: u64, peer: &'a str },
    SessionNamed { id: u64, client: &'a str, version: u32 },
    HandshakeRefused { id: u64, peer: &'a str, why: &'a str, again: bool },
    SessionClosed { id: u64, why: SessionEnd },
    SessionRefused { why: &'a str },
    DeviceFound { what: &'a str, bus: Bus },
    DeviceRefused { what: &'a str, why: &'a str },
    OutputRefused { index: u32, why: &'a str },
    DeviceAdded { index: u32, name: &'a str, protocol: &'a str },
    DeviceAway { index: u32, name: &'a str, why: &'a str },
    DeviceBack { index: u32, name: &'a str },
    DeviceRemoved { index: u32, name: &'a str, why: &'a str },
    OpenFailed { what: &'a str, why: &'a str },
    ActorRestarted { what: &'a str, why: &'a str, delay: Duration },
    ManagerFailed { name: &'a str, why: &'a str, again: bool },
    ManagerRestarted { name: &'a str, delay: Duration, again: bool },
    WriteFailed { index: u32, why: &'a str },
    ScanStarted,
    ScanStopped,
    Held,
    Resumed,
    DeviceChanged { index: u32, name: &'a str },
    SettingsProblem { why: &'a str },
    SettingsInOrder,
    StateNotSaved { why: &'a str },
}

impl Event<'_> {
    /// The event as those who watch the server get it, if it is for them.
    fn for_listeners(&self) -> Option<ServerEvent> {
        let why = |why: &str| why.to_owned();
        Some(match *self {
            Event::SessionOpened { id, .. } => ServerEvent::SessionOpened { id: OperatorId(id) },
            Event::SessionNamed { id, .. } => ServerEvent::SessionNamed { id: OperatorId(id) },
            Event::SessionClosed { id, why } => ServerEvent::SessionClosed { id: OperatorId(id), why },
            Event::DeviceAdded { index, .. } => ServerEvent::DeviceAdded { index },
            Event::DeviceAway { index, why: text, .. } => ServerEvent::DeviceAway { index, why: why(text) },
            Event::DeviceBack { index, .. } => ServerEvent::DeviceBack { index },
            Event::DeviceRemoved { index, why: text, .. } => ServerEvent::DeviceRemoved { index, why: why(text) },
            Event::DeviceChanged { index, .. } => ServerEvent::DeviceChanged { index },
            Event::ScanStarted => ServerEvent::ScanStarted,
            Event::ScanStopped => ServerEvent::ScanStopped,
            Event::Held => ServerEvent::Held,
            Event::Resumed => ServerEvent::Resumed,
            _ => return None,
        })
    }
}

/// Events that a listener may be behind.
const EVENTS: usize = 256;

/// All metrics of one server. Copies share them.
#[derive(Debug, Clone)]
pub struct Metrics {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    registry: Registry,
    sessions: IntGauge,
    sessions_total: IntCounter,
    sessions_refused: IntCounter,
    devices: IntGaugeVec,
    commands: IntCounter,
    rejected: IntCounter,
    writes: IntCounter,
    coalesced: IntCounter,
    failed: IntCounter,
    restarts: IntCounterVec,
    latency: Histogram,
    scanning: IntGauge,
    held: IntGauge,
    log: LogRing,
    events: broadcast::Sender<ServerEvent>,
}

/// Upper ends of the latency histogram in seconds.
const LATENCY: [f64; 14] =
    [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0];

impl Metrics {
    /// Metrics that all start at zero.
    ///
    /// # Errors
    /// A metric that is described wrongly, which a test excludes.
    pub fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let gauge = |name: &str, help: &str| register(&registry, IntGauge::new(name, help)?);
        let counter = |name: &str, help: &str| register(&registry, IntCounter::new(name, help)?);
        let build = Opts::new("hapticd_build_info", "always 1; the labels say which build this is")
            .const_label("version", env!("CARGO_PKG_VERSION"));
        register(&registry, IntGauge::with_opts(build)?)?.set(1);
        let devices = Opts::new("hapticd_devices", "devices by bus and state (connected, away)");
        let restarts = Opts::new("hapticd_restarts_total", "actors that were started again after a failure");
        let latency = HistogramOpts::new(
            "hapticd_command_to_write_seconds",
            "from a command's arrival to the hardware having its bytes",
        );
        let inner = Inner {
            sessions: gauge("hapticd_sessions", "connected clients")?,
            sessions_total: counter("hapticd_sessions_total", "clients that ever connected")?,
            sessions_refused: counter("hapticd_sessions_refused_total", "connections that were turned away")?,
            devices: register(&registry, IntGaugeVec::new(devices, &["bus", "state"])?)?,
            commands: counter("hapticd_commands_total", "output values that were accepted")?,
            rejected: counter("hapticd_rejected_total", "messages that were answered with an error")?,
            writes: counter("hapticd_writes_total", "packets that hardware has taken")?,
            coalesced: counter("hapticd_coalesced_total", "output values replaced by newer ones before being written")?,
            failed: counter("hapticd_failed_writes_total", "packets that hardware has not taken")?,
            restarts: register(&registry, IntCounterVec::new(restarts, &["actor"])?)?,
            latency: register(&registry, Histogram::with_opts(latency.buckets(LATENCY.to_vec()))?)?,
            scanning: gauge("hapticd_scanning", "1 while hardware is looked for")?,
            held: gauge("hapticd_held", "1 while outputs are refused after an emergency stop")?,
            log: LogRing::default(),
            registry,
            events: broadcast::Sender::new(EVENTS),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The log of this server.
    #[must_use]
    pub fn log(&self) -> &LogRing {
        &self.inner.log
    }

    /// What happens from now on. A listener that is too far behind is told how many events it has missed.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<ServerEvent> {
        self.inner.events.subscribe()
    }

    /// Counts an event, logs it, for the process and in the server's own log, and tells those who listen.
    pub fn emit(&self, event: &Event<'_>) {
        let m = &self.inner;
        if m.events.receiver_count() > 0
            && let Some(event) = event.for_listeners()
        {
            let _ = m.events.send(event);
        }
        // What is of use to developers alone would push the rest out of the server's own log.
        macro_rules! say {
            (debug, $($what:tt)*) => { tracing::debug!($($what)*) };
            ($level:ident, $($field:ident = $id:expr,)? $text:literal $(, $argument:expr)*) => {{
                let text = format!($text $(, $argument)*);
                tracing::$level!($($field = $id,)? "{text}");
                m.log.push(stringify!($level), None$(.or(Some((stringify!($field), u64::from(*$id)))))?, text);
            }};
        }
        match event {
            Event::SessionOpened { id, peer } => {
                m.sessions.inc();
                m.sessions_total.inc();
                say!(debug, session = id, "{peer} connected");
            }
            Event::SessionNamed { id, client, version } => {
                say!(info, session = id, "client {client:?} is here, protocol version {version}");
            }
            Event::HandshakeRefused { id, peer, why, again: false } => {
                say!(warn, session = id, "the client at {peer} is refused: {why}");
            }
            Event::HandshakeRefused { id, peer, why, again: true } => {
                say!(debug, session = id, "the client at {peer} is refused again: {why}");
            }
            Event::SessionClosed { id, why } => {
                m.sessions.dec();
                say!(info, session = id, "client gone: {why}");
            }
            Event::SessionRefused { why } => {
                m.sessions_refused.inc();
                say!(warn, "a connection was turned away: {why}");
            }
            Event::DeviceFound { what, bus } => say!(debug, %bus, "found {what}"),
            Event::DeviceRefused { what, why } => say!(debug, "{what} is not taken: {why}"),
            Event::OutputRefused { index, why } => say!(warn, device = index, "output {why}"),
            Event::DeviceAdded { index, name, protocol } => {
                say!(info, device = index, "{name} is connected ({protocol})");
            }
            Event::DeviceAway { index, name, why } => say!(warn, device = index, "{name} is out of reach: {why}"),
            Event::DeviceBack { index, name } => say!(info, device = index, "{name} is back"),
            Event::DeviceRemoved { index, name, why } => say!(info, device = index, "{name} is gone: {why}"),
            Event::DeviceChanged { index, name } => say!(info, device = index, "what you set for {name} has changed"),
            Event::SettingsProblem { why } => say!(warn, "{why}"),
            Event::SettingsInOrder => say!(info, "what you set for devices is in order again"),
            Event::OpenFailed { what, why } => say!(warn, "{what} could not be opened: {why}"),
            Event::ActorRestarted { what, why, delay } => {
                m.restarts.with_label_values(&[kind_of(what)]).inc();
                say!(warn, "{what} ended ({why}) and is started again in {} ms", delay.as_millis());
            }
            Event::ManagerFailed { name, why, again: false } => say!(warn, "the {name} bus does not work: {why}"),
            Event::ManagerFailed { name, why, again: true } => say!(debug, "the {name} bus still does not work: {why}"),
            Event::ManagerRestarted { name, delay, again } => {
                m.restarts.with_label_values(&["manager"]).inc();
                let ms = delay.as_millis();
                if *again {
                    say!(debug, "the {name} bus is started again in {ms} ms");
                } else {
                    say!(info, "the {name} bus is started again, every few seconds until it works, first in {ms} ms");
                }
            }
            Event::WriteFailed { index, why } => {
                m.failed.inc();
                say!(debug, device = index, "a write failed: {why}");
            }
            Event::ScanStarted => {
                m.scanning.set(1);
                say!(info, "scanning");
            }
            Event::ScanStopped => {
                m.scanning.set(0);
                say!(info, "no longer scanning");
            }
            Event::Held => {
                m.held.set(1);
                say!(
                    warn,
                    "everything was stopped from outside; outputs are refused until somebody resumes (hapticd resume)"
                );
            }
            Event::Resumed => {
                m.held.set(0);
                say!(info, "outputs are taken again");
            }
            Event::StateNotSaved { why } => say!(error, "what is known of devices could not be saved: {why}"),
        }
    }

    /// Output values were accepted; `replaced` of them took the place of values not yet written.
    pub fn commands(&self, accepted: usize, replaced: usize) {
        self.inner.commands.inc_by(u64::try_from(accepted).unwrap_or(u64::MAX));
        if replaced > 0 {
            self.inner.coalesced.inc_by(u64::try_from(replaced).unwrap_or(u64::MAX));
        }
    }

    /// A message was answered with an error.
    pub fn rejected(&self) {
        self.inner.rejected.inc();
    }

    /// Hardware has taken a packet.
    pub fn written(&self) {
        self.inner.writes.inc();
    }

    /// Hardware has the bytes of a command that arrived this long ago.
    pub fn latency(&self, time: Duration) {
        self.inner.latency.observe(time.as_secs_f64());
    }

    /// How many devices a bus has in a state.
    pub fn devices(&self, bus: Bus, state: &str, count: usize) {
        self.inner.devices.with_label_values(&[bus.name(), state]).set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// All of it in the text format of Prometheus.
    ///
    /// # Errors
    /// None that is known: the encoder's own.
    pub fn text(&self) -> prometheus::Result<String> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.inner.registry.gather(), &mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

fn register<C: Collector + Clone + 'static>(registry: &Registry, metric: C) -> prometheus::Result<C> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

/// Restarts are counted by kind of actor: "device 3" is a device.
fn kind_of(what: &str) -> &str {
    what.split(' ').next().unwrap_or(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_move_their_metrics() {
        let metrics = Metrics::new().unwrap();
        metrics.emit(&Event::SessionOpened { id: 1, peer: "someone" });
        metrics.emit(&Event::ScanStarted);
        metrics.emit(&Event::ActorRestarted { what: "device 3", why: "panicked", delay: Duration::ZERO });
        metrics.commands(3, 1);
        metrics.latency(Duration::from_micros(70));
        let text = metrics.text().unwrap();
        for line in [
            "hapticd_sessions 1",
            "hapticd_scanning 1",
            "hapticd_restarts_total{actor=\"device\"} 1",
            "hapticd_commands_total 3",
            "hapticd_coalesced_total 1",
            "hapticd_command_to_write_seconds_bucket{le=\"0.0001\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn an_event_is_one_line_of_the_log_too() {
        let metrics = Metrics::new().unwrap();
        metrics.emit(&Event::ScanStarted);
        metrics.emit(&Event::DeviceRefused { what: "a lamp", why: "no definition matches it" });
        metrics.emit(&Event::DeviceAway { index: 3, name: "Toy", why: "the connection was lost" });
        let lines = metrics.log().entries().into_iter().map(|line| (line.level, line.about, line.text));
        assert_eq!(
            lines.collect::<Vec<_>>(),
            [
                ("info", None, "scanning".to_owned()),
                ("warn", Some(("device", 3)), "Toy is out of reach: the connection was lost".to_owned())
            ]
        );
    }

    /// Names that begin with ours, as text has them.
    fn ours(text: &str) -> std::collections::BTreeSet<&str> {
        let words = text.split(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit() && c != '_');
        words.filter(|word| word.starts_with("hapticd_")).collect()
    }

    #[test]
    fn dashboard_and_alerts_ask_for_what_there_is() {
        let metrics = Metrics::new().unwrap();
        // Metrics with labels are not there before their first event.
        metrics.emit(&Event::ActorRestarted { what: "device 3", why: "panicked", delay: Duration::ZERO });
        metrics.devices(Bus::Btle, "connected", 0);
        let text = metrics.text().unwrap();
        let there = ours(&text);
        for (file, text) in [
            ("dashboard", include_str!("../deploy/container/grafana/dashboards/hapticd.json")),
            ("alerts", include_str!("../deploy/container/prometheus/alerts.yml")),
            ("test of the alerts", include_str!("../deploy/container/prometheus/alerts_test.yml")),
        ] {
            let asked = ours(text);
            assert!(!asked.is_empty(), "the {file} asks for nothing");
            let missing: Vec<_> = asked.difference(&there).collect();
            assert!(missing.is_empty(), "the {file} asks for {missing:?}, which is not in /metrics");
        }
    }
}
