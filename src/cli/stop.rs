//! `hapticd stop`: stops everything that a running server drives, at once.

use std::time::Duration;

use clap::Args;

use super::admin_token::AdminToken;
use super::exit_error::ExitError;
use super::http;
use super::output::print;
use super::server_address::{ServerAddress, ServerArg};
use super::settings_args::SettingsArgs;

/// Time for the server's answer; it waits a second for the hardware itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// Options of `stop`.
#[derive(Debug, Args)]
pub struct StopArgs {
    #[command(flatten)]
    pub(super) settings: SettingsArgs,
    /// Hold: refuse what programs ask for afterwards, until `hapticd resume`
    #[arg(long, conflicts_with = "resume")]
    hold: bool,
    /// The same as `hapticd resume`
    #[arg(long)]
    resume: bool,
    #[command(flatten)]
    server: ServerArg,
}

/// Options of `resume`.
#[derive(Debug, Args)]
pub struct ResumeArgs {
    #[command(flatten)]
    pub(super) settings: SettingsArgs,
    #[command(flatten)]
    server: ServerArg,
}

/// `hapticd resume`: ends a hold.
pub(super) fn resume(args: &ResumeArgs) -> Result<(), ExitError> {
    let ResumeArgs { settings, server } = args;
    run(&StopArgs { settings: settings.clone(), hold: false, resume: true, server: server.clone() })
}

pub(super) fn run(args: &StopArgs) -> Result<(), ExitError> {
    let find = if args.resume { ServerArg::servers } else { ServerArg::servers_in_what_is_right };
    let servers = find(&args.server, &args.settings)?;
    let done = servers.ask(|server| ask(args, server, servers.admin())).map_err(|(_, why)| ExitError::Runtime(why))?;
    match done {
        Answer::Done if args.resume => print("programs can drive devices again\n"),
        Answer::Done if args.hold => print("everything is stopped and held; `hapticd resume` ends that\n"),
        Answer::Done => print("everything is stopped\n"),
        Answer::Unconfirmed(devices) => {
            let text = "not every device has confirmed the stop, which is repeated until it does";
            let held = if args.hold { "; what programs ask for is refused until `hapticd resume`" } else { "" };
            return Err(ExitError::Runtime(format!("{text}: {}{held}", devices.join(", "))));
        }
    }
    Ok(())
}

/// What a hapticd answers.
enum Answer {
    Done,
    /// These devices have not confirmed the stop.
    Unconfirmed(Vec<String>),
}

/// Asks one server. The error is a sentence for the user.
fn ask(args: &StopArgs, server: &ServerAddress, admin: &AdminToken) -> Result<Answer, String> {
    let (path, key) = match (args.resume, args.hold) {
        (true, _) => ("/resume", "held"),
        (false, true) => ("/stop?hold=true", "stopped"),
        (false, false) => ("/stop", "stopped"),
    };
    let (status, body) = http::ask_as_user("POST", server, path, admin, PATIENCE)
        .map_err(|error| format!("the server at {server} could not be told: {error}; is hapticd running there?"))?;
    // Nothing is believed of a program that only happens to answer: it has stopped nothing.
    let answer: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
    let is_ours = answer.get(key).is_some();
    match status.as_str() {
        "200" if is_ours => Ok(Answer::Done),
        "504" if is_ours => {
            let devices = answer.get("unconfirmed").and_then(serde_json::Value::as_array).into_iter().flatten();
            Ok(Answer::Unconfirmed(devices.filter_map(serde_json::Value::as_str).map(str::to_owned).collect()))
        }
        "401" | "403" => Err(format!("the server at {server} does not let this program in (it answers {status})")),
        _ => Err(format!("nothing was done: what listens at {server} is no hapticd, it answers {status}")),
    }
}
