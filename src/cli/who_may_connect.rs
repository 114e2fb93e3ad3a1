//! Who can get in as things stand, in one sentence.

use crate::access::{LocalAccess, UnknownOrigins};
use crate::settings::AccessSettings;

/// Who may connect under these settings.
pub(super) fn sentence(access: &AccessSettings) -> String {
    let pages = match access.unknown_origins {
        UnknownOrigins::Ask => "web pages after `hapticd allow`",
        UnknownOrigins::Deny => "web pages that you have let in",
        UnknownOrigins::Allow => "every web page",
    };
    match access.local {
        LocalAccess::Open => format!("programs of this computer; {pages}"),
        LocalAccess::Token => format!("whoever has a token; {pages}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_the_settings_say() {
        for (local, unknown_origins, expected) in [
            (LocalAccess::Open, UnknownOrigins::Ask, "programs of this computer; web pages after `hapticd allow`"),
            (LocalAccess::Token, UnknownOrigins::Deny, "whoever has a token; web pages that you have let in"),
            (LocalAccess::Open, UnknownOrigins::Allow, "programs of this computer; every web page"),
        ] {
            assert_eq!(sentence(&AccessSettings { local, unknown_origins }), expected);
        }
    }
}
