//! `hapticd check`: are the settings and definitions right?

use std::path::PathBuf;

use clap::Args;

use super::exit_error::ExitError;
use super::output::print;
use super::settings_args::SettingsArgs;
use crate::library::Library;
use crate::words::counted;
use crate::{conformance, driver};

/// Options of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    #[command(flatten)]
    pub(super) settings: SettingsArgs,
    /// Check only these definition files, not the settings and all that is installed
    files: Vec<PathBuf>,
    /// What `check` does anyway: show every setting, its value and where that came from
    #[arg(long, hide = true)]
    show: bool,
}

pub(super) fn run(args: &CheckArgs) -> Result<(), ExitError> {
    let library =
        if args.files.is_empty() { installed(args)? } else { Library::from_files(&args.files, &driver::names()) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| ExitError::Runtime(format!("no runtime: {error}")))?;
    let problems = runtime.block_on(conformance::library(&library));
    for problem in &problems {
        print(&format!("{}{problem}\n", if problem.warning { "warning: " } else { "" }));
    }
    let models = library.model_count();
    let examples: usize = library.definitions().iter().map(|definition| definition.examples.len()).sum();
    let definitions = counted(library.definitions().len(), "definition");
    print(&format!("{definitions}, {}, {}\n", counted(models, "model"), counted(examples, "example")));
    match problems.iter().filter(|problem| !problem.warning).count() {
        0 => Ok(()),
        count => Err(ExitError::Usage(counted(count, "problem"))),
    }
}

fn installed(args: &CheckArgs) -> Result<Library, ExitError> {
    let settings = args.settings.load(&[])?;
    print("settings are right\n");
    for line in settings.report() {
        print(&format!("{} = {}  ({})\n", line.key, line.value, line.origin));
    }
    Ok(crate::server::library(&settings)?)
}
