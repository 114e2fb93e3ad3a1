//! What the person who starts a server is told, on the screen and on the page.

use serde_json::{Value, json};

use crate::support::Server;

fn bus(health: &Value, name: &str) -> Value {
    let buses = health["buses"].as_array().unwrap();
    buses.iter().find(|bus| bus["bus"] == name).unwrap_or_else(|| panic!("{health}")).clone()
}

fn line(text: &str, label: &str) -> String {
    let line = text.lines().find(|line| line.trim_start().starts_with(label));
    line.unwrap_or_else(|| panic!("{label:?} is not in\n{text}")).to_owned()
}

#[tokio::test]
async fn a_bus_that_does_not_work_is_not_called_on() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = format!("buses.websocket.listen={}", taken.local_addr().unwrap());
    let server = Server::start(&["buses.websocket.enabled=true", &listen]);
    let welcome = server.welcome();
    assert_eq!(line(&welcome, "Buses that are on"), "  Buses that are on     virtual, serial");
    let failed = line(&welcome, "Not working");
    assert!(failed.starts_with("  Not working           websocket: `buses.websocket.listen` = 127.0.0.1:"), "{failed}");
    // It says the same as /health.
    let health = server.health().await;
    let websocket = bus(&health, "websocket");
    assert_eq!(websocket["state"], "not working");
    assert!(failed.contains(websocket["error"].as_str().unwrap()), "{failed}\n{websocket}");
    for works in ["virtual", "serial"] {
        assert_eq!((&bus(&health, works)["state"], &bus(&health, works)["error"]), (&json!("working"), &json!(null)));
    }
}

#[tokio::test]
async fn a_bus_that_works_is_on() {
    let server = Server::start(&["buses.websocket.enabled=true", "buses.websocket.listen=127.0.0.1:0"]);
    let welcome = server.welcome();
    assert_eq!(line(&welcome, "Buses that are on"), "  Buses that are on     virtual, serial, websocket");
    assert!(!welcome.contains("Not working") && !welcome.contains("Still starting"), "{welcome}");
}

/// What the page does with this is tested with the published JavaScript engine, in `tests/node`.
#[tokio::test]
async fn the_page_says_that_its_button_holds_and_claims_nothing_of_buses() {
    let server = Server::start(&[]);
    let page = server.get("/").await;
    for part in
        [">Stop everything and hold</button>", ">Resume</button>", "until you press Resume", "<td id=\"buses\">–"]
    {
        assert!(page.contains(part), "{part:?} is not in\n{page}");
    }
    assert!(!page.contains("virtual, serial"), "the buses come from /health:\n{page}");
}
