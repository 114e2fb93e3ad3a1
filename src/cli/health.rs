//! `hapticd health`: how is a running server? For people, and for container engines that ask a program.

use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::exit_error::ExitError;
use super::http;
use super::output::print;
use super::server_address::{ServerAddress, ServerArg};
use super::settings_args::SettingsArgs;
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
    let health = servers.ask(|server| ask(server, PATIENCE)).map_err(|(server, what)| {
        let at = format!("no healthy hapticd at {server}");
        ExitError::Runtime(match what {
            Unhealthy::Nobody(error) => format!("{at}: {error}"),
            Unhealthy::Other(answer) => format!("{at}: what listens there is no hapticd, it answers {answer}"),
        })
    })?;
    print(&if args.json { format!("{health}\n") } else { format!("{}\n", summary(&health)) });
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

/// The health of the server at an address. Blocks for as long as `patience` says.
///
/// # Errors
/// Nobody answers, or it is no healthy hapticd.
pub(super) fn ask(server: &ServerAddress, patience: Duration) -> Result<Value, Unhealthy> {
    let (status, body) = http::ask("GET", server, "/health", patience).map_err(Unhealthy::Nobody)?;
    let health: Value = serde_json::from_str(&body).unwrap_or_default();
    let is_ours = health.get("version").is_some() && health.get("devices").is_some_and(Value::is_array);
    if status != "200" || !is_ours {
        return Err(Unhealthy::Other(status));
    }
    Ok(health)
}

/// One line about a healthy server, and one for each thing that does not work.
pub(super) fn summary(health: &Value) -> String {
    let text = |key: &str| health.get(key).and_then(Value::as_str).unwrap_or("?").to_owned();
    let devices = list(health, "/devices").count();
    let sessions = health.get("sessions").and_then(Value::as_u64).unwrap_or(0);
    let clients = counted(usize::try_from(sessions).unwrap_or(usize::MAX), "client");
    let held = health.get("held").and_then(Value::as_bool).unwrap_or(false);
    let held = if held { ", outputs are held after an emergency stop" } else { "" };
    let devices = counted(devices, "device");
    let mut lines = vec![format!("hapticd {} is {}: {clients}, {devices}{held}", text("version"), text("status"))];
    for bus in list(health, "/buses") {
        let text = |key: &str| bus.get(key).and_then(Value::as_str);
        if text("state") == Some("not working") {
            lines.push(format!(
                "the {} bus does not work: {}",
                text("bus").unwrap_or("?"),
                text("error").unwrap_or("?")
            ));
        }
    }
    let refused = health.get("outputs_refused").and_then(Value::as_str);
    let problems = list(health, "/state/problems").filter_map(Value::as_str);
    for why in refused.into_iter().chain(problems).map(str::to_owned) {
        if !lines.contains(&why) {
            lines.push(why);
        }
    }
    lines.join("\n")
}

/// What a list of the answer holds.
fn list<'a>(health: &'a Value, path: &str) -> impl Iterator<Item = &'a Value> {
    health.pointer(path).and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

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
