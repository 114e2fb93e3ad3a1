//! Definitions that change while the server runs.

use serde_json::json;

use super::*;
use crate::versions::event;

const OWN: &str = r#"
name = "Own"
gap_ms = 0
[[match]]
btle = { names = ["Own Thing"] }
services.ff00 = { tx = "ff01" }
[default]
name = "Own Thing"
features = [{ vibrate = [0, 10] }]
[write]
vibrate = 'tx: AA {v}'
"#;

fn write(running: &Running, text: &str) {
    std::fs::write(running.bench.definitions().join("own.toml"), text).unwrap();
}

/// The thing, once the server knows it.
async fn own(running: &Running) -> Peripheral {
    loop {
        let mut thing = Peripheral::attach(&running.bench.server, "Own Thing", "own").await;
        let told = thing.told().await;
        if told["type"] == "attached" {
            return thing;
        }
        assert_eq!(told["reason"], "no definition matches it", "{told}");
    }
}

#[tokio::test]
async fn a_definition_that_changes_replaces_its_devices_alone() {
    let mut running = Running::start(&[]).await;
    write(&running, OWN);
    let mut thing = own(&running).await;
    running.client.devices(2).await;
    let mut old = Raw::hello_in(&running.bench.server, 3).await;
    old.ask("RequestDeviceList", json!({})).await;
    running.client.output(1, 0, "Vibrate", 5).await;
    assert_eq!(thing.done().await, Done::tx([0xAA, 5]));
    write(&running, &OWN.replace("AA", "BB").replace("[0, 10]", "[0, 12]"));
    // Stopped as it was driven, let go, opened again under its index.
    assert_eq!(thing.done().await, Done::tx([0xAA, 0]));
    assert_eq!(event(&mut old, "DeviceRemoved").await["DeviceIndex"], 1);
    let added = event(&mut old, "DeviceAdded").await;
    assert_eq!((&added["DeviceIndex"], &added["DeviceMessages"]["ScalarCmd"][0]["StepCount"]), (&json!(1), &json!(12)));
    let fits = |message: &Value| {
        message["DeviceList"]["Devices"]["1"]["DeviceFeatures"]["0"]["Output"]["Vibrate"]["Value"][1] == 12
    };
    running.client.until(fits).await;
    running.client.output(1, 0, "Vibrate", 12).await;
    while thing.done().await != Done::tx([0xBB, 12]) {}
    // The other device runs on, and was not written to.
    assert_eq!(running.hardware.done_soon().await, None);
}

#[tokio::test]
async fn a_definition_that_is_wrong_is_told_of_and_the_last_good_one_stays() {
    let mut running = Running::start(&[]).await;
    write(&running, OWN);
    let mut thing = own(&running).await;
    running.client.devices(2).await;
    write(&running, &OWN.replace("{v}", "{v"));
    running.bench.server.logged("own.toml:11: ");
    running.client.output(1, 0, "Vibrate", 5).await;
    assert_eq!(thing.done().await, Done::tx([0xAA, 5]));
    thing.goodbye().await;
    let _again = own(&running).await;
    // Gone is another thing than wrong.
    std::fs::remove_file(running.bench.definitions().join("own.toml")).unwrap();
    running.client.devices(1).await;
    running.bench.server.logged("no definition matches it any more");
}
