//! What BlueZ knows, and what the hardware around it does.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Mutex;

use zbus::{Connection, ObjectPath, OwnedObjectPath, OwnedVariant, Variant};

pub const ADAPTER: &str = "/org/bluez/hci0";

pub type Properties = HashMap<String, OwnedVariant>;
pub type Interfaces = HashMap<String, Properties>;

/// The world and those who look at it.
pub struct Shared {
    pub world: Mutex<World>,
    pub connections: Mutex<Vec<Connection>>,
}

/// What clients are told without asking.
pub enum Signal {
    Added(OwnedObjectPath, Interfaces),
    Changed(String, String, Properties),
}

/// How a value was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Request,
    Command,
}

/// A value that reached the hardware.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub characteristic: String,
    pub kind: Kind,
    pub value: Vec<u8>,
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.kind == Kind::Request { "request" } else { "command" };
        write!(f, "{} {kind}", self.characteristic)?;
        self.value.iter().try_for_each(|byte| write!(f, " {byte:02X}"))
    }
}

#[derive(Debug, Clone)]
pub struct Characteristic {
    /// Four digits or the whole UUID.
    pub uuid: String,
    pub flags: &'static [&'static str],
    pub value: Vec<u8>,
    pub notifying: bool,
    /// A request is under way.
    pub busy: bool,
}

/// A characteristic for [`Device::services`].
pub fn characteristic(uuid: &str, flags: &'static [&'static str], value: &[u8]) -> Characteristic {
    Characteristic { uuid: uuid.to_owned(), flags, value: value.to_vec(), notifying: false, busy: false }
}

/// What a device answers to a write: characteristic and value.
pub type Brain = fn(&[u8]) -> Option<(&'static str, Vec<u8>)>;

/// One piece of hardware.
pub struct Device {
    pub address: String,
    /// Without one BlueZ offers the address as the alias.
    pub name: Option<String>,
    pub advertised: Vec<String>,
    pub services: Vec<(String, Vec<Characteristic>)>,
    pub brain: Brain,
    /// It can be heard and connected.
    pub in_reach: bool,
    /// BlueZ has an object for it.
    pub known: bool,
    pub connected: bool,
    pub resolved: bool,
    /// Moments until BlueZ knows its services.
    pub resolving: u32,
    /// BlueZ heard it during this discovery.
    pub heard: bool,
    pub dropping: bool,
    /// Connecting hangs for ever.
    pub hangs: bool,
    /// Attempts to connect that fail before one succeeds.
    pub failures: u32,
    pub attempts: u32,
    pub writes: Vec<Written>,
}

impl Device {
    pub fn new(address: &str, name: &str, services: Vec<(&str, Vec<Characteristic>)>) -> Self {
        Self {
            address: address.to_owned(),
            name: (!name.is_empty()).then(|| name.to_owned()),
            advertised: Vec::new(),
            services: services.into_iter().map(|(uuid, characteristics)| (uuid.to_owned(), characteristics)).collect(),
            brain: |_| None,
            in_reach: true,
            known: false,
            connected: false,
            resolved: false,
            resolving: 0,
            heard: false,
            dropping: false,
            hangs: false,
            failures: 0,
            attempts: 0,
            writes: Vec::new(),
        }
    }

    pub fn path(&self) -> String {
        format!("{ADAPTER}/dev_{}", self.address.replace(':', "_"))
    }

    fn properties(&self) -> Properties {
        let alias = self.name.clone().unwrap_or_else(|| self.address.replace(':', "-"));
        let mut all = properties([
            ("Address", Variant::from(self.address.clone())),
            ("AddressType", "random".into()),
            ("Alias", alias.into()),
            ("Paired", false.into()),
            ("Trusted", false.into()),
            ("Blocked", false.into()),
            ("LegacyPairing", false.into()),
            ("Connected", self.connected.into()),
            ("ServicesResolved", self.resolved.into()),
            ("UUIDs", self.advertised.iter().map(|uuid| long(uuid)).collect::<Vec<_>>().into()),
            ("Adapter", Variant::from(ObjectPath::try_from(ADAPTER).unwrap())),
        ]);
        if let Some(name) = &self.name {
            all.extend(properties([("Name", name.clone().into())]));
        }
        if self.heard {
            all.extend(properties([("RSSI", Variant::from(-50_i16))]));
        }
        all
    }

    pub fn changed(&self, names: &[&str]) -> Signal {
        let all = self.properties().into_iter().filter(|(name, _)| names.contains(&name.as_str()));
        Signal::Changed(self.path(), "org.bluez.Device1".to_owned(), all.collect())
    }
}

/// Everything.
pub struct World {
    pub running: bool,
    pub powered: bool,
    /// There is an adapter.
    pub adapter: bool,
    /// The bus lets nobody speak to BlueZ.
    pub denied: bool,
    pub discovering: bool,
    /// Services of which hardware must advertise one to be heard; none is all hardware.
    pub filter: Vec<String>,
    /// Discovery is on and yields nothing, as drivers do after a suspend.
    pub deaf: bool,
    pub devices: BTreeMap<String, Device>,
    /// What was asked, without the endless reading of properties.
    pub log: Vec<String>,
}

impl Default for World {
    fn default() -> Self {
        let (running, powered, adapter) = (true, true, true);
        let (denied, discovering, deaf) = (false, false, false);
        let (devices, filter, log) = (BTreeMap::new(), Vec::new(), Vec::new());
        Self { running, powered, adapter, denied, discovering, filter, deaf, devices, log }
    }
}

impl World {
    /// The daemon dies, and with it what it knew.
    pub fn forget(&mut self) {
        (self.running, self.discovering) = (false, false);
        for device in self.devices.values_mut() {
            (device.known, device.connected, device.resolved, device.heard) = (false, false, false, false);
        }
    }

    /// A moment passes.
    pub fn pass(&mut self) -> Vec<Signal> {
        let mut signals = Vec::new();
        if !self.running {
            return signals;
        }
        let listening = self.discovering && !self.deaf;
        for device in self.devices.values_mut() {
            if device.connected && (std::mem::take(&mut device.dropping) || !device.in_reach) {
                (device.connected, device.resolved) = (false, false);
                signals.push(device.changed(&["Connected", "ServicesResolved"]));
            }
            if device.connected && device.resolving > 0 {
                device.resolving -= 1;
                device.resolved = device.resolving == 0;
                signals.push(device.changed(&["ServicesResolved"]));
            }
            let passes =
                self.filter.is_empty() || device.advertised.iter().any(|service| self.filter.contains(&long(service)));
            if listening && passes && device.in_reach && !device.connected {
                device.heard = true;
                if std::mem::replace(&mut device.known, true) {
                    signals.push(device.changed(&["RSSI"]));
                } else {
                    let interfaces = Interfaces::from([("org.bluez.Device1".to_owned(), device.properties())]);
                    signals.push(Signal::Added(path(&device.path()), interfaces));
                }
            }
        }
        signals
    }

    pub fn adapter(&self) -> Properties {
        properties([
            ("Address", Variant::from("C0:11:EC:7A:B0:01")),
            ("AddressType", "public".into()),
            ("Name", "fake".into()),
            ("Alias", "fake".into()),
            ("Modalias", "usb:v1D6Bp0246d0542".into()),
            ("Powered", self.powered.into()),
            ("Discovering", self.discovering.into()),
            ("Discoverable", false.into()),
            ("Pairable", false.into()),
            ("UUIDs", Vec::<String>::new().into()),
        ])
    }

    /// Every object with its interfaces.
    pub fn objects(&self) -> HashMap<OwnedObjectPath, Interfaces> {
        let mut objects = HashMap::new();
        if !self.adapter {
            return objects;
        }
        objects.insert(path(ADAPTER), Interfaces::from([("org.bluez.Adapter1".to_owned(), self.adapter())]));
        for device in self.devices.values().filter(|device| device.known) {
            let own = Interfaces::from([("org.bluez.Device1".to_owned(), device.properties())]);
            objects.insert(path(&device.path()), own);
            if !device.resolved {
                continue;
            }
            for (s, (uuid, characteristics)) in device.services.iter().enumerate() {
                let service = format!("{}/service{s:04x}", device.path());
                let of_device = ObjectPath::try_from(device.path()).unwrap();
                let own = properties([
                    ("UUID", Variant::from(long(uuid))),
                    ("Primary", true.into()),
                    ("Device", Variant::from(of_device)),
                ]);
                objects.insert(path(&service), Interfaces::from([("org.bluez.GattService1".to_owned(), own)]));
                for (c, characteristic) in characteristics.iter().enumerate() {
                    let flags: Vec<String> = characteristic.flags.iter().map(ToString::to_string).collect();
                    let own = properties([
                        ("UUID", Variant::from(long(&characteristic.uuid))),
                        ("Flags", flags.into()),
                        ("Value", characteristic.value.clone().into()),
                        ("Notifying", characteristic.notifying.into()),
                        ("MTU", Variant::from(517_u16)),
                        ("Service", Variant::from(ObjectPath::try_from(service.clone()).unwrap())),
                    ]);
                    let interfaces = Interfaces::from([("org.bluez.GattCharacteristic1".to_owned(), own)]);
                    objects.insert(path(&format!("{service}/char{c:04x}")), interfaces);
                }
            }
        }
        objects
    }

    /// The device whose object, or part of whose object, this is.
    pub fn device_at(&mut self, object: &str) -> Option<&mut Device> {
        self.devices.values_mut().find(|device| device.known && object.starts_with(&device.path()))
    }

    /// The characteristic with this object.
    pub fn characteristic_at(&mut self, object: &str) -> Option<&mut Characteristic> {
        let device = self.device_at(object)?;
        let rest = object.strip_prefix(&device.path())?;
        let (service, characteristic) = rest.strip_prefix("/service")?.split_once("/char")?;
        let number = |text| usize::from_str_radix(text, 16).ok();
        device.services.get_mut(number(service)?)?.1.get_mut(number(characteristic)?)
    }
}

pub fn path(path: &str) -> OwnedObjectPath {
    ObjectPath::try_from(path.to_owned()).unwrap().into()
}

pub fn properties<const N: usize>(all: [(&str, Variant<'_>); N]) -> Properties {
    all.into_iter().map(|(name, value)| (name.to_owned(), value.try_to_owned().unwrap())).collect()
}

/// The UUID that four digits stand for.
pub fn long(uuid: &str) -> String {
    if uuid.len() == 4 { format!("0000{uuid}-0000-1000-8000-00805f9b34fb") } else { uuid.to_owned() }
}
