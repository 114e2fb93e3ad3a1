//! `hapticd origins`, `allow` and `deny`: which web pages may connect to a running server.

use clap::Args;
use serde_json::Value;

use super::api::{self, escaped, remembered};
use super::exit_error::ExitError;
use super::output::print;
use super::server_address::ServerArg;
use super::settings_args::SettingsArgs;
use crate::access::Origin;
use crate::text::shown;

/// Options of `origins`.
#[derive(Debug, Args)]
pub struct OriginsArgs {
    #[command(flatten)]
    pub(super) settings: SettingsArgs,
    #[command(flatten)]
    server: ServerArg,
}

/// Options of `allow`.
#[derive(Debug, Args)]
pub struct AllowArgs {
    #[command(flatten)]
    pub(super) settings: SettingsArgs,
    /// The page's site, such as `https://app.example`
    origin: String,
    /// For good; without it for twelve hours, or until the server ends
    #[arg(long)]
    always: bool,
    #[command(flatten)]
    server: ServerArg,
}

/// Options of `deny`.
#[derive(Debug, Args)]
pub struct DenyArgs {
    #[command(flatten)]
    pub(super) settings: SettingsArgs,
    /// The page's site, such as `https://app.example`
    origin: String,
    #[command(flatten)]
    server: ServerArg,
}

pub(super) fn list(args: &OriginsArgs) -> Result<(), ExitError> {
    let origins = ask("GET", "/api/v1/origins", &args.server, &args.settings)?;
    let of = |key: &str| origins.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let mut text = String::new();
    for pending in of("pending") {
        let (origin, ago) = (name(pending.get("origin")), number(pending.get("seconds_ago")));
        text.push_str(&format!("{origin} waits for an answer; it asked {ago} s ago\n"));
    }
    for allowed in of("allowed") {
        let origin = name(allowed.get("origin"));
        let time = match allowed.get("seconds_left").and_then(Value::as_u64) {
            Some(left) => format!("for {}", time(left)),
            None => "for good".to_owned(),
        };
        text.push_str(&format!("{origin} may connect {time}\n"));
    }
    for denied in of("denied") {
        text.push_str(&format!("{} may not connect\n", name(Some(&denied))));
    }
    let others = match origins.get("unknown_origins").and_then(Value::as_str) {
        Some("allow") => "may connect",
        Some("deny") => "may not connect",
        _ => "may not connect until you say so",
    };
    print(&format!("{text}every other web page that this computer does not serve {others}\n"));
    Ok(())
}

pub(super) fn allow(args: &AllowArgs) -> Result<(), ExitError> {
    let origin = origin(&args.origin)?;
    let path = format!("/api/v1/origins/allow?origin={}&always={}", escaped(origin.as_str()), args.always);
    let said = ask("POST", &path, &args.server, &args.settings)?;
    let time = match said.get("seconds_left").and_then(Value::as_u64) {
        Some(left) if origin.is_class() => format!("once, within {}: others may call themselves the same", time(left)),
        Some(left) => format!("for {}", time(left)),
        None => "for good".to_owned(),
    };
    print(&format!("{origin} may connect {time}\n"));
    remembered(&said, "that holds until the server ends")
}

pub(super) fn deny(args: &DenyArgs) -> Result<(), ExitError> {
    let origin = origin(&args.origin)?;
    let path = format!("/api/v1/origins/deny?origin={}", escaped(origin.as_str()));
    let said = ask("POST", &path, &args.server, &args.settings)?;
    print(&format!("{origin} may not connect; what it had connected has ended\n"));
    remembered(&said, "that holds until the server ends")
}

fn origin(text: &str) -> Result<Origin, ExitError> {
    Origin::from_person(text).ok_or_else(|| {
        let allowed = "allowed: scheme://host or scheme://host:port, such as https://app.example";
        ExitError::Usage(format!("{:?} is no origin of a web page; {allowed}", shown(text)))
    })
}

fn ask(method: &str, path: &str, server: &ServerArg, settings: &SettingsArgs) -> Result<Value, ExitError> {
    api::ask(&server.servers(settings)?, (method, path), Value::is_object, |server, status, _| {
        let refused = ["401", "403"].contains(&status);
        refused.then(|| format!("the server at {server} does not let this program in (it answers {status})"))
    })
}

fn name(value: Option<&Value>) -> String {
    value.and_then(Value::as_str).map(|text| shown(text).into_owned()).unwrap_or_default()
}

fn number(value: Option<&Value>) -> u64 {
    value.and_then(Value::as_u64).unwrap_or_default()
}

fn time(seconds: u64) -> String {
    if seconds < 120 { format!("{seconds} s") } else { format!("{} min", seconds / 60) }
}
