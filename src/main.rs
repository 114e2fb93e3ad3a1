//! The program: reads the command line and runs one subcommand.

use std::process::ExitCode;

fn main() -> ExitCode {
    hapticd::cli::main()
}
