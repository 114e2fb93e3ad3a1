//! The port of each address: free, or taken by a hapticd that answers.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use crate::addresses::is_missing;
use crate::cli::{admin_token::AdminToken, health, health::Unhealthy};
use crate::manager::System;
use crate::server::is_chosen;
use crate::types::Finding;

/// Time for a server's answer.
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) fn check(system: &System) -> Vec<Finding> {
    let (addresses, chosen) = (&system.settings.server.listen, is_chosen(&system.settings));
    let (admin, mut missing) = (AdminToken::from(&system.settings), 0);
    let mut findings: Vec<_> = addresses
        .iter()
        .map(|listen| {
            let gone = TcpListener::bind(SocketAddr::new(listen.ip(), 0)).err().filter(is_missing);
            let Some(error) = gone else { return look(*listen, &admin) };
            missing += 1;
            let text = format!("{listen} is no address of this computer ({error}); the server leaves it out");
            let advice = "take it out of `server.listen`";
            if chosen { Finding::warning(text, advice) } else { Finding::ok(text) }
        })
        .collect();
    if missing == addresses.len() {
        findings.push(Finding::problem("the server has no address to listen on", "choose one with `server.listen`"));
    }
    findings
}

fn look(listen: SocketAddr, admin: &AdminToken) -> Finding {
    if listen.port() == 0 {
        return Finding::ok(format!("{} and any free port", listen.ip()));
    }
    match health::ask(&listen.into(), admin, PATIENCE) {
        Ok(answer) => Finding::ok(format!("{listen}: {}", health::summary(&answer.health).replace('\n', "; "))),
        Err(Unhealthy::Other(answer)) => {
            let text = format!("{listen} is taken by a program that is no healthy hapticd; it answers {answer}");
            Finding::problem(text, "end that program, or choose another port with `server.listen`")
        }
        Err(Unhealthy::Nobody(error)) => match TcpListener::bind(listen) {
            Ok(_) => Finding::ok(format!("{listen} is free; no server is running there")),
            Err(bind) if bind.kind() == std::io::ErrorKind::AddrInUse => {
                let text = format!("{listen} is taken by a program that does not answer ({error})");
                Finding::problem(text, "end that program, or choose another port with `server.listen`")
            }
            Err(bind) => {
                let text = format!("{listen} cannot be listened on: {bind}");
                Finding::problem(text, "choose another address or port with `server.listen`")
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    fn look_at(listen: SocketAddr) -> Finding {
        look(listen, &AdminToken::In("/".into()))
    }
    use crate::types::Verdict;

    fn answering(answer: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 1024]).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
        });
        address
    }

    #[test]
    fn a_healthy_server_a_stranger_and_nobody_are_told_apart() {
        let health = "HTTP/1.1 200 OK\r\n\r\n{\"version\":\"1\",\"status\":\"ok\",\"devices\":[],\"sessions\":3}";
        let found = look_at(answering(health));
        assert!(found.verdict == Verdict::Ok && found.text.contains("3 clients"), "{found:?}");
        let found = look_at(answering("HTTP/1.1 404 Not Found\r\n\r\nnginx"));
        assert!(found.verdict == Verdict::Problem && found.text.contains("404"), "{found:?}");
        let found = look_at(answering("SSH-2.0-OpenSSH\r\n"));
        assert!(found.verdict == Verdict::Problem, "{found:?}");
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let found = look_at(free);
        assert!(found.verdict == Verdict::Ok && found.text.contains("free"), "{found:?}");
        assert_eq!(look_at("127.0.0.1:0".parse().unwrap()).verdict, Verdict::Ok);
    }

    #[test]
    fn a_program_that_is_silent_does_not_hold_it_up() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let found = look_at(silent.local_addr().unwrap());
        assert!(found.verdict == Verdict::Problem && found.text.contains("does not answer"), "{found:?}");
    }
}
