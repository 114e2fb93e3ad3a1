//! The time between packets, and stops that nobody confirms, from outside. Exact times are tested in paused time
//! (`device::writer`); here the middle of several is far from 0.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Done, Peripheral, Raw, Server, output};

/// A Lovense toy of a type, on a bus, that confirms nothing.
async fn toy(server: &Server, client: &mut Raw, bus: &str, code: &str) -> Peripheral {
    let name = if bus == "btle" { "LVS-Toy" } else { "LVS-DongleDevice" };
    let mut toy = Peripheral::connect(server).await;
    toy.send(json!({"type": "attach", "bus": bus, "name": name, "address": code})).await;
    assert_eq!(toy.attached().await, "lovense");
    assert_eq!(toy.done().await, Done::Subscribe("rx".to_owned()));
    assert_eq!(toy.done().await, Done::tx("DeviceType;"));
    toy.notify("rx", format!("{code}:11:0082059AD3BD;")).await;
    client.devices(1).await;
    toy
}

/// Expects these packets and returns the times between them.
async fn expect(toy: &mut Peripheral, packets: &[&str]) -> Vec<Duration> {
    let mut times = Vec::new();
    for packet in packets {
        assert_eq!(toy.done().await, Done::tx(packet));
        times.push(Instant::now());
    }
    times.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

/// The middle one, so that a test that was held up for a moment says nothing wrong.
fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[tokio::test]
async fn packets_of_one_command_are_kept_apart_for_lovense_toys_and_their_dongle() {
    for bus in ["btle", "lovense_dongle"] {
        let server = Server::start(&[]);
        let mut client = Raw::scanning(&server).await;
        let mut edge = toy(&server, &mut client, bus, "P").await;
        let mut times = Vec::new();
        for value in 1..=5 {
            let both = [output(0, 0, "Vibrate", value), output(0, 1, "Vibrate", value)];
            let frame = both.map(|mut body| {
                body["Id"] = json!(900 + value);
                json!({ "OutputCmd": body })
            });
            client.send_text(json!(frame).to_string()).await;
            let packets = [format!("Vibrate1:{value};"), format!("Vibrate2:{value};")];
            times.extend(expect(&mut edge, &[&packets[0], &packets[1]]).await);
        }
        assert!(middle(times.clone()) >= Duration::from_millis(20), "{bus}: {times:?}");
        let server = Server::start(&[]);
        let mut client = Raw::scanning(&server).await;
        let mut nora = toy(&server, &mut client, bus, "A").await;
        let mut times = Vec::new();
        for value in [-1, 2, -3, 4, -5] {
            client.output(0, 1, "Rotate", value).await;
            let packet = format!("Rotate:{};", value.abs());
            times.extend(expect(&mut nora, &["RotateChange;", &packet]).await);
        }
        assert!(middle(times.clone()) >= Duration::from_millis(20), "{bus}: {times:?}");
    }
}

#[tokio::test]
async fn a_stop_that_nobody_confirms_is_sent_twice() {
    let server = Server::start(&[]);
    let mut client = Raw::scanning(&server).await;
    let mut edge = toy(&server, &mut client, "lovense_dongle", "P").await;
    client.output(0, 0, "Vibrate", 9).await;
    expect(&mut edge, &["Vibrate1:9;"]).await;
    let stop = client.send_message("StopCmd", json!({})).await;
    let times = expect(&mut edge, &["Vibrate1:0;", "Vibrate2:0;", "Vibrate1:0;", "Vibrate2:0;"]).await;
    assert!(middle(times.clone()) >= Duration::from_millis(20), "{times:?}");
    assert!(client.reply(stop).await.get("Ok").is_some());
    assert_eq!(edge.done_soon().await, None);
    // Hardware that replies is believed.
    let mut sure = Peripheral::attach(&server, "REALOV_VIBE", "sure").await;
    sure.attached().await;
    client.devices(2).await;
    client.ok("StopCmd", json!({"DeviceIndex": 1})).await;
    assert_eq!(sure.done().await, Done::tx([0xC5, 0x55, 0, 0xAA]));
    assert_eq!(sure.done_soon().await, None);
}

#[tokio::test]
async fn the_piston_travels_its_whole_way() {
    let server = Server::start(&[]);
    let mut client = Raw::scanning(&server).await;
    let mut piston = Peripheral::attach(&server, "VorzePiston", "piston").await;
    piston.attached().await;
    let devices = client.devices(1).await;
    let offered = &devices["0"]["DeviceFeatures"]["0"]["Output"]["HwPositionWithDuration"];
    assert_eq!(offered["Value"], json!([0, 99]), "{devices}");
    for (value, packet) in [(99, [3, 0xC8, 9]), (0, [3, 0, 9])] {
        let command = json!({"HwPositionWithDuration": {"Value": value, "Duration": 1000}});
        client.ok("OutputCmd", json!({"DeviceIndex": 0, "FeatureIndex": 0, "Command": command})).await;
        assert_eq!(piston.done().await, Done::tx_ack(packet));
    }
}

/// A stop does not call back what is on its way, so the toy turns the other way from then on, and that is not forgotten.
#[tokio::test]
async fn a_stop_that_overtakes_a_turn_round_leaves_the_direction_known() {
    let server = Server::start(&[]);
    let mut client = Raw::scanning(&server).await;
    let mut nora = Peripheral::attach_manual(&server, "LVS-A01", "C0:FF:EE:00:00:01").await;
    nora.attached().await;
    loop {
        let done = nora.done().await;
        nora.reply().await;
        if done == Done::tx("DeviceType;") {
            break;
        }
    }
    nora.notify("rx", "A:01:0082059AD3BD;").await;
    client.devices(1).await;
    client.output(0, 1, "Rotate", -5).await;
    assert_eq!(nora.done().await, Done::tx("RotateChange;"));
    let turn = nora.last_id;
    let stop = client.send_message("StopCmd", json!({})).await;
    assert_eq!(nora.done().await, Done::tx("Vibrate:0;"));
    nora.send(json!({"type": "reply", "id": turn})).await;
    nora.reply().await;
    assert_eq!(nora.done().await, Done::tx("Rotate:0;"));
    nora.reply().await;
    assert!(client.reply(stop).await.get("Ok").is_some());
    client.output(0, 1, "Rotate", 4).await;
    for packet in ["RotateChange;", "Rotate:4;"] {
        assert_eq!(nora.done().await, Done::tx(packet));
        nora.reply().await;
    }
    client.output(0, 1, "Rotate", 6).await;
    assert_eq!(nora.done().await, Done::tx("Rotate:6;"));
}
