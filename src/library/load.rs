//! Finds definition files and says what is wrong with them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use include_dir::Dir;

use super::hardware::trimmed;
use super::{Definition, Matcher, usb_id};

/// What is wrong with a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, once known.
    pub file: Option<String>,
    /// Line in the file, from 1, where one can be named.
    pub line: Option<usize>,
    /// What is wrong and what is allowed.
    pub reason: String,
    /// The definition works all the same.
    pub warning: bool,
}

impl Problem {
    /// A problem at a byte offset of the file's text.
    #[must_use]
    pub fn at(text: &str, offset: usize, reason: impl Into<String>) -> Self {
        let before = text.as_bytes().get(..offset).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        Self { file: None, line: Some(line), reason: reason.into(), warning: false }
    }

    /// A problem of a whole file.
    #[must_use]
    pub fn whole(reason: impl Into<String>) -> Self {
        Self { file: None, line: None, reason: reason.into(), warning: false }
    }

    /// The same, with its file named, unless it names one already.
    #[must_use]
    pub fn in_file(mut self, path: &str) -> Self {
        self.file.get_or_insert_with(|| path.to_owned());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}")?;
            if let Some(line) = self.line {
                write!(f, ":{line}")?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.reason)
    }
}

/// A definition's text and where it is from.
#[derive(Debug)]
pub(super) struct Source {
    pub path: String,
    pub text: String,
}

/// Definitions by protocol name, which is the file's name without its ending, and files that add to one.
#[derive(Debug, Default)]
pub(super) struct Sources {
    pub definitions: BTreeMap<String, Source>,
    pub extensions: Vec<Source>,
}

impl Sources {
    /// Adds a text. A definition replaces that of the same name; a file that extends one replaces nothing.
    pub(super) fn add(&mut self, name: String, source: Source) {
        if is_extension(&source.text) {
            self.extensions.push(source);
        } else {
            self.definitions.insert(name, source);
        }
    }
}

/// Also true of a file that cannot be read as TOML but was clearly meant so: it must not replace what it extends.
fn is_extension(text: &str) -> bool {
    match toml::from_str::<toml::Table>(text) {
        Ok(table) => table.contains_key("extends"),
        Err(_) => {
            let mut top = text.lines().map(str::trim_start).take_while(|line| !line.starts_with('['));
            top.any(|line| line.strip_prefix("extends").is_some_and(|rest| rest.trim_start().starts_with('=')))
        }
    }
}

/// The definitions that the binary carries.
pub(super) fn built_in(dir: &Dir<'_>, problems: &mut Vec<Problem>) -> Sources {
    let mut sources = Sources::default();
    for file in dir.files().filter(|file| file.path().extension().is_some_and(|ending| ending == "toml")) {
        let path = format!("device-config/{}", file.path().display());
        match (protocol(file.path()), file.contents_utf8()) {
            (Some(name), Some(text)) => {
                let text = text.to_owned();
                sources.add(name, Source { path, text });
            }
            _ => problems.push(Problem::whole("neither its name nor its text may be other than UTF-8").in_file(&path)),
        }
    }
    sources
}

/// Adds the definitions of a directory, replacing those of the same name. A directory that isn't there is no
/// problem: most people have none of their own.
pub(super) fn directory(directory: &Path, sources: &mut Sources, problems: &mut Vec<Problem>) {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
        Err(error) => {
            let reason = format!("the directory of definitions cannot be read: {error}");
            problems.push(Problem::whole(reason).in_file(&directory.display().to_string()));
            return;
        }
    };
    let mut paths: Vec<_> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    paths.sort();
    let definitions = paths.iter().filter(|path| path.extension().is_some_and(|ending| ending == "toml"));
    for path in definitions {
        if let Some((name, source)) = file(path, problems) {
            sources.add(name, source);
        }
    }
}

/// Adds single files; two definitions of the same name are a problem, as neither is meant to replace the other.
pub(super) fn files(paths: &[PathBuf], problems: &mut Vec<Problem>) -> Sources {
    let mut sources = Sources::default();
    for path in paths {
        let Some((name, source)) = file(path, problems) else {
            continue;
        };
        match sources.definitions.get(&name) {
            Some(other) if !is_extension(&source.text) => {
                let reason = format!("{} has the same name; a name is a protocol", other.path);
                problems.push(Problem::whole(reason).in_file(&source.path));
            }
            _ => sources.add(name, source),
        }
    }
    sources
}

fn file(path: &Path, problems: &mut Vec<Problem>) -> Option<(String, Source)> {
    let shown = path.display().to_string();
    match (protocol(path), std::fs::read_to_string(path)) {
        (Some(name), Ok(text)) => return Some((name, Source { path: shown, text })),
        (None, _) => problems.push(Problem::whole("the file's name is not UTF-8").in_file(&shown)),
        (_, Err(error)) => problems.push(Problem::whole(format!("cannot be read: {error}")).in_file(&shown)),
    }
    None
}

fn protocol(path: &Path) -> Option<String> {
    path.file_stem()?.to_str().map(str::to_owned)
}

/// Reports hardware that two definitions claim equally: the same exact name, port, USB id or identifier, unless the
/// services tell them apart.
pub(super) fn conflicts(definitions: &[Arc<Definition>], problems: &mut Vec<Problem>) {
    let mut claimed: BTreeMap<String, (&str, &Matcher)> = BTreeMap::new();
    for definition in definitions {
        for matcher in &definition.matchers {
            for claim in claims(matcher) {
                match claimed.get(&claim) {
                    Some((other, theirs)) if *other != definition.protocol && !told_apart(matcher, theirs) => {
                        let reason = format!(
                            "{} and {other} both claim {claim}, and their services do not tell them apart",
                            definition.protocol
                        );
                        problems.push(Problem { file: None, line: None, reason, warning: true });
                    }
                    Some(_) => {}
                    None => {
                        claimed.insert(claim, (&definition.protocol, matcher));
                    }
                }
            }
        }
    }
}

fn claims(matcher: &Matcher) -> Vec<String> {
    match matcher {
        Matcher::Btle { names, .. } => {
            names.iter().map(|name| format!("the Bluetooth name {:?}", trimmed(name))).collect()
        }
        // The port `default` is no real port: a user's entry names one (facts: tcode-v03.md).
        Matcher::Serial(serial) if serial.port == "default" => Vec::new(),
        Matcher::Serial(serial) => vec![format!("the serial port {:?}", trimmed(&serial.port))],
        Matcher::Hid(ids) => ids.iter().map(|ids| format!("HID {}", usb_id(*ids))).collect(),
        Matcher::Usb(ids) => ids.iter().map(|ids| format!("USB {}", usb_id(*ids))).collect(),
        Matcher::Websocket(names) => names.iter().map(|name| format!("the identifier {:?}", trimmed(name))).collect(),
        Matcher::Gamepad => vec!["every gamepad".to_owned()],
    }
}

fn told_apart(one: &Matcher, other: &Matcher) -> bool {
    let services = |matcher: &Matcher| match matcher {
        Matcher::Btle { services, .. } => services.keys().copied().collect::<Vec<_>>(),
        _ => Vec::new(),
    };
    let (one, other) = (services(one), services(other));
    let alike = one.is_empty() && other.is_empty();
    !alike && one.iter().all(|service| !other.contains(service))
}
