//! The real binary.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::PATIENCE;

/// Runs the binary with these arguments to its end, with no settings but its own.
pub fn run(args: &[&str]) -> Output {
    clean(Command::new(env!("CARGO_BIN_EXE_hapticd"))).args(args).output().unwrap()
}

/// Starts it and prints nothing of what it says.
pub fn start(args: &[&str]) -> Child {
    let mut command = clean(Command::new(env!("CARGO_BIN_EXE_hapticd")));
    command.args(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// The same with these variables.
pub fn run_with(environment: &[(String, String)], args: &[&str]) -> Output {
    let mut command = clean(Command::new(env!("CARGO_BIN_EXE_hapticd")));
    command.envs(environment.iter().cloned()).args(args).output().unwrap()
}

/// Neither the settings of whoever runs the tests nor their devices may matter.
fn clean(mut command: Command) -> Command {
    let own: Vec<_> = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("HAPTICD__")).collect();
    for (name, _) in own {
        command.env_remove(name);
    }
    command.env("XDG_CONFIG_HOME", "/nonexistent").env("HOME", "/nonexistent").env_remove("STATE_DIRECTORY");
    for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] {
        command.env_remove(name);
    }
    command
}

/// The hardware of whoever runs the tests is none of theirs.
pub const NO_HARDWARE: &[&str] = &[
    "buses.btle.enabled=false",
    "buses.hid.enabled=false",
    "buses.lovense_dongle.enabled=false",
    "buses.gamepad.enabled=false",
];

/// A running server; it is killed when dropped.
pub struct Server {
    child: Child,
    address: String,
    log: Arc<Mutex<String>>,
    printed: Arc<Mutex<String>>,
    /// Where it keeps what it knows.
    pub state: Arc<tempfile::TempDir>,
}

impl Server {
    /// A server with virtual hardware and these settings.
    pub fn start(settings: &[&str]) -> Self {
        Self::start_in(Arc::new(tempfile::tempdir().unwrap()), settings)
    }

    /// The same over a state directory that another server had.
    pub fn start_in(state: Arc<tempfile::TempDir>, settings: &[&str]) -> Self {
        Self::start_with(state, settings, &[])
    }

    /// One with more options.
    pub fn start_more(options: &[&str]) -> Self {
        Self::start_any(Arc::new(tempfile::tempdir().unwrap()), &[], &[], options)
    }

    /// The same with these environment variables.
    pub fn start_with(state: Arc<tempfile::TempDir>, settings: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::start_any(state, settings, environment, &[])
    }

    fn start_any(
        state: Arc<tempfile::TempDir>,
        settings: &[&str],
        environment: &[(&str, &str)],
        options: &[&str],
    ) -> Self {
        let mut command = clean(Command::new(env!("CARGO_BIN_EXE_hapticd")));
        command.args(["serve", "--virtual", "--set", "server.listen=127.0.0.1:0"]).args(options);
        command.envs(environment.iter().copied());
        command.arg("--set").arg(format!("state.dir={}", state.path().display()));
        command.args(["--set", "log.level=debug"]);
        for setting in NO_HARDWARE.iter().chain(settings) {
            command.args(["--set", setting]);
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (mut stderr, copy) = (child.stderr.take().unwrap(), Arc::clone(&log));
        std::thread::spawn(move || {
            let mut part = [0; 4096];
            while let Ok(read @ 1..) = stderr.read(&mut part) {
                copy.lock().unwrap().push_str(&String::from_utf8_lossy(&part[..read]));
            }
        });
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let printed = Arc::new(Mutex::new(String::new()));
        let address = loop {
            let mut line = String::new();
            let read = stdout.read_line(&mut line).unwrap();
            printed.lock().unwrap().push_str(&line);
            assert!(read > 0, "the server did not start:\n{}", log.lock().unwrap());
            if let Some((_, address)) = line.split_once("ws://") {
                break address.trim().to_owned();
            }
        };
        let copy = Arc::clone(&printed);
        std::thread::spawn(move || {
            let mut line = String::new();
            while let Ok(1..) = stdout.read_line(&mut line) {
                copy.lock().unwrap().push_str(&std::mem::take(&mut line));
            }
        });
        Self { child, address, log, printed, state }
    }

    /// Where clients connect.
    pub fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until it has logged this: what it says arrives a little after what it does.
    pub fn logged(&self, text: &str) {
        let end = Instant::now() + PATIENCE;
        while !self.log().contains(text) {
            assert!(Instant::now() < end, "{text:?} is not in\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// What it has told the person who started it, as soon as that is complete.
    pub fn welcome(&self) -> String {
        let end = Instant::now() + PATIENCE;
        while !self.printed.lock().unwrap().contains("Ctrl-C") {
            assert!(Instant::now() < end, "the welcome does not end:\n{}", self.printed.lock().unwrap());
            std::thread::sleep(Duration::from_millis(10));
        }
        self.printed.lock().unwrap().clone()
    }

    /// Sends it a signal.
    pub fn signal(&self, name: &str) {
        let done = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(done.success());
    }

    /// Waits for its end and returns the exit status.
    pub fn wait(&mut self) -> Option<i32> {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the server does not end:\n{}", self.log());
    }

    /// Gets a path over HTTP; returns status line, headers and body as text.
    pub async fn get(&self, path: &str) -> String {
        self.request("GET", path, "").await
    }

    /// Asks for a path over HTTP, with more header lines.
    pub async fn request(&self, method: &str, path: &str, headers: &str) -> String {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n{headers}", self.address);
        self.send(&head).await
    }

    /// Sends the lines of a request, to which only the end is added; returns the answer as text.
    pub async fn send(&self, head: &str) -> String {
        self.send_with(head, "").await
    }

    /// The same with a body.
    pub async fn send_with(&self, head: &str, body: &str) -> String {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(&self.address).await.unwrap();
        let length = body.len();
        let request = format!("{head}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// The health of the server.
    pub async fn health(&self) -> serde_json::Value {
        self.json("/health").await
    }

    /// Waits until the server has noticed that the device of this index is out of reach: before that, what comes at
    /// its address is refused.
    pub async fn away(&self, index: usize) {
        while self.health().await["devices"][index]["state"] != "away" {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until the server knows that the hardware has everything that is wanted of it. A stop that comes before that has
    /// the rest written once more.
    pub async fn all_written(&self) {
        let waits = |output: &serde_json::Value| output["wanted"] != output["written"] && !output["wanted"].is_null();
        let all = |health: &serde_json::Value| {
            let devices = health["devices"].as_array().unwrap();
            devices.iter().all(|device| !device["outputs"].as_array().unwrap().iter().any(waits))
        };
        while !all(&self.health().await) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What a path answers in JSON.
    pub async fn json(&self, path: &str) -> serde_json::Value {
        let answer = self.get(path).await;
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let json = body.find('{').and_then(|start| body.get(start..=body.rfind('}')?)).unwrap();
        serde_json::from_str(json).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
