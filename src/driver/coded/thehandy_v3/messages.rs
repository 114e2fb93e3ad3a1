//! The messages, as far as they are used.

/// What one write or notification carries.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct RpcMessage {
    #[prost(enumeration = "Call", tag = "1")]
    pub(super) kind: i32,
    #[prost(message, optional, tag = "2")]
    pub(super) request: Option<Request>,
    #[prost(message, optional, tag = "4")]
    pub(super) response: Option<Response>,
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(super) enum Call {
    Unknown = 0,
    Request = 1,
    Response = 3,
}

/// A call: a number that the response repeats, and one of the others.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Request {
    #[prost(uint32, tag = "2")]
    pub(super) id: u32,
    #[prost(message, optional, tag = "710")]
    pub(super) battery_get: Option<Empty>,
    #[prost(message, optional, tag = "713")]
    pub(super) capabilities_get: Option<Empty>,
    #[prost(message, optional, tag = "744")]
    pub(super) hdsp_set: Option<HdspSet>,
    #[prost(message, optional, tag = "900")]
    pub(super) hvp_set: Option<HvpSet>,
    #[prost(message, optional, tag = "901")]
    pub(super) hvp_stop: Option<Empty>,
}

/// A call without parameters.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct Empty {}

/// A timed move.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct HdspSet {
    /// 0 to 1.
    #[prost(float, tag = "1")]
    pub(super) position: f32,
    #[prost(uint32, tag = "2")]
    pub(super) duration_ms: u32,
    #[prost(bool, tag = "3")]
    pub(super) stop_on_target: bool,
}

/// A vibration.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct HvpSet {
    /// 0 to 1.
    #[prost(float, tag = "1")]
    pub(super) amplitude: f32,
    /// Hz.
    #[prost(uint32, tag = "2")]
    pub(super) frequency: u32,
    #[prost(float, tag = "3")]
    pub(super) position: f32,
}

/// The answer to a call.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Response {
    #[prost(uint32, tag = "1")]
    pub(super) id: u32,
}
