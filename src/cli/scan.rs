//! `hapticd scan`: what hardware is around, known or not? Nothing is connected or opened.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use arc_swap::ArcSwap;
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::exit_error::ExitError;
use super::output::print;
use super::settings_args::SettingsArgs;
use crate::library::{Hardware, Library, usb_id};
use crate::manager::{
    BusSetup, DeviceThreads, Discovery, Found, ManagerContext, ManagerExited, ManagerGuard, ManagerHandle, Scan, list,
    virtual_bus::Port,
};
use crate::settings::Settings;
use crate::text::shown;

/// Steps of the bar.
const STEP: Duration = Duration::from_millis(100);

/// Options of `scan`.
#[derive(Debug, Args)]
pub struct ScanArgs {
    #[command(flatten)]
    pub(super) settings: SettingsArgs,
    /// How long to listen, 1 to 600 seconds
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// One JSON object a line, as hardware is found
    #[arg(long)]
    json: bool,
}

/// What the buses say.
enum ScanEvent {
    Hardware(Hardware),
    /// A bus cannot look.
    Failed(String),
}

pub(super) fn run(args: &ScanArgs) -> Result<(), ExitError> {
    let settings = args.settings.load(&[])?;
    let library = Arc::new(ArcSwap::from_pointee(crate::server::library(&settings)?));
    let (events, heard) = mpsc::unbounded_channel();
    actix_web::rt::System::new().block_on(async {
        let setup = BusSetup { settings: &settings, library: &library, port: &Port::default() };
        let _scanning = start_managers(&setup, &events);
        let around = tokio::task::spawn_blocking({
            let events = events.clone();
            move || enumerate(&settings, &events)
        });
        let result = listen(args, &library.load(), heard).await;
        drop(around);
        result
    })
}

/// Starts to scan where only a manager can, until the result is dropped.
fn start_managers(setup: &BusSetup<'_>, events: &mpsc::UnboundedSender<ScanEvent>) -> Vec<ManagerHandle> {
    let mut managers = Vec::new();
    for bus in list::enabled(setup.settings).filter(|bus| matches!(bus.discovery(), Discovery::Manager)) {
        let listener = FoundListener(events.clone()).start();
        let guard = ManagerGuard::new(listener.clone().recipient(), bus.name(), 1);
        let (found, threads) = (listener.recipient(), DeviceThreads::default());
        let manager = bus.factory(setup)(ManagerContext { found, threads, guard });
        manager.scan.do_send(Scan::Start);
        managers.push(manager);
    }
    managers
}

/// Everything that the system lists. Blocking.
fn enumerate(settings: &Settings, events: &mpsc::UnboundedSender<ScanEvent>) {
    for bus in list::enabled(settings) {
        let Discovery::List(list) = bus.discovery() else { continue };
        match list() {
            Ok(all) => all.into_iter().for_each(|hardware| drop(events.send(ScanEvent::Hardware(hardware)))),
            Err(why) => drop(events.send(ScanEvent::Failed(why))),
        }
    }
}

/// Passes on what a manager reports.
struct FoundListener(mpsc::UnboundedSender<ScanEvent>);

impl Actor for FoundListener {
    type Context = Context<Self>;
}

impl Handler<Found> for FoundListener {
    type Result = ();

    fn handle(&mut self, Found { hardware, .. }: Found, _: &mut Self::Context) {
        let _ = self.0.send(ScanEvent::Hardware(hardware));
    }
}

impl Handler<ManagerExited> for FoundListener {
    type Result = ();

    fn handle(&mut self, ManagerExited { name, exit, .. }: ManagerExited, _: &mut Self::Context) {
        let _ = self.0.send(ScanEvent::Failed(format!("{name}: {exit}")));
    }
}

async fn listen(
    args: &ScanArgs,
    library: &Library,
    mut heard: mpsc::UnboundedReceiver<ScanEvent>,
) -> Result<(), ExitError> {
    let time = Duration::from_secs(args.seconds);
    let bar = ProgressBar::with_draw_target(None, target());
    bar.set_length(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
    // The template is a constant; if it were wrong the default would do.
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {msg}") {
        bar.set_style(style);
    }
    let (began, mut tick) = (Instant::now(), tokio::time::interval(STEP));
    let mut all: BTreeMap<(String, String), Hardware> = BTreeMap::new();
    let mut failed = Vec::new();
    while began.elapsed() < time {
        tokio::select! {
            _ = tick.tick() => bar.set_position(u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)),
            news = heard.recv() => match news {
                Some(ScanEvent::Hardware(hardware)) => {
                    if args.json {
                        print(&json(library, &hardware));
                    }
                    all.insert((hardware.bus.name().to_owned(), hardware.address.clone()), hardware);
                    let known = all.values().filter(|hardware| knows(library, hardware).is_some()).count();
                    bar.set_message(format!("{} found, {known} known", all.len()));
                }
                Some(ScanEvent::Failed(why)) => failed.push(why),
                None => break,
            },
        }
    }
    bar.finish_and_clear();
    if !args.json {
        print(&table(library, &all.into_values().collect::<Vec<_>>()));
    }
    if failed.is_empty() { Ok(()) } else { Err(ExitError::Runtime(failed.join("; "))) }
}

/// The bar is for people at a terminal.
fn target() -> ProgressDrawTarget {
    if std::io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() }
}

/// Name and protocol of what the library takes it for.
fn knows(library: &Library, hardware: &Hardware) -> Option<String> {
    let candidates = library.candidates(hardware);
    let definition = &candidates.first()?.definition;
    Some(format!("{} ({})", definition.name, definition.protocol))
}

/// Known hardware first, then the nearest.
fn table(library: &Library, all: &[Hardware]) -> String {
    if all.is_empty() {
        return "Nothing was found.\n".to_owned();
    }
    let mut rows: Vec<_> = all.iter().map(|hardware| (knows(library, hardware), hardware)).collect();
    rows.sort_by_key(|(known, hardware)| (known.is_none(), hardware.bus, hardware.signal_dbm.map(|dbm| -dbm)));
    let mut text = String::new();
    for (known, hardware) in rows {
        let signal = hardware.signal_dbm.map(|dbm| format!("{dbm} dBm")).unwrap_or_default();
        let usb = hardware.usb.map(usb_id).unwrap_or_default();
        let name = if hardware.name.is_empty() { "(no name)".into() } else { shown(&hardware.name) };
        let (bus, address, known) = (hardware.bus.name(), shown(&hardware.address), known.as_deref().unwrap_or("-"));
        text += &format!("{bus:<8} {name:<28} {address:<20} {signal:>8} {usb:<9} {known}\n");
    }
    text
}

fn json(library: &Library, hardware: &Hardware) -> String {
    let usb = hardware.usb.map(usb_id);
    let manufacturer: BTreeMap<_, _> =
        hardware.manufacturer.iter().map(|(company, data)| (company.to_string(), hex::encode(data))).collect();
    let object = serde_json::json!({
        "bus": hardware.bus.name(), "name": hardware.name, "address": hardware.address, "usb": usb,
        "signal_dbm": hardware.signal_dbm, "services": hardware.advertised, "manufacturer": manufacturer,
        "known_as": knows(library, hardware),
    });
    format!("{object}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Bus;

    #[test]
    fn known_hardware_comes_first_and_then_the_nearest() {
        let library = Library::load(&[], &crate::driver::names());
        let heard = |name: &str, dbm| Hardware { signal_dbm: Some(dbm), ..Hardware::new(Bus::Btle, name, name) };
        let cable = Hardware { usb: Some((0x057e, 0x2009)), ..Hardware::new(Bus::Hid, "Pro Controller", "s1") };
        let all = vec![heard("far phone", -90), heard("", -40), heard("Massage Demo", -70), cable];
        let text = table(&library, &all);
        let rows: Vec<Vec<_>> = text.lines().map(|line| line.split("  ").map(str::trim).collect()).collect();
        let has = |row: usize, part: &str| assert!(rows[row].iter().any(|cell| cell.contains(part)), "{text}");
        has(0, "Aneros (aneros)");
        has(1, "057e:2009");
        has(2, "(no name)");
        has(3, "far phone");
        assert_eq!(table(&library, &[]), "Nothing was found.\n");
    }
}
