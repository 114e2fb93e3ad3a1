//! Tests from outside: the real binary on a free port, real sockets, published clients, virtual hardware.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod client;
mod support;
