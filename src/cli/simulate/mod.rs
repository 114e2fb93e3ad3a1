//! `hapticd simulate MODEL`: plays one piece of hardware to a running server and shows what it is told to do.
//!
//! It is a client of the `/hardware` socket like any other program, so it also shows whether that socket is good
//! enough for other programs. Here live finding the model ([`model_lookup`]), what makes a server recognise it ([`advertisement`]),
//! the frames ([`frames`]), the conversation ([`peripheral`]) and the three ways to show it ([`event_output`], [`live_view`] on
//! a [`screen`]). What may not live here: what bytes mean, which only [`crate::simulation`] knows, and anything of the
//! server's inside.

mod advertisement;
mod connection;
mod event_output;
mod frames;
mod live_view;
pub(super) mod model_lookup;
mod peripheral;
mod screen;

use std::io::IsTerminal;

use clap::Args;

use super::exit_error::ExitError;
use super::server_address::ServerArg;
use super::settings_args::SettingsArgs;
use crate::types::Bus;

use peripheral::AddressChoice;

/// Options of `simulate`.
#[derive(Debug, Args)]
pub struct SimulateArgs {
    #[command(flatten)]
    pub(super) settings: SettingsArgs,
    /// The model: an identifier, a name, a part of a name that no other has, or PROTOCOL/IDENTIFIER
    model: String,
    #[command(flatten)]
    server: ServerArg,
    /// Which piece of this model it is, 1 to 99. Each has an address of its own, always the same, which is how the server
    /// knows it again. Without this option it is the first that no other program plays
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=99))]
    number: Option<u8>,
    /// The hardware's address, instead of the one that belongs to its number
    #[arg(long, value_name = "ADDR", conflicts_with = "number")]
    address: Option<String>,
    /// The bus it appears on, for models that can be on several: btle, serial, hid, usb, websocket, gamepad
    #[arg(long, value_name = "BUS", value_parser = bus)]
    bus: Option<Bus>,
    /// Have the server keep it in its file of known devices, as it does with real hardware
    #[arg(long)]
    remember: bool,
    /// One JSON object a line for everything that happens
    #[arg(long)]
    json: bool,
}

fn bus(text: &str) -> Result<Bus, String> {
    let known = Bus::ALL.into_iter().find(|bus| bus.name() == text);
    known.ok_or_else(|| format!("allowed: {}", Bus::ALL.map(Bus::name).join(", ")))
}

pub(super) fn run(args: &SimulateArgs) -> Result<(), ExitError> {
    let settings = args.settings.load(&[])?;
    let library = crate::server::library(&settings)?;
    let servers = args.server.servers_in(&settings)?;
    let found = model_lookup::find_model(&library, &args.model).map_err(ExitError::Usage)?;
    let attach = advertisement::advertisement(&library, &found, args.bus, args.remember).map_err(ExitError::Usage)?;
    let address = match (&args.address, args.number) {
        (Some(address), _) => AddressChoice::Address(address.clone()),
        (None, Some(number)) => AddressChoice::Number(number),
        (None, None) => AddressChoice::Free,
    };
    let mut show: Box<dyn event_output::EventOutput> = if args.json {
        Box::new(event_output::Json)
    } else if std::io::stdout().is_terminal() {
        Box::new(live_view::LiveView::new(&found))
    } else {
        Box::new(event_output::Lines::new(&found))
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| ExitError::Runtime(format!("no runtime: {error}")))?;
    let done = runtime.block_on(peripheral::run(&servers, &found, &attach, &address, show.as_mut()));
    show.end();
    done.map_err(ExitError::Runtime)
}
