//! `hapticd open`: the page of a running server in the user's browser.

use std::time::Duration;

use clap::Args;

use super::exit_error::ExitError;
use super::health;
use super::output::print;
use super::server_address::ServerArg;
use super::settings_args::SettingsArgs;

/// Time for the server's answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Options of `open`.
#[derive(Debug, Args)]
pub struct OpenArgs {
    #[command(flatten)]
    pub(super) settings: SettingsArgs,
    /// Only print the address
    #[arg(long)]
    print: bool,
    #[command(flatten)]
    server: ServerArg,
}

pub(super) fn run(args: &OpenArgs) -> Result<(), ExitError> {
    let servers = args.server.servers(&args.settings)?;
    let found =
        servers.ask(|server| health::ask(server, servers.admin(), PATIENCE).map(|_| format!("http://{server}/")));
    let url = found.map_err(|(server, _)| ExitError::Runtime(format!("no healthy hapticd at {server}")))?;
    print(&format!("{url}\n"));
    if args.print {
        return Ok(());
    }
    open::that_detached(&url).map_err(|error| ExitError::Runtime(format!("no browser can be opened here: {error}")))
}
