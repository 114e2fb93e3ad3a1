//! Whole conversations without a socket: client and hardware each hold the far end of a transport.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::control::{testing::TestServer, testing::received, testing::test};
use crate::transport::{self, CloseReason, Outbound, Remote};
use crate::types::{OperatorKind, SessionEnd};

fn connect(server: &TestServer) -> Remote {
    let options = SessionOptions {
        may_drive: true,
        server_name: "a test".to_owned(),
        max_ping: None,
        handshake: Duration::from_secs(1),
        max_frame: 1 << 16,
        lists: DeviceLists::default(),
    };
    let (near, far) = transport::pair("somewhere".to_owned(), 1 << 16);
    serve(near, server.control.clone(), options);
    far
}

/// Sends one message and returns the reply.
async fn ask(client: &Remote, message: Value) -> Value {
    assert!(client.send(json!([message]).to_string()).await);
    received(client).await
}

async fn shake_hands(client: &Remote) {
    let hello = json!({"RequestServerInfo": {
        "Id": 1, "ClientName": "c", "ProtocolVersionMajor": 4, "ProtocolVersionMinor": 0,
    }});
    let info = json!([{"ServerInfo": {
        "Id": 1, "ServerName": "a test", "MaxPingTime": 0, "ProtocolVersionMajor": 4, "ProtocolVersionMinor": 0,
    }}]);
    assert_eq!(ask(client, hello).await, info);
}

fn vibrate(id: u32, device: u32, value: i32) -> Value {
    json!({"OutputCmd": {"Id": id, "DeviceIndex": device, "FeatureIndex": 0, "Command": {"Vibrate": {"Value": value}}}})
}

fn ok(id: u32) -> Value {
    json!([{"Ok": {"Id": id}}])
}

/// The client is told why, and then nothing more comes.
async fn closed(client: &Remote, why: SessionEnd) {
    assert_eq!(client.recv().await, Some(Outbound::Close(CloseReason::Session(why))));
    assert_eq!(client.recv().await, None);
}

#[test]
fn a_whole_conversation() {
    test(async {
        let server = TestServer::start().await;
        let client = connect(&server);
        let early = ask(&client, json!({"Ping": {"Id": 9}})).await;
        assert_eq!((&early[0]["Error"]["Id"], &early[0]["Error"]["ErrorCode"]), (&json!(9), &json!(1)), "{early}");
        shake_hands(&client).await;
        let info = server.control.operators().pop().unwrap();
        assert_eq!((info.kind, info.name.as_str(), info.address.as_str()), (OperatorKind::Session, "c", "somewhere"));
        let list = ask(&client, json!({"RequestDeviceList": {"Id": 2}})).await;
        let output = &list[0]["DeviceList"]["Devices"]["0"]["DeviceFeatures"]["0"]["Output"];
        assert_eq!(*output, json!({"Vibrate": {"Value": [0, 100]}}), "{list}");
        assert_eq!(ask(&client, vibrate(3, 0, 5)).await, ok(3));
        server.written(5).await;
        assert_eq!(ask(&client, json!({"StopCmd": {"Id": 4}})).await, ok(4));
        server.written(0).await;
        let error = ask(&client, vibrate(5, 7, 5)).await;
        let expected = json!([{"Error": {
            "Id": 5, "ErrorCode": 4, "ErrorMessage": "there is no device with index 7; connected: 0",
        }}]);
        assert_eq!(error, expected);
        assert_eq!(ask(&client, vibrate(6, 0, 9)).await, ok(6));
        server.written(9).await;
        assert_eq!(ask(&client, json!({"Disconnect": {"Id": 7}})).await, ok(7));
        server.written(0).await;
        closed(&client, SessionEnd::Goodbye).await;
    });
}

#[test]
fn a_client_that_is_gone_leaves_nothing_running() {
    test(async {
        let server = TestServer::start().await;
        let client = connect(&server);
        shake_hands(&client).await;
        assert_eq!(ask(&client, vibrate(2, 0, 9)).await, ok(2));
        server.written(9).await;
        drop(client);
        server.written(0).await;
        assert_eq!(server.control.operators().len(), 1);
    });
}

#[test]
fn a_client_can_be_disconnected() {
    test(async {
        let server = TestServer::start().await;
        let client = connect(&server);
        shake_hands(&client).await;
        assert_eq!(ask(&client, vibrate(2, 0, 9)).await, ok(2));
        server.written(9).await;
        assert!(server.control.disconnect(server.control.operators().pop().unwrap().id));
        server.written(0).await;
        closed(&client, SessionEnd::Disconnected).await;
    });
}

#[test]
fn sessions_are_as_many_as_there_may_be() {
    test(async {
        let server = TestServer::start().await;
        let (one, _two, three) = (connect(&server), connect(&server), connect(&server));
        let refused = received(&three).await;
        assert_eq!(
            (&refused[0]["Error"]["Id"], &refused[0]["Error"]["ErrorCode"]),
            (&json!(0), &json!(1)),
            "{refused}"
        );
        assert_eq!(three.recv().await, Some(Outbound::Close(CloseReason::TooManySessions)));
        drop(one);
        while server.control.operators().len() > 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        shake_hands(&connect(&server)).await;
    });
}
