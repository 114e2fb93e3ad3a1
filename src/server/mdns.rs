//! mDNS: tells programs in the local network where the server is, when it is switched on.
//!
//! A server that listens on loopback only is announced on the loopback interface only: whoever found it from elsewhere
//! could not connect. The library has a thread of its own.

use std::net::{IpAddr, SocketAddr};

use mdns_sd::{IfKind, ServiceDaemon, ServiceInfo};
use tracing::{info, warn};

use crate::settings::MdnsSettings;

/// What is announced: the name that clients of the reference server look for (facts: server-behaviours.md section 9.6),
/// and our own.
const TYPES: [&str; 2] = ["_intiface_engine._tcp.local.", "_hapticd._tcp.local."];
/// The host that the announcements name. The library chooses another if the network has it already.
const HOST: &str = "hapticd.local.";

/// Announcements, which end when this is dropped.
pub(super) struct Announced {
    daemon: ServiceDaemon,
}

impl Drop for Announced {
    fn drop(&mut self) {
        // The thread says goodbye to the network before it ends; there is nothing to wait for.
        let _ = self.daemon.shutdown();
    }
}

/// Announces the server that listens at these addresses, if it is wanted. That it fails is no reason not to serve.
pub(super) fn announce(settings: &MdnsSettings, bound: &[SocketAddr]) -> Option<Announced> {
    if !settings.enabled {
        return None;
    }
    if bound.iter().all(|bound| bound.ip().is_loopback()) {
        let only: Vec<_> = bound.iter().map(ToString::to_string).collect();
        warn!(
            "`mdns.enabled` is on, but the server listens on {} only: it is announced to this computer, \
             not to the network, where nobody could connect",
            only.join(", ")
        );
    }
    match begin(settings, bound) {
        Ok(announced) => {
            info!("announced by mDNS as {:?}", settings.name);
            Some(announced)
        }
        Err(error) => {
            warn!("the server cannot be announced by mDNS (`mdns.enabled`): {error}");
            None
        }
    }
}

fn begin(settings: &MdnsSettings, bound: &[SocketAddr]) -> mdns_sd::Result<Announced> {
    let announced = Announced { daemon: ServiceDaemon::new()? };
    // An announcement has one port; addresses with another one are for those who know of them.
    let port = bound.first().map_or(0, SocketAddr::port);
    let listen: Vec<_> = bound.iter().filter(|bound| bound.port() == port).map(SocketAddr::ip).collect();
    let (off, on) = interfaces(&listen);
    announced.daemon.disable_interface(off)?;
    announced.daemon.enable_interface(on)?;
    for kind in TYPES {
        announced.daemon.register(service(kind, &settings.name, &listen, port)?)?;
    }
    Ok(announced)
}

/// Where not to announce, and then where to.
fn interfaces(listen: &[IpAddr]) -> (Vec<IfKind>, Vec<IfKind>) {
    let loopback = vec![IfKind::LoopbackV4, IfKind::LoopbackV6];
    if listen.iter().any(|listen| listen.is_unspecified() && listen.is_ipv6()) {
        return (loopback, vec![]);
    }
    if listen.iter().any(IpAddr::is_unspecified) {
        return ([loopback, vec![IfKind::IPv6]].concat(), vec![]);
    }
    let has = |of: fn(&IpAddr) -> bool| listen.iter().any(|listen| listen.is_loopback() && of(listen));
    let loopback = [(has(IpAddr::is_ipv4), IfKind::LoopbackV4), (has(IpAddr::is_ipv6), IfKind::LoopbackV6)];
    let others: std::collections::BTreeSet<_> = listen.iter().filter(|listen| !listen.is_loopback()).collect();
    let on = loopback.into_iter().filter_map(|(is_on, kind)| is_on.then_some(kind));
    let on = on.chain(others.into_iter().map(|other| IfKind::Addr(*other))).collect();
    (vec![IfKind::All], on)
}

fn service(kind: &str, name: &str, listen: &[IpAddr], port: u16) -> mdns_sd::Result<ServiceInfo> {
    let texts = [("path", "/"), ("version", env!("CARGO_PKG_VERSION"))];
    if listen.iter().any(IpAddr::is_unspecified) {
        return Ok(ServiceInfo::new(kind, name, HOST, "", port, &texts[..])?.enable_addr_auto());
    }
    ServiceInfo::new(kind, name, HOST, listen, port, &texts[..])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where not, and where: the library's kinds cannot be compared, but printed.
    fn selected(listen: &[&str]) -> String {
        let listen: Vec<_> = listen.iter().map(|listen| listen.parse().unwrap()).collect();
        let (off, on) = interfaces(&listen);
        format!("not {off:?} but {on:?}")
    }

    #[test]
    fn loopback_servers_are_announced_on_loopback_only() {
        assert_eq!(selected(&["127.0.0.1"]), "not [All] but [LoopbackV4]");
        assert_eq!(selected(&["::1"]), "not [All] but [LoopbackV6]");
        assert_eq!(selected(&["127.0.0.1", "::1", "127.0.0.2"]), "not [All] but [LoopbackV4, LoopbackV6]");
    }

    #[test]
    fn others_are_announced_where_they_can_be_reached() {
        assert_eq!(selected(&["192.0.2.7"]), "not [All] but [Addr(192.0.2.7)]");
        assert_eq!(selected(&["::"]), "not [LoopbackV4, LoopbackV6] but []");
        assert_eq!(selected(&["0.0.0.0"]), "not [LoopbackV4, LoopbackV6, IPv6] but []");
    }

    #[test]
    fn an_announcement_says_where_and_how() {
        for kind in TYPES {
            let listen = ["127.0.0.1", "::1"].map(|listen| listen.parse().unwrap());
            let service = service(kind, "my toys", &listen, 12345).unwrap();
            assert_eq!(service.get_fullname(), format!("my toys.{kind}"));
            assert_eq!((service.get_port(), service.get_property_val_str("path")), (12345, Some("/")));
            let mut addresses: Vec<_> = service.get_addresses().iter().map(ToString::to_string).collect();
            addresses.sort();
            assert_eq!(addresses, ["127.0.0.1", "::1"]);
        }
    }
}
