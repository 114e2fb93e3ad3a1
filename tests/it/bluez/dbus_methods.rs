//! What a client may ask, and the answers.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use zbus::message::Type;

use zbus::zvariant::DynamicType;
use zbus::{Connection, Guid, Message, MessageStream, OwnedVariant};

use super::object_tree::{Kind, Shared, Signal, Written, properties};

/// BlueZ takes this long to disconnect (seen in the lab).
const DISCONNECTS_IN: Duration = Duration::from_secs(2);
/// A request and its acknowledgement.
const ROUND_TRIP: Duration = Duration::from_millis(30);
/// How long BlueZ waits before it gives up on hardware that does not answer; shorter than the real one's.
const GIVES_UP_IN: Duration = Duration::from_millis(500);

/// An error as D-Bus has them: name and text.
type Refusal = (&'static str, &'static str);

const FAILED: &str = "org.bluez.Error.Failed";
const IN_PROGRESS: Refusal = ("org.bluez.Error.InProgress", "In Progress");
const NOT_CONNECTED: Refusal = (FAILED, "Not connected");
const NO_OBJECT: Refusal = ("org.freedesktop.DBus.Error.UnknownObject", "there is no such object");

/// Serves one client until it goes.
pub async fn serve(stream: UnixStream, shared: Arc<Shared>) {
    let builder = zbus::connection::Builder::unix_stream(stream).server(Guid::generate()).p2p();
    let connection = builder.build().await.unwrap();
    shared.connections.lock().unwrap().push(connection.clone());
    let mut messages = MessageStream::from(&connection);
    while let Some(Ok(message)) = messages.next().await {
        if message.message_type() == Type::MethodCall {
            // Each by itself: one that hangs holds up no other.
            tokio::spawn(Call { connection: connection.clone(), shared: Arc::clone(&shared), message }.answer());
        }
    }
}

struct Call {
    connection: Connection,
    shared: Arc<Shared>,
    message: Message,
}

impl Call {
    async fn reply<B: serde::Serialize + DynamicType>(&self, body: &B) {
        let _ = self.connection.reply(&self.message.header(), body).await;
    }

    async fn done(&self, outcome: Result<(), Refusal>) {
        match outcome {
            Ok(()) => self.reply(&()).await,
            Err((name, text)) => {
                let _ = self.connection.reply_error(&self.message.header(), name, &text).await;
            }
        }
    }

    async fn answer(self) {
        let header = self.message.header();
        let part = |part: Option<String>| part.unwrap_or_default();
        let interface = part(header.interface().map(ToString::to_string));
        let member = part(header.member().map(ToString::to_string));
        let path = part(header.path().map(ToString::to_string));
        if interface == "org.freedesktop.DBus" {
            return match member.as_str() {
                "Hello" => self.reply(&":1.1").await,
                "GetNameOwner" => self.reply(&":1.2").await,
                "NameHasOwner" => {
                    let running = self.shared.lock().running;
                    self.reply(&running).await;
                }
                "ListActivatableNames" => self.reply(&Vec::<String>::new()).await,
                _ => self.reply(&()).await,
            };
        }
        let (running, denied) = {
            let world = self.shared.lock();
            (world.running, world.denied)
        };
        if denied {
            let denied = ("org.freedesktop.DBus.Error.AccessDenied", "Rejected send message");
            return self.done(Err(denied)).await;
        }
        if !running {
            let gone = ("org.freedesktop.DBus.Error.ServiceUnknown", "The name org.bluez was not provided");
            return self.done(Err(gone)).await;
        }
        match (interface.as_str(), member.as_str()) {
            ("org.freedesktop.DBus.ObjectManager", "GetManagedObjects") => {
                let objects = self.shared.lock().objects();
                self.reply(&objects).await;
            }
            ("org.freedesktop.DBus.Introspectable", "Introspect") => {
                let text = self.introspect(&path);
                self.reply(&text).await;
            }
            ("org.freedesktop.DBus.Properties", "GetAll") => {
                let of: String = self.message.body().deserialize().unwrap();
                let found = self.shared.lock().objects().remove(&super::object_tree::path(&path));
                match found.and_then(|mut interfaces| interfaces.remove(&of)) {
                    Some(all) => self.reply(&all).await,
                    None => self.done(Err(NO_OBJECT)).await,
                }
            }
            ("org.freedesktop.DBus.Properties", "Get") => {
                let (of, name): (String, String) = self.message.body().deserialize().unwrap();
                let found = self.shared.lock().objects().remove(&super::object_tree::path(&path));
                match found.and_then(|mut interfaces| interfaces.remove(&of)?.remove(&name)) {
                    Some(value) => self.reply(&value).await,
                    None => self.done(Err(NO_OBJECT)).await,
                }
            }
            _ => {
                self.shared.lock().log.push(format!("{path} {member}"));
                self.act(&path, &member).await;
            }
        }
    }

    fn introspect(&self, path: &str) -> String {
        let mut text = String::from("<node>");
        for child in self.shared.lock().objects().keys() {
            let name = child.as_str().strip_prefix(path).and_then(|rest| rest.strip_prefix('/'));
            if let Some(name) = name.filter(|name| !name.contains('/')) {
                write!(text, "<node name=\"{name}\"/>").unwrap();
            }
        }
        text + "</node>"
    }

    async fn act(&self, path: &str, member: &str) {
        let outcome = match member {
            // The library sets `Powered` before every scan.
            "Set" => Ok(()),
            "SetDiscoveryFilter" => {
                let mut filter: HashMap<String, OwnedVariant> = self.message.body().deserialize().unwrap();
                let services = filter.remove("UUIDs").map(|uuids| Vec::<String>::try_from(uuids).unwrap());
                self.shared.lock().filter = services.unwrap_or_default();
                Ok(())
            }
            "StartDiscovery" => self.discover(true),
            "StopDiscovery" => self.discover(false),
            "Connect" => self.connect(path).await,
            "Disconnect" => {
                tokio::time::sleep(DISCONNECTS_IN).await;
                self.set_connected(path, false).await
            }
            "WriteValue" => self.write(path).await,
            "ReadValue" => {
                let value = self.shared.lock().characteristic_at(path).map(|found| found.value.clone());
                return match value {
                    Some(value) => self.reply(&value).await,
                    None => self.done(Err(NOT_CONNECTED)).await,
                };
            }
            "StartNotify" | "StopNotify" => match self.shared.lock().characteristic_at(path) {
                Some(found) => {
                    found.notifying = member == "StartNotify";
                    Ok(())
                }
                None => Err(NOT_CONNECTED),
            },
            _ => Err(("org.freedesktop.DBus.Error.UnknownMethod", "no such method")),
        };
        self.done(outcome).await;
    }

    fn discover(&self, wanted: bool) -> Result<(), Refusal> {
        let mut world = self.shared.lock();
        if !world.powered {
            return Err(("org.bluez.Error.NotReady", "Resource Not Ready"));
        }
        if world.discovering == wanted {
            return Err(if wanted { IN_PROGRESS } else { (FAILED, "No discovery started") });
        }
        world.discovering = wanted;
        for device in world.devices.values_mut() {
            device.heard = false;
        }
        Ok(())
    }

    async fn connect(&self, path: &str) -> Result<(), Refusal> {
        let (ready, hangs) = {
            let mut world = self.shared.lock();
            let device = world.device_at(path).ok_or(NO_OBJECT)?;
            if device.connected {
                return Ok(());
            }
            device.attempts += 1;
            let fails = device.failures > 0;
            device.failures = device.failures.saturating_sub(1);
            (device.in_reach && !fails, device.hangs)
        };
        if hangs {
            std::future::pending::<()>().await;
        }
        if !ready {
            tokio::time::sleep(GIVES_UP_IN).await;
            return Err((FAILED, "le-connection-abort-by-local"));
        }
        self.set_connected(path, true).await
    }

    async fn set_connected(&self, path: &str, connected: bool) -> Result<(), Refusal> {
        let signal = {
            let mut world = self.shared.lock();
            let device = world.device_at(path).ok_or(NO_OBJECT)?;
            (device.connected, device.resolved, device.resolving) = (connected, connected, 0);
            device.changed(&["Connected", "ServicesResolved"])
        };
        self.shared.emit(vec![signal]).await;
        Ok(())
    }

    async fn write(&self, path: &str) -> Result<(), Refusal> {
        let (value, options): (Vec<u8>, HashMap<String, OwnedVariant>) = self.message.body().deserialize().unwrap();
        let kind = options.get("type").and_then(|kind| String::try_from(kind.try_clone().unwrap()).ok());
        let kind = if kind.as_deref() == Some("request") { Kind::Request } else { Kind::Command };
        let uuid = {
            let mut world = self.shared.lock();
            let found = world.characteristic_at(path).ok_or(NOT_CONNECTED)?;
            if kind == Kind::Request && std::mem::replace(&mut found.busy, true) {
                return Err(IN_PROGRESS);
            }
            found.uuid.clone()
        };
        if kind == Kind::Request {
            tokio::time::sleep(ROUND_TRIP).await;
        }
        let signal = {
            let mut world = self.shared.lock();
            if let Some(found) = world.characteristic_at(path) {
                found.busy = false;
            }
            let device = world.device_at(path).filter(|device| device.connected).ok_or(NOT_CONNECTED)?;
            device.writes.push(Written { characteristic: uuid, kind, value: value.clone() });
            notification(device, &value)
        };
        self.shared.emit(signal.into_iter().collect()).await;
        Ok(())
    }
}

/// What the device says to that.
fn notification(device: &mut super::Device, value: &[u8]) -> Option<Signal> {
    let (uuid, answer) = (device.brain)(value)?;
    let place = device.path();
    for (s, (_, characteristics)) in device.services.iter_mut().enumerate() {
        for (c, characteristic) in characteristics.iter_mut().enumerate() {
            if characteristic.uuid == uuid && characteristic.notifying {
                characteristic.value.clone_from(&answer);
                let path = format!("{place}/service{s:04x}/char{c:04x}");
                let value = properties([("Value", answer.into())]);
                return Some(Signal::Changed(path, "org.bluez.GattCharacteristic1".to_owned(), value));
            }
        }
    }
    None
}
