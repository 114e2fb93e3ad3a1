//! A small BlueZ of our own: the daemon's D-Bus interface as btleplug uses it, with the real one's rules as the lab
//! showed them, and Bluetooth hardware that tests script.
//!
//! There is no bus daemon: the server's D-Bus connection ends here, in a thread of its own, and what it asks the bus is
//! answered as well (`calls`). So `cargo test` needs nothing installed. `world` is what BlueZ knows and what the
//! hardware does.

mod dbus_methods;
mod object_tree;

use std::os::unix::net::UnixListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use zbus::Connection;

use self::object_tree::Shared;
pub use self::object_tree::{Device, World, characteristic};
use crate::support::PATIENCE;

/// The daemon and the hardware around it.
pub struct Bluez {
    world: Arc<Shared>,
    directory: tempfile::TempDir,
}

impl Bluez {
    /// A daemon with one adapter that is switched on, and nothing around.
    pub fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(directory.path().join("bus")).unwrap();
        let world = Arc::new(Shared { world: Mutex::new(World::default()), connections: Mutex::new(Vec::new()) });
        let shared = Arc::clone(&world);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            listener.set_nonblocking(true).unwrap();
            runtime.block_on(async {
                tokio::spawn(advertise(Arc::clone(&shared)));
                let listener = tokio::net::UnixListener::from_std(listener).unwrap();
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(dbus_methods::serve(stream.into_std().unwrap(), Arc::clone(&shared)));
                }
            });
        });
        Self { world, directory }
    }

    /// The variable that leads a program's system bus here.
    pub fn environment(&self) -> (&'static str, String) {
        ("DBUS_SYSTEM_BUS_ADDRESS", format!("unix:path={}", self.directory.path().join("bus").display()))
    }

    /// Hardware comes into reach.
    pub fn add(&self, device: Device) {
        self.world.lock().devices.insert(device.address.clone(), device);
    }

    /// Changes what is there.
    pub fn with<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        change(&mut self.world.lock())
    }

    /// Changes one device.
    pub fn device<T>(&self, address: &str, change: impl FnOnce(&mut Device) -> T) -> T {
        change(self.world.lock().devices.get_mut(address).unwrap())
    }

    /// Everything that was written to a device, as text: `fff1 request 01 02`.
    pub fn writes(&self, address: &str) -> Vec<String> {
        self.device(address, |device| device.writes.iter().map(ToString::to_string).collect())
    }

    /// Waits until something has been written to the device.
    pub async fn written(&self, address: &str, write: &str) {
        self.until(&format!("{write:?} is written"), || self.writes(address).iter().any(|one| one == write)).await;
    }

    /// Waits until something is true.
    pub async fn until(&self, what: &str, is: impl Fn() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is() {
            let log = self.with(|world| world.log.clone());
            assert!(Instant::now() < end, "{what}: it never came; BlueZ was asked\n{}", log.join("\n"));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The hardware drops the connection.
    pub fn drop_link(&self, address: &str) {
        self.device(address, |device| device.dropping = true);
    }

    /// The daemon dies: its objects and names are gone, its clients hear nothing.
    pub fn kill(&self) {
        self.with(World::forget);
    }

    /// The daemon is started again.
    pub fn revive(&self) {
        self.with(|world| world.running = true);
    }
}

/// Time between two advertisements of one device.
const ADVERTISED_EVERY: Duration = Duration::from_millis(50);

/// What happens by itself: advertisements are heard while discovery is on, hardware drops its connection.
async fn advertise(shared: Arc<Shared>) {
    loop {
        tokio::time::sleep(ADVERTISED_EVERY).await;
        let signals = shared.lock().pass();
        shared.emit(signals).await;
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    fn connections(&self) -> Vec<Connection> {
        self.connections.lock().unwrap().clone()
    }

    async fn emit(&self, signals: Vec<object_tree::Signal>) {
        for signal in signals {
            for connection in self.connections() {
                // A client that has gone hears nothing.
                let _ = match &signal {
                    object_tree::Signal::Added(path, interfaces) => {
                        let manager = "org.freedesktop.DBus.ObjectManager";
                        connection.emit_signal(None::<&str>, "/", manager, "InterfacesAdded", &(path, interfaces)).await
                    }
                    object_tree::Signal::Changed(path, interface, properties) => {
                        let body = (interface, properties, Vec::<String>::new());
                        let of = "org.freedesktop.DBus.Properties";
                        connection.emit_signal(None::<&str>, path.as_str(), of, "PropertiesChanged", &body).await
                    }
                };
            }
        }
    }
}
