//! Who can get in.

use crate::access::{LocalAccess, UnknownOrigins};
use crate::cli::{admin_token::AdminToken, who_may_connect};
use crate::manager::System;
use crate::types::Finding;
use crate::web::ADMIN_FILE;

pub(super) fn check(system: &System) -> Vec<Finding> {
    let (access, state) = (&system.settings.access, &system.settings.state);
    let who = who_may_connect::sentence(access);
    let mut findings = vec![if access.unknown_origins == UnknownOrigins::Allow {
        let advice = "set `access.unknown_origins` to \"ask\" and let single pages in with `hapticd allow`";
        Finding::warning(format!("{who} may drive your devices, also one that you only happen to open"), advice)
    } else {
        Finding::ok(format!("may connect: {who}"))
    }];
    // Before the first start there is none, and nobody needs it where everybody here may do everything.
    let path = state.dir.join(ADMIN_FILE);
    let readable = AdminToken::from(&system.settings).for_server_at(&[([127, 0, 0, 1], 0).into()]).is_some();
    if !readable && (path.exists() || access.local == LocalAccess::Token) {
        let text =
            format!("{} cannot be read by this user, so that its commands may not say who may do what", path.display());
        findings.push(Finding::warning(text, "run hapticd's commands as the user that the server runs as"));
    }
    findings
}
