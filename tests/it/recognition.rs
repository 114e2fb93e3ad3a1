//! What hardware is taken for, when it fills its name up and when it says other things before its type.

use serde_json::json;

use crate::support::{Done, Peripheral, Raw, Server};

#[tokio::test]
async fn what_fills_a_name_up_is_ignored_and_not_shown() {
    let server = Server::start(&["devices.reconnect_grace_ms=0"]);
    let mut client = Raw::scanning(&server).await;
    for (number, name) in ["Launch\0", "Launch\r\n", "Launch   ", "Launch \0\0\r\n\t"].into_iter().enumerate() {
        let mut toy = Peripheral::attach(&server, name, &format!("launch {number}")).await;
        assert_eq!(toy.attached().await, "kiiroo-v2", "{name:?}");
        let devices = client.devices(1).await;
        let device = devices.as_object().unwrap().values().next().unwrap();
        assert_eq!(device["DeviceName"], "Fleshlight Launch", "{name:?}");
        toy.detach().await;
        client.devices(0).await;
    }
    let mut unknown = Peripheral::attach(&server, "Toaster\0\r\n", "toaster").await;
    assert_eq!(unknown.told().await["type"], "refused");
    let mut machine = Peripheral::connect(&server).await;
    machine.send(json!({"type": "attach", "bus": "serial", "name": "default\0 ", "address": "/dev/ttyV0"})).await;
    assert_eq!(machine.attached().await, "tcode-v03");
}

#[tokio::test]
async fn a_lovense_toy_may_say_other_things_before_its_type() {
    let server = Server::start(&["devices.reconnect_grace_ms=0"]);
    let mut client = Raw::scanning(&server).await;
    let answers: [&[&[u8]]; 6] = [
        &[b"OK;", b"P:02:0082059AD3BD;"],
        &[b"89;", b"ER;", b"P:02:0082059AD3BD;"],
        &[b"\xff", b"P:02:0082059AD3BD;"],
        &[b"", b";", b"P:02:0082059AD3BD;"],
        &[b"OK;89;P:02:0082059AD3BD;"],
        &[b"\xff\xfeP:02:00820", b"59AD3BD;"],
    ];
    for (number, said) in answers.into_iter().enumerate() {
        let mut toy = Peripheral::attach(&server, "LVS-DoesntMatter", &format!("toy {number}")).await;
        assert_eq!(toy.attached().await, "lovense");
        assert_eq!(toy.done().await, Done::Subscribe("rx".to_owned()));
        assert_eq!(toy.done().await, Done::tx("DeviceType;"));
        for data in said {
            toy.notify("rx", data).await;
        }
        let devices = client.devices(1).await;
        let device = devices.as_object().unwrap().values().next().unwrap();
        assert_eq!(device["DeviceName"], "Lovense Edge", "{said:?}");
        toy.detach().await;
        client.devices(0).await;
    }
}
