//! The command line: one file a subcommand, and what they share. What runs while the server runs stands in `server`.
//!
//! Exit status: 0 all is well, 1 something could not be done, 2 something that was given is wrong (an option, a
//! setting, a definition).

mod admin_token;
mod api;
mod check;
mod device;
mod devices;
mod doctor;
mod exit_error;
mod health;
mod http;
mod import;
mod open;
mod origins;
mod output;
mod scan;
mod serve;
mod server_address;
mod settings_args;
mod simulate;
mod state;
mod stop;
mod token;
#[cfg(target_os = "linux")]
mod udev;
mod who_may_connect;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use exit_error::ExitError;
use serve::ServeArgs;
use settings_args::SettingsArgs;

/// A server for intimate and haptic hardware. Programs connect with the Buttplug protocol.
#[derive(Debug, Parser)]
#[command(version, about, after_help = "Without a command, `hapticd` is `hapticd serve`.")]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArgs,
}

impl Cli {
    /// The command with all its options. Those about settings may stand before it or after it.
    fn command(self) -> Result<Command, ExitError> {
        let Self { command, serve: before } = self;
        let Some(mut command) = command else { return Ok(Command::Serve(before)) };
        match &mut command {
            Command::Serve(serve) => serve.r#virtual |= before.r#virtual,
            _ if before.r#virtual => {
                return Err(ExitError::Usage(
                    "--virtual starts the server; it goes with no command but `serve`".to_owned(),
                ));
            }
            _ => {}
        }
        command.settings().add_before(before.settings)?;
        Ok(command)
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server (what `hapticd` alone does)
    Serve(ServeArgs),
    /// Check settings and device definitions
    Check(check::CheckArgs),
    /// List the models that are known
    Devices(devices::DevicesArgs),
    /// Names and limits of your devices, which may be used, which are forgotten
    Device(device::DeviceArgs),
    /// Take over what you set for devices in Intiface: names, limits, which may be used
    Import(import::ImportArgs),
    /// Look what hardware is around, known or not
    Scan(scan::ScanArgs),
    /// Play a piece of hardware to a running server and show what it is told to do
    Simulate(simulate::SimulateArgs),
    /// Stop everything that a running server drives
    Stop(stop::StopArgs),
    /// Let programs drive devices again after `hapticd stop --hold` or the page's stop button
    Resume(stop::ResumeArgs),
    /// Open the page of a running server in a browser
    Open(open::OpenArgs),
    /// Show which web pages may connect, and which ask to
    Origins(origins::OriginsArgs),
    /// Let a web page connect that was refused
    Allow(origins::AllowArgs),
    /// Let a web page connect no longer
    Deny(origins::DenyArgs),
    /// Make, show and revoke tokens for programs that are not of this computer
    Token(token::TokenArgs),
    /// Ask a running server how it is
    Health(health::HealthArgs),
    /// Show what is remembered of devices, or begin without a file that cannot be read
    State(state::StateArgs),
    /// Look whether everything is there that hapticd needs, and say what to do
    Doctor(doctor::DoctorArgs),
    /// Print udev rules that let hapticd use known hardware without being root
    #[cfg(target_os = "linux")]
    Udev(udev::UdevArgs),
}

impl Command {
    fn settings(&mut self) -> &mut SettingsArgs {
        match self {
            Self::Serve(args) => &mut args.settings,
            Self::Check(args) => &mut args.settings,
            Self::Devices(args) => &mut args.settings,
            Self::Device(args) => &mut args.settings,
            Self::Import(args) => &mut args.settings,
            Self::Scan(args) => &mut args.settings,
            Self::Simulate(args) => &mut args.settings,
            Self::Stop(args) => &mut args.settings,
            Self::Resume(args) => &mut args.settings,
            Self::Open(args) => &mut args.settings,
            Self::Origins(args) => &mut args.settings,
            Self::Allow(args) => &mut args.settings,
            Self::Deny(args) => &mut args.settings,
            Self::Token(args) => &mut args.settings,
            Self::Health(args) => &mut args.settings,
            Self::State(args) => &mut args.settings,
            Self::Doctor(args) => &mut args.settings,
            #[cfg(target_os = "linux")]
            Self::Udev(args) => &mut args.settings,
        }
    }
}

/// Reads the command line and does what it says.
#[must_use]
pub fn main() -> ExitCode {
    let done = Cli::parse().command().and_then(|command| run(&command));
    let (status, text) = match done {
        Ok(()) => return ExitCode::SUCCESS,
        Err(ExitError::Runtime(text)) => (1, text),
        Err(ExitError::Usage(text)) => (2, text),
    };
    eprintln!("hapticd: {text}");
    ExitCode::from(status)
}

fn run(command: &Command) -> Result<(), ExitError> {
    match command {
        Command::Serve(args) => serve::run(args),
        Command::Check(args) => check::run(args),
        Command::Devices(args) => devices::run(args),
        Command::Device(args) => device::run(args),
        Command::Import(args) => import::run(args),
        Command::Scan(args) => scan::run(args),
        Command::Simulate(args) => simulate::run(args),
        Command::Stop(args) => stop::run(args),
        Command::Resume(args) => stop::resume(args),
        Command::Open(args) => open::run(args),
        Command::Origins(args) => origins::list(args),
        Command::Allow(args) => origins::allow(args),
        Command::Deny(args) => origins::deny(args),
        Command::Token(args) => token::run(args),
        Command::Health(args) => health::run(args),
        Command::State(args) => state::run(args),
        Command::Doctor(args) => doctor::run(args),
        #[cfg(target_os = "linux")]
        Command::Udev(args) => udev::run(args),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(arguments: &[&str]) -> Result<Vec<String>, String> {
        let cli = Cli::try_parse_from(["hapticd"].iter().chain(arguments)).map_err(|error| error.to_string())?;
        match cli.command() {
            Ok(mut command) => Ok(command.settings().set.clone()),
            Err(ExitError::Usage(why) | ExitError::Runtime(why)) => Err(why),
        }
    }

    #[test]
    fn every_command_takes_settings_before_it_and_after_it() {
        use clap::CommandFactory;
        for command in Cli::command_for_update().get_subcommands() {
            let (name, model) = (command.get_name(), command.get_arguments().any(clap::Arg::is_required_set));
            let mut arguments = vec!["--set", "a=1", name, "--set", "b=2"];
            arguments.extend(model.then_some("model"));
            assert_eq!(set(&arguments).unwrap(), ["a=1", "b=2"], "{name}");
        }
        assert_eq!(set(&["--set", "a=1", "--set", "b=2"]).unwrap(), ["a=1", "b=2"]);
    }

    #[test]
    fn what_was_given_twice_or_goes_with_another_command_is_said() {
        assert!(set(&["--config", "x", "check", "--config", "y"]).unwrap_err().contains("--config"));
        assert!(set(&["--virtual", "check"]).unwrap_err().contains("--virtual"));
        assert_eq!(set(&["--virtual", "serve"]), Ok(vec![]));
        let cli = Cli::try_parse_from(["hapticd", "--virtual", "serve"]).unwrap();
        assert!(matches!(cli.command(), Ok(Command::Serve(ServeArgs { r#virtual: true, .. }))));
    }
}
