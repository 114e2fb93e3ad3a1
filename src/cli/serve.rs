//! `hapticd serve`: runs the server until it is told to end, and then stops all hardware first.

use std::net::SocketAddr;
use std::sync::Arc;

use actix_web::HttpServer;
use arc_swap::ArcSwap;
use tracing::{debug, error, info, warn};
use tracing_subscriber::EnvFilter;

use super::buses;
use super::listen;
use super::mdns;
use super::service::Service;
use super::{Failure, ServeArgs, print};
use crate::device::Pace;
use crate::hub::{HubHandle, HubOptions, known_devices::InUse, known_devices::KnownDevices};
use crate::library::Library;
use crate::manager::{BusSetup, btle, list, virtual_bus::Port};
use crate::metrics::Metrics;
use crate::session::SessionOptions;
use crate::settings::Settings;
use crate::socket::SocketLimits;
use crate::web::{self, Site};
use crate::words::counted;

pub(super) fn run(args: &ServeArgs) -> Result<(), Failure> {
    let more: &[&str] = if args.r#virtual { &["buses.virtual.enabled=true"] } else { &[] };
    let settings = args.settings.load(more)?;
    start_log(&settings)?;
    log_panics();
    raise_file_limit();
    let library = super::library(&settings)?;
    for problem in library.problems() {
        warn!("a definition is not used: {problem}");
    }
    actix_web::rt::System::new().block_on(serve(&settings, library))
}

fn start_log(settings: &Settings) -> Result<(), Failure> {
    let level = &settings.log.level;
    // The web server's own comings and goings are for those who ask for them, and so are its errors about what strangers
    // send: `web` says in hapticd's words what is of use. What the user's own filter says later wins.
    let plain = level.parse::<tracing::Level>().is_ok_and(|level| level <= tracing::Level::INFO);
    let quiet = if plain { "actix_server=warn," } else { "" };
    let filter = format!("actix_http::h1::dispatcher=off,{quiet}{level}");
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| Failure::Given(format!("`log.level` = {level:?} is no level and no filter: {error}")))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_target(false).with_writer(std::io::stderr);
    // Colours are for people at a terminal, not for files and journals.
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr()) && std::env::var_os("NO_COLOR").is_none();
    log.with_ansi(colours).init();
    Ok(())
}

/// A panic ends its own actor or task; the log says which and where.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let thread = std::thread::current().name().unwrap_or("without a name").to_owned();
        if panic.location().is_some_and(btle::is_harmless_panic) {
            debug!("a known and harmless panic of the Bluetooth library: {panic}");
        } else {
            error!("thread {thread}: {panic}");
        }
    }));
}

/// Every connection takes two file handles, and the usual limit is 1,024.
fn raise_file_limit() {
    const WANTED: u64 = 65_536;
    if let Err(error) = rlimit::increase_nofile_limit(WANTED) {
        warn!("the limit of open files could not be raised: {error}");
    }
}

async fn serve(settings: &Settings, library: Library) -> Result<(), Failure> {
    let metrics = Metrics::new().map_err(|error| Failure::Done(format!("the metrics cannot be made: {error}")))?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = settings.server.threads.unwrap_or(cores);
    let models: usize = library.definitions().iter().map(|definition| definition.all_models().count()).sum();
    let definitions = library.definitions().len();

    let library = Arc::new(ArcSwap::from_pointee(library));
    let port = Port::default();
    let buses = list::all(&BusSetup { settings, library: &library, port: &port });
    let virtual_port = settings.buses.virtual_bus.enabled.then_some(port);

    let limits = SocketLimits {
        max_frame: settings.sessions.max_frame_bytes,
        max_unsent: settings.sessions.max_unsent_bytes,
        ping: settings.sessions.websocket_ping,
        deadline: settings.sessions.websocket_pong_deadline,
    };
    let sessions = SessionOptions {
        server_name: settings.server.name.clone(),
        max_ping: settings.server.max_ping_time,
        handshake: settings.sessions.handshake_timeout,
        max_frame: limits.max_frame,
    };
    // The port is taken before anything else starts: a second server must not touch the hardware of the first.
    let listeners = listen::take(settings)?;
    let bound: Vec<_> = listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect();

    let mut known = KnownDevices::open(&settings.state.dir, settings.state.remember)
        .map_err(|InUse(holder)| state_in_use(settings, &holder))?;
    let first = bound.first().map(ToString::to_string).unwrap_or_default();
    known.announce(&bound.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and "));
    let arbiters: Vec<_> = (0..threads).map(|_| actix::Arbiter::new()).collect();
    let handles = arbiters.iter().map(actix::Arbiter::handle).collect();
    let hub = HubHandle::start(hub_options(settings, &first), library.load_full(), known, buses, handles, metrics);
    let site = Site { hub: hub.clone(), sessions, limits, virtual_port: virtual_port.clone() };

    let mut server = HttpServer::new(move || web::app(&site))
        .workers(threads)
        .max_connections(settings.sessions.max_connections.div_ceil(threads))
        .on_connect(web::on_connect)
        .disable_signals()
        .shutdown_timeout(1);
    for listener in listeners {
        server = server.listen(listener).map_err(|error| Failure::Done(format!("cannot listen: {error}")))?;
    }
    let server = server.run();
    let server_handle = server.handle();
    let mut serving = actix_web::rt::spawn(server);

    // The server works already; only what it says of its buses waits until they know.
    actix_web::rt::spawn({
        let (hub, settings, bound) = (hub.clone(), settings.clone(), bound.clone());
        async move {
            let buses = buses::lines(&buses::settled(&hub).await);
            print(&welcome(&settings, &bound, &buses, definitions, models));
        }
    });
    let service = Service::from_environment();
    if let Some(service) = service.clone() {
        let hub = hub.clone();
        actix_web::rt::spawn(service.report(move |deadline| {
            let hub = hub.clone();
            async move { hub.pulse(deadline).await }
        }));
    }
    let announced = mdns::announce(&settings.mdns, &bound);
    let ended = tokio::select! {
        signal = signals() => Ok(signal),
        served = &mut serving => Err(format!("the web server has ended ({served:?})")),
        () = hub.ended() => Err("the hub has ended, which should never happen".to_owned()),
    };
    match &ended {
        Ok(signal) => info!("{signal}: stopping all devices"),
        Err(why) => error!("{why}: stopping all devices"),
    }
    drop(announced);
    if let Some(service) = &service {
        service.stopping(settings.server.shutdown_deadline);
    }
    // Without a hub the devices' own actors still write: they are told directly.
    let unconfirmed =
        if hub.is_gone() { hub.stop_all(true).await } else { hub.shut_down(settings.server.shutdown_deadline).await };
    if let Some(port) = &virtual_port {
        port.close();
    }
    server_handle.stop(true).await;
    for arbiter in &arbiters {
        arbiter.stop();
    }
    if !unconfirmed.is_empty() {
        let devices = unconfirmed.join(", ");
        return Err(Failure::Done(format!("these devices did not confirm that they stopped: {devices}")));
    }
    match ended {
        Ok(_) => Ok(()),
        Err(why) => Err(Failure::Done(why)),
    }
}

fn hub_options(settings: &Settings, bound: &str) -> HubOptions {
    HubOptions {
        grace: settings.devices.reconnect_grace,
        restart_budget: settings.devices.restart_budget,
        restart_window: settings.devices.restart_window,
        restart_delay: settings.devices.restart_delay,
        connect_timeout: settings.links.connect_timeout,
        init_timeout: settings.links.init_timeout,
        pace: Pace { max_failures: settings.links.max_failures, dead_man: settings.sessions.dead_man },
        max_sessions: settings.sessions.max,
        page: format!("http://{bound}"),
    }
}

fn state_in_use(settings: &Settings, holder: &str) -> Failure {
    let holder = if holder.is_empty() { String::new() } else { format!(" ({holder})") };
    Failure::Done(format!(
        "the state directory {} is used by another hapticd{holder}; end that one, or give this one a directory of its own \
         with --set state.dir=DIRECTORY, or let it run without remembering anything with --set state.remember=false",
        settings.state.dir.display()
    ))
}

fn welcome(settings: &Settings, bound: &[SocketAddr], buses: &str, definitions: usize, models: usize) -> String {
    let (models, definitions) = (counted(models, "model"), counted(definitions, "protocol"));
    let first = bound.first().map(ToString::to_string).unwrap_or_default();
    // The others are for programs that are told `localhost`, which may mean any of them.
    let others: String = bound.iter().skip(1).map(|other| format!("{:24}ws://{other}\n", "")).collect();
    let mut text = format!(
        "hapticd {} is running.\n\n  \
         Programs connect to   ws://{first}\n\
         {others}  \
         In a browser          http://{first}\n\
         {buses}  \
         Known hardware        {models} of {definitions}\n\n",
        env!("CARGO_PKG_VERSION"),
    );
    text += &if settings.buses.virtual_bus.enabled {
        let server = if first == "127.0.0.1:12345" { String::new() } else { format!(" --server ws://{first}") };
        format!("No hardware at hand? In another terminal:   hapticd simulate \"Aneros Vivi\"{server}\n")
    } else {
        "No hardware at hand? Start with   hapticd --virtual   and then   hapticd simulate \"Aneros Vivi\"\n".to_owned()
    };
    text + "Ctrl-C stops every device and ends the server.\n"
}

/// Waits for the signal that ends the server and returns its name.
#[cfg(unix)]
async fn signals() -> &'static str {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut term), Ok(mut int), Ok(mut hup)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()), signal(SignalKind::hangup()))
    else {
        warn!("signals cannot be heard; only a kill ends the server");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => "SIGTERM",
        _ = int.recv() => "SIGINT",
        _ = hup.recv() => "SIGHUP",
    }
}

/// Waits for Ctrl-C.
#[cfg(not(unix))]
async fn signals() -> &'static str {
    if tokio::signal::ctrl_c().await.is_err() {
        return std::future::pending().await;
    }
    "Ctrl-C"
}
