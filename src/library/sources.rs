//! The files that definitions are read from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};

use super::problem::DefinitionProblem;

/// The definitions that every build carries.
static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/device-config");

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
pub(super) fn built_in(problems: &mut Vec<DefinitionProblem>) -> Sources {
    let mut sources = Sources::default();
    for file in BUILT_IN.files().filter(|file| file.path().extension().is_some_and(|ending| ending == "toml")) {
        let path = format!("device-config/{}", file.path().display());
        match (protocol(file.path()), file.contents_utf8()) {
            (Some(name), Some(text)) => {
                let text = text.to_owned();
                sources.add(name, Source { path, text });
            }
            _ => problems
                .push(DefinitionProblem::whole("neither its name nor its text may be other than UTF-8").in_file(&path)),
        }
    }
    sources
}

/// Adds the definitions of a directory, replacing those of the same name. A directory that isn't there is no
/// problem: most people have none of their own.
pub(super) fn directory(directory: &Path, sources: &mut Sources, problems: &mut Vec<DefinitionProblem>) {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
        Err(error) => {
            let reason = format!("the directory of definitions cannot be read: {error}");
            problems.push(DefinitionProblem::whole(reason).in_file(&directory.display().to_string()));
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
pub(super) fn files(paths: &[PathBuf], problems: &mut Vec<DefinitionProblem>) -> Sources {
    let mut sources = Sources::default();
    for path in paths {
        let Some((name, source)) = file(path, problems) else {
            continue;
        };
        match sources.definitions.get(&name) {
            Some(other) if !is_extension(&source.text) => {
                let reason = format!("{} has the same name; a name is a protocol", other.path);
                problems.push(DefinitionProblem::whole(reason).in_file(&source.path));
            }
            _ => sources.add(name, source),
        }
    }
    sources
}

fn file(path: &Path, problems: &mut Vec<DefinitionProblem>) -> Option<(String, Source)> {
    let shown = path.display().to_string();
    match (protocol(path), std::fs::read_to_string(path)) {
        (Some(name), Ok(text)) => return Some((name, Source { path: shown, text })),
        (None, _) => problems.push(DefinitionProblem::whole("the file's name is not UTF-8").in_file(&shown)),
        (_, Err(error)) => problems.push(DefinitionProblem::whole(format!("cannot be read: {error}")).in_file(&shown)),
    }
    None
}

fn protocol(path: &Path) -> Option<String> {
    path.file_stem()?.to_str().map(str::to_owned)
}
