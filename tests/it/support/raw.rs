//! A client that writes its own frames. Every frame that the server sends it is held against the schema.

use std::sync::LazyLock;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::{Listens, PATIENCE, QUIET};

/// The repository's own description of the messages of each version.
pub const SCHEMAS: [&str; 5] = [
    include_str!("../../../schema/messages-v0.json"),
    include_str!("../../../schema/messages-v1.json"),
    include_str!("../../../schema/messages-v2.json"),
    include_str!("../../../schema/messages-v3.json"),
    include_str!("../../../schema/messages-v4.json"),
];

/// What the server may send in each version.
static FROM_SERVER: LazyLock<Vec<jsonschema::Validator>> = LazyLock::new(|| {
    let from_server = |schema: &&str| {
        let mut schema: Value = serde_json::from_str(schema).unwrap();
        schema["$ref"] = json!("#/$defs/fromServer");
        jsonschema::validator_for(&schema).unwrap()
    };
    SCHEMAS.iter().map(from_server).collect()
});

/// A client.
pub struct Raw {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    next_id: u32,
    /// The version that every frame of the server must have. Errors before the handshake look the same in all.
    version: usize,
}

impl Raw {
    /// Connects without shaking hands.
    pub async fn connect(server: &impl Listens) -> Self {
        let (socket, _) = connect_async(server.url()).await.unwrap();
        Self { socket, next_id: 1, version: 4 }
    }

    /// Connects and shakes hands in a version up to 3.
    pub async fn hello_in(server: &impl Listens, version: usize) -> Self {
        let mut client = Self::connect(server).await;
        client.expect_version(version);
        let mut body = json!({"ClientName": "raw"});
        if version > 0 {
            body["MessageVersion"] = json!(version);
        }
        let info = client.ask("RequestServerInfo", body).await;
        assert_eq!(info["ServerInfo"]["MessageVersion"], version, "{info}");
        client
    }

    /// Holds every frame of the server against the schema of this version from now on.
    pub fn expect_version(&mut self, version: usize) {
        self.version = version;
    }

    /// Connects and shakes hands.
    pub async fn hello(server: &impl Listens) -> Self {
        Self::connect(server).await.shaking_hands().await
    }

    /// The same as a web page does.
    pub async fn hello_from(server: &impl Listens, origin: &str) -> Self {
        let mut request = server.url().into_client_request().unwrap();
        request.headers_mut().insert("Origin", origin.parse().unwrap());
        let (socket, _) = connect_async(request).await.unwrap();
        Self { socket, next_id: 1, version: 4 }.shaking_hands().await
    }

    async fn shaking_hands(self) -> Self {
        let mut client = self;
        let info = client
            .ask(
                "RequestServerInfo",
                json!({"ClientName": "raw", "ProtocolVersionMajor": 4, "ProtocolVersionMinor": 0}),
            )
            .await;
        assert_eq!(info["ServerInfo"]["ProtocolVersionMajor"], 4, "{info}");
        client
    }

    /// Connects, shakes hands and scans.
    pub async fn scanning(server: &impl Listens) -> Self {
        let mut client = Self::hello(server).await;
        client.ok("StartScanning", json!({})).await;
        client
    }

    pub async fn send_text(&mut self, text: impl Into<String>) {
        self.socket.send(Message::text(text.into())).await.unwrap();
    }

    /// Sends a frame that the server may not take any more.
    pub async fn try_send_text(&mut self, text: &str) -> Result<(), tokio_tungstenite::tungstenite::Error> {
        self.socket.send(Message::text(text)).await
    }

    pub async fn send(&mut self, message: Message) {
        self.socket.send(message).await.unwrap();
    }

    /// Sends one message with an id of its own, which is returned.
    pub async fn send_message(&mut self, name: &str, mut body: Value) -> u32 {
        let id = self.next_id;
        self.next_id += 1;
        body["Id"] = json!(id);
        self.send_text(json!([{ name: body }]).to_string()).await;
        id
    }

    /// Sends one message and returns its reply; what comes before it is dropped.
    pub async fn ask(&mut self, name: &str, body: Value) -> Value {
        let id = self.send_message(name, body).await;
        self.reply(id).await
    }

    /// The reply to a message.
    pub async fn reply(&mut self, id: u32) -> Value {
        self.until(|message| message.as_object().unwrap().values().next().unwrap()["Id"] == id).await
    }

    /// Sends one message, which must be answered with Ok.
    pub async fn ok(&mut self, name: &str, body: Value) {
        let reply = self.ask(name, body).await;
        assert!(reply.get("Ok").is_some(), "{name}: {reply}");
    }

    /// Sends one message, which must be answered with an error of this code; returns its text.
    pub async fn error(&mut self, name: &str, body: Value, code: u8) -> String {
        let reply = self.ask(name, body).await;
        assert_eq!(reply["Error"]["ErrorCode"], code, "{name}: {reply}");
        reply["Error"]["ErrorMessage"].as_str().unwrap().to_owned()
    }

    /// Sets one output.
    pub async fn output(&mut self, device: u32, feature: u32, kind: &str, value: i32) {
        self.ok("OutputCmd", output(device, feature, kind, value)).await;
    }

    /// The next message that fits.
    pub async fn until(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        let found = tokio::time::timeout(PATIENCE, async {
            loop {
                let message = self.message().await.expect("the server closed the connection");
                if fits(&message) {
                    return message;
                }
            }
        });
        found.await.expect("the message does not come")
    }

    /// The next message; `None` when the connection has ended.
    pub async fn message(&mut self) -> Option<Value> {
        loop {
            match self.socket.next().await?.ok()? {
                Message::Text(text) => {
                    let frame: Value = serde_json::from_str(&text).unwrap();
                    if let Err(error) = FROM_SERVER[self.version].validate(&frame) {
                        panic!("{frame} is not as the schema says: {error}");
                    }
                    let messages = frame.as_array().unwrap();
                    assert_eq!(messages.len(), 1, "one message a frame: {frame}");
                    return Some(messages[0].clone());
                }
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }

    /// The next message, or nothing for a while.
    pub async fn message_soon(&mut self) -> Option<Value> {
        tokio::time::timeout(QUIET, self.message()).await.ok().flatten()
    }

    /// Waits until the server ends the connection.
    pub async fn closed(&mut self) {
        let closed = tokio::time::timeout(PATIENCE, async { while self.message().await.is_some() {} });
        closed.await.expect("the server does not close the connection");
    }

    /// The devices, as soon as there are so many.
    pub async fn devices(&mut self, count: usize) -> Value {
        let mut list = self.ask("RequestDeviceList", json!({})).await;
        while list["DeviceList"]["Devices"].as_object().unwrap().len() != count {
            list = self.until(|message| message.get("DeviceList").is_some()).await;
        }
        list["DeviceList"]["Devices"].clone()
    }
}

/// The fields of an `OutputCmd`.
pub fn output(device: u32, feature: u32, kind: &str, value: i32) -> Value {
    json!({"DeviceIndex": device, "FeatureIndex": feature, "Command": {kind: {"Value": value}}})
}
