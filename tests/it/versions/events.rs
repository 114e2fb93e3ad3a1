//! Which devices a client of an old version is told of, and when.

use serde_json::json;

use super::{Bench, event, with_device};
use crate::support::{Done, Raw};

/// The indexes in a reply to RequestDeviceList.
async fn listed(client: &mut Raw) -> Vec<u64> {
    let list = client.ask("RequestDeviceList", json!({})).await;
    let devices = list["DeviceList"]["Devices"].as_array().unwrap();
    devices.iter().map(|device| device["DeviceIndex"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn a_client_is_told_of_each_device_once_whatever_it_does_first() {
    let bench = Bench::start(&[]);
    let mut first = Raw::scanning(&bench.server).await;
    let _one = bench.attach("Worked Example", "C0:FF:EE:00:00:01").await;
    let _two = bench.attach("Worked Stroker", "C0:FF:EE:00:00:02").await;
    first.devices(2).await;
    for version in 0..4 {
        // One that never asks for a list learns of what is there when it scans, after the Ok.
        let mut client = Raw::hello_in(&bench.server, version).await;
        assert_eq!(client.message_soon().await, None, "version {version}: it has not asked for anything");
        let id = client.send_message("StartScanning", json!({})).await;
        assert_eq!(event(&mut client, "Ok").await["Id"], id);
        for index in [0, 1] {
            assert_eq!(event(&mut client, "DeviceAdded").await["DeviceIndex"], index);
        }
        client.ok("StartScanning", json!({})).await;
        assert_eq!(listed(&mut client).await, [0, 1]);
        assert_eq!(client.message_soon().await, None);
        // One that asks first is told nothing more when it scans.
        let mut client = Raw::hello_in(&bench.server, version).await;
        assert_eq!(listed(&mut client).await, [0, 1]);
        client.ok("StartScanning", json!({})).await;
        assert_eq!(client.message_soon().await, None);
        // Both in one frame, in either order.
        let mut client = Raw::hello_in(&bench.server, version).await;
        client.send_text(r#"[{"RequestDeviceList":{"Id":7}},{"StartScanning":{"Id":8}}]"#).await;
        event(&mut client, "DeviceList").await;
        event(&mut client, "Ok").await;
        assert_eq!(client.message_soon().await, None);
    }
}

#[tokio::test]
async fn what_comes_and_goes_is_added_and_removed() {
    for version in 0..4 {
        let (bench, mut client, one) = with_device(version, "Worked Example").await;
        let two = bench.attach("Worked Stroker", "C0:FF:EE:00:00:02").await;
        assert_eq!(event(&mut client, "DeviceAdded").await["DeviceIndex"], 1);
        one.goodbye().await;
        assert_eq!(event(&mut client, "DeviceRemoved").await["DeviceIndex"], 0);
        let _one = bench.attach("Worked Example", "C0:FF:EE:00:00:01").await;
        assert_eq!(event(&mut client, "DeviceAdded").await["DeviceIndex"], 0);
        two.goodbye().await;
        assert_eq!(event(&mut client, "DeviceRemoved").await["DeviceIndex"], 1);
        assert_eq!(listed(&mut client).await, [0]);
        let text = client.error("StopDeviceCmd", json!({"DeviceIndex": 1}), 4).await;
        assert!(text.contains("no device with index 1"), "{text}");
        assert_eq!(client.message_soon().await, None);
    }
}

#[tokio::test]
async fn another_model_under_the_same_index_is_removed_and_added() {
    for version in 0..4 {
        let (bench, mut client, mut one) = with_device(version, "Worked Example").await;
        // It is lost, and what comes back at its address is something else.
        one.detach().await;
        bench.server.away(0).await;
        let mut other = bench.attach("Worked Stroker", "C0:FF:EE:00:00:01").await;
        let removed = event(&mut client, "DeviceRemoved").await;
        assert_eq!((&removed["DeviceIndex"], &removed["Id"]), (&json!(0), &json!(0)), "version {version}");
        let added = event(&mut client, "DeviceAdded").await;
        assert_eq!((&added["DeviceIndex"], &added["DeviceName"]), (&json!(0), &json!("Worked Stroker")));
        assert_eq!(listed(&mut client).await, [0]);
        // What the client was given last is what its indexes mean.
        while other.done_soon().await.is_some() {}
        if version > 0 {
            let text =
                client.error("VibrateCmd", json!({"DeviceIndex": 0, "Speeds": [{"Index": 0, "Speed": 1}]}), 4).await;
            assert!(text.contains("no vibrator"), "{text}");
        }
        assert_eq!(other.done_soon().await, None);
    }
}

#[tokio::test]
async fn clients_of_every_version_drive_one_device_at_once() {
    let (bench, mut three, mut hardware) = with_device(3, "Worked Example").await;
    let mut zero = Raw::hello_in(&bench.server, 0).await;
    let mut one = Raw::hello_in(&bench.server, 1).await;
    let mut two = Raw::hello_in(&bench.server, 2).await;
    let mut four = Raw::hello(&bench.server).await;
    four.devices(1).await;
    for client in [&mut zero, &mut one, &mut two] {
        assert_eq!(listed(client).await, [0]);
    }
    zero.ok("SingleMotorVibrateCmd", json!({"DeviceIndex": 0, "Speed": 0.1})).await;
    assert_eq!(hardware.done().await, Done::tx([1, 0, 2]));
    assert_eq!(hardware.done().await, Done::tx([1, 4, 1]));
    one.ok("VibrateCmd", json!({"DeviceIndex": 0, "Speeds": [{"Index": 1, "Speed": 0.4}]})).await;
    assert_eq!(hardware.done().await, Done::tx([1, 4, 2]));
    let turn = json!({"DeviceIndex": 0, "Rotations": [{"Index": 0, "Speed": 1, "Clockwise": false}]});
    two.ok("RotateCmd", turn).await;
    assert_eq!(hardware.done().await, Done::tx([2, 2, 15, 1]));
    let squeeze = json!({"DeviceIndex": 0, "Scalars": [{"Index": 4, "Scalar": 1, "ActuatorType": "Constrict"}]});
    three.ok("ScalarCmd", squeeze).await;
    assert_eq!(hardware.done().await, Done::tx([6, 4, 8]));
    four.output(0, 0, "Vibrate", 20).await;
    assert_eq!(hardware.done().await, Done::tx([1, 0, 20]));
    bench.server.all_written().await;
    // What each started stops with it, and nothing else.
    drop(one);
    assert_eq!(hardware.done().await, Done::tx([1, 4, 0]));
    drop(two);
    assert_eq!(hardware.done().await, Done::tx([2, 2, 0, 0]));
    hardware.goodbye().await;
    for client in [&mut zero, &mut three] {
        assert_eq!(event(client, "DeviceRemoved").await["DeviceIndex"], 0);
    }
    four.devices(0).await;
}
