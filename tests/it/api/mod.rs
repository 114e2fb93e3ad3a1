//! The API for programs that do not speak Buttplug, asked over real sockets.

mod events;

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Done, Peripheral, Raw, Server};

/// A vibrator, a motor that turns both ways, and an axis.
const TESTER: &str = r#"
name = "Tester"
[[match]]
btle = { names = ["Tester"] }
services.ff00 = { tx = "ff01" }
services."180f" = { rxblebattery = "2a19" }
[default]
name = "Tester"
features = [
    { vibrate = [0, 20] },
    { rotate = [-10, 10] },
    { hw_position = { value = [0, 100], duration_ms = [0, 5000] } },
    { battery = [0, 100] },
]
[write]
vibrate = 'tx: 01 {v}'
rotate = 'tx: 02 {v >= 0 ? 1 : 0} {abs(v)}'
hw_position = 'tx: 03 {v} {d:u16le}'
"#;

struct Tester {
    server: Server,
    toy: Peripheral,
    _definitions: tempfile::TempDir,
}

impl Tester {
    async fn start(settings: &[&str]) -> Self {
        let definitions = tempfile::tempdir().unwrap();
        std::fs::write(definitions.path().join("tester.toml"), TESTER).unwrap();
        let own = format!("devices.definitions_dir={}", definitions.path().display());
        let settings: Vec<_> = settings.iter().copied().chain([own.as_str()]).collect();
        let server = Server::start(&settings);
        let (status, _) = ask(&server, "POST", "/api/v1/scan", "").await;
        assert_eq!(status, 200);
        let mut toy = Peripheral::attach(&server, "Tester", "a").await;
        assert_eq!(toy.attached().await, "tester");
        while ask(&server, "GET", "/api/v1/devices/0", "").await.0 != 200 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Self { server, toy, _definitions: definitions }
    }

    /// Asks below `/api/v1`.
    async fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        ask(&self.server, method, &format!("/api/v1{path}"), body).await
    }

    async fn put(&self, path: &str) -> Value {
        let (status, answer) = self.ask("PUT", path, "").await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    async fn writes(&mut self, bytes: impl AsRef<[u8]>) {
        assert_eq!(self.toy.done().await, Done::tx(bytes));
    }
}

/// The status, and the body if it is JSON.
async fn ask(server: &Server, method: &str, path: &str, body: &str) -> (u16, Value) {
    let head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", server.address());
    let answer = server.send_with(&head, body).await;
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let problem = head.contains("application/problem+json");
    assert_eq!(problem, status >= 400 && body.contains("urn:hapticd:"), "{answer}");
    (status, serde_json::from_str(body).unwrap_or_default())
}

#[tokio::test]
async fn a_script_lists_drives_and_stops() {
    let mut tester = Tester::start(&[]).await;
    let (_, devices) = tester.ask("GET", "/devices", "").await;
    let device = &devices["0"];
    assert_eq!(
        (&device["name"], &device["bus"], &device["state"]),
        (&json!("Tester"), &json!("btle"), &json!("connected"))
    );
    assert_eq!(device["features"]["0"]["Output"], json!({"Vibrate": {"Value": [0, 20]}}));
    let drive = |body: &'static str| tester.ask("PUT", "/devices/0/features/0/outputs/Vibrate", body);
    let (status, driven) = drive(r#"{"value": 7}"#).await;
    assert_eq!(status, 200, "{driven}");
    let output = &driven["outputs"][0];
    assert_eq!(
        (&output["wanted"], &output["output"], driven["outputs"][1].is_null()),
        (&json!(7), &json!("vibrate"), true)
    );
    assert!((29_000..=30_000).contains(&driven["ends_in_ms"].as_u64().unwrap()), "{driven}");
    tester.writes([1, 7]).await;
    let (_, half) =
        tester.ask("PUT", "/devices/0/features/0/outputs/vibrate", r#"{"fraction": 0.5, "for_ms": 600000}"#).await;
    assert!(half["ends_in_ms"].as_u64().unwrap() > 590_000, "{half}");
    tester.writes([1, 10]).await;
    // A move with its time, in both forms.
    let to = tester.ask(
        "PUT",
        "/devices/0/features/2/outputs/HwPositionWithDuration",
        r#"{"value": 80, "duration_ms": 500}"#,
    );
    assert_eq!(to.await.0, 200);
    tester.writes([3, 80, 0xf4, 1]).await;
    tester.put("/devices/0/features/2/outputs/HwPositionWithDuration/0.2?duration_ms=256").await;
    tester.writes([3, 20, 0, 1]).await;
    assert_eq!(
        tester.put("/devices/0/features/0/stop").await,
        json!({"stopped": true, "held": false, "unconfirmed": []})
    );
    tester.writes([1, 0]).await;
    let (_, features) = tester.ask("GET", "/devices/0/features", "").await;
    let (_, feature) = tester.ask("GET", "/devices/0/features/1", "").await;
    assert_eq!(features["1"], feature);
    // To read costs nothing and prolongs nothing; what is 0 has no end.
    let (_, server) = tester.ask("GET", "/server", "").await;
    assert_eq!(server["devices"][0]["outputs"][0]["left_ms"], Value::Null);
    let reply = async {
        assert_eq!(tester.toy.done().await, Done::Read("rxblebattery".to_owned()));
        let id = tester.toy.last_id;
        tester.toy.send(json!({"type": "reply", "id": id, "data": "55"})).await;
    };
    let (battery, ()) =
        tokio::join!(ask(&tester.server, "GET", "/api/v1/devices/0/features/3/inputs/Battery", ""), reply);
    assert_eq!(battery, (200, json!({"value": 85})));
    let (_, log) = tester.ask("GET", "/log", "").await;
    assert!(log.as_array().unwrap().iter().any(|line| line["device"] == 0), "{log}");
}

#[tokio::test]
async fn the_calls_that_programs_make_to_intiface_work() {
    let mut tester = Tester::start(&[]).await;
    for (path, scanning) in [("/start-scanning", true), ("/stop-scanning", false), ("/start-scanning", true)] {
        assert_eq!(tester.ask("GET", path, "").await.1["scanning"], scanning, "{path}");
    }
    tester.put("/devices/0/outputs/Vibrate/0.25").await;
    tester.writes([1, 5]).await;
    tester.put("/devices/0/features/0/outputs/Vibrate/1").await;
    tester.writes([1, 20]).await;
    tester.put("/devices/0/outputs/Rotate/-0.5").await;
    tester.writes([2, 0, 5]).await;
    tester.put("/devices/0/features/1/outputs/Rotate/0.001").await;
    tester.writes([2, 1, 1]).await;
    assert_eq!(tester.put("/devices/0/features/1/").await["FeatureIndex"], 1);
    tester.put("/devices/0/stop").await;
    let mut stops = [tester.toy.done().await, tester.toy.done().await];
    stops.sort_by_key(|done| format!("{done:?}"));
    assert_eq!(stops, [Done::tx([1, 0]), Done::tx([2, 1, 0])]);
    tester.put("/devices/0/outputs/Vibrate/0.5").await;
    tester.writes([1, 10]).await;
    assert_eq!(tester.put("/devices/stop").await["stopped"], true);
    tester.writes([1, 0]).await;
}

#[tokio::test]
async fn what_is_wrong_is_named_with_what_is_allowed() {
    let tester = Tester::start(&[]).await;
    let set = "/devices/0/features/0/outputs/Vibrate";
    for (method, path, body, status, kind, value, allowed) in [
        ("GET", "/devices/7", "", 404, "unknown-device", json!(7), json!("0")),
        ("GET", "/devices/x", "", 400, "bad-request", json!("x"), json!("a whole number from 0 to 4294967295")),
        ("GET", "/devices/-1", "", 400, "bad-request", json!("-1"), json!("a whole number from 0 to 4294967295")),
        ("PUT", "/devices/7/stop", "", 404, "unknown-device", json!(7), json!("0")),
        ("PUT", "/devices/0/features/9/stop", "", 404, "unknown-feature", json!(9), json!("0, 1, 2, 3")),
        ("GET", "/devices/0/features/9", "", 404, "unknown-feature", json!(9), json!("0, 1, 2, 3")),
        ("PUT", set, r#"{"value": 21}"#, 400, "value-range", json!(21), json!("0 to 20")),
        ("PUT", set, r#"{"value": -1}"#, 400, "value-range", json!(-1), json!("0 to 20")),
        ("PUT", set, r#"{"fraction": 1.5}"#, 400, "value-range", json!(1.5), json!("0 to 1")),
        ("PUT", set, r#"{"fraction": -0.5}"#, 400, "value-range", json!(-0.5), json!("0 to 1")),
        ("PUT", set, r#"{"value": 1, "for_ms": 0}"#, 400, "value-range", json!(0), json!("1 to 600000")),
        ("PUT", set, r#"{"value": 1, "for_ms": 600001}"#, 400, "value-range", json!(600_001), json!("1 to 600000")),
        ("PUT", set, r#"{"value": 1, "duration_ms": 5}"#, 400, "duration-range", json!(5), json!("no duration_ms")),
        ("PUT", "/devices/0/outputs/Vibrate/nan", "", 400, "value-range", Value::Null, json!("0 to 1")),
        ("PUT", "/devices/0/outputs/Vibrate/x", "", 400, "bad-request", json!("x"), json!("-1 to 1")),
        ("PUT", "/devices/0/outputs/Rotate/-2", "", 400, "value-range", json!(-2.0), json!("-1 to 1")),
        ("PUT", "/devices/0/outputs/Led/1", "", 404, "no-such-output", json!("Led"), json!("Vibrate")),
        (
            "PUT",
            "/devices/0/features/1/outputs/Vibrate/1",
            "",
            404,
            "no-such-output",
            json!("Vibrate"),
            json!("Rotate"),
        ),
        ("GET", "/devices/0/features/0/inputs/Battery", "", 404, "no-such-input", json!("Battery"), json!("no input")),
        ("DELETE", "/operators/99", "", 404, "unknown-operator", json!(99), Value::Null),
        ("DELETE", "/operators/x", "", 400, "bad-request", json!("x"), json!("the id of an operator")),
        ("POST", "/scan?for_ms=0", "", 400, "value-range", json!(0), json!("1 to 600000")),
    ] {
        let (found, problem) = tester.ask(method, path, body).await;
        assert_eq!(
            (found, &problem["type"]),
            (status, &json!(format!("urn:hapticd:{kind}"))),
            "{path} {body}: {problem}"
        );
        assert_eq!((&problem["status"], &problem["value"]), (&json!(status), &value), "{path} {body}: {problem}");
        assert!(allowed.is_null() || problem["allowed"] == allowed, "{path} {body}: {problem}");
    }
    for (method, path, body, status) in [
        ("PUT", set, "", 400),
        ("PUT", set, "{}", 400),
        ("PUT", set, r#"{"value": 1, "fraction": 1}"#, 400),
        ("PUT", set, r#"{"value": 1, "speed": 1}"#, 400),
        ("PUT", set, r#"{"value": "1"}"#, 400),
        ("PUT", "/devices/0/outputs/Vibrate/1?x=1", "", 400),
        ("PUT", "/devices/0/outputs/Buzz/1", "", 400),
        ("PUT", "/devices/0/outputs/HwPositionWithDuration/1", "", 400),
        ("PUT", "/devices/0/outputs/HwPositionWithDuration/1?duration_ms=5001", "", 400),
        ("GET", "/devices/0/features/0/inputs/Smell", "", 400),
        ("GET", "/nothing", "", 404),
        ("DELETE", "/devices", "", 405),
        ("GET", "/stop", "", 405),
        ("GET", "/resume", "", 405),
        ("GET", "/devices/0/outputs/Vibrate/1", "", 405),
    ] {
        let (found, problem) = tester.ask(method, path, body).await;
        assert_eq!((found, problem["detail"].is_string()), (status, true), "{path} {body}: {problem}");
    }
    let (_, devices) = tester.ask("GET", "/devices", "").await;
    assert!(devices["0"]["outputs"].as_array().unwrap().iter().all(|output| output["wanted"].is_null()), "{devices}");
}

#[tokio::test]
async fn what_a_caller_sets_ends_by_itself_and_reading_prolongs_nothing() {
    let mut tester = Tester::start(&["api.lease_ms=1000"]).await;
    let begun = std::time::Instant::now();
    let driven = tester.put("/devices/0/outputs/Vibrate/0.5").await;
    assert!(driven["ends_in_ms"].as_u64().unwrap() <= 1000, "{driven}");
    tester.writes([1, 10]).await;
    let reading = async {
        loop {
            tester.server.get("/api/v1/devices").await;
        }
    };
    tokio::select! {
        done = tester.toy.done() => assert_eq!(done, Done::tx([1, 0])),
        () = reading => {}
    }
    assert!(begun.elapsed() >= Duration::from_millis(900), "{:?}", begun.elapsed());
    // A move ends in its middle, where its axis is by then.
    tester.put("/devices/0/outputs/HwPositionWithDuration/1?duration_ms=5000&for_ms=400").await;
    tester.writes([3, 100, 0x88, 0x13]).await;
    let Done::Write(_, data, _) = tester.toy.done().await else { panic!("no write") };
    assert!(data[0] == 3 && data[1] < 60, "{data:?}");
}

#[tokio::test]
async fn callers_are_one_operator_that_can_be_sent_away_and_replaced() {
    let mut tester = Tester::start(&[]).await;
    let mut client = Raw::hello(&tester.server).await;
    client.output(0, 0, "Vibrate", 3).await;
    tester.writes([1, 3]).await;
    let client_id = tester.ask("GET", "/devices/0", "").await.1["outputs"][0]["owner"].clone();
    tester.put("/devices/0/features/0/outputs/Vibrate/1").await;
    tester.writes([1, 20]).await;
    let (_, operators) = tester.ask("GET", "/operators", "").await;
    let api = operators.as_array().unwrap().iter().find(|operator| operator["kind"] == "api").unwrap().clone();
    let output = tester.ask("GET", "/devices/0", "").await.1["outputs"][0].clone();
    assert_eq!((&output["owner"], &output["replaced"]), (&api["id"], &client_id));
    let (status, _) = tester.ask("DELETE", &format!("/operators/{}", api["id"]), "").await;
    assert_eq!(status, 204);
    tester.writes([1, 0]).await;
    tester.put("/devices/0/features/0/outputs/Vibrate/1").await;
    tester.writes([1, 20]).await;
    // A client is sent away in the same way.
    client.output(0, 1, "Rotate", 5).await;
    tester.writes([2, 1, 5]).await;
    assert_eq!(tester.ask("DELETE", &format!("/operators/{client_id}"), "").await.0, 204);
    tester.writes([2, 1, 0]).await;
    client.closed().await;
}

#[tokio::test]
async fn a_hold_by_the_api_refuses_outputs_until_somebody_resumes() {
    let mut tester = Tester::start(&[]).await;
    tester.put("/devices/0/outputs/Vibrate/1").await;
    tester.writes([1, 20]).await;
    assert_eq!(tester.ask("POST", "/hold", "").await.1["held"], true);
    tester.writes([1, 0]).await;
    let (status, problem) = tester.ask("PUT", "/devices/0/outputs/Vibrate/1", "").await;
    assert_eq!((status, &problem["type"]), (409, &json!("urn:hapticd:outputs-refused")), "{problem}");
    assert_eq!(tester.put("/devices/0/stop").await["held"], true);
    assert_eq!(tester.ask("POST", "/resume", "").await.1, json!({"held": false}));
    while let Some(done) = tester.toy.done_soon().await {
        assert!([Done::tx([1, 0]), Done::tx([2, 1, 0])].contains(&done), "{done:?}");
    }
    tester.put("/devices/0/outputs/Vibrate/1").await;
    tester.writes([1, 20]).await;
}

#[tokio::test]
async fn pages_and_proxies_from_elsewhere_get_nothing_of_it() {
    let mut tester = Tester::start(&[]).await;
    for who in [
        "Origin: http://evil.example\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\n",
        "X-Forwarded-For: 1.2.3.4\r\n",
        "Origin: http://127.0.0.1:1\r\n",
    ] {
        for (method, path) in [
            ("GET", "/api/openapi.json"),
            ("GET", "/api/v1/devices"),
            ("GET", "/api/v1/start-scanning"),
            ("GET", "/api/v1/events"),
            ("PUT", "/api/v1/devices/0/outputs/Vibrate/1"),
            ("POST", "/api/v1/hold"),
            ("POST", "/api/v1/resume"),
            ("DELETE", "/api/v1/operators/1"),
        ] {
            let answer = tester.server.request(method, path, who).await;
            let status = if who.starts_with("X-Forwarded") { "HTTP/1.1 401" } else { "HTTP/1.1 403" };
            assert!(answer.starts_with(status) && !answer.contains("ester"), "{who}{path}: {answer}");
        }
    }
    assert_eq!(tester.toy.done_soon().await, None);
}

/// Whether what is expected is part of what is there: numbers, texts and lengths of lists are the same.
fn is_part(expected: &Value, found: &Value) -> bool {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            expected.iter().all(|(key, value)| found.get(key).is_some_and(|found| is_part(value, found)))
        }
        (Value::Array(expected), Value::Array(found)) => {
            expected.len() == found.len()
                && expected.iter().zip(found).all(|(expected, found)| is_part(expected, found))
        }
        (expected, found) => expected == found,
    }
}

#[tokio::test]
async fn the_manual_shows_what_happens() {
    let mut tester = Tester::start(&[]).await;
    let manual = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/api.md")).unwrap();
    let lines: Vec<_> = manual.lines().map(str::trim_start).collect();
    let mut asked = 0;
    for (line, next) in lines.iter().zip(&lines[1..]).filter(|(line, _)| line.starts_with("curl ")) {
        let (method, rest) =
            line.strip_prefix("curl -X ").and_then(|rest| rest.split_once(' ')).unwrap_or(("GET", line));
        let mut quoted = rest.split('\'').skip(1).step_by(2);
        let path = quoted.next().unwrap().strip_prefix("http://127.0.0.1:12345").unwrap();
        let answer = ask(&tester.server, method, path, quoted.next().unwrap_or_default());
        // It goes on until there is an answer.
        let hardware = async {
            loop {
                if tester.toy.done_soon().await == Some(Done::Read("rxblebattery".to_owned())) {
                    let id = tester.toy.last_id;
                    tester.toy.send(json!({"type": "reply", "id": id, "data": "55"})).await;
                }
            }
        };
        let (status, found) = tokio::select! {
            answer = answer => answer,
            () = hardware => unreachable!("it plays for ever"),
        };
        assert_eq!(status, 200, "{line}: {found}");
        if next.starts_with('{') {
            let expected = serde_json::from_str(next).unwrap_or_else(|error| panic!("{next}: {error}"));
            assert!(is_part(&expected, &found), "{line}: {found}");
        }
        asked += 1;
    }
    assert!(asked > 20, "{asked} examples");
}
