//! Protocol version 4 at the socket: every frame is answered, and says what was wrong and what is allowed.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Done, Peripheral, Raw, Server, output};

/// A server, a client, and a toy with two motors as device 0.
async fn with_toy() -> (Server, Raw, Peripheral) {
    let server = Server::start(&[]);
    let mut client = Raw::scanning(&server).await;
    let mut toy = Peripheral::attach(&server, "Massage Demo", "C0:FF:EE:00:00:01").await;
    toy.attached().await;
    client.devices(1).await;
    (server, client, toy)
}

#[tokio::test]
async fn bad_input_is_answered_with_what_was_wrong() {
    let (_server, mut client, mut toy) = with_toy().await;
    let vibrate = |value: Value| json!([{"OutputCmd": {"Id": 5, "DeviceIndex": 0, "FeatureIndex": 0, "Command": {"Vibrate": {"Value": value}}}}]);
    let command =
        |command: Value| json!([{"OutputCmd": {"Id": 5, "DeviceIndex": 0, "FeatureIndex": 0, "Command": command}}]);
    let input = |feature: u32, kind: &str, action: &str| json!([{"InputCmd": {"Id": 5, "DeviceIndex": 0, "FeatureIndex": feature, "Type": kind, "Command": action}}]);
    let cases: Vec<(Value, u32, u8, &str)> = vec![
        (json!([]), 0, 3, "empty"),
        (json!({}), 0, 3, "not an object"),
        (json!("x"), 0, 3, "not a string"),
        (json!([[]]), 0, 3, "exactly one key"),
        (json!([{}]), 0, 3, "exactly one key"),
        (json!([{"Ping": {}}]), 0, 3, "Id must be an integer"),
        (json!([{"Ping": {"Id": 0}}]), 0, 3, "not 0"),
        (json!([{"Ping": {"Id": 7.5}}]), 0, 3, "not 7.5"),
        (json!([{"Ping": {"Id": 4294967296_u64}}]), 0, 3, "to 4294967295"),
        (json!([{"Ping": {"Id": 5, "X": 1}}]), 5, 3, "unknown field `X`"),
        (json!([{"Pong": {"Id": 5}}]), 5, 3, "not a message that a client may send"),
        (json!([{"Ok": {"Id": 5}}]), 5, 3, "not a message that a client may send"),
        (json!([{"StopAllDevices": {"Id": 5}}]), 5, 3, "protocol version 4"),
        (vibrate(json!(128)), 5, 4, "allowed: 0 to 127"),
        (vibrate(json!(-1)), 5, 4, "allowed: 0 to 127"),
        (vibrate(json!(127.5)), 5, 4, "value 128 is out of range on feature 0 of device 0; allowed: 0 to 127"),
        (vibrate(json!(-0.5)), 5, 4, "allowed: 0 to 127"),
        (vibrate(json!(null)), 5, 3, "Command.Vibrate.Value"),
        (vibrate(json!("5")), 5, 3, "Command.Vibrate.Value"),
        (vibrate(json!([])), 5, 3, "array of one number"),
        (vibrate(json!([1, 2])), 5, 3, "array of one number"),
        (vibrate(json!(99_999_999_999_i64)), 5, 3, "99999999999"),
        (vibrate(json!(1e300)), 5, 3, "expected a number from -2147483648 to 2147483647"),
        (json!([{"StopCmd": {"Id": 5, "DeviceIndex": 0.5}}]), 5, 3, "0.5`, expected an integer from 0 to 4294967295"),
        (command(json!({"Rotate": {"Value": 1}})), 5, 4, "it has Vibrate"),
        (command(json!({"RotationWithDirection": {"Value": 1, "Clockwise": true}})), 5, 3, "no output type"),
        (command(json!({"Vibrate": {"Value": 1}, "Rotate": {"Value": 1}})), 5, 3, "exactly one key"),
        (json!([{"OutputCmd": output(9, 0, "Vibrate", 1)}]), 0, 3, "Id must be"),
        (
            json!([{"OutputCmd": {"Id": 5, "DeviceIndex": 9, "FeatureIndex": 0, "Command": {"Vibrate": {"Value": 1}}}}]),
            5,
            4,
            "no device with index 9; connected: 0",
        ),
        (
            json!([{"OutputCmd": {"Id": 5, "DeviceIndex": 0, "FeatureIndex": 7, "Command": {"Vibrate": {"Value": 1}}}}]),
            5,
            4,
            "no feature 7; it has 0, 1",
        ),
        (input(0, "Battery", "Read"), 5, 4, "no Battery input; it has no input"),
        (input(7, "Battery", "Read"), 5, 4, "no feature 7"),
        (input(0, "Depth", "Read"), 5, 3, "not one of Battery"),
        (input(0, "Battery", "Peek"), 5, 3, "not one of Read"),
        (json!([{"StopCmd": {"Id": 5, "DeviceIndex": 9}}]), 5, 4, "no device with index 9"),
        (json!([{"StopCmd": {"Id": 5, "DeviceIndex": 0, "FeatureIndex": 9}}]), 5, 4, "no feature 9"),
        (json!([{"StopCmd": {"Id": 5, "DeviceIndex": 0, "FeatureIndex": 9, "Outputs": false}}]), 5, 4, "no feature 9"),
        (json!([{"StopCmd": {"Id": 5, "FeatureIndex": 0}}]), 5, 3, "needs a DeviceIndex"),
        (json!([{"StopCmd": {"Id": 5, "DeviceIndex": null}}]), 5, 3, "must not be null"),
        (
            json!([{"RequestServerInfo": {"Id": 5, "ClientName": "x", "ProtocolVersionMajor": 4, "ProtocolVersionMinor": 0}}]),
            5,
            1,
            "already done",
        ),
    ];
    for (frame, id, code, text) in cases {
        client.send_text(frame.to_string()).await;
        let error = &client.message().await.unwrap()["Error"];
        let told = error["ErrorMessage"].as_str().unwrap_or_default();
        assert!(error["Id"] == id && error["ErrorCode"] == code && told.contains(text), "{frame}: {error}");
    }
    for text in ["", "nonsense", "[{\"Ping\":{\"Id\":1}}", "\u{0}", "[[[[[[[[[[", "NaN"] {
        client.send_text(text).await;
        let error = &client.message().await.unwrap()["Error"];
        assert!(error["Id"] == 0 && error["ErrorCode"] == 3, "{text:?}: {error}");
    }
    // What JSON has no word for costs its own message only, and is named.
    for number in ["NaN", "-Infinity", "1e400"] {
        let cmd = vibrate(json!("?")).to_string().replace("\"?\"", number);
        client.send_text(cmd.replace(']', ",{\"Ping\":{\"Id\":6}}]")).await;
        let error = client.message().await.unwrap();
        let text = error["Error"]["ErrorMessage"].as_str().unwrap();
        assert!(error["Error"]["Id"] == 5 && text.contains(number) && text.contains("to 2147483647"), "{error}");
        assert_eq!(client.message().await.unwrap()["Ok"]["Id"], 6);
    }
    client.send(Message::binary(b"[{\"Ping\":{\"Id\":1}}]".to_vec())).await;
    assert!(client.message().await.unwrap()["Error"]["ErrorMessage"].as_str().unwrap().contains("text frames"));
    assert_eq!(toy.done_soon().await, None, "nothing of this may reach the hardware");
    client.ok("Ping", json!({})).await;
}

#[tokio::test]
async fn numbers_are_understood_however_they_are_written_and_a_byte_order_mark_is_skipped() {
    let server = Server::start(&[]);
    let mut client = Raw::connect(&server).await;
    client
        .send_text(
            "\u{FEFF}[{\"RequestServerInfo\":{\"Id\":1.0,\"ClientName\":\"x\",\"ProtocolVersionMajor\":4.0,\
             \"ProtocolVersionMinor\":0e0}}]",
        )
        .await;
    assert_eq!(client.message().await.unwrap()["ServerInfo"]["Id"], 1);
    client.send_text("\u{FEFF}[{\"StartScanning\":{\"Id\":20e-1}}]").await;
    assert_eq!(client.message().await.unwrap()["Ok"]["Id"], 2);
    let mut toy = Peripheral::attach(&server, "Massage Demo", "C0:FF:EE:00:00:01").await;
    toy.attached().await;
    client.devices(1).await;
    let vibrate = |value: &str| {
        format!(
            r#"[{{"OutputCmd":{{"Id":7.0,"DeviceIndex":0.0,"FeatureIndex":1e0,"Command":{{"Vibrate":{{"Value":{value}}}}}}}}}]"#
        )
    };
    for (written, taken) in
        [("5.0", 5), ("6e0", 6), ("70e-1", 7), ("49.5", 50), ("48.4", 48), ("[64]", 64), ("-0.0", 0)]
    {
        client.send_text(vibrate(written)).await;
        assert_eq!(client.message().await.unwrap()["Ok"]["Id"], 7, "{written}");
        assert_eq!(toy.done().await, Done::tx([0xF2, taken]), "{written}");
    }
    client.send_text(vibrate("3")).await;
    assert_eq!(toy.done().await, Done::tx([0xF2, 3]));
    client.send_text(r#"[{"StopCmd":{"Id":8.0,"DeviceIndex":0.0,"FeatureIndex":1.0}}]"#).await;
    assert_eq!(toy.done().await, Done::tx([0xF2, 0]));
    client.until(|message| message["Ok"]["Id"] == 8).await;
    let text = client
        .error("InputCmd", json!({"DeviceIndex": 0.0, "FeatureIndex": 0.0, "Type": "Battery", "Command": "Read"}), 4)
        .await;
    assert!(text.contains("no Battery input"), "{text}");
}

#[tokio::test]
async fn a_timed_move_takes_a_time_with_a_fraction() {
    let server = Server::start(&[]);
    let mut client = Raw::scanning(&server).await;
    let mut port = Peripheral::connect(&server).await;
    port.send(json!({"type": "attach", "bus": "serial", "name": "default", "address": "/dev/ttyV0"})).await;
    port.attached().await;
    client.devices(1).await;
    while port.done_soon().await.is_some() {}
    let command = json!({"HwPositionWithDuration": {"Value": 49.5, "Duration": 333.3333}});
    client.ok("OutputCmd", json!({"DeviceIndex": 0, "FeatureIndex": 0, "Command": command})).await;
    let Done::Write(_, data, _) = port.done().await else { panic!("a move is a write") };
    let text = String::from_utf8(data).unwrap();
    assert!(text.contains("I333"), "{text}");
}

#[tokio::test]
async fn good_messages_of_a_frame_are_done_beside_bad_ones() {
    let (_server, mut client, mut toy) = with_toy().await;
    let cmd = |id: u32, feature: u32, value: i32| json!({"OutputCmd": {"Id": id, "DeviceIndex": 0, "FeatureIndex": feature, "Command": {"Vibrate": {"Value": value}}}});
    client
        .send_text(json!([cmd(100, 0, 10), {"Nonsense": {"Id": 101}}, cmd(102, 0, 999), cmd(103, 1, 20)]).to_string())
        .await;
    let mut answers = Vec::new();
    for _ in 0..4 {
        let message = client.message().await.unwrap();
        let (name, body) = message.as_object().unwrap().iter().next().unwrap();
        answers.push((body["Id"].as_u64().unwrap(), name.clone()));
    }
    answers.sort();
    let answers: Vec<_> = answers.iter().map(|(id, name)| (*id, name.as_str())).collect();
    assert_eq!(answers, [(100, "Ok"), (101, "Error"), (102, "Error"), (103, "Ok")]);
    assert_eq!([toy.done().await, toy.done().await], [[0xF1, 10], [0xF2, 20]].map(Done::tx));
}

#[tokio::test]
async fn one_frame_is_one_batch_and_a_stop_in_it_comes_in_its_place() {
    let server = Server::start(&[]);
    let mut client = Raw::scanning(&server).await;
    let mut toy = Peripheral::attach(&server, "Gala", "C0:FF:EE:00:00:01").await;
    toy.attached().await;
    assert_eq!([toy.done().await, toy.done().await].len(), 2);
    client.devices(1).await;
    let cmd = |id: u32, feature: u32, value: i32| json!({"OutputCmd": {"Id": id, "DeviceIndex": 0, "FeatureIndex": feature, "Command": {"Vibrate": {"Value": value}}}});
    client.send_text(json!([cmd(50, 0, 10), cmd(51, 1, 3)]).to_string()).await;
    assert_eq!(toy.done().await, Done::tx_ack([0x0F, 3, 0, 0xA3, 0, 3, 0, 0]));
    client.send_text(json!([cmd(52, 0, 1), {"StopCmd": {"Id": 53}}, cmd(54, 1, 2)]).to_string()).await;
    assert_eq!(toy.done().await, Done::tx_ack([0x0F, 0, 0, 0, 0, 0, 0, 0]));
    assert_eq!(toy.done().await, Done::tx_ack([0x0F, 3, 0, 0x02, 0, 3, 0, 0]));
    assert_eq!(toy.done_soon().await, None);
}

#[tokio::test]
async fn handshakes() {
    let server = Server::start(&["server.max_ping_time_ms=60000", "server.name=Desk"]);
    let info = json!({"ClientName": "x", "ProtocolVersionMajor": 4, "ProtocolVersionMinor": 9});
    let mut client = Raw::connect(&server).await;
    let text = client.error("Ping", json!({}), 1).await;
    assert!(text.contains("RequestServerInfo"), "{text}");
    client.send_text("garbage").await;
    assert_eq!(client.message().await.unwrap()["Error"]["Id"], 0);
    client.error("RequestServerInfo", json!({"ClientName": null}), 3).await;
    let reply = client.ask("RequestServerInfo", info.clone()).await;
    let expected = json!({"Id": reply["ServerInfo"]["Id"], "ServerName": "Desk", "MaxPingTime": 60000,
        "ProtocolVersionMajor": 4, "ProtocolVersionMinor": 0});
    assert_eq!(reply["ServerInfo"], expected);

    // What follows the handshake in the same frame is done, too.
    let mut client = Raw::connect(&server).await;
    let mut first = info.clone();
    first["Id"] = json!(4_294_967_295_u32);
    client.send_text(json!([{"RequestServerInfo": first}, {"Ping": {"Id": 2}}]).to_string()).await;
    assert_eq!(client.message().await.unwrap()["ServerInfo"]["Id"], 4_294_967_295_u32);
    assert_eq!(client.message().await.unwrap()["Ok"]["Id"], 2);

    for (body, asked) in [
        (json!({"ClientName": "new app", "ProtocolVersionMajor": 5, "ProtocolVersionMinor": 0}), "version 5"),
        (json!({"ClientName": "odd app", "MessageVersion": 9}), "version 9"),
        (json!({"ClientName": "odd app", "MessageVersion": 4_294_967_296_u64}), "version 4294967296"),
    ] {
        let mut client = Raw::connect(&server).await;
        let name = body["ClientName"].to_string();
        let text = client.error("RequestServerInfo", body, 1).await;
        // The person who reads the reply or the log learns who was refused, why, and what would do.
        for part in [&format!("client {name}"), asked, "this server speaks versions 4, 3, 2, 1, 0"] {
            assert!(text.contains(part), "{part:?} is not in {text:?}");
        }
        client.closed().await;
        server.logged(&format!("is refused: {text}"));
    }
}

#[tokio::test]
async fn a_handshake_with_wrong_fields_says_who_and_what_is_spoken() {
    let server = Server::start(&[]);
    let mut client = Raw::connect(&server).await;
    let body = json!({"ClientName": "half app", "ProtocolVersionMajor": 4});
    let text = client.error("RequestServerInfo", body.clone(), 3).await;
    for part in [
        "ProtocolVersionMinor",
        "client \"half app\"",
        "protocol version 4",
        "this server speaks versions 4, 3, 2, 1, 0",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
    server.logged(&text);
    assert!(server.log().contains("WARN"), "{}", server.log());
    // One that tries the same again and again does not fill the log.
    client.error("RequestServerInfo", body, 3).await;
    server.logged("is refused again");
    assert_eq!(server.log().matches("is refused: ").count(), 1, "{}", server.log());
}

#[tokio::test]
async fn disconnect_stops_answers_and_closes() {
    let (_server, mut client, mut toy) = with_toy().await;
    client.output(0, 0, "Vibrate", 5).await;
    assert_eq!(toy.done().await, Done::tx([0xF1, 5]));
    client.ok("Disconnect", json!({})).await;
    client.closed().await;
    assert_eq!(toy.done().await, Done::tx([0xF1, 0]));
}

#[tokio::test]
async fn frames_have_a_limit_and_parts_are_put_together() {
    let server = Server::start(&["sessions.max_frame_bytes=1024"]);
    let mut client = Raw::hello(&server).await;
    let padded = |length: usize| format!("[{{\"Ping\":{{\"Id\":77}}}}]{}", " ".repeat(length - 20));
    client.send_text(padded(1024)).await;
    assert_eq!(client.message().await.unwrap()["Ok"]["Id"], 77);
    client.send_text(padded(1025)).await;
    let error = client.message().await.unwrap();
    assert!(error["Error"]["ErrorMessage"].as_str().unwrap().contains("1024 bytes"), "{error}");
    client.closed().await;
}

#[tokio::test]
async fn every_kind_of_input_answer() {
    let server = Server::start(&[]);
    let mut client = Raw::scanning(&server).await;
    let mut toy = Peripheral::attach(&server, "LVS-Z01", "C0:FF:EE:00:00:01").await;
    toy.attached().await;
    toy.done().await;
    toy.done().await;
    toy.notify("rx", "Z:1:0;").await;
    let devices = client.devices(1).await;
    let battery = &devices["0"]["DeviceFeatures"]["1"]["Input"]["Battery"];
    assert_eq!(*battery, json!({"Value": [[0, 100]], "Command": ["Read"]}));
    let read = json!({"DeviceIndex": 0, "FeatureIndex": 1, "Type": "Battery", "Command": "Read"});
    let id = client.send_message("InputCmd", read.clone()).await;
    assert_eq!(toy.done().await, Done::tx("Battery;"));
    toy.notify("rx", "OK;").await;
    toy.notify("rx", [0xFF, 0]).await;
    toy.notify("rx", "64;").await;
    let reply = client.reply(id).await;
    let expected = json!({"Id": id, "DeviceIndex": 0, "FeatureIndex": 1, "Reading": {"Battery": {"Value": 64}}});
    assert_eq!(reply["InputReading"], expected);
    // Hardware that does not answer costs an error, not silence.
    let text = client.error("InputCmd", read, 4).await;
    assert!(text.contains("500 ms"), "{text}");
    let subscribe = json!({"DeviceIndex": 0, "FeatureIndex": 1, "Type": "Battery", "Command": "Subscribe"});
    let text = client.error("InputCmd", subscribe, 4).await;
    assert!(text.contains("allowed: Read"), "{text}");
}

#[tokio::test]
async fn our_own_schema_knows_what_clients_send() {
    let schema: Value = serde_json::from_str(include_str!("../../schema/messages-v4.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for good in [
        json!([{"OutputCmd": {"Id": 1, "DeviceIndex": 0, "FeatureIndex": 0, "Command": {"Led": {"Value": 3}}}}]),
        json!([{"OutputCmd": {"Id": 1.0, "DeviceIndex": 0.0, "FeatureIndex": 0, "Command": {"Led": {"Value": 3.5}}}}]),
        json!([{"OutputCmd": {"Id": 1, "DeviceIndex": 0, "FeatureIndex": 0, "Command": {"Led": {"Value": [3]}}}}]),
        json!([{"StopCmd": {"Id": 1}}, {"Ping": {"Id": 2}}]),
        json!([{"Ok": {"Id": 1}}]),
    ] {
        assert!(validator.is_valid(&good), "{good}");
    }
    for bad in [
        json!([]),
        json!([{"Ping": {"Id": 0}}]),
        json!([{"Ping": {"Id": 1.5}}]),
        json!([{"Ok": {"Id": 1, "X": 2}}]),
        json!([{"Pong": {"Id": 1}}]),
    ] {
        assert!(!validator.is_valid(&bad), "{bad}");
    }
}
