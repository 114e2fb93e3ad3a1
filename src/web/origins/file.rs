//! `origins.json` in the state directory: which web pages may connect for good, and which may not. Only the server writes
//! it, and only its user may read it.

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::answers::Answers;
use crate::access::Origin;
use crate::user_devices::read_bytes;

/// Its name.
pub(super) const FILE: &str = "origins.json";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    version: u32,
    allowed: BTreeSet<Origin>,
    denied: BTreeSet<Origin>,
}

/// What the file says; nothing when there is none.
///
/// # Errors
/// It cannot be read or understood.
pub(super) fn read(path: &Path) -> Result<Answers, String> {
    let Some(bytes) = read_bytes(path).map_err(|error| error.to_string())? else {
        return Ok(Answers::default());
    };
    let contents: Contents = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    let Contents { version, allowed, denied } = contents;
    if version != 1 {
        return Err(format!("its version is {version}; this hapticd reads version 1"));
    }
    // What somebody has denied is not allowed, whoever wrote both.
    let allowed = allowed.into_iter().filter(|origin| !denied.contains(origin) && !origin.is_class()).collect();
    Ok(Answers::remembered(allowed, denied))
}

/// The text of the file.
pub(super) fn text(answers: &Answers) -> Result<String, String> {
    let contents = Contents { version: 1, allowed: answers.allowed.clone(), denied: answers.denied.clone() };
    serde_json::to_string_pretty(&contents).map(|text| text + "\n").map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::private_file::write;

    #[test]
    fn what_is_written_is_read_and_what_is_not_understood_lets_nobody_in() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        assert!(read(&path).unwrap().allowed.is_empty());
        let origin = |text: &str| Origin::from_header(text.as_bytes()).unwrap();
        let (a, b) = (origin("https://a.example"), origin("null"));
        let answers = Answers::remembered([a.clone()].into(), [b.clone()].into());
        write(&path, &text(&answers).unwrap()).unwrap();
        let back = read(&path).unwrap();
        assert_eq!((back.allowed, back.denied), ([a].into(), [b].into()));
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions()) & 0o777, 0o600);
        for bad in [
            "",
            "{",
            r#"{"version":2,"allowed":[],"denied":[]}"#,
            r#"{"version":1,"allowed":["https://A.example"],"denied":[]}"#,
            r#"{"version":1,"allowed":[]}"#,
        ] {
            std::fs::write(&path, bad).unwrap();
            assert!(read(&path).is_err(), "{bad}");
        }
        std::fs::write(&path, r#"{"version":1,"allowed":["file://","https://a.b"],"denied":["https://a.b"]}"#).unwrap();
        assert!(read(&path).unwrap().allowed.is_empty());
    }
}
