//! The list of wire versions that the server speaks.

use std::sync::LazyLock;

use super::codec::Codec;
use super::v0::V0;
use super::v1::V1;
use super::v2::V2;
use super::v3::V3;
use super::v4::V4;

/// Every version, the newest first.
const VERSIONS: [&dyn Codec; 5] = [&V4, &V3, &V2, &V1, &V0];

/// The codec of a version, if the server speaks it.
#[must_use]
pub fn for_version(version: u32) -> Option<&'static dyn Codec> {
    VERSIONS.into_iter().find(|codec| codec.version() == version)
}

/// The codec of the newest version.
#[must_use]
pub fn newest() -> &'static dyn Codec {
    let [newest, ..] = VERSIONS;
    newest
}

/// The versions that the server speaks, for people: `version 4`, `versions 4, 3`.
#[must_use]
pub fn supported() -> &'static str {
    static SUPPORTED: LazyLock<String> = LazyLock::new(|| {
        let versions: Vec<_> = VERSIONS.iter().map(|codec| codec.version().to_string()).collect();
        format!("version{} {}", if versions.len() == 1 { "" } else { "s" }, versions.join(", "))
    });
    &SUPPORTED
}
