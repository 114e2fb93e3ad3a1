//! `hapticd health`: how is a running server? For people, and for container engines that ask a program.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;

use super::{Failure, SettingsArgs, http, print};

/// Time for the answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Options of `health`.
#[derive(Debug, Args)]
pub struct HealthArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    /// Address of the server, instead of the setting `server.listen`
    #[arg(long, value_name = "IP:PORT")]
    server: Option<SocketAddr>,
    /// Print the server's whole answer
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &HealthArgs) -> Result<(), Failure> {
    let server = args.settings.server(args.server, PATIENCE)?;
    let health = ask(server, PATIENCE).map_err(|what| {
        let at = format!("no healthy hapticd at {server}");
        Failure::Done(match what {
            Unhealthy::Nobody(error) => format!("{at}: {error}"),
            Unhealthy::Other(answer) => format!("{at}: what listens there answers {answer}"),
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
pub(super) fn ask(server: SocketAddr, patience: Duration) -> Result<serde_json::Value, Unhealthy> {
    let (status, body) = http::ask("GET", server, "/health", patience).map_err(Unhealthy::Nobody)?;
    let health: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
    let is_ours = health.get("version").is_some() && health.get("devices").is_some_and(serde_json::Value::is_array);
    if status != "200" || !is_ours {
        let start: String = body.chars().filter(|c| !c.is_control()).take(80).collect();
        return Err(Unhealthy::Other(format!("{status} {start:?}")));
    }
    Ok(health)
}

/// One line about a healthy server.
pub(super) fn summary(health: &serde_json::Value) -> String {
    let text = |key: &str| health.get(key).and_then(serde_json::Value::as_str).unwrap_or("?").to_owned();
    let devices = health.get("devices").and_then(serde_json::Value::as_array).map_or(0, Vec::len);
    let sessions = health.get("sessions").and_then(serde_json::Value::as_u64).unwrap_or(0);
    let held = health.get("held").and_then(serde_json::Value::as_bool).unwrap_or(false);
    let held = if held { ", outputs are held after an emergency stop" } else { "" };
    format!("hapticd {} is {}: {sessions} clients, {devices} devices{held}", text("version"), text("status"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_health_in_one_line() {
        let health =
            serde_json::json!({"version": "1.2", "status": "ok", "sessions": 2, "devices": [{}], "held": true});
        let line = "hapticd 1.2 is ok: 2 clients, 1 devices, outputs are held after an emergency stop";
        assert_eq!(summary(&health), line);
    }
}
