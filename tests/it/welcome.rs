//! What the person who starts a server is told, on the screen and on the page.

use serde_json::{Value, json};

use crate::support::{Server, run};

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

/// What the page does is tested in a real Chromium, in `tests/node`.
#[tokio::test]
async fn the_page_and_what_it_is_made_of_are_served_and_know_nothing_by_themselves() {
    let server = Server::start(&["server.name=My own server"]);
    let page = server.get("/").await;
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("hapticd stop"), "{page}");
    let policy =
        format!("script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' {};", server.url());
    assert!(page.contains(&policy), "{page}");
    for file in ["app.js", "app.css"] {
        assert!(page.contains(&format!("/assets/{file}")), "{page}");
        let asset = server.get(&format!("/assets/{file}")).await;
        assert!(asset.starts_with("HTTP/1.1 200") && !asset.contains("My own server"), "{file}");
    }
    assert!(!page.contains("My own server"), "{page}");
    for file in ["other.js", "..%2findex.html", "%2e%2e/index.html", "app.rs"] {
        assert!(server.get(&format!("/assets/{file}")).await.starts_with("HTTP/1.1 404"), "{file}");
    }
}

#[tokio::test]
async fn the_command_that_opens_the_page_knows_where_it_is() {
    let server = Server::start(&[]);
    let done = run(&["open", "--print", "--server", server.address()]);
    assert_eq!(String::from_utf8(done.stdout).unwrap(), format!("http://{}/\n", server.address()));
    let address = server.address().to_owned();
    drop(server);
    assert_eq!(run(&["open", "--print", "--server", &address]).status.code(), Some(1));
}

#[tokio::test]
async fn another_build_of_the_page_is_served_from_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("assets")).unwrap();
    std::fs::write(folder.path().join("secret.js"), "private words").unwrap();
    std::fs::write(folder.path().join("assets/mine.js"), "mine").unwrap();
    let server = Server::start_more(&["--page", folder.path().to_str().unwrap()]);
    assert!(server.get("/").await.contains("has no index.html"));
    std::fs::write(folder.path().join("index.html"), "<p>my page").unwrap();
    assert!(server.get("/").await.contains("my page"));
    assert!(server.get("/assets/mine.js").await.contains("mine"));
    for file in ["app.js", "..%2fsecret.js", "%2e%2e/secret.js"] {
        let answer = server.get(&format!("/assets/{file}")).await;
        assert!(answer.starts_with("HTTP/1.1 404") && !answer.contains("private words"), "{file}: {answer}");
    }
}
