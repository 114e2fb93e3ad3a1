//! The serial bus over pseudo terminals: a TCode device that a user's entry names.
#![cfg(unix)]

use std::io::{Read, Write};
use std::time::Duration;

use serde_json::json;
use serialport::{SerialPort, TTYPort};

use crate::support::{PATIENCE, Raw, Server};

struct Fixture {
    server: Server,
    /// The device's end of the cable, until it is unplugged.
    device: Option<TTYPort>,
    _definitions: tempfile::TempDir,
}

fn start() -> Fixture {
    let (mut master, slave) = TTYPort::pair().unwrap();
    master.set_timeout(PATIENCE).unwrap();
    let definitions = tempfile::tempdir().unwrap();
    let port = slave.name().unwrap();
    // The port is locked for as long as it is open here.
    drop(slave);
    let entry = format!("extends = \"tcode-v03\"\n[[match]]\nserial = {{ port = \"{port}\", baud = 115200 }}\n");
    std::fs::write(definitions.path().join("mine.toml"), entry).unwrap();
    let directory = format!("devices.definitions_dir={}", definitions.path().display());
    let server = Server::start(&[&directory, "devices.reconnect_grace_ms=200"]);
    Fixture { server, device: Some(master), _definitions: definitions }
}

fn line(device: &mut TTYPort) -> String {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\n") {
        device.read_exact(&mut byte).unwrap();
        text.push(byte[0]);
    }
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn a_tcode_device_is_found_and_driven() {
    let mut fixture = start();
    let mut client = Raw::scanning(&fixture.server).await;
    let devices = client.devices(1).await;
    let device = &devices["0"];
    assert_eq!(device["DeviceMessageTimingGap"], 20, "{device}");
    let mut master = fixture.device.take().unwrap();
    let to = |value: u32, duration: u32| {
        json!({"DeviceIndex": 0, "FeatureIndex": 0,
            "Command": {"HwPositionWithDuration": {"Value": value, "Duration": duration}}})
    };
    client.ok("OutputCmd", to(500, 250)).await;
    let (told, mut master) = tokio::task::spawn_blocking(move || (line(&mut master), master)).await.unwrap();
    assert_eq!(told, "L0500I250\n");
    // What the device says by itself disturbs nobody.
    master.write_all(b"TCode v0.3\r\n").unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    client.ok("OutputCmd", to(7, 100)).await;
    let (told, master) = tokio::task::spawn_blocking(move || (line(&mut master), master)).await.unwrap();
    assert_eq!(told, "L0007I100\n");
    // Unplugging is tested beside the code: the server's process inherits this end of the cable.
    drop(master);
}

#[tokio::test]
async fn a_port_that_cannot_be_opened_is_named() {
    let definitions = tempfile::tempdir().unwrap();
    // It exists and is no port.
    let port = definitions.path().join("ttyNone");
    std::fs::write(&port, "").unwrap();
    let entry =
        format!("extends = \"tcode-v03\"\n[[match]]\nserial = {{ port = \"{}\", baud = 115200 }}\n", port.display());
    std::fs::write(definitions.path().join("mine.toml"), entry).unwrap();
    let server = Server::start(&[&format!("devices.definitions_dir={}", definitions.path().display())]);
    let mut client = Raw::scanning(&server).await;
    for _ in 0..100 {
        if server.log().contains("cannot be opened") && server.log().contains("ttyNone") {
            client.ok("Ping", json!({})).await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{}", server.log());
}

/// What a dongle with a toy behind it says to a line, if anything.
fn dongle_says(line: &str) -> Option<String> {
    let told: serde_json::Value = serde_json::from_str(line).unwrap();
    let data = match (told["func"].as_str(), told["cmd"].as_str()) {
        (Some("statuss"), _) => json!({"func": "status", "data": {"id": "D1", "status": 202}}),
        (_, Some("DeviceType;")) => json!({"func": "toyData", "data": {"id": "D1", "data": "Z:36:0082059AD3BD;"}}),
        (_, Some(_)) => json!({"func": "toyData", "data": {"id": "D1", "data": "OK;"}}),
        _ => return None,
    };
    let mut said = json!({"type": "toy"});
    said.as_object_mut().unwrap().extend(data.as_object().unwrap().clone());
    Some(format!("{said}\r\n"))
}

#[tokio::test]
async fn a_lovense_dongle_with_a_serial_port_is_a_way_to_its_toy() {
    let (mut master, slave) = TTYPort::pair().unwrap();
    master.set_timeout(PATIENCE).unwrap();
    let port = format!("buses.lovense_dongle.port={}", slave.name().unwrap());
    drop(slave);
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut text = Vec::new();
        let mut byte = [0];
        loop {
            // Until the server has opened its end, and after it has gone, reading fails.
            if master.read_exact(&mut byte).is_err() {
                std::thread::sleep(Duration::from_millis(10));
                continue;
            }
            text.push(byte[0]);
            if byte[0] == b'\n' {
                let line = String::from_utf8(std::mem::take(&mut text)).unwrap();
                if let Some(answer) = dongle_says(&line) {
                    master.write_all(answer.as_bytes()).unwrap();
                }
                if tell.send(line).is_err() {
                    return;
                }
            }
        }
    });
    let server = Server::start(&["buses.lovense_dongle.enabled=true", &port]);
    let mut client = Raw::scanning(&server).await;
    let devices = client.devices(1).await;
    assert_eq!(devices["0"]["DeviceName"], "Lovense Hush", "{devices}");
    assert_eq!(devices["0"]["DeviceMessageTimingGap"], 75);
    // What the server has written is read a little later at the other end.
    let until = |command: &str| {
        let wanted = format!("{{\"type\":\"toy\",\"func\":\"command\",\"id\":\"D1\",\"cmd\":\"{command};\"}}\r\n");
        while told.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("{wanted:?} never came")) != wanted {}
    };
    until("DeviceType");
    client.output(0, 0, "Vibrate", 20).await;
    until("Vibrate:20");
    client.ok("StopCmd", json!({})).await;
    until("Vibrate:0");
    drop(server);
}
