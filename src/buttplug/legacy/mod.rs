//! What versions 0 to 3 have in common, once.
//!
//! Here live the table by which a device looks to them and by which their indexes are resolved ([`table`]), their
//! fractions ([`fraction`]), their messages as they stand on the wire ([`messages`]), the translation of each command to a
//! request ([`commands`], [`sensors`], [`retired`]), what every one of them says ([`replies`]) and their device events
//! ([`events`]). What may not live here: what only one version has, above all how it describes a device.

pub(super) mod commands;
pub(super) mod common;
pub(super) mod events;
pub(super) mod fraction;
pub(super) mod messages;
pub(super) mod replies;
pub(super) mod resolve;
pub(super) mod retired;
pub(super) mod sensors;
pub(super) mod table;
