//! Which values are in use and where each came from, for `hapticd check`.

use super::layer::variable_origin;
use super::merge::Merged;
use super::rule::RULES;
use super::sources::STATE_DIRECTORY;
use super::tree::Settings;

/// One setting in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportLine {
    /// The dotted key, such as `server.listen`.
    pub key: String,
    /// The value as one would write it in a settings file: text is in quotes and escaped.
    pub value: String,
    /// Where it came from, such as `/etc/hapticd/config.toml line 3` or `built-in default`.
    pub origin: String,
}

impl Settings {
    /// Every key, in the order of the manual, with the value in use and where it came from.
    ///
    /// For a directory left empty, it is the directory used in its place. Changes made to the
    /// fields after loading are not seen here.
    #[must_use]
    pub fn report(&self) -> &[ReportLine] {
        &self.report
    }

    /// Puts the directories in use in place of the values they were written as. `from_service`
    /// says that the state directory is the one systemd prepared.
    pub(super) fn report_directories(&mut self, from_service: bool) {
        for line in &mut self.report {
            let directory = match line.key.as_str() {
                "state.dir" => Some(&self.state.dir),
                "devices.definitions_dir" => self.devices.definitions_dir.as_ref(),
                _ => None,
            };
            if let Some(directory) = directory {
                line.value = toml::Value::String(directory.to_string_lossy().into_owned()).to_string();
            }
            if from_service && line.key == "state.dir" {
                line.origin = variable_origin(STATE_DIRECTORY);
            }
        }
    }
}

/// A report on merged settings.
pub(super) fn of(merged: &Merged) -> Vec<ReportLine> {
    let line = |key: &str| {
        let leaf = merged.leaf(key)?;
        Some(ReportLine { key: key.to_owned(), value: leaf.value.to_string(), origin: leaf.origin.clone() })
    };
    RULES.iter().filter_map(|(key, _)| line(key)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Sources;
    use super::*;

    #[test]
    fn lists_every_key_in_the_order_of_the_manual() {
        let settings = Settings::builtin().unwrap();
        let keys: Vec<_> = settings.report().iter().map(|line| line.key.as_str()).collect();
        assert_eq!(keys, RULES.iter().map(|(key, _)| *key).collect::<Vec<_>>());
        assert!(settings.report().iter().all(|line| line.origin == "built-in default"));
        assert_eq!(settings.report()[0].value, "[\"127.0.0.1:12345\", \"[::1]:12345\"]");
        assert_eq!(settings.report()[2].value, "0");
    }

    #[test]
    fn says_where_each_value_came_from() {
        let environment =
            vec![("HAPTICD__LOG__LEVEL".into(), "debug".into()), ("STATE_DIRECTORY".into(), "/var/lib/hapticd".into())];
        let set = vec!["server.name=a\tb".to_owned()];
        let settings = Settings::load(&Sources { environment, set, ..Sources::default() }).unwrap();
        let line = |key: &str| {
            let line = settings.report().iter().find(|line| line.key == key).unwrap();
            (line.value.clone(), line.origin.clone())
        };
        assert_eq!(line("log.level"), ("\"debug\"".to_owned(), "environment variable HAPTICD__LOG__LEVEL".to_owned()));
        assert_eq!(line("server.name"), ("\"a\\tb\"".to_owned(), "--set server.name".to_owned()));
        assert_eq!(
            line("state.dir"),
            ("\"/var/lib/hapticd\"".to_owned(), "environment variable STATE_DIRECTORY".to_owned())
        );
        assert_eq!(line("server.threads"), ("0".to_owned(), "built-in default".to_owned()));
    }
}
