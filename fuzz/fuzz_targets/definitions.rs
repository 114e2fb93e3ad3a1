//! Definition files, however broken: each is refused with a reason, or all of its examples and values can be tried.
#![no_main]

use hapticd::{conformance, driver, library::Library};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let library = Library::from_texts([("fuzzed", text)], &driver::names());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let Ok(runtime) = runtime else { panic!("no runtime") };
    let _ = runtime.block_on(conformance::library(&library));
});
