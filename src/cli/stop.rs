//! `hapticd stop`: stops everything that a running server drives, at once.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;

use super::{Failure, SettingsArgs, http, print};

/// Time for the server's answer; it waits a second for the hardware itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// Options of `stop`.
#[derive(Debug, Args)]
pub struct StopArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    /// Refuse outputs afterwards, until `hapticd stop --resume`
    #[arg(long, conflicts_with = "resume")]
    hold: bool,
    /// Take outputs again after a stop with --hold
    #[arg(long)]
    resume: bool,
    /// Address of the server, instead of the setting `server.listen`
    #[arg(long, value_name = "IP:PORT")]
    server: Option<SocketAddr>,
}

pub(super) fn run(args: &StopArgs) -> Result<(), Failure> {
    let server = args.settings.server(args.server, PATIENCE)?;
    let path = match (args.resume, args.hold) {
        (true, _) => "/resume",
        (false, true) => "/stop?hold=true",
        (false, false) => "/stop",
    };
    let (status, body) = http::ask("POST", server, path, PATIENCE).map_err(|error| {
        Failure::Done(format!("the server at {server} could not be told: {error}; is hapticd running there?"))
    })?;
    match status.as_str() {
        "200" if args.resume => print("outputs are taken again\n"),
        "200" if args.hold => print("everything is stopped and held; `hapticd stop --resume` ends that\n"),
        "200" => print("everything is stopped\n"),
        "504" => {
            let text = format!("not every device has confirmed the stop, which is repeated until it does: {body}");
            return Err(Failure::Done(text));
        }
        _ => return Err(Failure::Done(format!("the server at {server} answered {status}: {body}"))),
    }
    Ok(())
}
