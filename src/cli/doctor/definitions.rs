//! Every definition is usable.

use crate::manager::System;
use crate::types::Finding;

pub(super) fn check(system: &System) -> Vec<Finding> {
    if let Some(error) = &system.library_error {
        return vec![Finding::problem(error.clone(), "make the directory, or correct the setting")];
    }
    let problems = system.library.problems().iter().map(|problem| {
        if problem.warning {
            Finding::warning(problem.to_string(), "see device-config/README.md")
        } else {
            Finding::problem(problem.to_string(), "correct the file; `hapticd check FILE` says when it is right")
        }
    });
    let problems: Vec<_> = problems.collect();
    if problems.is_empty() {
        return vec![Finding::ok(format!("all {} can be used", system.library.definitions().len()))];
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::one;
    use super::*;
    use crate::manager::FakeSystem;
    use crate::types::Verdict;

    #[test]
    fn a_definition_that_cannot_be_used_is_a_problem() {
        let mut fake = FakeSystem::new();
        one(&check(&fake.system), Verdict::Ok, "can be used");
        fake.system.library = crate::library::Library::from_texts([("bad", "name = 3")], &[]);
        let findings = check(&fake.system);
        assert!(findings.iter().any(|found| found.verdict == Verdict::Problem && found.text.contains("bad.toml")));
        fake.system.library_error = Some("no directory".to_owned());
        one(&check(&fake.system), Verdict::Problem, "no directory");
    }
}
