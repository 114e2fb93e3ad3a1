//! What a bus tells the rest of the server of itself: the contract that each bus's folder meets, once.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::access::Access;
use super::contract::{BusSpec, Factory};
use super::system::System;
use super::virtual_bus::Port;
use crate::library::{Hardware, Library};
use crate::link::Deadlines;
use crate::settings::Settings;
use crate::types::Finding;

/// What is known about hardware at this moment. It may be replaced while managers run: they ask it each time.
pub type LibraryHandle = Arc<ArcSwap<Library>>;

/// A named check of `hapticd doctor`. It only looks: it changes nothing, opens no hardware and starts nothing.
pub type Check = (&'static str, fn(&System) -> Vec<Finding>);

/// One kind of bus. A bus costs one folder with one of these, and one line in `list`.
pub trait BusKind: fmt::Debug + Sync {
    /// Name in settings, metrics and `/health`.
    fn name(&self) -> &'static str;

    /// Whether the settings switch it on.
    fn is_enabled(&self, settings: &Settings) -> bool;

    /// Makes its managers.
    fn factory(&self, setup: &BusSetup<'_>) -> Factory;

    /// Whether it looks for hardware while a client scans; else hardware comes by itself at any time.
    fn scans(&self) -> bool {
        true
    }

    /// How `hapticd scan` finds what is there.
    fn discovery(&self) -> Discovery {
        Discovery::None
    }

    /// What the system has to grant for the hardware of these definitions; udev rules are made of it.
    fn access(&self, _library: &Library) -> Vec<Access> {
        Vec::new()
    }

    /// What `hapticd doctor` looks at.
    fn checks(&self) -> &'static [Check] {
        &[]
    }

    /// The bus as the hub takes it.
    fn spec(&self, setup: &BusSetup<'_>) -> BusSpec {
        BusSpec { name: self.name(), factory: self.factory(setup), scans: self.scans() }
    }
}

/// What a bus is made from.
#[derive(Debug, Clone, Copy)]
pub struct BusSetup<'a> {
    /// The settings of the server.
    pub settings: &'a Settings,
    /// What is known about hardware.
    pub library: &'a LibraryHandle,
    /// Where programs that play hardware come in.
    pub port: &'a Port,
}

impl BusSetup<'_> {
    /// Limits for the operations of links.
    #[must_use]
    pub fn deadlines(&self) -> Deadlines {
        Deadlines { write: self.settings.links.write_timeout, read: self.settings.links.read_timeout }
    }
}

/// How to find what is on a bus without connecting or opening anything.
#[derive(Debug, Clone, Copy)]
pub enum Discovery {
    /// There is no way.
    None,
    /// A list of everything, wanted or not. Blocking; the error says why there is none.
    List(fn() -> Result<Vec<Hardware>, String>),
    /// The bus's manager scans and reports.
    Manager,
}
