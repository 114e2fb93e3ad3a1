//! The gamepads of this machine: their list, and how to open one.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::rumble;
use super::sysfs::{self, Pad};
use crate::driver::Boxed;
use crate::library::{Candidate, Hardware, Matcher};
use crate::link::{Deadlines, Link, LinkError};
use crate::manager::{
    blocking_link, bus_kind::LibraryHandle, contract::Connector, contract::Factory, hid, open_devices::OpenDevices,
    polling_manager, polling_manager::Enumerated, polling_manager::Enumerator, stable_address::Addresses,
};
use crate::types::Bus;

/// Where the kernel describes its input devices.
const SYS: &str = "/sys/class/input";

/// Every gamepad that can rumble, wanted or not. Blocking.
///
/// # Errors
/// Why they cannot be listed.
pub(super) fn all() -> Result<Vec<Hardware>, String> {
    let hardware = |pad: Pad| {
        let address = pad.base();
        Hardware { usb: Some(pad.ids), ..Hardware::new(Bus::Gamepad, pad.name, address) }
    };
    Ok(sysfs::list(SYS.as_ref())?.into_iter().map(hardware).collect())
}

/// The gamepads of this machine.
#[derive(Debug)]
struct Pads {
    library: LibraryHandle,
    /// What definitions recognise by HID is left to that bus, where the rumble of such a pad is.
    hid_is_on: bool,
    /// Where the kernel describes its input devices, and where it has them.
    sys: PathBuf,
    dev: PathBuf,
    addresses: Mutex<Addresses>,
    deadlines: Deadlines,
    open: OpenDevices,
}

/// Makes managers of gamepads. Those that definitions recognise by HID are left to that bus if it is on.
pub(super) fn factory(library: &LibraryHandle, hid_is_on: bool, deadlines: Deadlines) -> Factory {
    polling_manager::factory(Pads {
        library: Arc::clone(library),
        hid_is_on,
        sys: PathBuf::from(SYS),
        dev: PathBuf::from("/dev/input"),
        addresses: Mutex::default(),
        deadlines,
        open: OpenDevices::default(),
    })
}

impl Enumerator for Pads {
    fn list(&self) -> Result<Vec<Enumerated>, String> {
        let mut pads = sysfs::list(&self.sys)?;
        if self.hid_is_on {
            let taken = hid::named(&self.library.load());
            pads.retain(|pad| !taken.contains(&pad.ids));
        }
        let places: Vec<_> = pads.iter().map(|pad| (pad.event.clone(), pad.base())).collect();
        let addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner).give(&places);
        let listed = pads.into_iter().zip(addresses).map(|(Pad { event, name, ids, .. }, address)| {
            let connector = GamepadConnector {
                address: address.clone(),
                path: self.dev.join(event),
                deadlines: self.deadlines,
                open: self.open.clone(),
            };
            let hardware = Hardware { usb: Some(ids), ..Hardware::new(Bus::Gamepad, name, address) };
            Enumerated { hardware, connector: Some(Arc::new(connector)) }
        });
        Ok(listed.collect())
    }

    fn wanted(&self) -> Vec<String> {
        let library = self.library.load();
        let mut matchers = library.definitions().iter().flat_map(|definition| &definition.matchers);
        let wanted = matchers.any(|matcher| *matcher == Matcher::Gamepad);
        wanted.then(|| "everything that can rumble".to_owned()).into_iter().collect()
    }

    fn open_devices(&self) -> &OpenDevices {
        &self.open
    }
}

/// How to open a pad.
#[derive(Debug)]
struct GamepadConnector {
    address: String,
    path: PathBuf,
    deadlines: Deadlines,
    open: OpenDevices,
}

impl Connector for GamepadConnector {
    fn connect(&self, candidates: Vec<Candidate>) -> Boxed<'static, Result<(usize, Link), LinkError>> {
        let Self { address, path, deadlines, open } = self;
        let (address, path, deadlines, open) = (address.clone(), path.clone(), *deadlines, open.clone());
        Box::pin(async move {
            if candidates.is_empty() {
                return Err(LinkError::Failed("no definition is about gamepads".to_owned()));
            }
            let link = blocking_link::open(address, open, move |address, open| {
                let ends = rumble::open(&path).map_err(LinkError::Failed)?;
                let info = blocking_link::info(Bus::Gamepad, deadlines);
                blocking_link::start(&format!("gamepad {address}"), ends, info, open.mark_open(address))
            });
            Ok((0, link.await?))
        })
    }

    fn refuse(&self, _: &str) {
        // A gamepad has no way to report a refusal.
    }
}

#[cfg(test)]
mod tests {
    use arc_swap::ArcSwap;

    use super::*;
    use crate::library::Library;

    fn pads(hid_is_on: bool) -> (tempfile::TempDir, Pads) {
        let directory = tempfile::tempdir().unwrap();
        sysfs::tests::pad(directory.path(), "event5", "Xbox", "", "usb-1/input0", (0x045e, 0x028e), "107030000 0");
        sysfs::tests::pad(directory.path(), "event7", "Xbox", "", "usb-2/input0", (0x045e, 0x028e), "107030000 0");
        sysfs::tests::pad(directory.path(), "event6", "Joy-Con (L)", "98:b6", "", (0x057e, 0x2006), "107030000 0");
        let pads = Pads {
            library: Arc::new(ArcSwap::from_pointee(Library::load(&[], &crate::driver::names()))),
            hid_is_on,
            sys: directory.path().to_owned(),
            dev: directory.path().join("none"),
            addresses: Mutex::default(),
            deadlines: Deadlines::default(),
            open: OpenDevices::default(),
        };
        (directory, pads)
    }

    #[test]
    fn what_another_bus_drives_is_left_to_it() {
        let found = |hid_is_on| {
            let listed = pads(hid_is_on).1.list().unwrap();
            listed.into_iter().map(|listed| listed.hardware.address).collect::<Vec<_>>()
        };
        assert_eq!(found(false), ["usb-1/input0", "98:b6", "usb-2/input0"]);
        assert_eq!(found(true), ["usb-1/input0", "usb-2/input0"]);
    }

    #[tokio::test]
    async fn a_pad_that_cannot_be_opened_is_named() {
        let library = Library::load(&[], &crate::driver::names());
        let (_directory, pads) = pads(false);
        let Enumerated { hardware, connector } = pads.list().unwrap().remove(0);
        let candidates = library.candidates(&hardware);
        assert_eq!(candidates[0].definition.protocol, "sdl-gamepad");
        let error = connector.unwrap().connect(candidates).await.unwrap_err().to_string();
        assert!(error.contains("event5 cannot be opened"), "{error}");
        assert!(!pads.open_devices().is_open("usb-1/input0"));
    }
}
