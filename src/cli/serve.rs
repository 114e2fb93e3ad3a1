//! `hapticd serve`: runs the server until it is told to end. Signals, the log of the process, the panic hook and the exit
//! status are its own; the rest is [`Server`].

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use tracing::{debug, error, info, warn};
use tracing_subscriber::EnvFilter;

use super::exit_error::ExitError;
use super::output::print;
use super::settings_args::SettingsArgs;
use super::who_may_connect;
use crate::manager::btle;
use crate::server::{Server, Service};
use crate::settings::Settings;
use crate::words::counted;

/// Options of `serve`.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    #[command(flatten)]
    pub(super) settings: SettingsArgs,
    /// Let programs play hardware (see `hapticd simulate`)
    #[arg(long)]
    pub(super) r#virtual: bool,
    /// Serve this build of the page, which has an index.html, instead of the built-in one
    #[arg(long, value_name = "DIR")]
    page: Option<PathBuf>,
}

pub(super) fn run(args: &ServeArgs) -> Result<(), ExitError> {
    let more: &[&str] = if args.r#virtual { &["buses.virtual.enabled=true"] } else { &[] };
    let settings = args.settings.load(more)?;
    start_log(&settings)?;
    log_panics();
    raise_file_limit();
    let waiting = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let waiting = waiting.map_err(|error| ExitError::Runtime(format!("cannot start: {error}")))?;
    let service = Service::from_environment();
    let server = Server::builder(settings.clone()).service(service).page(args.page.clone()).start()?;
    let (definitions, models) = server.known_hardware();
    let ended = waiting.block_on(async {
        tokio::select! {
            signal = signals() => Ok(signal),
            why = server.ended() => Err(why),
            never = async { greet(&server, &settings, definitions, models).await; std::future::pending().await } => never,
        }
    });
    if let Ok(signal) = &ended {
        info!("{signal}: stopping all devices");
    }
    let unconfirmed = server.stop(settings.server.shutdown_deadline);
    if !unconfirmed.is_empty() {
        let devices = unconfirmed.join(", ");
        return Err(ExitError::Runtime(format!("these devices did not confirm that they stopped: {devices}")));
    }
    ended.map(drop).map_err(|why| ExitError::Runtime(why.to_string()))
}

fn start_log(settings: &Settings) -> Result<(), ExitError> {
    let level = &settings.log.level;
    // The web server's own comings and goings are for those who ask for them, and so are its errors about what strangers
    // send: `web` says in hapticd's words what is of use. What the user's own filter says later wins.
    let plain = level.parse::<tracing::Level>().is_ok_and(|level| level <= tracing::Level::INFO);
    let quiet = if plain { "actix_server=warn," } else { "" };
    let filter = format!("actix_http::h1::dispatcher=off,{quiet}{level}");
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| ExitError::Usage(format!("`log.level` = {level:?} is no level and no filter: {error}")))?;
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

/// Prints the welcome, as soon as the buses know how they are; the server works already.
async fn greet(server: &Server, settings: &Settings, definitions: usize, models: usize) {
    let buses = server.bus_report().await;
    print(&welcome(settings, server.addresses(), &buses, definitions, models));
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
         Known hardware        {models} of {definitions}\n  \
         May connect           {}\n\n",
        env!("CARGO_PKG_VERSION"),
        who_may_connect::sentence(&settings.access),
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
