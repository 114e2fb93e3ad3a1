//! `hapticd token`: tokens, by which programs and people come in that are not of this computer.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;

use super::api::{self, escaped, remembered};
use super::exit_error::ExitError;
use super::output::print;
use super::server_address::ServerArg;
use super::settings_args::SettingsArgs;
use crate::text::shown;

/// Options of `token`.
#[derive(Debug, Args)]
pub struct TokenArgs {
    #[command(flatten)]
    pub(super) settings: SettingsArgs,
    #[command(subcommand)]
    command: Option<TokenCommand>,
    #[command(flatten)]
    server: ServerArg,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Make a token and show it, this once
    New {
        /// What it is called, so that you know it again: "phone"
        name: String,
        /// What it is good for
        #[arg(long)]
        scope: ScopeArg,
        /// How long it is valid: 12h, 30d; without it until you revoke it
        #[arg(long, value_name = "TIME", value_parser = seconds)]
        expires: Option<u64>,
    },
    /// Show which tokens there are (what `hapticd token` alone does)
    List,
    /// End a token, and everything that came in by it
    Revoke {
        /// What it is called
        name: String,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ScopeArg {
    /// Watch and stop
    Watch,
    /// Drive devices
    Drive,
    /// Everything, also saying who may do what
    Admin,
}

/// Reads `90s`, `15m`, `12h` or `30d` as seconds.
fn seconds(text: &str) -> Result<u64, String> {
    let wrong = || "allowed: a number and s, m, h or d, such as 30d; ten years at most".to_owned();
    let unit = text.chars().last().ok_or_else(wrong)?;
    let number: u64 = text.strip_suffix(unit).and_then(|number| number.parse().ok()).ok_or_else(wrong)?;
    let unit = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    number.checked_mul(unit).filter(|seconds| (1..=315_360_000).contains(seconds)).ok_or_else(wrong)
}

pub(super) fn run(args: &TokenArgs) -> Result<(), ExitError> {
    match args.command.as_ref().unwrap_or(&TokenCommand::List) {
        TokenCommand::New { name, scope, expires } => {
            let scope = scope.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
            let time = expires.map(|seconds| format!("&for_s={seconds}")).unwrap_or_default();
            let made = ask(
                "POST",
                &format!("/api/v1/tokens?name={}&scope={scope}{time}", escaped(name)),
                Value::is_object,
                args,
            )?;
            let token = made.get("token").and_then(Value::as_str).unwrap_or_default();
            print(&format!("{token}\n"));
            eprintln!(
                "This is the only time that it is shown. Programs send it as a Bearer token, or in their address: ?token=..."
            );
            remembered(&made, "it is valid until the server ends")
        }
        TokenCommand::List => {
            let tokens = ask("GET", "/api/v1/tokens", Value::is_array, args)?;
            let line = |token: &Value| {
                let of = |key: &str| shown(token.get(key).and_then(Value::as_str).unwrap_or_default()).into_owned();
                let left = token.get("seconds_left").and_then(Value::as_u64);
                let left = left.map_or_else(|| "until you revoke it".to_owned(), |left| format!("for {left} s"));
                format!("{}: {}, {left}\n", of("name"), of("scope"))
            };
            print(&tokens.as_array().into_iter().flatten().map(line).collect::<String>());
            Ok(())
        }
        TokenCommand::Revoke { name } => {
            let done = ask("DELETE", &format!("/api/v1/tokens/{}", escaped(name)), Value::is_object, args)?;
            print(&format!("{} is valid no longer; what came in by it has ended\n", shown(name)));
            remembered(&done, "it is valid again when the server starts again")
        }
    }
}

fn ask(method: &str, path: &str, is_answer: fn(&Value) -> bool, args: &TokenArgs) -> Result<Value, ExitError> {
    api::ask(&args.server.servers(&args.settings)?, (method, path), is_answer, |server, status, answer| {
        let why = answer.get("detail").and_then(Value::as_str);
        if status == "401" {
            return Some(format!(
                "the server at {server} wants the admin token, which is the file admin.token in its `state.dir`: run this as \
                 the user that the server runs as, with the same settings"
            ));
        }
        why.map(|why| format!("the server at {server} says: {}", shown(why)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (text, expected) in [("90s", 90), ("15m", 900), ("12h", 43_200), ("30d", 2_592_000), ("3650d", 315_360_000)]
        {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        for wrong in ["", "5", "d", "0s", "-1d", "1w", "3651d", "99999999999999999999d", "1 d", "1\u{e9}"] {
            assert!(seconds(wrong).unwrap_err().contains("such as 30d"), "{wrong}");
        }
    }
}
