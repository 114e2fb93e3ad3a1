//! Everything that can be wrong with a library of definitions.

use crate::library::{DefinitionProblem, Library};

use super::coverage::values;
use super::runner::run_all;

/// Everything that is wrong with a library: what could not be read, what has no bytes, what its examples contradict.
pub async fn library(library: &Library) -> Vec<DefinitionProblem> {
    let mut problems = library.problems().to_vec();
    for definition in library.definitions() {
        let mut found = values(definition);
        found.extend(run_all(definition).await);
        if definition.examples.is_empty() {
            found.push(DefinitionProblem::whole("there is no [[example]]; a definition shows its bytes"));
        }
        problems.extend(found.into_iter().map(|problem| problem.in_file(&definition.path)));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every built-in definition: it reads, every value has bytes, every example comes out as written.
    #[tokio::test]
    async fn built_in_definitions() {
        let built_in = Library::load(&[], &crate::driver::names());
        let problems: Vec<_> = library(&built_in).await.iter().map(ToString::to_string).collect();
        assert!(problems.is_empty(), "{}", problems.join("\n"));
        assert!(built_in.definitions().len() >= 12);
    }
}
