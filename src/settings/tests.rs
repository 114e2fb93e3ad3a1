//! The whole path from what people write to settings or messages.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use super::*;

const LISTEN: &str = "allowed: a numeric loopback address and a port, such as \"127.0.0.1:12345\" or \"[::1]:12345\", or a \
                      list of up to 16 of them, each once; access rules for other addresses do not exist yet";

fn addresses(addresses: &[&str]) -> Vec<std::net::SocketAddr> {
    addresses.iter().map(|address| address.parse().unwrap()).collect()
}

const LEVELS: &str = "\"error\", \"warn\", \"info\", \"debug\", \"trace\", or a filter such as \
                      \"info,hapticd::device=debug\", in 1 to 500 bytes";

/// Sources under construction, with the directory their files are in.
struct Case {
    directory: TempDir,
    sources: Sources,
}

impl Case {
    fn new() -> Self {
        Self { directory: TempDir::new().unwrap(), sources: Sources::default() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn file(mut self, name: &str, content: impl AsRef<[u8]>) -> Self {
        std::fs::write(self.path(name), content).unwrap();
        self.sources.files.push(FileSource { path: self.path(name), required: false });
        self
    }

    fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.sources.environment.push((name.into(), value.into()));
        self
    }

    fn set(mut self, argument: &str) -> Self {
        self.sources.set.push(argument.to_owned());
        self
    }

    fn load(&self) -> Settings {
        Settings::load(&self.sources).unwrap()
    }

    /// The messages, with the directory of the files left out.
    fn messages(&self) -> Vec<String> {
        let error = Settings::load(&self.sources).unwrap_err();
        let directory = format!("{}/", self.directory.path().display());
        error.to_string().replace(&directory, "").lines().map(str::to_owned).collect()
    }
}

#[test]
fn the_defaults_are_what_the_manual_says() {
    let settings = Settings::builtin().unwrap();
    assert_eq!(settings.server.listen, addresses(&["127.0.0.1:12345", "[::1]:12345"]));
    assert_eq!(settings.server.name, "hapticd");
    assert_eq!((settings.server.max_ping_time, settings.server.threads), (None, None));
    assert_eq!(settings.server.shutdown_deadline, Duration::from_secs(5));
    assert_eq!((settings.sessions.max, settings.sessions.max_connections), (256, 4096));
    assert_eq!((settings.sessions.max_frame_bytes, settings.sessions.max_unsent_bytes), (1 << 20, 4 << 20));
    assert_eq!(settings.sessions.handshake_timeout, Duration::from_secs(10));
    assert_eq!(settings.sessions.websocket_ping, Duration::from_secs(5));
    assert_eq!(settings.sessions.websocket_pong_deadline, Duration::from_secs(10));
    assert_eq!(settings.sessions.dead_man, None);
    assert_eq!(settings.devices.reconnect_grace, Duration::from_secs(3));
    assert_eq!(settings.devices.restart_budget, 5);
    assert_eq!(settings.devices.restart_window, Duration::from_secs(60));
    assert_eq!(settings.devices.restart_delay, Duration::from_millis(100));
    assert_eq!(settings.devices.definitions_dir, paths::definitions());
    assert_eq!(settings.links.connect_timeout, Duration::from_secs(15));
    assert_eq!(settings.links.init_timeout, Duration::from_secs(30));
    assert_eq!(settings.links.write_timeout, Duration::from_secs(2));
    assert_eq!(settings.links.read_timeout, Duration::from_secs(3));
    assert_eq!(settings.links.max_failures, 5);
    assert_eq!(Some(settings.state.dir), paths::platform_state());
    assert_eq!(settings.log.level, "info");
    let buses = settings.buses;
    assert!(buses.btle.enabled && buses.serial.enabled && buses.hid.enabled && buses.lovense_dongle.enabled);
    assert!(buses.gamepad.enabled);
    assert!(!buses.websocket.enabled && !buses.virtual_bus.enabled);
    assert_eq!(buses.websocket.listen, addresses(&["127.0.0.1:54817", "[::1]:54817"]));
    assert_eq!((buses.websocket.max_devices, buses.virtual_bus.max_devices), (64, 2000));
    assert_eq!(buses.websocket.first_frame_timeout, Duration::from_secs(5));
    assert_eq!(buses.websocket.ping, Duration::from_secs(5));
    assert_eq!(buses.websocket.pong_deadline, Duration::from_secs(10));
}

#[test]
fn later_layers_win_key_by_key() {
    let text = |number: u32, keys: &[&str]| {
        keys.iter().fold("[links]\n".to_owned(), |text, key| format!("{text}{key} = {number}\n"))
    };
    let case = Case::new()
        .set("links.write_timeout_ms=40")
        .env("HAPTICD__LINKS__WRITE_TIMEOUT_MS", "30")
        .env("HAPTICD__LINKS__READ_TIMEOUT_MS", "30")
        .file("one", text(10, &["write_timeout_ms", "read_timeout_ms", "init_timeout_ms", "connect_timeout_ms"]))
        .file("two", text(20, &["write_timeout_ms", "read_timeout_ms", "init_timeout_ms"]));
    let links = case.load().links;
    assert_eq!(links.write_timeout, Duration::from_millis(40));
    assert_eq!(links.read_timeout, Duration::from_millis(30));
    assert_eq!(links.init_timeout, Duration::from_millis(20));
    assert_eq!(links.connect_timeout, Duration::from_millis(10));
    assert_eq!(links.max_failures, 5);
}

#[test]
fn the_manual_itself_is_a_valid_file_and_changes_nothing() {
    let case = Case::new().file("config.toml", MANUAL);
    let (mut loaded, mut builtin) = (case.load(), Settings::builtin().unwrap());
    assert!(loaded.report.iter().all(|line| line.origin.contains("config.toml line ")));
    (loaded.report, loaded.beside) = Default::default();
    (builtin.report, builtin.beside) = Default::default();
    assert_eq!(loaded, builtin);
}

#[test]
fn text_is_read_by_the_type_of_the_default() {
    let settings = Case::new()
        .env("HAPTICD__BUSES__VIRTUAL__ENABLED", "true")
        .env("HAPTICD__SERVER__THREADS", "8")
        .env("HAPTICD__SERVER__NAME", "12")
        .env("HAPTICD__SERVER__LISTEN", "[::1]:0")
        .set("buses.btle.enabled=false")
        .set("sessions.dead_man_ms=500")
        .set("server.max_ping_time_ms=100")
        .set("log.level=info,hapticd::device=debug")
        .load();
    assert!(settings.buses.virtual_bus.enabled && !settings.buses.btle.enabled);
    assert_eq!(settings.server.threads, Some(8));
    assert_eq!(settings.server.name, "12");
    assert_eq!(settings.server.listen, addresses(&["[::1]:0"]));
    assert_eq!(settings.sessions.dead_man, Some(Duration::from_millis(500)));
    assert_eq!(settings.server.max_ping_time, Some(Duration::from_millis(100)));
    assert_eq!(settings.log.level, "info,hapticd::device=debug");
}

#[test]
fn addresses_are_one_or_several_however_they_are_written() {
    let both = addresses(&["127.0.0.1:1", "[::1]:2"]);
    for case in [
        Case::new().file("c.toml", "server.listen = ['127.0.0.1:1', '[::1]:2']"),
        Case::new().file("c.toml", "server.listen = '127.0.0.1:1, [::1]:2'"),
        Case::new().set("server.listen=127.0.0.1:1,[::1]:2"),
        Case::new().set("server.listen=[\"127.0.0.1:1\", \"[::1]:2\"]"),
        Case::new().env("HAPTICD__SERVER__LISTEN", "127.0.0.1:1, [::1]:2"),
        Case::new().env("HAPTICD__SERVER__LISTEN", "['127.0.0.1:1','[::1]:2']"),
    ] {
        assert_eq!(case.load().server.listen, both);
    }
    for case in [
        Case::new().file("c.toml", "server.listen = '[::1]:2'"),
        Case::new().file("c.toml", "server.listen = ['[::1]:2']"),
        Case::new().set("server.listen=[::1]:2"),
        Case::new().set("server.listen=['[::1]:2']"),
    ] {
        assert_eq!(case.load().server.listen, addresses(&["[::1]:2"]));
    }
}

#[test]
fn a_value_may_contain_an_equals_sign_and_the_last_set_wins() {
    let case = Case::new().set("server.name=first").set(" server.name =a=b");
    assert_eq!(case.load().server.name, "a=b");
}

#[test]
fn variables_that_are_not_ours_are_ignored() {
    Case::new().env("PATH", "/bin").env("HAPTICD_SERVER", "x").env("HAPTICD", "x").load();
}

#[test]
fn directories_are_resolved() {
    let both =
        Case::new().env("STATE_DIRECTORY", "/var/lib/hapticd").set("state.dir=/x").set("devices.definitions_dir=/y");
    let settings = both.load();
    assert_eq!(settings.state.dir, Path::new("/x"));
    assert_eq!(settings.devices.definitions_dir.as_deref(), Some(Path::new("/y")));
    let service = Case::new().env("STATE_DIRECTORY", "/var/lib/hapticd").load();
    assert_eq!(service.state.dir, Path::new("/var/lib/hapticd"));
}

#[test]
fn unknown_keys_are_refused_with_help() {
    let case = Case::new()
        .file("c.toml", "colour = 1\n[server]\nlistn = ''\ncolour = 1\n[buses.bluetooth]\nx = 1\n[\"server.name\"]\n")
        .env("HAPTICD__SERVR__LISTEN", "x")
        .set("max_frame_bytes=1");
    assert_eq!(
        case.messages(),
        [
            "c.toml line 1: unknown key `colour`; the sections are: access, api, buses, devices, links, log, mdns, server, sessions, state",
            "c.toml line 3: unknown key `server.listn`; did you mean `server.listen`?",
            "c.toml line 4: unknown key `server.colour`; the keys of [server] are: listen, max_ping_time_ms, name, \
             shutdown_deadline_ms, threads",
            "c.toml line 5: unknown key `buses.bluetooth`; the keys of [buses] are: btle, gamepad, hid, lovense_dongle, \
             serial, virtual, websocket",
            "c.toml line 7: unknown key `\"server.name\"`; did you mean `server.name`?",
            "environment variable HAPTICD__SERVR__LISTEN: unknown key `servr.listen`; did you mean \
             HAPTICD__SERVER__LISTEN?",
            "--set max_frame_bytes: unknown key `max_frame_bytes`; did you mean `sessions.max_frame_bytes`?",
        ]
    );
}

#[test]
fn wrong_types_are_refused() {
    let case = Case::new()
        .file("c.toml", "links.max_failures = '5'\nserver.name = 5\nsessions.max = 1.5\n[log.level]\nx = 1\n")
        .env("HAPTICD__BUSES__BTLE__ENABLED", "yes")
        .env("HAPTICD__SERVER__THREADS", "")
        .set("devices.restart_budget=five");
    let wrong = "which is the wrong type; allowed:";
    assert_eq!(
        case.messages(),
        [
            format!("c.toml line 1: `links.max_failures` is \"5\", {wrong} an integer from 1 to 1000"),
            format!("c.toml line 2: `server.name` is 5, {wrong} text of at most 200 bytes"),
            format!("c.toml line 3: `sessions.max` is 1.5, {wrong} an integer from 1 to 100000"),
            format!("c.toml line 4: `log.level` is a table, {wrong} {LEVELS}"),
            format!(
                "environment variable HAPTICD__BUSES__BTLE__ENABLED: `buses.btle.enabled` is \"yes\", {wrong} true or false"
            ),
            format!(
                "environment variable HAPTICD__SERVER__THREADS: `server.threads` is \"\", {wrong} 0 (one per core), or an \
                 integer from 1 to 64"
            ),
            format!(
                "--set devices.restart_budget: `devices.restart_budget` is \"five\", {wrong} an integer from 0 to 100"
            ),
        ]
    );
}

#[test]
fn values_out_of_range_are_refused() {
    let case = Case::new()
        .file("c.toml", "sessions.max = 0\nlinks.max_failures = 99999999999999999999\nserver.listen = '0.0.0.0:1'\n")
        .set("sessions.dead_man_ms=499")
        .set("log.level=");
    let not = "which is not allowed; allowed:";
    assert_eq!(
        case.messages(),
        [
            format!("c.toml line 1: `sessions.max` is 0, {not} an integer from 1 to 100000"),
            format!("c.toml line 2: `links.max_failures` is 99999999999999999999, {not} an integer from 1 to 1000"),
            format!("c.toml line 3: `server.listen` is \"0.0.0.0:1\", which is not allowed; {LISTEN}"),
            format!(
                "--set sessions.dead_man_ms: `sessions.dead_man_ms` is \"499\", {not} 0 (off), or an integer from 500 to \
                 86400000 (milliseconds)"
            ),
            format!("--set log.level: `log.level` is \"\", {not} {LEVELS}"),
        ]
    );
}

#[test]
fn a_bad_value_is_refused_even_where_a_later_layer_overrides_it() {
    let case = Case::new().file("c.toml", "sessions.max = 0").set("sessions.max=5");
    assert_eq!(case.messages().len(), 1);
}

#[test]
fn a_section_takes_no_value() {
    let case = Case::new().file("c.toml", "log = 'info'").env("HAPTICD__STATE", "/x");
    assert_eq!(
        case.messages(),
        [
            "c.toml line 1: `log` is a section and takes no value of its own (found \"info\"); the keys of [log] are: level",
            "environment variable HAPTICD__STATE: `state` is a section and takes no value of its own (found \"/x\"); the \
             keys of [state] are: dir, remember",
        ]
    );
}

#[test]
fn the_pong_deadline_exceeds_the_ping() {
    let case = Case::new()
        .file("c.toml", "[sessions]\nwebsocket_ping_ms = 10000\n")
        .set("buses.websocket.pong_deadline_ms=4000");
    assert_eq!(
        case.messages(),
        [
            "built-in default: `sessions.websocket_pong_deadline_ms` is 10000; allowed: more than \
             `sessions.websocket_ping_ms`, which is 10000 (c.toml line 2)",
            "--set buses.websocket.pong_deadline_ms: `buses.websocket.pong_deadline_ms` is 4000; allowed: more than \
             `buses.websocket.ping_ms`, which is 5000 (built-in default)",
        ]
    );
    Case::new().set("sessions.websocket_ping_ms=9999").load();
}

#[test]
fn a_pair_is_not_judged_by_half() {
    let ping = "sessions.websocket_ping_ms=20000";
    let deadline = Case::new().set(ping).set("sessions.websocket_pong_deadline_ms=long");
    assert_eq!(deadline.messages().len(), 1);
    let broken = Case::new().set(ping).file("c.toml", "[[[");
    assert_eq!(broken.messages().len(), 1);
}

#[test]
fn a_file_that_is_not_toml_is_refused_with_its_line() {
    let case = Case::new()
        .file("c.toml", "[server]\nname = 'x'\nlisten = 127.0.0.1\n")
        .file("d.toml", "[log]\nlevel = 'info'\nlevel = 'warn'\n");
    let messages = case.messages();
    assert!(messages[0].starts_with("c.toml line 3: not valid TOML: "), "{messages:?}");
    assert_eq!(messages[1], "d.toml line 3: not valid TOML: duplicate key");
    assert_eq!(messages.len(), 2);
}

#[test]
fn a_file_need_not_exist_unless_it_is_required() {
    let mut case = Case::new();
    let path = case.path("missing.toml");
    case.sources.files.push(FileSource { path: path.clone(), required: false });
    case.load();
    case.sources.files.push(FileSource { path, required: true });
    let messages = case.messages();
    assert!(messages[0].starts_with("cannot read settings file missing.toml: "), "{messages:?}");
    assert_eq!(messages.len(), 1);
}

#[test]
fn a_file_that_cannot_be_read_is_refused_even_if_optional() {
    let mut case = Case::new().file("bytes.toml", b"# ok\n\xff").file("large.toml", vec![b'#'; (1 << 20) + 1]);
    let path = case.directory.path().join(".");
    case.sources.files.push(FileSource { path, required: false });
    let messages = case.messages();
    assert_eq!(messages[0], "cannot read settings file bytes.toml: line 2 is not valid UTF-8");
    assert_eq!(messages[1], "cannot read settings file large.toml: it is larger than 1048576 bytes");
    assert!(messages[2].starts_with("cannot read settings file "), "{messages:?}");
    assert_eq!(messages.len(), 3);
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_accepted() {
    let case = Case::new().file("c.toml", "\u{feff}[server]\r\nname = 'x'\r\n");
    assert_eq!(case.load().server.name, "x");
    let bad = Case::new().file("c.toml", "\u{feff}[server]\r\nnam = 'x'\r\n");
    assert!(bad.messages()[0].starts_with("c.toml line 2: "));
}

#[test]
fn an_argument_that_is_no_setting_is_refused() {
    let case = Case::new().set("server.listen").set("=x");
    let rest = "not a setting; allowed: key=value, such as server.listen=127.0.0.1:12345";
    assert_eq!(case.messages(), [format!("--set \"server.listen\": {rest}"), format!("--set \"=x\": {rest}")]);
}

#[test]
fn a_variable_without_a_key_is_refused() {
    let case = Case::new().env("HAPTICD__", "x");
    assert!(case.messages()[0].starts_with("environment variable HAPTICD__: unknown key `\"\"`; "));
}

#[test]
#[cfg(unix)]
fn variables_that_are_not_utf8_are_refused_and_do_not_panic() {
    use std::os::unix::ffi::OsStringExt;
    let bad = || OsString::from_vec(b"HAPTICD__\xff".to_vec());
    let mut case = Case::new().env("HAPTICD__SERVER__NAME", bad()).env("OTHER", bad());
    case.sources.environment.push((bad(), "x".into()));
    assert_eq!(
        case.messages(),
        [
            "environment variable HAPTICD__SERVER__NAME: its value is not valid UTF-8; allowed: UTF-8 text",
            "environment variable HAPTICD__\u{fffd}: its name is not valid UTF-8; allowed: UTF-8 text",
        ]
    );
}

#[test]
fn all_problems_of_all_layers_are_reported() {
    let case = Case::new()
        .file("c.toml", "a = 1\nsessions.max = 0\n")
        .file("d.toml", "nonsense")
        .env("HAPTICD__X", "1")
        .set("y")
        .set("sessions.max=z");
    let error = Settings::load(&case.sources).unwrap_err();
    let problems = error.problems();
    assert_eq!(problems.len(), 6, "{error}");
    assert!(matches!(&problems[0], SettingsProblem::UnknownKey { key, .. } if key == "a"));
    assert!(matches!(&problems[1], SettingsProblem::NotAllowed { key, .. } if key == "sessions.max"));
    assert!(matches!(&problems[2], SettingsProblem::NotToml { line: 1, .. }));
    assert!(matches!(&problems[3], SettingsProblem::UnknownKey { key, .. } if key == "x"));
    assert!(matches!(&problems[4], SettingsProblem::MalformedSet { .. }));
    assert!(matches!(&problems[5], SettingsProblem::WrongType { key, .. } if key == "sessions.max"));
}

#[test]
fn variables_that_set_nothing_but_look_so_are_warned_of() {
    let case = Case::new()
        .env("HAPTICD_SERVER_LISTEN", "127.0.0.1:1")
        .env("HAPTICD_SERVER_PORT", "1")
        .env("hapticd__log__level", "debug")
        .env("HAPTICD_SOAK_SECONDS", "60")
        .env("HAPTICD_LAB_DIR", "/x")
        .env("HAPTICD", "/x")
        .env("HAPTICD__LOG__LEVEL", "warn");
    let settings = Settings::load(&case.sources).unwrap();
    assert_eq!(settings.server.listen, Settings::builtin().unwrap().server.listen);
    assert_eq!(
        settings.warnings(),
        [
            "environment variable HAPTICD_SERVER_LISTEN sets nothing; did you mean HAPTICD__SERVER__LISTEN?",
            "environment variable HAPTICD_SERVER_PORT sets nothing; did you mean HAPTICD__SERVER__LISTEN?",
            "environment variable hapticd__log__level sets nothing; did you mean HAPTICD__LOG__LEVEL?",
        ]
    );
    assert!(Settings::builtin().unwrap().warnings().is_empty());
}

#[test]
fn lists_every_key_in_the_order_of_the_manual() {
    let settings = Settings::builtin().unwrap();
    let keys: Vec<_> = settings.report().iter().map(|line| line.key.as_str()).collect();
    assert_eq!(keys, schema::keys().map(|(key, _)| key).collect::<Vec<_>>());
    assert!(settings.report().iter().all(|line| line.origin == "built-in default"));
    assert_eq!(settings.report()[0].value, "[\"127.0.0.1:12345\", \"[::1]:12345\"]");
    assert_eq!(settings.report()[2].value, "0");
}

#[test]
fn says_where_each_value_came_from() {
    let environment =
        vec![("HAPTICD__LOG__LEVEL".into(), "debug".into()), ("STATE_DIRECTORY".into(), "/var/lib/hapticd".into())];
    let set = vec!["server.name=a\tb".to_owned()];
    let settings = Settings::load(&Sources { environment, set, ..Sources::default() }).unwrap();
    let line = |key: &str| {
        let line = settings.report().iter().find(|line| line.key == key).unwrap();
        (line.value.clone(), line.origin.clone())
    };
    assert_eq!(line("log.level"), ("\"debug\"".to_owned(), "environment variable HAPTICD__LOG__LEVEL".to_owned()));
    assert_eq!(line("server.name"), ("\"a\\tb\"".to_owned(), "--set server.name".to_owned()));
    assert_eq!(
        line("state.dir"),
        ("\"/var/lib/hapticd\"".to_owned(), "environment variable STATE_DIRECTORY".to_owned())
    );
    assert_eq!(line("server.threads"), ("0".to_owned(), "built-in default".to_owned()));
}

#[test]
fn mistakes_in_the_defaults_are_bugs() {
    let problems = |defaults: &str| load::load(defaults, &Sources::default()).unwrap_err().to_string();
    let more = problems(&MANUAL.replace("\nthreads = 0", "\nthreads = 0\ncolour = 1"));
    assert!(more.starts_with("built-in defaults: built-in default: unknown key `server.colour`; "), "{more}");
    assert!(more.ends_with(" (this is a bug in hapticd)"), "{more}");
    let less = problems(&MANUAL.replace("\nthreads = 0", ""));
    assert_eq!(less, "built-in defaults: `server.threads` has no default (this is a bug in hapticd)");
    let unusable = problems(&MANUAL.replace("\nthreads = 0", "\nthreads = 1.5"));
    assert!(unusable.contains("`server.threads` is 1.5, which is the wrong type"), "{unusable}");
    assert!(unusable.ends_with(" (this is a bug in hapticd)"), "{unusable}");
}
