//! `hapticd doctor`: is everything there that hapticd needs, and if not, what is to be done?
//!
//! One file a check. A check is a function from the [`System`] to findings; it only looks: it changes nothing, opens no
//! hardware (opening a serial port resets some boards) and starts nothing. Paths go through [`System::path`], so that tests
//! can have a system of their own. All checks run at once, each on its own thread, and one that hangs is a finding.

mod access;
mod definitions;
mod listen_address;
mod settings;
mod state;
#[cfg(target_os = "linux")]
mod systemd;
#[cfg(target_os = "linux")]
mod udev;
#[cfg(target_os = "linux")]
mod user;

use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use clap::Args;

use super::exit_error::ExitError;
use super::output::print;
use super::settings_args::SettingsArgs;
use crate::library::Library;
use crate::manager::{Check, System, list};
use crate::server::library;
use crate::settings::Settings;
use crate::types::{Finding, Verdict};
use crate::words::counted;

/// Time for each check. Those that ask somebody give up earlier by themselves, with a better message.
const DEADLINE: Duration = Duration::from_secs(8);

/// Options of `doctor`.
#[derive(Debug, Args)]
#[command(
    after_help = "It looks with the rights of whoever runs it. For the service:\n  sudo -u hapticd env STATE_DIRECTORY=/var/lib/hapticd hapticd doctor\n\
    Exit status: 0 no problem (there may be warnings), 1 at least one problem."
)]
pub struct DoctorArgs {
    #[command(flatten)]
    pub(super) settings: SettingsArgs,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// Every check, in the order in which it is shown: first hapticd's own files and its port, then the buses, then what the
/// system has for all of them.
fn checks() -> Vec<Check> {
    let own: [Check; 5] = [
        ("settings", settings::check),
        ("state", state::check),
        ("definitions", definitions::check),
        ("port", listen_address::check),
        ("access", access::check),
    ];
    let buses = list::BUSES.iter().flat_map(|bus| bus.checks()).copied();
    let all = own.into_iter().chain(buses);
    #[cfg(target_os = "linux")]
    let all = {
        let (user, system): (Check, [Check; 2]) =
            (("account", user::check), [("udev rules", udev::check), ("service", systemd::check)]);
        std::iter::once(user).chain(all).chain(system)
    };
    all.collect()
}

/// This machine, with the settings and definitions of the server, or the built-in ones where those are wrong.
fn this_machine(args: &SettingsArgs) -> Result<System, String> {
    let settings = match args.load(&[]) {
        Ok(settings) => (settings, None),
        Err(error) => (Settings::builtin().map_err(|error| error.to_string())?, Some(error.to_string())),
    };
    let library = match library(&settings.0) {
        Ok(library) => (library, None),
        Err(error) => (Library::load(&[], &crate::driver::names()), Some(error.to_string())),
    };
    let access = list::access(&library.0);
    Ok(System::of_this_machine(settings, library, access))
}

pub(super) fn run(args: &DoctorArgs) -> Result<(), ExitError> {
    let settings = args.settings.clone();
    // Even reading settings can hang, on a file system that does.
    let system = begin(move || this_machine(&settings)).recv_timeout(DEADLINE);
    let found = match system {
        Ok(Ok(system)) => examine(&checks(), &Arc::new(system), DEADLINE),
        Ok(Err(why)) => vec![("settings", Finding::problem(why, "without settings nothing else can be looked at"))],
        Err(_) => {
            let text = "reading the settings and definitions does not end";
            vec![(
                "settings",
                Finding::problem(text, "look for a file there that is no plain file, or a disk that hangs"),
            )]
        }
    };
    let mut problems = 0_usize;
    for (name, finding) in &found {
        problems += usize::from(finding.verdict == Verdict::Problem);
        print(&if args.json { json(name, finding) } else { line(name, finding) });
    }
    match problems {
        0 => Ok(()),
        count => Err(ExitError::Runtime(counted(count, "problem"))),
    }
}

/// Runs all checks at once; what has not ended `deadline` after the start is a problem.
fn examine(checks: &[Check], system: &Arc<System>, deadline: Duration) -> Vec<(&'static str, Finding)> {
    let end = Instant::now() + deadline;
    let running: Vec<_> = checks
        .iter()
        .map(|(name, check)| {
            let (system, check) = (Arc::clone(system), *check);
            (*name, begin(move || check(&system)))
        })
        .collect();
    let mut found = Vec::new();
    for (name, answer) in running {
        let findings = match answer.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(findings) => findings,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                let text = format!("this could not be found out within {} s", deadline.as_secs());
                vec![Finding::problem(text, "look what hangs there, and try again")]
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                vec![Finding::problem("this check itself has failed", "please report it with what is printed above")]
            }
        };
        found.extend(findings.into_iter().map(|finding| (name, finding)));
    }
    found
}

/// Runs something on a thread of its own, which is left behind if it hangs.
fn begin<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> mpsc::Receiver<T> {
    let (tell, told) = mpsc::channel();
    // Without a thread the sender is dropped, and whoever waits hears that.
    let _ = std::thread::Builder::new().spawn(move || tell.send(work()));
    told
}

fn line(name: &str, Finding { verdict, text, advice }: &Finding) -> String {
    let verdict = match verdict {
        Verdict::Ok => "ok",
        Verdict::Warning => "warning",
        Verdict::Problem => "problem",
    };
    let advice = advice.as_ref().map_or(String::new(), |advice| format!(" -> {advice}"));
    // Names and messages of others may hold line breaks; this is one line.
    let text: String = format!("{text}{advice}").chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("{verdict:<8} {name:<12} {text}\n")
}

fn json(name: &str, finding: &Finding) -> String {
    let mut object = serde_json::json!({ "check": name });
    if let (Some(object), Ok(serde_json::Value::Object(finding))) =
        (object.as_object_mut(), serde_json::to_value(finding))
    {
        object.extend(finding);
    }
    format!("{object}\n")
}

/// Asserts that there is one finding, of this verdict and with this text in it.
#[cfg(test)]
fn one(findings: &[Finding], verdict: Verdict, contains: &str) {
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].verdict, verdict, "{findings:?}");
    assert!(findings[0].text.contains(contains), "{findings:?}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manager::FakeSystem;

    #[test]
    fn a_check_that_hangs_or_fails_is_a_finding_and_holds_up_nothing() {
        let checks: &[Check] = &[
            ("hangs", |_| {
                loop {
                    std::thread::sleep(Duration::from_secs(60));
                }
            }),
            ("panics", |_| panic!("a check that fails")),
            ("works", |_| vec![Finding::ok("fine")]),
        ];
        let started = Instant::now();
        let found = examine(checks, &Arc::new(FakeSystem::new().system), Duration::from_secs(1));
        assert!(started.elapsed() < Duration::from_secs(10));
        let verdicts: Vec<_> = found.iter().map(|(name, finding)| (*name, finding.verdict)).collect();
        assert_eq!(verdicts, [("hangs", Verdict::Problem), ("panics", Verdict::Problem), ("works", Verdict::Ok)]);
        assert!(found[0].1.text.contains("1 s"), "{:?}", found[0]);
    }

    #[test]
    fn a_finding_is_one_line_for_people_and_one_for_programs() {
        let finding = Finding::warning("two\nlines", "do this");
        assert_eq!(line("x", &finding), "warning  x            two lines -> do this\n");
        assert_eq!(
            json("x", &finding),
            "{\"check\":\"x\",\"do\":\"do this\",\"text\":\"two\\nlines\",\"verdict\":\"warning\"}\n"
        );
    }
}
