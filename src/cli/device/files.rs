//! Which files the command is about, and which device a word means.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::cli::exit_error::ExitError;
use crate::cli::health;
use crate::cli::server_address::ServerArg;
use crate::cli::settings_args::SettingsArgs;
use crate::hub::known_devices::{InUse, KnownDevices, Overview, file};
use crate::settings::Settings;
use crate::user_devices::address::same_address;
use crate::user_devices::{Source, choose};

/// Time for the answer of a server that was named.
const PATIENCE: Duration = Duration::from_secs(3);

/// The files of a server.
#[derive(Debug)]
pub(in crate::cli) struct Files {
    pub settings: Settings,
    /// Its `devices.toml`.
    pub devices: PathBuf,
    /// The directory of its `devices.json`.
    state: PathBuf,
}

impl Files {
    /// The files that the settings say, or of the server that was named.
    pub(in crate::cli) fn find(server: &ServerArg, settings: &SettingsArgs) -> Result<Self, ExitError> {
        let settings = settings.load(&[])?;
        let mut this = Self { devices: choose(&settings.devices_files()), state: settings.state.dir.clone(), settings };
        if !server.is_given() {
            return Ok(this);
        }
        let servers = server.servers_in(&this.settings)?;
        let health = servers.ask(|server| health::ask(server, servers.admin(), PATIENCE));
        let health = health.map_err(|(server, _)| ExitError::Runtime(format!("no healthy hapticd at {server}")))?;
        let path = |key: &str| health.json.pointer(key).and_then(Value::as_str).map(PathBuf::from);
        let none = || ExitError::Runtime("that server does not say where its devices.toml is".to_owned());
        this.devices = path("/state/devices_file").ok_or_else(none)?;
        if let Some(state) = path("/state/file") {
            this.state = state.parent().map(PathBuf::from).unwrap_or(state);
        }
        Ok(this)
    }

    /// What is known now, without disturbing a server.
    pub(in crate::cli) fn known(&self) -> Result<KnownDevices, ExitError> {
        let known = KnownDevices::open(&self.state, &self.devices, false);
        let known = known.map_err(|InUse(holder)| ExitError::Runtime(format!("the state is in use: {holder}")))?;
        if let Some(why) = known.withheld() {
            return Err(ExitError::Runtime(why));
        }
        Ok(known)
    }

    /// What is known now, for a change.
    pub(in crate::cli) fn for_change(&self) -> Result<KnownDevices, ExitError> {
        let known = self.known()?;
        if known.is_old() {
            let state = self.state.join(file::FILE);
            let why = "still says what you set for devices; start hapticd once, it moves that to devices.toml";
            return Err(ExitError::Runtime(format!("{} {why}", state.display())));
        }
        Ok(known)
    }

    /// The device that a word means, for a change.
    pub(in crate::cli) fn one(&self, word: &str) -> Result<Overview, ExitError> {
        find(&self.for_change()?.overview(), word)
    }
}

/// The entry for a device.
pub(in crate::cli) fn source(device: &Overview) -> Source {
    let Overview { address, bus, protocol, identifier, .. } = device.clone();
    Source { address, bus, protocol, identifier }
}

/// The device that is meant: by its index, its address, its name, or a part of its name that no other has.
pub(in crate::cli) fn find(all: &[Overview], word: &str) -> Result<Overview, ExitError> {
    let names = |device: &Overview| {
        let names = device.display_name.iter().chain(&device.model);
        names.map(|name| name.to_lowercase()).collect::<Vec<_>>()
    };
    let wanted = word.trim().to_lowercase();
    let tests: [&dyn Fn(&Overview) -> bool; 4] = [
        &|device| device.index.is_some_and(|index| index.to_string() == wanted),
        &|device| same_address(&device.address, word),
        &|device| names(device).contains(&wanted),
        &|device| names(device).iter().any(|name| name.contains(&wanted)),
    ];
    for test in tests {
        let found: Vec<_> = all.iter().filter(|device| test(device)).collect();
        match found[..] {
            [] => {}
            [device] => return Ok(device.clone()),
            _ => {
                let all: Vec<_> = found.into_iter().map(super::show::name).collect();
                return Err(ExitError::Usage(format!("{word:?} may be any of {}; give the index", all.join(", "))));
            }
        }
    }
    if is_address(word) {
        return Ok(Overview::of_address(word.trim()));
    }
    let all: Vec<_> = all.iter().map(super::show::name).collect();
    let known =
        if all.is_empty() { "no device is known yet".to_owned() } else { format!("known are {}", all.join(", ")) };
    Err(ExitError::Usage(format!(
        "no device is {word:?}: {known}; the address of a Bluetooth device is taken in any case"
    )))
}

fn is_address(word: &str) -> bool {
    let digits = word.trim().replace([':', '-', '_'], "");
    digits.len() == 12 && digits.chars().all(|digit| digit.is_ascii_hexdigit())
}
