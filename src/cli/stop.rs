//! `hapticd stop`: stops everything that a running server drives, at once.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use clap::Args;

use super::{Failure, SettingsArgs, print};

/// Time for the server's answer; it waits a second for the hardware itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// Options of `stop`.
#[derive(Debug, Args)]
pub struct StopArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    /// Refuse outputs afterwards, until `hapticd stop --resume`
    #[arg(long, conflicts_with = "resume")]
    hold: bool,
    /// Take outputs again after a stop with --hold
    #[arg(long)]
    resume: bool,
    /// Address of the server, instead of the setting `server.listen`
    #[arg(long, value_name = "IP:PORT")]
    server: Option<SocketAddr>,
}

pub(super) fn run(args: &StopArgs) -> Result<(), Failure> {
    let server = match args.server {
        Some(server) => server,
        None => args.settings.load(&[])?.server.listen,
    };
    let path = match (args.resume, args.hold) {
        (true, _) => "/resume",
        (false, true) => "/stop?hold=true",
        (false, false) => "/stop",
    };
    let answer = post(server, path).map_err(|error| {
        Failure::Done(format!("the server at {server} could not be told: {error}; is hapticd running there?"))
    })?;
    let status = answer.split_whitespace().nth(1).unwrap_or("no status").to_owned();
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body).trim();
    match status.as_str() {
        "200" if args.resume => print("outputs are taken again\n"),
        "200" if args.hold => print("everything is stopped and held; `hapticd stop --resume` ends that\n"),
        "200" => print("everything is stopped\n"),
        "504" => {
            let text = format!("not every device has confirmed the stop, which is repeated until it does: {body}");
            return Err(Failure::Done(text));
        }
        _ => return Err(Failure::Done(format!("the server at {server} answered {status}: {body}"))),
    }
    Ok(())
}

/// One request, without a library: an emergency stop should depend on as little as possible.
fn post(server: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&server, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = format!("POST {path} HTTP/1.1\r\nHost: {server}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(1 << 20).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
