//! `hapticd device`: names and limits of devices, which may be used, which are forgotten.
//!
//! Here live what the options are, which device a word means ([`files`]), what `set` understands ([`assignment`]) and what
//! is printed ([`show`]). What may not live here: what is in force (`hub::known_devices`), the form of the file
//! (`user_devices`).

mod assignment;
pub(super) mod files;
mod show;

use clap::{Args, Subcommand};

use super::exit_error::ExitError;
use super::output::print;
use super::server_address::ServerArg;
use super::settings_args::SettingsArgs;
use crate::hub::known_devices::Overview;
use crate::user_devices::{DeviceSettings, Editor, Source, lock_and_edit};
use files::Files;

/// Options of `device`.
#[derive(Debug, Args)]
pub struct DeviceArgs {
    #[command(flatten)]
    pub(super) settings: SettingsArgs,
    #[command(flatten)]
    server: ServerArg,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Option<DeviceCommand>,
}

#[derive(Debug, Clone, Subcommand)]
enum DeviceCommand {
    /// List the devices that were met, and what is set for them (what `hapticd device` alone does)
    List,
    /// Show one device, its outputs and what is in force
    Show {
        /// Index, name or address
        device: String,
    },
    /// Set names and limits, such as `0.vibrate=0..10` or `display_name="Blue one"`
    #[command(after_help = assignment::HELP)]
    Set {
        /// Index, name or address
        device: String,
        /// What to set
        #[arg(required = true, value_name = "KEY=VALUE")]
        assignments: Vec<String>,
    },
    /// Take a device again that was denied
    Allow {
        /// Index, name or address
        device: String,
        /// Take no devices but those that are allowed so
        #[arg(long)]
        only: bool,
    },
    /// Never take a device; if it is connected, it is stopped and let go
    Deny {
        /// Index, name or address
        device: String,
    },
    /// Forget a device and everything that is set for it, its limits too
    Forget {
        /// Index, name or address
        device: String,
    },
}

pub(super) fn run(args: &DeviceArgs) -> Result<(), ExitError> {
    let files = Files::find(&args.server, &args.settings)?;
    match args.command.clone().unwrap_or(DeviceCommand::List) {
        DeviceCommand::List => {
            let known = files.known()?;
            print(&if args.json { show::list_json(&known) } else { show::list(&known, &files.devices) });
        }
        DeviceCommand::Show { device } => {
            let known = files.known()?;
            let found = files::find(&known.overview(), &device)?;
            let library = crate::server::library(&files.settings)?;
            print(&if args.json { show::one_json(&found) } else { show::one(&found, &library, &known.problems()) });
        }
        DeviceCommand::Set { device, assignments } => {
            let found = files.one(&device)?;
            let library = crate::server::library(&files.settings)?;
            let change = assignment::read(&found, &library, &assignments)?;
            edit(args, &files, &found, "set", |editor, source| {
                let settings =
                    DeviceSettings { source: source.clone(), model: found.model.clone(), ..change.settings.clone() };
                editor.put(&settings);
                change.removed.iter().for_each(|key| editor.remove(source, key));
            })?;
        }
        DeviceCommand::Allow { device, only } => {
            let known = files.known()?;
            let all = known.overview();
            let found = files::find(&all, &device)?;
            // Where only what is allowed is taken, this one is not taken before it is.
            let only = only || all.iter().any(|device| device.allow);
            edit(args, &files, &found, "allowed", |editor, source| {
                let allow = only.then_some(true);
                let settings =
                    DeviceSettings { source: source.clone(), deny: Some(false), allow, ..DeviceSettings::default() };
                editor.put(&settings);
            })?;
        }
        DeviceCommand::Deny { device } => {
            let found = files.one(&device)?;
            edit(args, &files, &found, "denied", |editor, source| {
                editor.put(&DeviceSettings { source: source.clone(), deny: Some(true), ..DeviceSettings::default() });
            })?;
        }
        DeviceCommand::Forget { device } => {
            let found = files.one(&device)?;
            edit(args, &files, &found, "forgotten", Editor::forget)?;
        }
    }
    Ok(())
}

/// Changes the entry of a device, and says so.
fn edit(
    args: &DeviceArgs,
    files: &Files,
    device: &Overview,
    done: &str,
    change: impl FnOnce(&mut Editor, &Source),
) -> Result<(), ExitError> {
    let source = files::source(device);
    let edited = lock_and_edit(&files.devices, |editor| {
        let before = editor.devices()?;
        let bad = before.problems.iter().find(|problem| {
            let own = |address: &str| crate::user_devices::address::same_address(address, &device.address);
            problem.address.as_deref().is_none_or(own)
        });
        match bad {
            Some(problem) => Err(format!("{} {problem}; correct that first", files.devices.display())),
            None => {
                change(editor, &source);
                Ok(())
            }
        }
    });
    edited.map_err(ExitError::Runtime)?;
    let (name, file) = (show::name(device), files.devices.display());
    print(&if args.json {
        format!("{}\n", serde_json::json!({ "done": done, "address": device.address, "file": file.to_string() }))
    } else {
        format!("{name} is {done} in {file}; a running server applies it at once\n")
    });
    Ok(())
}
