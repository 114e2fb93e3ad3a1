//! Every model and every template, read back from its packets.

mod decoding;
mod devices;
mod distances;
mod fuzz;
