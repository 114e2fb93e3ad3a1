//! The README tells the truth: its programs are those that are tested, its output is what comes.

use std::time::Duration;

use tokio::io::AsyncReadExt;

use crate::support::{Server, run};

const README: &str = include_str!("../../README.md");

#[test]
fn its_programs_are_the_tested_ones() {
    for program in [include_str!("../../examples/first_client.rs"), include_str!("../../examples/first-client.mjs")] {
        assert!(README.contains(program.trim_end()), "the README does not show\n{program}");
    }
}

#[test]
fn its_counts_are_those_of_the_library() {
    let output = run(&["check"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let counts = text.lines().last().unwrap();
    let numbers: Vec<_> = counts.split_whitespace().filter(|word| word.parse::<u32>().is_ok()).collect();
    let line = format!("{} models of {} protocols", numbers[1], numbers[0]);
    assert!(README.contains(&line), "the README does not say {line:?}");
}

#[test]
fn it_says_the_least_rust_version() {
    let version = env!("CARGO_PKG_RUST_VERSION");
    assert!(README.contains(&format!("You need Rust {version} or newer")), "the README does not say {version}");
}

/// Where the README shows what a command prints that needs no server, it prints that.
#[test]
fn its_list_of_models_is_what_comes() {
    let shown = README.split("$ hapticd devices lush\n").nth(1).unwrap().split("```").next().unwrap();
    assert_eq!(String::from_utf8(run(&["devices", "lush"]).stdout).unwrap(), shown);
}

#[tokio::test]
async fn its_first_session_goes_as_shown() {
    let server = Server::start(&[]);
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_hapticd"));
    command.args(["simulate", "Aneros Vivi", "--server", &server.url()]).kill_on_drop(true);
    let mut toy = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut stdout = toy.stdout.take().unwrap();
    let client = crate::client::first_client(&server).output().await.unwrap();
    assert!(client.status.success());
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut shown = vec![0; 10_000];
    let length = stdout.read(&mut shown).await.unwrap();
    let shown = String::from_utf8(shown[..length].to_vec()).unwrap();
    let session = README.split("simulate \"Aneros Vivi\" | cat\n").nth(1).unwrap().split("```").next().unwrap();
    for line in session.lines() {
        let line = &line.replace("127.0.0.1:12345", server.address());
        assert!(shown.contains(line), "{line:?} is not in\n{shown}");
    }
    let welcome = README.split("$ cargo run --release\n").nth(1).unwrap().split("```").next().unwrap();
    // The tests' servers have other buses and take any free port; but for that it is what a user gets to see.
    let server = Server::start(&["server.listen=127.0.0.1:0,[::1]:0"]);
    let port = server.address().rsplit(':').next().unwrap().to_owned();
    let told = server.welcome().replace(&port, "12345");
    let lines = |text: &str| {
        text.lines()
            .filter(|line| !line.contains("Buses") && !line.contains("No hardware"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(lines(welcome), lines(&told));
}
