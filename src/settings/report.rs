//! Which value is in use and where it came from, for `hapticd check`.

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
