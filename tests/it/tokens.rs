//! Tokens: who comes in by one, what it is good for, and what its end ends.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::support::{Done, Peripheral, Raw, Server, output, run};

const STOP: [u8; 4] = [0xC5, 0x55, 0, 0xAA];
/// What a reverse proxy on this computer adds.
const PROXY: &str = "X-Forwarded-For: 192.0.2.1\r\n";

struct Guarded {
    server: Server,
    state: std::sync::Arc<tempfile::TempDir>,
}

impl Guarded {
    fn start(settings: &[&str]) -> Self {
        let state = std::sync::Arc::new(tempfile::tempdir().unwrap());
        Self { server: Server::start_in(state.clone(), settings), state }
    }

    /// Runs a command as the user who runs the server.
    fn says(&self, args: &[&str]) -> Result<String, String> {
        let state = format!("state.dir={}", self.state.path().display());
        let (command, more) = args.split_first().unwrap();
        let done = run(&[&[*command, "--set", &state], more, &["--server", self.server.address()]].concat());
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        if done.status.success() { Ok(text(done.stdout)) } else { Err(text(done.stderr)) }
    }

    fn token(&self, name: &str, scope: &str) -> String {
        self.says(&["token", "new", name, "--scope", scope]).unwrap().trim().to_owned()
    }

    /// The status of a request that a proxy passes on, with a token or without.
    async fn status(&self, method: &str, path: &str, token: Option<&str>) -> u16 {
        let token = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let answer = self.server.request(method, path, &format!("{PROXY}{token}")).await;
        assert!(!answer.to_lowercase().contains("access-control"), "{answer}");
        answer.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// Tries a WebSocket as it comes through a proxy; the subprotocol that is answered, or the status if it is refused.
    async fn upgrade(&self, path: &str, headers: &[(&'static str, String)]) -> Result<Option<String>, u16> {
        let mut request = format!("{}{path}", self.server.url()).into_client_request().unwrap();
        request.headers_mut().insert("x-forwarded-for", "192.0.2.1".parse().unwrap());
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        match connect_async(request).await {
            Ok((_, answer)) => {
                Ok(answer.headers().get("sec-websocket-protocol").map(|own| own.to_str().unwrap().to_owned()))
            }
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }
}

/// A server at an address that carries a token, for clients.
struct With(String);

impl crate::support::Listens for With {
    fn url(&self) -> String {
        self.0.clone()
    }
}

async fn toy(server: &Server) -> Peripheral {
    let _scanning = Raw::scanning(server).await;
    let mut toy = Peripheral::attach(server, "REALOV_VIBE", "a").await;
    toy.attached().await;
    toy
}

#[tokio::test]
async fn a_token_is_good_for_what_it_says_on_every_route() {
    let guarded = Guarded::start(&[]);
    let _toy = toy(&guarded.server).await;
    let tokens = [guarded.token("w", "watch"), guarded.token("d", "drive"), guarded.token("a", "admin")];
    // By scope: watch, drive, admin.
    for (method, path, granted) in [
        ("GET", "/health", [true, true, true]),
        ("GET", "/metrics", [true, true, true]),
        ("GET", "/debug/actors", [true, true, true]),
        ("GET", "/api/v1/devices", [true, true, true]),
        ("GET", "/api/v1/operators", [true, true, true]),
        ("POST", "/api/v1/stop", [true, true, true]),
        ("PUT", "/api/v1/devices/0/stop", [true, true, true]),
        ("PUT", "/api/v1/devices/0/features/0/", [true, true, true]),
        ("PUT", "/api/v1/devices/0/outputs/Vibrate/0", [false, true, true]),
        ("POST", "/api/v1/scan", [false, true, true]),
        ("GET", "/api/v1/start-scanning", [false, true, true]),
        ("POST", "/api/v1/hold", [false, true, true]),
        ("POST", "/api/v1/resume", [false, false, true]),
        ("POST", "/resume", [false, false, true]),
        ("GET", "/api/v1/origins", [false, false, true]),
        ("POST", "/api/v1/origins/deny?origin=https://a.example", [false, false, true]),
        ("GET", "/api/v1/tokens", [false, false, true]),
        ("POST", "/api/v1/tokens?name=x&scope=watch", [false, false, true]),
        ("DELETE", "/api/v1/tokens/x", [false, false, true]),
    ] {
        for (token, granted) in tokens.iter().zip(granted) {
            let status = guarded.status(method, path, Some(token)).await;
            assert_eq!(status, if granted { 200 } else { 403 }, "{method} {path}");
        }
        let bare = if path == "/health" { 200 } else { 401 };
        assert_eq!(guarded.status(method, path, None).await, bare, "{method} {path}");
        assert_eq!(guarded.status(method, path, Some("wrong")).await, 401, "{method} {path}");
    }
    assert_eq!(guarded.status("DELETE", "/api/v1/operators/999", Some(&tokens[1])).await, 403);
    assert_eq!(guarded.status("DELETE", "/api/v1/operators/999", Some(&tokens[2])).await, 404);
    // A stop needs nothing, and a wrong token takes nothing from it.
    for token in [None, Some("wrong")] {
        assert_eq!(guarded.status("POST", "/stop", token).await, 200);
    }
    // Who shows a token is who it says, also where a program needs none.
    let local = guarded.server.request("GET", "/api/v1/devices", "Authorization: Bearer wrong\r\n").await;
    assert!(local.starts_with("HTTP/1.1 401") && local.contains("www-authenticate: Bearer"), "{local}");
    // Nor does a program of this computer say who may do what.
    for (method, path) in
        [("GET", "/api/v1/tokens"), ("POST", "/api/v1/tokens?name=y&scope=admin"), ("DELETE", "/api/v1/tokens/w")]
    {
        assert!(guarded.server.request(method, path, "").await.starts_with("HTTP/1.1 401"), "{path}");
    }
    let log = guarded.server.log();
    assert!(tokens.iter().all(|token| !log.contains(token.as_str())), "{log}");
}

#[tokio::test]
async fn a_websocket_takes_a_token_in_three_ways_and_says_none_back() {
    let guarded = Guarded::start(&[]);
    let (drive, admin) = (guarded.token("d", "drive"), guarded.token("a", "admin"));
    let bearer = |token: &str| vec![("authorization", format!("Bearer {token}"))];
    let offered = |text: String| vec![("sec-websocket-protocol", text)];
    assert_eq!(guarded.upgrade("/", &[]).await, Err(401));
    assert_eq!(guarded.upgrade("/", &bearer(&drive)).await, Ok(None));
    assert_eq!(guarded.upgrade("/", &bearer(&admin)).await, Ok(None));
    assert_eq!(guarded.upgrade("/", &bearer("wrong")).await, Err(401));
    for order in [format!("hapticd, hapticd.token.{admin}"), format!("hapticd.token.{admin}, hapticd")] {
        assert_eq!(guarded.upgrade("/", &offered(order)).await, Ok(Some("hapticd".to_owned())));
    }
    assert_eq!(guarded.upgrade("/", &offered("hapticd, hapticd.token.wrong".to_owned())).await, Err(401));
    // What stands in an address is kept in many places.
    assert_eq!(guarded.upgrade(&format!("/?token={drive}"), &[]).await, Ok(None));
    assert_eq!(guarded.upgrade(&format!("/?token={admin}"), &[]).await, Err(401));
    assert_eq!(guarded.status("GET", &format!("/api/v1/devices?token={drive}"), None).await, 401);
    assert_eq!(guarded.upgrade(&format!("/?token={drive}"), &bearer(&drive)).await, Err(401), "two of them");
    // A page that has a token needs no other answer, and hardware is played by those who may drive.
    let page = [bearer(&drive), vec![("origin", "https://app.example".to_owned())]].concat();
    assert_eq!(guarded.upgrade("/", &page).await, Ok(None));
    assert_eq!(guarded.upgrade("/hardware", &bearer(&drive)).await, Ok(None));
    assert_eq!(guarded.upgrade("/hardware", &bearer(&guarded.token("w", "watch"))).await, Err(403));
}

#[tokio::test]
async fn a_client_that_may_watch_sees_and_stops_and_drives_nothing() {
    let guarded = Guarded::start(&[]);
    let mut toy = toy(&guarded.server).await;
    let watch = With(format!("{}/?token={}", guarded.server.url(), guarded.token("w", "watch")));
    let mut watcher = Raw::hello(&watch).await;
    assert_eq!(
        watcher.ask("RequestDeviceList", json!({})).await["DeviceList"]["Devices"].as_object().unwrap().len(),
        1
    );
    for (name, message) in [("OutputCmd", output(0, 0, "Vibrate", 9)), ("StartScanning", json!({}))] {
        let why = watcher.error(name, message, 4).await;
        assert!(why.contains("scope drive"), "{why}");
    }
    let mut driver = Raw::hello(&guarded.server).await;
    driver.output(0, 0, "Vibrate", 9).await;
    assert_eq!(toy.done().await, Done::tx([0xC5, 0x55, 9, 0xAA]));
    watcher.ok("StopCmd", json!({})).await;
    assert_eq!(toy.done().await, Done::tx(STOP));
}

#[tokio::test]
async fn a_revocation_ends_what_came_in_by_the_token() {
    let guarded = Guarded::start(&[]);
    let mut toy = toy(&guarded.server).await;
    let token = guarded.token("phone", "drive");
    let mut client = Raw::hello(&With(format!("{}/?token={token}", guarded.server.url()))).await;
    client.output(0, 0, "Vibrate", 9).await;
    assert_eq!(toy.done().await, Done::tx([0xC5, 0x55, 9, 0xAA]));
    guarded.says(&["token", "revoke", "phone"]).unwrap();
    assert_eq!(toy.done().await, Done::tx(STOP));
    client.closed().await;
    assert_eq!(guarded.status("GET", "/metrics", Some(&token)).await, 401);
    // The same of what was set over HTTP, and when a token's time is over.
    let token = guarded.says(&["token", "new", "short", "--scope", "drive", "--expires", "2s"]).unwrap();
    let by = format!("Authorization: Bearer {}\r\n", token.trim());
    let reading = guarded.server.request("GET", "/api/v1/events", &by);
    let set = guarded.server.request("PUT", "/api/v1/devices/0/outputs/Vibrate/1", &by).await;
    assert!(set.starts_with("HTTP/1.1 200"), "{set}");
    let Done::Write(_, data, _) = toy.done().await else { panic!("no write") };
    assert_ne!(data, STOP);
    let (events, stopped) = tokio::join!(reading, toy.done());
    assert!(events.contains("event: snapshot"), "{events}");
    assert_eq!(stopped, Done::tx(STOP));
    assert_eq!(guarded.says(&["token", "list"]).unwrap(), "admin.token: admin, until you revoke it\n");
}

#[tokio::test]
async fn commands_of_the_servers_user_work_where_everybody_needs_a_token() {
    let guarded = Guarded::start(&["access.local=token"]);
    for path in ["/api/v1/devices", "/metrics", "/other"] {
        assert!(guarded.server.get(path).await.starts_with("HTTP/1.1 401"), "{path}");
    }
    assert_eq!(guarded.upgrade("/", &[]).await, Err(401));
    assert!(guarded.says(&["health"]).unwrap().contains("0 clients"));
    assert!(guarded.says(&["stop", "--hold"]).unwrap().contains("held"));
    assert!(guarded.says(&["resume"]).unwrap().contains("again"));
    assert!(guarded.says(&["allow", "https://app.example"]).unwrap().contains("may connect"));
    assert!(guarded.says(&["origins"]).unwrap().contains("https://app.example"));
    // Who cannot read the file may stop all the same.
    let other = tempfile::tempdir().unwrap();
    let elsewhere = format!("state.dir={}", other.path().display());
    let as_another =
        |args: &[&str]| run(&[args, &["--server", guarded.server.address(), "--set", &elsewhere]].concat());
    assert!(as_another(&["stop"]).status.success());
    for args in [&["resume"][..], &["token"], &["health"]] {
        assert!(!as_another(args).status.success(), "{args:?}");
    }
    // A page that the user has let in, and a token.
    let page = [("origin", "https://app.example".to_owned())];
    assert_eq!(guarded.upgrade("/", &page).await, Err(401), "through a proxy");
    let drive = guarded.token("d", "drive");
    let mut client = Raw::hello(&With(format!("{}/?token={drive}", guarded.server.url()))).await;
    client.ok("StartScanning", json!({})).await;
    let simulated = guarded.says(&["simulate", "--help"]).unwrap();
    assert!(simulated.contains("Usage"));
}

#[tokio::test]
async fn tokens_outlive_the_server_and_are_nobody_elses_to_read() {
    let state = std::sync::Arc::new(tempfile::tempdir().unwrap());
    let first = Guarded { server: Server::start_in(state.clone(), &[]), state: state.clone() };
    let token = first.token("phone", "watch");
    assert!(first.says(&["token", "new", "phone", "--scope", "admin"]).unwrap_err().contains("already"));
    drop(first);
    let again = Guarded { server: Server::start_in(state.clone(), &[]), state: state.clone() };
    assert_eq!(again.status("GET", "/metrics", Some(&token)).await, 200);
    let is_private = |file: &str| {
        let mode = std::os::unix::fs::PermissionsExt::mode(&state.path().join(file).metadata().unwrap().permissions());
        assert_eq!(mode & 0o077, 0, "{file}");
    };
    is_private("tokens.json");
    is_private("admin.token");
    let kept: Value = serde_json::from_str(&text(&state.path().join("tokens.json"))).unwrap();
    assert_eq!((&kept["tokens"][0]["name"], kept["tokens"][1].is_null()), (&json!("phone"), true));
    drop(again);
    // One that is not understood lets nobody in, stays as it is, and is said.
    std::fs::write(state.path().join("tokens.json"), "{").unwrap();
    let broken = Guarded { server: Server::start_in(state.clone(), &[]), state: state.clone() };
    broken.server.logged("tokens.json is not understood");
    assert_eq!(broken.status("GET", "/metrics", Some(&token)).await, 401);
    assert!(broken.says(&["token", "new", "new", "--scope", "watch"]).unwrap_err().contains("until the server ends"));
    assert_eq!(text(&state.path().join("tokens.json")), "{");
    tokio::time::sleep(Duration::ZERO).await;
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}
