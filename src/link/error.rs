//! Why an operation on a link failed.

use thiserror::Error;

use crate::types::Endpoint;

/// Why an operation failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LinkError {
    /// The hardware is gone.
    #[error("the connection is lost")]
    Lost,
    /// No answer in time.
    #[error("{what} got no answer within {limit_ms} ms")]
    Timeout {
        /// The operation.
        what: String,
        /// How long it was waited for.
        limit_ms: u128,
    },
    /// The hardware has no such endpoint.
    #[error("the hardware has no endpoint {0}")]
    NoEndpoint(Endpoint),
    /// The bus said no.
    #[error("{0}")]
    Failed(String),
}
