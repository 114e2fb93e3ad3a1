//! `hapticd simulate MODEL`: plays one piece of hardware to a running server and shows what it is told to do.
//!
//! It is a client of the `/hardware` socket like any other program, so it also shows whether that socket is good
//! enough for other programs. Here live finding the model ([`find`]), what makes a server recognise it ([`attach`]),
//! the frames ([`frames`]), the conversation ([`session`]) and the three ways to show it ([`show`], [`bars`]). What
//! may not live here: what bytes mean, which only [`crate::driver::toy`] knows, and anything of the server's inside.

mod attach;
mod bars;
mod find;
mod frames;
mod server;
mod session;
mod show;

use std::io::IsTerminal;

use clap::Args;

use super::{Failure, SettingsArgs};
use crate::library::Bus;

/// Where a server listens unless told otherwise.
const SERVER: &str = "ws://127.0.0.1:12345/hardware";

/// Options of `simulate`.
#[derive(Debug, Args)]
pub struct SimulateArgs {
    #[command(flatten)]
    pub(super) settings: SettingsArgs,
    /// The model: an identifier, a name, a part of a name that no other has, or PROTOCOL/IDENTIFIER
    model: String,
    /// The server's address; it must run with --virtual
    #[arg(long, value_name = "URL", default_value = SERVER)]
    server: String,
    /// The hardware's address; the same address is the same device to the server
    #[arg(long, value_name = "ADDR")]
    address: Option<String>,
    /// The bus it appears on, for models that can be on several: btle, serial, hid, usb, websocket, gamepad
    #[arg(long, value_name = "BUS", value_parser = bus)]
    bus: Option<Bus>,
    /// One JSON object a line for everything that happens
    #[arg(long)]
    json: bool,
}

fn bus(text: &str) -> Result<Bus, String> {
    let known = Bus::ALL.into_iter().find(|bus| bus.name() == text);
    known.ok_or_else(|| format!("allowed: {}", Bus::ALL.map(Bus::name).join(", ")))
}

pub(super) fn run(args: &SimulateArgs) -> Result<(), Failure> {
    let settings = args.settings.load(&[])?;
    let library = super::library(&settings)?;
    let server = server::url(&args.server).map_err(Failure::Given)?;
    let found = find::model(&library, &args.model).map_err(Failure::Given)?;
    let attach = attach::attach(&library, &found, args.bus, args.address.as_deref()).map_err(Failure::Given)?;
    let mut show: Box<dyn show::Show> = if args.json {
        Box::new(show::Json)
    } else if std::io::stdout().is_terminal() {
        Box::new(bars::Bars::new(&found, &server, &attach.address))
    } else {
        Box::new(show::Lines::new(&found, &server, &attach.address))
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Done(format!("no runtime: {error}")))?;
    let done = runtime.block_on(session::run(&server, &found, &attach, show.as_mut()));
    show.end();
    done.map_err(Failure::Done)
}
