//! The stop from outside any client.

use serde_json::json;

use crate::support::{Done, Peripheral, Raw, Server, output, run};

const STOP: [u8; 4] = [0xC5, 0x55, 0, 0xAA];

async fn running(server: &Server) -> (Raw, Peripheral) {
    let mut client = Raw::scanning(server).await;
    let mut toy = Peripheral::attach(server, "REALOV_VIBE", "a").await;
    toy.attached().await;
    client.devices(1).await;
    client.output(0, 0, "Vibrate", 9).await;
    assert_eq!(toy.done().await, Done::tx([0xC5, 0x55, 9, 0xAA]));
    (client, toy)
}

#[tokio::test]
async fn a_stop_by_http_stops_everything_and_leaves_clients_in_peace() {
    let server = Server::start(&[]);
    let (mut client, mut toy) = running(&server).await;
    let answer = server.request("POST", "/stop", "").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(toy.done().await, Done::tx(STOP));
    client.output(0, 0, "Vibrate", 9).await;
    assert_eq!(toy.done().await, Done::tx([0xC5, 0x55, 9, 0xAA]));
    assert!(server.get("/stop").await.starts_with("HTTP/1.1 404"), "a link must not stop anything by accident");
    // Whoever asks wrongly is told so, and still nothing runs on.
    for wrong in ["hold=perhaps", "hold=True", "hold=1", "hold", "hold=true&x=1", "hold=true&hold=false"] {
        client.output(0, 0, "Vibrate", 8).await;
        assert_eq!(toy.done().await, Done::tx([0xC5, 0x55, 8, 0xAA]));
        let answer = server.request("POST", &format!("/stop?{wrong}"), "").await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
        assert_eq!(toy.done().await, Done::tx(STOP), "{wrong}");
        assert_eq!(server.health().await["held"], false);
    }
}

#[tokio::test]
async fn a_hold_refuses_outputs_until_somebody_resumes() {
    let server = Server::start(&[]);
    let (mut client, mut toy) = running(&server).await;
    let address = server.address().to_owned();
    let done = run(&["stop", "--hold", "--server", &address]);
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(toy.done().await, Done::tx(STOP));
    assert_eq!(server.health().await["held"], true);
    let text = client.error("OutputCmd", output(0, 0, "Vibrate", 9), 4).await;
    // The person who reads this in a program learns what to do, not which route there is.
    let what_to_do =
        format!("held after an emergency stop; press Resume on the page http://{address} or run `hapticd resume`");
    assert!(text.contains(&what_to_do) && !text.contains("POST"), "{text}");
    client.ok("StopCmd", json!({})).await;
    // Devices that come while held are held, too.
    let mut late = Peripheral::attach(&server, "Youcups", "b").await;
    late.attached().await;
    client.devices(2).await;
    client.error("OutputCmd", output(1, 0, "Vibrate", 1), 4).await;
    let foreign = server.request("POST", "/resume", "Origin: http://elsewhere.example\r\n").await;
    assert!(foreign.starts_with("HTTP/1.1 403"), "{foreign}");
    assert_eq!(server.health().await["held"], true);
    assert_eq!(run(&["resume", "--server", &address]).status.code(), Some(0));
    client.output(1, 0, "Vibrate", 1).await;
    assert_eq!(late.done().await, Done::tx("$SYS,1?"));
}

#[tokio::test]
async fn a_stop_that_is_not_confirmed_is_said_so() {
    let server = Server::start(&["links.write_timeout_ms=10000"]);
    let mut client = Raw::scanning(&server).await;
    let mut toy = Peripheral::attach_manual(&server, "REALOV_VIBE", "a").await;
    toy.attached().await;
    client.devices(1).await;
    let address = server.address().to_owned();
    let done = tokio::task::spawn_blocking(move || run(&["stop", "--server", &address])).await.unwrap();
    assert_eq!(done.status.code(), Some(1));
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(said.ends_with("which is repeated until it does: 0 \"Realov Device\"\n"), "{said}");
    assert_eq!(toy.done().await, Done::tx(STOP));
}

#[tokio::test]
async fn a_stop_does_not_fail_over_what_is_wrong_in_a_settings_file() {
    let server = Server::start(&[]);
    let (_client, mut toy) = running(&server).await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("wrong.toml");
    let address = server.address();
    std::fs::write(&file, format!("[server]\nlisten = \"{address}\"\nnmae = \"x\"\n[log]\nlevel = \"loud\"\n"))
        .unwrap();
    let done = run(&["stop", "--config", file.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(0), "{said}");
    assert_eq!(toy.done().await, Done::tx(STOP));
    for part in ["`server.nmae`", "\"loud\"", &format!("the server is looked for at {address}")] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    // Everything else wants right settings.
    assert_eq!(run(&["resume", "--config", file.to_str().unwrap()]).status.code(), Some(2));
}

#[test]
fn a_stop_without_a_server_is_one_clear_sentence() {
    let done = run(&["stop", "--server", "127.0.0.1:1"]);
    assert_eq!(done.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&done.stderr).contains("127.0.0.1:1"));
}

#[tokio::test]
async fn every_actor_says_what_it_does() {
    let server = Server::start(&["buses.websocket.enabled=true", "buses.websocket.listen=127.0.0.1:0"]);
    let (_client, _toy) = running(&server).await;
    let actors = async || {
        let answer = server.get("/debug/actors").await;
        let json = &answer[answer.find('{').unwrap()..=answer.rfind('}').unwrap()];
        serde_json::from_str::<serde_json::Value>(json).unwrap()
    };
    let mut tree = actors().await;
    // The hardware has its bytes a little before the device hears that it has.
    for _ in 0..100 {
        if tree.to_string().contains("\"queue\":0") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        tree = actors().await;
    }
    assert_eq!((&tree["actor"], &tree["state"]), (&json!("hub"), &json!("running")));
    let children = tree["children"].as_array().unwrap();
    let find = |actor: &str| children.iter().find(|child| child["actor"] == actor).unwrap_or_else(|| panic!("{tree}"));
    assert_eq!(find("manager virtual")["connected"], 1);
    assert_eq!(find("manager websocket")["state"], "running");
    assert_eq!((&find("device 0")["writes"], &find("device 0")["queue"]), (&json!(1), &json!(0)));
    assert_eq!((&find("session 1")["client"], &find("session 1")["version"]), (&json!("raw"), &json!(4)));
}
