//! HID devices of certain vendors and products: their list, and how to open one.

use std::collections::BTreeSet;
use std::ffi::CString;
use std::sync::{Arc, Mutex, PoisonError};

use super::system::{Hidapi, Info, System};
use crate::driver::Boxed;
use crate::library::{Candidate, Hardware, Library, Matcher, usb_id};
use crate::link::{Deadlines, Link, LinkError};
use crate::manager::{
    blocking_link, bus_kind::LibraryHandle, contract::Connector, contract::Factory, open_devices::OpenDevices,
    polling_manager, polling_manager::Enumerated, polling_manager::Enumerator, stable_address::Addresses,
};
use crate::types::Bus;

/// HID devices of certain vendors and products.
#[derive(Debug)]
pub(super) struct Devices {
    library: LibraryHandle,
    system: Arc<dyn System>,
    addresses: Mutex<Addresses>,
    deadlines: Deadlines,
    open: OpenDevices,
}

/// Makes managers of HID devices for those that a library names.
pub(super) fn factory(library: &LibraryHandle, deadlines: Deadlines) -> Factory {
    polling_manager::factory(Devices::new(Arc::clone(library), Arc::new(Hidapi), deadlines))
}

/// Every HID device, wanted or not. Blocking.
///
/// # Errors
/// Why they cannot be listed.
pub(super) fn all() -> Result<Vec<Hardware>, String> {
    let infos = Hidapi.list().map_err(|why| format!("HID devices cannot be listed: {why}"))?;
    let hardware =
        |info: Info| Hardware { usb: Some(info.ids), ..Hardware::new(Bus::Hid, info.name.clone(), base(&info)) };
    Ok(one_each(infos).into_iter().map(hardware).collect())
}

/// Vendor and product of everything that a library's definitions recognise by HID.
pub(in crate::manager) fn named(library: &Library) -> BTreeSet<(u16, u16)> {
    let matchers = library.definitions().iter().flat_map(|definition| &definition.matchers);
    let ids = matchers.filter_map(|matcher| match matcher {
        Matcher::Hid(ids) => Some(ids),
        _ => None,
    });
    ids.flatten().copied().collect()
}

impl Devices {
    pub(super) fn new(library: LibraryHandle, system: Arc<dyn System>, deadlines: Deadlines) -> Self {
        Self { library, system, addresses: Mutex::default(), deadlines, open: OpenDevices::default() }
    }
}

impl Enumerator for Devices {
    fn list(&self) -> Result<Vec<Enumerated>, String> {
        let mut infos = self.system.list().map_err(|why| format!("HID devices cannot be listed: {why}"))?;
        let wanted = named(&self.library.load());
        infos.retain(|info| wanted.contains(&info.ids));
        let infos = one_each(infos);
        let places: Vec<_> = infos.iter().map(|info| (info.path.to_string_lossy().into_owned(), base(info))).collect();
        let addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner).give(&places);
        let listed = infos.into_iter().zip(addresses).map(|(info, address)| {
            let hardware = Hardware { usb: Some(info.ids), ..Hardware::new(Bus::Hid, info.name, address.clone()) };
            let (system, deadlines, open) = (Arc::clone(&self.system), self.deadlines, self.open.clone());
            let connector = HidConnector { address, path: info.path, ids: info.ids, system, deadlines, open };
            Enumerated { hardware, connector: Some(Arc::new(connector)) }
        });
        Ok(listed.collect())
    }

    fn wanted(&self) -> Vec<String> {
        named(&self.library.load()).into_iter().map(usb_id).collect()
    }

    fn open_devices(&self) -> &OpenDevices {
        &self.open
    }
}

/// What a device is called before numbers are given.
fn base(info: &Info) -> String {
    if info.serial.is_empty() { usb_id(info.ids) } else { info.serial.clone() }
}

/// Of the interfaces of one device only the first; each once, though it may be listed for each of its usages.
fn one_each(mut infos: Vec<Info>) -> Vec<Info> {
    infos.sort_by(|one, other| (one.interface, &one.path).cmp(&(other.interface, &other.path)));
    let mut kept: Vec<Info> = Vec::new();
    for info in infos {
        let alike =
            |known: &Info| known.path == info.path || (base(known) == base(&info) && known.interface != info.interface);
        if !kept.iter().any(alike) {
            kept.push(info);
        }
    }
    kept
}

/// How to open a device.
#[derive(Debug)]
struct HidConnector {
    address: String,
    path: CString,
    ids: (u16, u16),
    system: Arc<dyn System>,
    deadlines: Deadlines,
    open: OpenDevices,
}

impl Connector for HidConnector {
    fn connect(&self, candidates: Vec<Candidate>) -> Boxed<'static, Result<(usize, Link), LinkError>> {
        let Self { address, path, ids, system, deadlines, open } = self;
        let (address, path, ids, system) = (address.clone(), path.clone(), *ids, Arc::clone(system));
        let (deadlines, open) = (*deadlines, open.clone());
        Box::pin(async move {
            // A definition that fits by its number fits whatever the hardware says.
            if candidates.is_empty() {
                return Err(LinkError::Failed("no definition knows this device".to_owned()));
            }
            let link = blocking_link::open(address, open, move |address, open| {
                let ends = system.open(&path, ids).map_err(LinkError::Failed)?;
                let info = blocking_link::info(Bus::Hid, deadlines);
                blocking_link::start(&format!("HID device {address}"), ends, info, open.mark_open(address))
            });
            Ok((0, link.await?))
        })
    }

    fn refuse(&self, _: &str) {
        // HID has no way to report a refusal.
    }
}
