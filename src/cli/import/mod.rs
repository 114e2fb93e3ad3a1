//! `hapticd import`: takes over what the user set for devices in Intiface.
//!
//! Here live reading that program's file ([`intiface_config`]), what of it is taken ([`mod@take_over`]) and the report. What may
//! not live here: the form of `devices.toml` (`user_devices`), what is in force (`hub::known_devices`).

mod intiface_config;
mod take_over;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use clap::Args;

use super::device::files::Files;
use super::exit_error::ExitError;
use super::output::print;
use super::server_address::ServerArg;
use super::settings_args::SettingsArgs;
use crate::text::shown;
use crate::user_devices::{lock_and_edit, read, read_bytes};
use take_over::{Before, Taken, Verdict, take_over};

/// The greatest file that is read, in bytes; a thousand devices need a tenth of it.
const LARGEST: u64 = 16 << 20;

/// Options of `import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    #[command(flatten)]
    pub(super) settings: SettingsArgs,
    #[command(flatten)]
    server: ServerArg,
    /// Say what would be taken over, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// The user device configuration of Intiface, mostly `buttplug-user-device-config.json`
    file: PathBuf,
}

pub(super) fn run(args: &ImportArgs) -> Result<(), ExitError> {
    let path = args.file.display();
    let wrong = |why: String| ExitError::Usage(format!("{path}: {why}"));
    if args.file.metadata().is_ok_and(|what| what.len() > LARGEST) {
        return Err(wrong(format!("it has more than {LARGEST} bytes")));
    }
    let bytes = read_bytes(&args.file).map_err(|error| wrong(format!("it cannot be read: {error}")))?;
    let bytes = bytes.ok_or_else(|| wrong("there is no such file".to_owned()))?;
    let config = intiface_config::read(&bytes).map_err(wrong)?;
    let files = Files::find(&args.server, &args.settings)?;
    let overview = files.for_change()?.overview();
    let library = crate::server::library(&files.settings)?;
    let taken = if args.dry_run {
        let devices = read(&files.devices).map_err(|why| format!("{}: {why}", files.devices.display()));
        let before = Before { overview, file: devices.map_err(ExitError::Runtime)?.unwrap_or_default() };
        take_over(&config.devices, before, &library)
    } else {
        let edited = lock_and_edit(&files.devices, |editor| {
            let before = Before { overview, file: editor.devices()? };
            let taken = take_over(&config.devices, before, &library);
            taken.iter().filter(|device| device.is_new()).for_each(|device| editor.put(&device.settings));
            Ok(taken)
        });
        edited.map_err(ExitError::Runtime)?
    };
    print(&report(&taken, &config.other));
    let file = files.devices.display();
    print(&match (taken.iter().any(Taken::is_new), args.dry_run) {
        (false, _) => format!("nothing is to be changed in {file}\n"),
        (true, true) => format!("nothing is changed; without --dry-run this goes to {file}\n"),
        (true, false) => format!("written to {file}; a running server applies it at once\n"),
    });
    Ok(())
}

/// A line for everything that the file says.
fn report(taken: &[Taken], other: &[String]) -> String {
    let mut text = String::new();
    let mut counts = [0; 3];
    for device in taken {
        text += &format!("{}\n", shown(&device.name));
        for (verdict, what) in &device.lines {
            let word = match verdict {
                Verdict::Taken => "taken",
                Verdict::Kept => "kept",
                Verdict::NotTaken => "not taken",
            };
            if let Some(count) = counts.get_mut(*verdict as usize) {
                *count += 1;
            }
            text += &format!("  {word:<9}  {}\n", shown(what));
        }
    }
    for what in other {
        text += &format!("not taken: {}\n", shown(what));
    }
    let [new, kept, refused] = counts;
    text + &format!("{new} taken, {kept} kept as set here, {} not taken\n", refused + other.len())
}
