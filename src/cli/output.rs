//! What commands print.

/// Prints to standard output. A reader that went away is no error: `hapticd devices | head` must not panic.
pub(super) fn print(text: &str) {
    use std::io::Write;
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}
