//! The messages, as far as they are used.

/// What one write carries.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Payload {
    #[prost(message, repeated, tag = "1")]
    pub(super) messages: Vec<Message>,
}

/// One of many commands.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Message {
    #[prost(message, optional, tag = "403")]
    pub(super) linear_cmd: Option<LinearCmd>,
}

/// Timed moves.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct LinearCmd {
    #[prost(uint32, tag = "1")]
    pub(super) id: u32,
    #[prost(uint32, tag = "2")]
    pub(super) device_index: u32,
    #[prost(message, repeated, tag = "3")]
    pub(super) vectors: Vec<Vector>,
}

/// A timed move of one axis.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Vector {
    #[prost(uint32, tag = "1")]
    pub(super) index: u32,
    #[prost(uint32, tag = "2")]
    pub(super) duration_ms: u32,
    /// 0 to 1.
    #[prost(double, tag = "3")]
    pub(super) position: f64,
}
