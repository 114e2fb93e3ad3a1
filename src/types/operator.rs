//! Who drives devices.

use serde::{Deserialize, Serialize};

/// A party that drives devices: who set a value, and whose end stops it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct OperatorId(pub u64);

/// What an operator is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OperatorKind {
    /// A connected client that speaks the Buttplug protocol.
    Session,
    /// The callers of the HTTP API.
    Api,
    /// An application that carries the server in its own process.
    Application,
}

/// Answers "why is this motor running, on whose behalf".
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct OperatorInfo {
    /// Its id; no other operator of this server gets it.
    pub id: OperatorId,
    /// What it is.
    pub kind: OperatorKind,
    /// What it calls itself; empty until it is known.
    pub name: String,
    /// Where it is, for people; may be empty.
    pub address: String,
}
