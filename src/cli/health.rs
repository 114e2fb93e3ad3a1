//! `hapticd health`: how is a running server? For people, and for container engines that ask a program.

use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::admin_token::AdminToken;
use super::exit_error::ExitError;
use super::http;
use super::output::print;
use super::server_address::{ServerAddress, ServerArg};
use super::settings_args::SettingsArgs;
use crate::types::{BusState, Health};
use crate::words::counted;

/// Time for the answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Options of `health`.
#[derive(Debug, Args)]
pub struct HealthArgs {
    #[command(flatten)]
    pub(super) settings: SettingsArgs,
    #[command(flatten)]
    server: ServerArg,
    /// Print the server's whole answer
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &HealthArgs) -> Result<(), ExitError> {
    let servers = args.server.servers(&args.settings)?;
    let health = servers.ask(|server| ask(server, servers.admin(), PATIENCE)).map_err(|(server, what)| {
        let at = format!("no healthy hapticd at {server}");
        ExitError::Runtime(match what {
            Unhealthy::Nobody(error) => format!("{at}: {error}"),
            Unhealthy::Other(answer) => format!("{at}: what listens there is no hapticd, it answers {answer}"),
        })
    })?;
    print(&if args.json { format!("{}\n", health.json) } else { format!("{}\n", summary(&health.health)) });
    Ok(())
}

/// Why there is no answer of a healthy server.
#[derive(Debug)]
pub(super) enum Unhealthy {
    /// Nobody answers.
    Nobody(std::io::Error),
    /// Somebody else does, or a server that cannot say how it is.
    Other(String),
}

/// What a healthy server answers.
#[derive(Debug)]
pub(super) struct Answer {
    /// As it came; a server of another version may say more.
    pub(super) json: Value,
    /// What this version understands of it.
    pub(super) health: Health,
}

/// The health of the server at an address. Blocks for as long as `patience` says.
///
/// # Errors
/// Nobody answers, or it is no healthy hapticd.
pub(super) fn ask(server: &ServerAddress, admin: &AdminToken, patience: Duration) -> Result<Answer, Unhealthy> {
    let asked = |token: Option<&str>| {
        let (status, body) = http::ask("GET", server, "/health", token, patience).map_err(Unhealthy::Nobody)?;
        let json: Value = serde_json::from_str(&body).unwrap_or_default();
        let is_ours = json.get("version").is_some() && json.get("devices").is_some_and(Value::is_array);
        Ok((status, json, is_ours))
    };
    let (mut status, mut json, mut is_ours) = asked(None)?;
    // What a stranger is told looks like this.
    if json == serde_json::json!({"status": "ok"})
        && let Some(token) = server.admin_token(admin)
    {
        (status, json, is_ours) = asked(Some(&token))?;
    }
    match serde_json::from_value(json.clone()) {
        Ok(health) if is_ours && status == "200" => Ok(Answer { json, health }),
        _ => Err(Unhealthy::Other(status)),
    }
}

/// One line about a healthy server, and one for each thing that does not work.
pub(super) fn summary(health: &Health) -> String {
    let Health { status, version, .. } = health;
    let server = health.server.clone().unwrap_or_default();
    let (clients, devices) = (counted(server.sessions, "client"), counted(server.devices.len(), "device"));
    let held = if server.held { ", outputs are held after an emergency stop" } else { "" };
    let mut lines = vec![format!("hapticd {version} is {status}: {clients}, {devices}{held}")];
    for bus in server.buses.iter().filter(|bus| bus.state == BusState::NotWorking) {
        lines.push(format!("the {} bus does not work: {}", bus.bus, bus.error.as_deref().unwrap_or("?")));
    }
    for why in server.outputs_refused.into_iter().chain(server.state.problems) {
        if !lines.contains(&why) {
            lines.push(why);
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(json: &Value) -> String {
        super::summary(&serde_json::from_value(json.clone()).unwrap())
    }

    #[test]
    fn a_health_in_one_line() {
        let health =
            serde_json::json!({"version": "1.2", "status": "ok", "sessions": 2, "devices": [{}], "held": true});
        let line = "hapticd 1.2 is ok: 2 clients, 1 device, outputs are held after an emergency stop";
        assert_eq!(summary(&health), line);
        let refused = serde_json::json!({"version": "1.2", "status": "ok", "outputs_refused": "repair x"});
        assert!(summary(&refused).ends_with("devices\nrepair x"));
        let bus = serde_json::json!({"bus": "btle", "state": "not working", "error": "there is no adapter"});
        let works = serde_json::json!({"bus": "hid", "state": "working", "error": null});
        let health = serde_json::json!({"version": "1.2", "status": "ok", "outputs_refused": "repair x",
            "buses": [works, bus], "state": {"problems": ["repair x", "entry 1 is not used"]}});
        let lines = "0 devices\nthe btle bus does not work: there is no adapter\nrepair x\nentry 1 is not used";
        assert!(summary(&health).ends_with(lines), "{}", summary(&health));
        let health = serde_json::json!({"version": "1.2", "status": "ok", "sessions": 1, "devices": [{}, {}]});
        assert_eq!(summary(&health), "hapticd 1.2 is ok: 1 client, 2 devices");
    }
}
