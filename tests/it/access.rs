//! What a stranger's web page can do: stop everything, and learn nothing.

use std::sync::Arc;

use serde_json::json;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::support::{Done, Peripheral, Raw, Server, run};

const FOREIGN: &str = "Origin: http://evil.example\r\n";
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

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no body in {answer:?}")).1
}

fn is_refused(answer: &str, status: u16) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    let text = answer.to_lowercase();
    for word in ["hapticd", "buttplug", "websocket", "realov", "access-control"] {
        assert!(!text.contains(word), "{word}: {answer}");
    }
}

/// Tries a WebSocket with one more header; the status if it is refused.
async fn upgrade(url: &str, name: &'static str, value: &str) -> Result<(), u16> {
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert(name, value.parse().unwrap());
    match connect_async(request).await {
        Ok(_) => Ok(()),
        Err(Error::Http(response)) => Err(response.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_foreign_page_learns_that_something_answers_and_no_more() {
    let server = Server::start(&[]);
    let (_client, _toy) = running(&server).await;
    for who in [FOREIGN, "Origin: null\r\n", "Sec-Fetch-Site: cross-site\r\n", "Sec-Fetch-Site: same-site\r\n"] {
        let answer = server.request("GET", "/health", who).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert_eq!(body(&answer), r#"{"status":"ok"}"#, "{who}");
        assert!(!answer.to_lowercase().contains("access-control"), "{answer}");
        for path in ["/metrics", "/debug/actors", "/", "/other", "/%68ardware", "/hardware"] {
            is_refused(&server.request("GET", path, who).await, 403);
        }
        is_refused(&server.request("OPTIONS", "/health", who).await, 403);
    }
    // Other ports of this computer are foreign, too; the own page and programs are not.
    let other = server.request("GET", "/health", "Origin: http://127.0.0.1:1\r\n").await;
    assert_eq!(body(&other), r#"{"status":"ok"}"#);
    let own = format!("Origin: http://{}\r\nSec-Fetch-Site: same-origin\r\n", server.address());
    for who in [own.as_str(), ""] {
        let answer = server.request("GET", "/health", who).await;
        assert!(answer.contains("Realov") && !answer.to_lowercase().contains("access-control"), "{answer}");
        assert!(server.request("GET", "/metrics", who).await.contains("hapticd_sessions 1"));
    }
    // Whoever follows a link gets the page.
    let link = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";
    assert!(server.request("GET", "/", link).await.starts_with("HTTP/1.1 200"));
    is_refused(&server.request("GET", "/", &link.replace("document", "iframe")).await, 403);
}

#[tokio::test]
async fn only_loopback_names_are_served() {
    let server = Server::start(&[]);
    let (_client, mut toy) = running(&server).await;
    let port = server.address().rsplit(':').next().unwrap().to_owned();
    for host in ["evil.example", "0.0.0.0", "192.168.1.2", "localhost.evil.example", "[::ffff:127.0.0.1]"] {
        for host in [host.to_owned(), format!("{host}:{port}")] {
            for path in ["/", "/health", "/metrics", "/debug/actors", "/hardware", "/other"] {
                is_refused(&server.send(&format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n")).await, 403);
            }
            is_refused(&server.send(&format!("POST /resume HTTP/1.1\r\nHost: {host}\r\n")).await, 403);
            assert_eq!(upgrade(&server.url(), "Host", &host).await, Err(403), "{host}");
        }
    }
    for host in [format!("user@127.0.0.1:{port}"), "localhost:x".to_owned(), String::new()] {
        is_refused(&server.send(&format!("GET /health HTTP/1.1\r\nHost: {host}\r\n")).await, 400);
    }
    let address = server.address();
    for head in [
        "GET /health HTTP/1.1\r\n".to_owned(),
        "GET /health HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n".to_owned(),
        format!("GET http://evil.example/health HTTP/1.1\r\nHost: {address}\r\n"),
        format!("GET http://user@{address}/health HTTP/1.1\r\nHost: {address}\r\n"),
    ] {
        is_refused(&server.send(&head).await, 400);
    }
    let old = server.send("GET /health HTTP/1.0\r\n").await;
    assert!(old.starts_with("HTTP/1.0 400") && !old.contains("hapticd"), "{old}");
    for host in ["localhost", "LOCALHOST:1", "127.0.0.1", "127.3.2.1:80", "[::1]", "[::1]:12345"] {
        let answer = server.send(&format!("GET /health HTTP/1.1\r\nHost: {host}\r\n")).await;
        assert!(answer.contains("Realov"), "{host}: {answer}");
        assert_eq!(upgrade(&server.url(), "Host", host).await, Ok(()), "{host}");
    }
    let same = server.send(&format!("GET http://{address}/health HTTP/1.1\r\nHost: {address}\r\n")).await;
    assert!(same.contains("Realov"), "{same}");
    assert_eq!(toy.done_soon().await, None);
}

#[tokio::test]
async fn everybody_may_stop_and_no_stranger_may_hold() {
    let server = Server::start(&[]);
    let (mut client, mut toy) = running(&server).await;
    let address = server.address().to_owned();
    for head in [
        format!("POST /stop?hold=true HTTP/1.1\r\nHost: {address}\r\n{FOREIGN}"),
        format!("POST /stop?hold=nonsense HTTP/1.1\r\nHost: {address}\r\n{FOREIGN}"),
        format!("POST /stop HTTP/1.1\r\nHost: {address}\r\nSec-Fetch-Site: cross-site\r\n"),
        "POST /stop?hold=true HTTP/1.1\r\nHost: evil.example\r\n".to_owned(),
        "POST /stop HTTP/1.1\r\nHost: user@localhost\r\n".to_owned(),
        format!("POST http://evil.example/stop HTTP/1.1\r\nHost: {address}\r\n"),
        "POST /stop HTTP/1.0\r\n".to_owned(),
    ] {
        let answer = server.send(&head).await;
        assert!(answer.contains(" 200 ") && body(&answer) == r#"{"stopped":true}"#, "{head}: {answer}");
        assert!(!answer.to_lowercase().contains("access-control"), "{answer}");
        assert_eq!(toy.done().await, Done::tx(STOP), "{head}");
        assert_eq!(server.health().await["held"], false, "{head}");
        client.output(0, 0, "Vibrate", 9).await;
        assert_eq!(toy.done().await, Done::tx([0xC5, 0x55, 9, 0xAA]));
    }
    // The own page holds, and is told more.
    let own = format!("Origin: http://{address}\r\n");
    let answer = server.request("POST", "/stop?hold=true", &own).await;
    let told: serde_json::Value = serde_json::from_str(body(&answer)).unwrap();
    assert_eq!(told, json!({"stopped": true, "held": true, "unconfirmed": []}));
    assert_eq!(toy.done().await, Done::tx(STOP));
    // Nobody from elsewhere ends that, whatever a proxy is made to say.
    for who in [
        FOREIGN.to_owned(),
        format!("{FOREIGN}X-Forwarded-Host: evil.example\r\n"),
        format!("{FOREIGN}Forwarded: host=evil.example;proto=http\r\n"),
        format!("Origin: http://{address}\r\nSec-Fetch-Site: cross-site\r\n"),
        "Sec-Fetch-Site: cross-site\r\n".to_owned(),
    ] {
        let status = if who.contains("orwarded") { 401 } else { 403 };
        is_refused(&server.request("POST", "/resume", &who).await, status);
        assert_eq!(server.health().await["held"], true, "{who}");
    }
    assert!(server.request("POST", "/resume", &own).await.starts_with("HTTP/1.1 200"));
    assert_eq!(server.health().await["held"], false);
}

#[tokio::test]
async fn an_unconfirmed_stop_names_no_device_to_a_stranger() {
    let server = Server::start(&["links.write_timeout_ms=10000"]);
    let mut client = Raw::scanning(&server).await;
    let mut toy = Peripheral::attach_manual(&server, "REALOV_VIBE", "a").await;
    toy.attached().await;
    client.devices(1).await;
    let answer = server.request("POST", "/stop", FOREIGN).await;
    assert!(answer.starts_with("HTTP/1.1 504"), "{answer}");
    assert_eq!(body(&answer), r#"{"stopped":false}"#);
}

#[tokio::test]
async fn foreign_pages_speak_buttplug_and_play_no_hardware() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let listen = format!("buses.websocket.listen=127.0.0.1:{port}");
    let server = Server::start(&["buses.websocket.enabled=true", &listen]);
    let dial_in = format!("ws://127.0.0.1:{port}/");
    for _ in 0..100 {
        if connect_async(dial_in.as_str()).await.is_ok() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let hardware = format!("{}/hardware", server.url());
    for origin in ["http://evil.example", "https://evil.example", "null", "file://", "http://127.0.0.1:1"] {
        assert_eq!(upgrade(&hardware, "Origin", origin).await, Err(403), "{origin}");
        let escaped = format!("{}/%68ardware", server.url());
        assert_eq!(upgrade(&escaped, "Origin", origin).await, Err(403), "{origin}");
        assert_eq!(upgrade(&dial_in, "Origin", origin).await, Err(403), "{origin}");
    }
    assert_eq!(upgrade(&hardware, "Sec-Fetch-Site", "cross-site").await, Err(403));
    for host in ["evil.example", "0.0.0.0:1"] {
        assert_eq!(upgrade(&dial_in, "Host", host).await, Err(403), "{host}");
        assert_eq!(upgrade(&hardware, "Host", host).await, Err(403), "{host}");
    }
    assert_eq!(upgrade(&dial_in, "Host", "user@localhost").await, Err(400));
    assert_eq!(upgrade(&hardware, "Host", "localhost:1").await, Ok(()));
    assert_eq!(upgrade(&dial_in, "Host", "localhost:1").await, Ok(()));
    server.logged("carries the Origin \"http://evil.example\"");
    assert_eq!(server.log().matches("carries the Origin").count(), 1, "said once:\n{}", server.log());
}

/// What `hapticd origins`, `allow` and `deny` say.
fn says(server: &Server, args: &[&str]) -> String {
    let address = server.address().to_owned();
    let out = run(&[args, &["--server", address.as_str()]].concat());
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

#[tokio::test]
async fn an_unknown_page_drives_nothing_until_its_user_lets_it_in_and_a_denied_one_is_cut_off() {
    const PAGE: &str = "https://app.example";
    let state = Arc::new(tempfile::tempdir().unwrap());
    let server = Server::start_in(Arc::clone(&state), &[]);
    assert_eq!(upgrade(&server.url(), "Origin", PAGE).await, Err(403));
    server.logged("`hapticd allow https://app.example` lets it in");
    assert!(says(&server, &["origins"]).contains("https://app.example waits for an answer"));
    // A page cannot answer for its user, nor learn what was answered.
    for who in
        [FOREIGN, "Origin: https://app.example\r\n", "Origin: http://127.0.0.1:1\r\n", "Sec-Fetch-Site: same-site\r\n"]
    {
        for (method, path) in [
            ("GET", "/api/v1/origins"),
            ("POST", "/api/v1/origins/allow?origin=https://app.example"),
            ("POST", "/api/v1/origins/deny?origin=https://app.example"),
        ] {
            is_refused(&server.request(method, path, who).await, 403);
        }
    }
    assert_eq!(upgrade(&server.url(), "Origin", PAGE).await, Err(403));
    assert_eq!(says(&server, &["allow", "HTTPS://App.Example/"]), "https://app.example may connect for 720 min\n");
    let mut page = Raw::hello_from(&server, PAGE).await;
    page.ok("StartScanning", json!({})).await;
    let mut toy = Peripheral::attach(&server, "REALOV_VIBE", "a").await;
    toy.attached().await;
    page.devices(1).await;
    page.output(0, 0, "Vibrate", 9).await;
    assert_eq!(toy.done().await, Done::tx([0xC5, 0x55, 9, 0xAA]));
    // Others are as unknown as before.
    for other in ["http://app.example", "https://app.example:8443", "https://x.app.example", "https://app.example.evil"]
    {
        assert_eq!(upgrade(&server.url(), "Origin", other).await, Err(403), "{other}");
    }
    says(&server, &["deny", PAGE]);
    page.closed().await;
    assert_eq!(toy.done().await, Done::tx(STOP));
    assert_eq!(upgrade(&server.url(), "Origin", PAGE).await, Err(403));
    let list = says(&server, &["origins"]);
    assert!(
        list.contains("https://app.example may not connect\n") && !list.contains("https://app.example waits"),
        "{list}"
    );
    // For good is beyond the end of the server.
    assert_eq!(says(&server, &["allow", "--always", PAGE]), "https://app.example may connect for good\n");
    drop(server);
    let server = Server::start_in(state, &[]);
    assert_eq!(upgrade(&server.url(), "Origin", PAGE).await, Ok(()));
}

#[tokio::test]
async fn pages_of_this_computer_connect_and_pages_without_identity_once() {
    let server = Server::start(&[]);
    for page in ["http://127.0.0.1:1", "http://localhost:8080", "https://localhost", "http://[::1]:3000"] {
        assert_eq!(upgrade(&server.url(), "Origin", page).await, Ok(()), "{page}");
    }
    for page in ["null", "file://", "tauri://localhost"] {
        assert_eq!(upgrade(&server.url(), "Origin", page).await, Err(403), "{page}");
        assert!(says(&server, &["allow", "--always", page]).contains("once, within 60 s"));
        assert_eq!(upgrade(&server.url(), "Origin", page).await, Ok(()), "{page}");
        assert_eq!(upgrade(&server.url(), "Origin", page).await, Err(403), "{page} again");
    }
    // What no browser sends is no question, and stands in no list.
    for odd in [
        "HTTP://EVIL.example",
        "http://evil.example/",
        "http://a@evil.example",
        "http://a.example, http://b.example",
        "",
    ] {
        assert_eq!(upgrade(&server.url(), "Origin", odd).await, Err(403), "{odd}");
    }
    assert_eq!(upgrade(&server.url(), "Sec-Fetch-Site", "cross-site").await, Err(403));
    let list = says(&server, &["origins"]);
    assert!(!list.to_lowercase().contains("evil") && !list.contains("a.example"), "{list}");
    let none = server.request("POST", "/api/v1/origins/allow?origin=app.example", "").await;
    assert!(none.starts_with("HTTP/1.1 400") && body(&none).contains("is no origin of a web page"), "{none}");
    let wrong = run(&["allow", "app.example", "--server", server.address()]);
    assert_eq!(wrong.status.code(), Some(2));
}

#[tokio::test]
async fn unknown_pages_can_all_be_let_in_or_kept_out() {
    let open = Server::start(&["access.unknown_origins=allow"]);
    assert_eq!(upgrade(&open.url(), "Origin", "https://any.example").await, Ok(()));
    says(&open, &["deny", "https://any.example"]);
    assert_eq!(upgrade(&open.url(), "Origin", "https://any.example").await, Err(403));
    let shut = Server::start(&["access.unknown_origins=deny"]);
    assert_eq!(upgrade(&shut.url(), "Origin", "https://any.example").await, Err(403));
    assert_eq!(says(&shut, &["origins"]), "every other web page that this computer does not serve may not connect\n");
}

#[tokio::test]
async fn a_flood_of_origins_fills_neither_the_list_nor_the_log() {
    let server = Server::start(&[]);
    for number in 0..500 {
        let origin = format!("https://x{number}.evil.example");
        assert_eq!(upgrade(&server.url(), "Origin", &origin).await, Err(403));
    }
    let list = says(&server, &["origins"]);
    assert_eq!(list.matches("waits for an answer").count(), 1, "they are all of one owner:\n{list}");
    for number in 0..100 {
        let origin = format!("https://evil{number}.test{number}");
        assert_eq!(upgrade(&server.url(), "Origin", &origin).await, Err(403));
    }
    let list = says(&server, &["origins"]);
    assert_eq!(list.matches("waits for an answer").count(), 20, "{list}");
    let lines = server.log().matches("lets it in at its next try").count();
    assert!((1..=3).contains(&lines), "{lines} lines");
}

#[tokio::test]
async fn what_a_proxy_or_a_tunnel_passes_on_may_only_stop() {
    let server = Server::start(&[]);
    let (_client, mut toy) = running(&server).await;
    for header in ["X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "X-Real-IP", "Via", "CF-Connecting-IP"] {
        let by = format!("{header}: for=192.0.2.1\r\n");
        for path in ["/metrics", "/debug/actors", "/api/v1/origins", "/api/v1/devices", "/other"] {
            is_refused(&server.request("GET", path, &by).await, 401);
        }
        is_refused(&server.request("POST", "/resume", &by).await, 401);
        is_refused(&server.request("POST", "/api/v1/origins/allow?origin=https://a.example", &by).await, 401);
        let page = server.request("GET", "/", &by).await;
        assert!(page.starts_with("HTTP/1.1 200") && !page.contains("Realov"), "{page}");
        let name: &'static str = header;
        let lower: &'static str = Box::leak(name.to_lowercase().into_boxed_str());
        assert_eq!(upgrade(&server.url(), lower, "for=192.0.2.1").await, Err(401), "{header}");
        assert_eq!(body(&server.request("GET", "/health", &by).await), r#"{"status":"ok"}"#);
    }
    let answer = server.request("POST", "/stop?hold=true", "X-Forwarded-For: 192.0.2.1\r\n").await;
    assert_eq!(body(&answer), r#"{"stopped":true}"#);
    assert_eq!(toy.done().await, Done::tx(STOP));
    assert_eq!(server.health().await["held"], false);
}

#[tokio::test]
async fn every_answer_keeps_other_pages_out() {
    let server = Server::start(&[]);
    let own = format!("Host: {}\r\n", server.address());
    for (method, path, host, who) in [
        ("GET", "/", own.as_str(), ""),
        ("GET", "/health", &own, ""),
        ("GET", "/other", &own, ""),
        ("GET", "/metrics", &own, FOREIGN),
        ("GET", "/health", "Host: evil.example\r\n", ""),
        ("GET", "/health", "Host: user@localhost\r\n", ""),
        ("POST", "/stop", &own, FOREIGN),
    ] {
        let answer = server.send(&format!("{method} {path} HTTP/1.1\r\n{host}{who}")).await;
        let head = answer.split("\r\n\r\n").next().unwrap().to_lowercase();
        for line in [
            "x-content-type-options: nosniff",
            "x-frame-options: deny",
            "referrer-policy: no-referrer",
            "cross-origin-resource-policy: same-origin",
            "cross-origin-opener-policy: same-origin",
        ] {
            assert!(head.lines().any(|said| said == line), "{line} for {path}: {answer}");
        }
        let policies: Vec<_> = head.lines().filter(|line| line.starts_with("content-security-policy: ")).collect();
        assert!(matches!(policies.as_slice(), [one] if one.contains("default-src 'none'")), "{policies:?}");
        assert!(policies[0].contains("frame-ancestors 'none'") && !policies[0].contains("unsafe"), "{policies:?}");
        assert!(!head.contains("set-cookie") && !head.contains("access-control"), "{answer}");
    }
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let server = Server::start(&[]);
    for path in ["/", "/health", "/metrics", "/debug/actors", "/other"] {
        let (get, head) = (server.get(path).await, server.request("HEAD", path, "").await);
        assert_eq!(head.lines().next(), get.lines().next(), "{path}");
        assert_eq!(body(&head), "", "{path}");
        assert!(head.to_lowercase().contains("content-type"), "{head}");
    }
    assert!(server.request("HEAD", "/stop", "").await.starts_with("HTTP/1.1 404"));
}
