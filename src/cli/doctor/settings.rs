//! Settings files are right.

use crate::manager::System;
use crate::settings::BUILTIN;
use crate::types::Finding;

pub(super) fn check(system: &System) -> Vec<Finding> {
    if let Some(error) = &system.settings_error {
        let advice = "correct them; what follows is judged by the built-in settings";
        return vec![Finding::problem(format!("the settings are wrong: {error}"), advice)];
    }
    let changed = system.settings.report().iter().filter(|line| line.origin != BUILTIN);
    let changed: Vec<_> = changed.map(|line| line.key.as_str()).collect();
    vec![Finding::ok(match changed.len() {
        0 => "all as built in".to_owned(),
        _ => format!("right; set are {}", changed.join(", ")),
    })]
}

#[cfg(test)]
mod tests {
    use super::super::one;
    use super::*;
    use crate::manager::FakeSystem;
    use crate::types::Verdict;

    #[test]
    fn wrong_settings_are_a_problem() {
        let mut fake = FakeSystem::new();
        one(&check(&fake.system), Verdict::Ok, "all as built in");
        fake.system.settings_error = Some("`server.listn` is no setting".to_owned());
        one(&check(&fake.system), Verdict::Problem, "server.listn");
    }
}
