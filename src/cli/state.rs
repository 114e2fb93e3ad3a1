//! `hapticd state`: what is remembered of devices, and beginning without a file that cannot be read.

use clap::{Args, Subcommand};

use super::exit_error::ExitError;
use super::output::print;
use super::settings_args::SettingsArgs;
use crate::hub::{
    known_devices::file, known_devices::file::Known, known_devices::lock::LockError, known_devices::lock::StateLock,
};
use crate::words::counted;

/// Options of `state`.
#[derive(Debug, Args)]
pub struct StateArgs {
    #[command(flatten)]
    pub(super) settings: SettingsArgs,
    #[command(subcommand)]
    command: Option<StateCommand>,
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum StateCommand {
    /// Say which file it is and whether it can be read (what `hapticd state` alone does)
    Show,
    /// Rename a file that is not understood, so that the next start begins without it and without the limits in it
    SetAside,
}

pub(super) fn run(args: &StateArgs) -> Result<(), ExitError> {
    let settings = args.settings.load(&[])?;
    let path = settings.state.dir.join(file::FILE);
    let shown = path.display();
    let known = file::read(&path);
    match args.command.unwrap_or(StateCommand::Show) {
        StateCommand::Show => {
            let text = match known {
                Ok(known) => summary(&known),
                Err(why) => return Err(ExitError::Runtime(format!("{shown} is not understood: {why}"))),
            };
            print(&format!("{shown}: {text}\n"));
        }
        StateCommand::SetAside => {
            if known.as_ref().is_ok_and(|known| known.problems.is_empty()) {
                return Err(ExitError::Runtime(format!("{shown} is understood and stays where it is")));
            }
            // A server that could read the file writes it again, with everything that was in it.
            if known.is_ok()
                && let Err(LockError::Held(holder)) = StateLock::take(&settings.state.dir)
            {
                return Err(ExitError::Runtime(format!("hapticd is running ({holder}); end it first")));
            }
            let aside = file::set_aside(&path)
                .map_err(|error| ExitError::Runtime(format!("{shown} cannot be renamed: {error}")))?;
            let aside = aside.display();
            print(&format!("it is kept as {aside}; start hapticd again: it begins without the limits in that file\n"));
        }
    }
    Ok(())
}

fn summary(known: &Known) -> String {
    let mut text = counted(known.count(), "device");
    for problem in &known.problems {
        text += &format!("\n{problem}");
    }
    text
}
