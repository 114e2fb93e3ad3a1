//! The command line: one file a subcommand, and what they share.
//!
//! Exit status: 0 all is well, 1 something could not be done, 2 something that was given is wrong (an option, a
//! setting, a definition).

mod check;
mod devices;
mod doctor;
mod health;
mod http;
mod listen;
mod mdns;
mod scan;
mod serve;
mod service;
mod simulate;
mod stop;
#[cfg(target_os = "linux")]
mod udev;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::library::Library;
use crate::link::Deadlines;
use crate::manager::btle::BtleOptions;
use crate::settings::{Settings, SettingsError, Sources};

/// A server for intimate and haptic hardware. Programs connect with the Buttplug protocol.
#[derive(Debug, Parser)]
#[command(version, about, after_help = "Without a command, `hapticd` is `hapticd serve`.")]
#[command(args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server (what `hapticd` alone does)
    Serve(ServeArgs),
    /// Check settings and device definitions
    Check(check::CheckArgs),
    /// List the models that are known
    Devices(devices::DevicesArgs),
    /// Look what hardware is around, known or not
    Scan(scan::ScanArgs),
    /// Play a piece of hardware to a running server and show what it is told to do
    Simulate(simulate::SimulateArgs),
    /// Stop everything that a running server drives
    Stop(stop::StopArgs),
    /// Ask a running server how it is
    Health(health::HealthArgs),
    /// Look whether everything is there that hapticd needs, and say what to do
    Doctor(doctor::DoctorArgs),
    /// Print udev rules that let hapticd use known hardware without being root
    #[cfg(target_os = "linux")]
    Udev(udev::UdevArgs),
}

/// Where settings come from.
#[derive(Debug, Clone, Args)]
pub struct SettingsArgs {
    /// Read this settings file after the system's and the user's own
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Set one setting, such as server.listen=127.0.0.1:2345; may be given again
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl SettingsArgs {
    fn load(&self, more: &[&str]) -> Result<Settings, SettingsError> {
        let set = self.set.iter().cloned().chain(more.iter().map(|set| (*set).to_owned())).collect();
        Settings::load(&Sources::standard(self.config.clone(), set))
    }

    /// Where the server is: at the address that was given, or where the settings say.
    fn server(&self, given: Option<SocketAddr>, patience: Duration) -> Result<SocketAddr, Failure> {
        match given {
            Some(server) => Ok(server),
            None => listen::answering(&self.load(&[])?.server.listen, patience),
        }
    }
}

/// Options of `serve`.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    /// Let programs play hardware (see `hapticd simulate`)
    #[arg(long)]
    r#virtual: bool,
}

/// Why a command did not do what it should; decides the exit status.
#[derive(Debug)]
pub enum Failure {
    /// What was given is wrong.
    Given(String),
    /// It could not be done.
    Done(String),
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self::Given(error.to_string())
    }
}

/// The built-in definitions and the user's own.
fn library(settings: &Settings) -> Result<Library, Failure> {
    const KEY: &str = "devices.definitions_dir";
    let own: Vec<_> = settings.devices.definitions_dir.iter().cloned().collect();
    // The usual directory need not be there; one that somebody named should be.
    let named = settings.report().iter().find(|line| line.key == KEY && line.origin != crate::settings::BUILTIN);
    if let (Some(line), Some(missing)) = (named, own.iter().find(|own| !own.is_dir())) {
        let (path, origin) = (missing.display(), &line.origin);
        return Err(Failure::Given(format!("`{KEY}` = {path} ({origin}) is no directory that can be read")));
    }
    Ok(Library::load(&own, &crate::driver::names()))
}

/// How the settings want Bluetooth LE.
fn btle_options(settings: &Settings, deadlines: Deadlines) -> BtleOptions {
    let own = &settings.buses.btle;
    BtleOptions { adapter: own.adapter.clone(), services: own.services.clone(), look_every: own.look_every, deadlines }
}

/// Reads the command line and does what it says.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(args) => serve::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Devices(args) => devices::run(&args),
        Command::Scan(args) => scan::run(&args),
        Command::Simulate(args) => simulate::run(&args),
        Command::Stop(args) => stop::run(&args),
        Command::Health(args) => health::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        #[cfg(target_os = "linux")]
        Command::Udev(args) => udev::run(&args),
    };
    let (status, text) = match done {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Done(text)) => (1, text),
        Err(Failure::Given(text)) => (2, text),
    };
    eprintln!("hapticd: {text}");
    ExitCode::from(status)
}

/// Prints to standard output. A reader that went away is no error: `hapticd devices | head` must not panic.
fn print(text: &str) {
    use std::io::Write;
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}
