//! One question to a running server, without a library: an emergency stop should depend on as little as possible.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::admin_token::AdminToken;
use super::server_address::ServerAddress;

/// The most that is read of an answer, in bytes.
const LONGEST: u64 = 1 << 20;

/// As [`ask`]; a server that wants to know who asks is shown the admin token, if this user may read it.
///
/// # Errors
/// Those of [`ask`].
pub(super) fn ask_as_user(
    method: &str,
    server: &ServerAddress,
    path: &str,
    admin: &AdminToken,
    patience: Duration,
) -> std::io::Result<(String, String)> {
    let answer = ask(method, server, path, None, patience)?;
    if answer.0 != "401" {
        return Ok(answer);
    }
    match server.admin_token(admin) {
        Some(token) => ask(method, server, path, Some(&token), patience),
        None => Ok(answer),
    }
}

/// Sends a request, with a token if there is one, and returns the status and the body, both as text; the status is `no status` where no HTTP was
/// spoken.
///
/// # Errors
/// There is no connection, or no complete answer within `patience`.
pub(super) fn ask(
    method: &str,
    server: &ServerAddress,
    path: &str,
    token: Option<&str>,
    patience: Duration,
) -> std::io::Result<(String, String)> {
    let end = Instant::now() + patience;
    let (path, own) = server.with_query(path);
    let token = token.or(own.as_deref()).map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let mut stream = connect(server, patience)?;
    stream.set_write_timeout(Some(patience))?;
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: {server}\r\n{token}Content-Length: 0\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    let mut part = [0; 4096];
    let mut stream = stream.take(LONGEST);
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(std::io::ErrorKind::TimedOut.into());
        }
        stream.get_ref().set_read_timeout(Some(left))?;
        match stream.read(&mut part) {
            Ok(0) => break,
            Ok(read) => answer.extend(part.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            // How a read says that its time is over differs between systems.
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                return Err(std::io::ErrorKind::TimedOut.into());
            }
            Err(error) => return Err(error),
        }
    }
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.strip_prefix("HTTP/").and_then(|rest| rest.split_whitespace().nth(1)).unwrap_or("no status");
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body).trim();
    Ok((status.to_owned(), body.to_owned()))
}

/// Connects to the first address of the host that takes it.
fn connect(server: &ServerAddress, patience: Duration) -> std::io::Result<TcpStream> {
    let mut why = std::io::ErrorKind::NotFound.into();
    for address in server.sockets()? {
        match TcpStream::connect_timeout(&address, patience) {
            Ok(stream) => return Ok(stream),
            Err(error) => why = error,
        }
    }
    Err(why)
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpListener};

    use super::*;

    fn server(answer: &'static [u8], then: Duration) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 1024]).unwrap();
            for byte in answer.chunks(1) {
                let _ = stream.write_all(byte);
                std::thread::sleep(then);
            }
        });
        address
    }

    #[test]
    fn status_and_body() {
        let address = server(b"HTTP/1.1 504 Gateway Timeout\r\nA: b\r\n\r\n{}\n", Duration::ZERO);
        let (status, body) = ask("GET", &address.into(), "/x", None, Duration::from_secs(5)).unwrap();
        assert_eq!((status.as_str(), body.as_str()), ("504", "{}"));
        let other = server(b"SSH-2.0-x\r\n", Duration::ZERO);
        assert_eq!(ask("GET", &other.into(), "/", None, Duration::from_secs(5)).unwrap().0, "no status");
    }

    #[test]
    fn one_that_drips_is_given_up_in_time() {
        let address = server(&[b'x'; 1000], Duration::from_millis(20));
        let started = Instant::now();
        let error = ask("GET", &address.into(), "/", None, Duration::from_millis(300)).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}
