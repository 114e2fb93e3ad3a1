//! What a wire version must be able to do, and what all have in common.

use std::fmt::Debug;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::client::ClientState;
use super::error::ProtocolError;
use super::frame::Element;
use super::request::{ReplyForm, Request, ServerMessage};
use crate::text;
use crate::types::Descriptions;

/// One version of the protocol: translates its messages to the internal model and back.
pub trait Codec: Debug + Send + Sync {
    /// Its number.
    fn version(&self) -> u32;

    /// Understands one message, and says what the reply to it must look like.
    ///
    /// `now` are the devices of this moment. Versions that address outputs by position mean the list that the client was
    /// last given.
    ///
    /// # Errors
    /// A message that is unknown in this version, or whose fields are wrong; a position that is in no list of the device.
    fn read(
        &self,
        element: Element,
        client: &mut ClientState,
        now: &Descriptions,
    ) -> Result<(Request, ReplyForm), ProtocolError>;

    /// The frame for one message in the form that the request wants, or as an event ([`ReplyForm::EVENT`]); `None` when
    /// this version has no word for it.
    fn write(&self, form: &ReplyForm, message: &ServerMessage) -> Option<String>;

    /// Whether a client counts as having been given the devices that are there when it connects, because it will ask for
    /// them. Otherwise it has been given none until it asks, or scans, or a device comes.
    fn knows_devices_at_handshake(&self) -> bool;

    /// The frames that tell that the devices were `before` and are `after`.
    fn devices_changed(&self, before: &Descriptions, after: &Arc<Descriptions>) -> Vec<String>;

    /// The frames that a client which was given `before` needs in front of a list of `after`.
    fn before_list(&self, before: &Descriptions, after: &Arc<Descriptions>) -> Vec<String>;
}

/// Reads the fields of one message strictly, naming the field that is wrong.
///
/// # Errors
/// [`ProtocolError::BadFields`] with the path of the field and what was expected.
pub fn fields<T: DeserializeOwned>(message: &'static str, body: Value) -> Result<T, ProtocolError> {
    if let Value::Object(fields) = &body
        && let Some((name, _)) = fields.iter().find(|(_, value)| value.is_null())
    {
        // The schema of the protocol knows no null: an optional field is left out (facts: messages.md 1.1).
        let name = text::shown(name);
        return Err(ProtocolError::BadFields { message, why: format!("{name} must not be null; leave it out") });
    }
    typed_fields(message, body)
}

/// Reads the fields of one message, naming the field that is wrong.
///
/// # Errors
/// [`ProtocolError::BadFields`] with the path of the field and what was expected.
pub fn typed_fields<T: DeserializeOwned>(message: &'static str, mut body: Value) -> Result<T, ProtocolError> {
    // What is wrong is named in the error, and no name that this protocol knows is long.
    text::shorten(&mut body);
    serde_path_to_error::deserialize(body).map_err(|error| {
        let path = error.path().to_string();
        let why = if path == "." { error.inner().to_string() } else { format!("{path}: {}", error.inner()) };
        ProtocolError::BadFields { message, why }
    })
}
