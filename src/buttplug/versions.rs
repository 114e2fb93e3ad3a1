//! The list of wire versions that the server speaks.

use super::codec::Codec;
use super::v4::V4;

/// The versions of [`for_version`], for people.
pub const SUPPORTED: &str = "version 4";

/// The codec of a version, if the server speaks it.
#[must_use]
pub fn for_version(version: u32) -> Option<&'static dyn Codec> {
    match version {
        4 => Some(&V4),
        _ => None,
    }
}
