//! Where the server listens: one address or several, of either family.

use std::net::TcpListener;

use serde_json::json;
use tokio_tungstenite::connect_async;

use crate::support::{Raw, Server, run};

/// Whether this computer has IPv6: what is tested with it cannot be tested without.
fn has_ipv6() -> bool {
    TcpListener::bind("[::1]:0").is_ok()
}

fn port(server: &Server) -> u16 {
    server.address().rsplit(':').next().unwrap().parse().unwrap()
}

fn text(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[tokio::test]
async fn clients_of_both_families_reach_one_server_on_one_port() {
    if !has_ipv6() {
        return;
    }
    for list in ["127.0.0.1:0,[::1]:0", "[\"127.0.0.1:0\", \"[::1]:0\"]", "127.0.0.1:0, [::1]:0"] {
        let server = Server::start(&[&format!("server.listen={list}")]);
        let mut client = Raw::hello(&server).await;
        let port = port(&server);
        let (other, _) = connect_async(format!("ws://[::1]:{port}")).await.unwrap();
        client.ok("Ping", json!({})).await;
        assert_eq!(server.health().await["sessions"], 2, "{list}");
        let welcome = server.welcome();
        assert!(
            welcome.contains(&format!("ws://127.0.0.1:{port}\n")) && welcome.contains(&format!("ws://[::1]:{port}\n"))
        );
        drop(other);
    }
}

#[tokio::test]
async fn ipv6_alone_is_a_choice_and_the_command_line_finds_the_server() {
    if !has_ipv6() {
        return;
    }
    let server = Server::start(&["server.listen=[::1]:0"]);
    assert!(server.address().starts_with("[::1]:"));
    let mut client = Raw::hello(&server).await;
    client.ok("Ping", json!({})).await;
    assert_eq!(server.health().await["sessions"], 1);
    let (address, port) = (server.address().to_owned(), port(&server));
    // Nobody listens on the first address; the second is asked. Such settings may be in force for a server, too.
    let set = format!("server.listen=127.0.0.1:{port},{address}");
    for arguments in [["health", "--server", &address], ["health", "--set", &set], ["stop", "--set", &set]] {
        let done = run(&arguments);
        assert_eq!(done.status.code(), Some(0), "{arguments:?}: {}", text(&done));
    }
    let doctor = text(&run(&["doctor", "--set", &set]));
    let ports: Vec<_> = doctor.lines().filter(|line| line.contains(&format!(":{port}"))).collect();
    assert!(ports.len() == 2 && ports[0].contains("is free") && ports[1].contains("1 client"), "{doctor}");
}

#[test]
fn one_address_in_use_is_an_error_that_names_it() {
    let taken = TcpListener::bind("127.0.0.2:0").unwrap();
    let address = taken.local_addr().unwrap();
    let done = run(&["--set", &format!("server.listen=127.0.0.1:0,{address}")]);
    let text = text(&done);
    assert_eq!(done.status.code(), Some(1), "{text}");
    assert!(
        text.contains(&format!("cannot listen on {address} (`server.listen`)")) && text.contains("another program"),
        "{text}"
    );
}

#[test]
fn lists_that_make_no_sense_are_refused_with_what_is_allowed() {
    for list in ["", "[]", "127.0.0.1:1,127.0.0.1:1", "127.0.0.1:1,nowhere", "127.0.0.1:1,0.0.0.0:1", "[127.0.0.1:1]"] {
        let done = run(&["check", "--set", &format!("server.listen={list}")]);
        let text = text(&done);
        assert_eq!(done.status.code(), Some(2), "{list}: {text}");
        assert!(text.contains("server.listen") && text.contains("or a list of up to 16 of them"), "{list}: {text}");
    }
    let done = run(&["check", "--show", "--set", "server.listen=127.0.0.1:1,[::1]:2"]);
    assert!(text(&done).contains("[\"127.0.0.1:1\", \"[::1]:2\"]"), "{}", text(&done));
    let done = run(&["check", "--show"]);
    assert!(text(&done).contains("[\"127.0.0.1:12345\", \"[::1]:12345\"]"), "{}", text(&done));
}
