//! Links to hardware behind a blocking library: a thread that writes (`watched`), one that reads, one that serves the link.
//!
//! What may not live here: any one bus. A bus opens its hardware and hands over both `ends`.

mod ends;
mod link;
mod thread;
mod watched;

pub(super) use ends::{Abandon, Ends, READ, Reader, Writer};
pub(super) use link::{answer, info, open, read_loop, start};
pub(super) use thread::thread;
pub(super) use watched::{WatchedWriter, write_limit};

#[cfg(test)]
mod tests;
