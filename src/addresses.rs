//! Several addresses that one port is listened on at, taken all together.

use std::io::{Error, ErrorKind};
use std::net::SocketAddr;

/// How often a free port is looked for that is free on every address.
const ATTEMPTS: usize = 20;

/// Whether an address cannot be listened on because this computer does not have it.
#[must_use]
pub fn is_missing(error: &Error) -> bool {
    // "Address family not supported": the standard library has no name for it.
    const NO_FAMILY: [i32; 1] = [if cfg!(windows) {
        10_047
    } else if cfg!(target_os = "linux") {
        97
    } else {
        47
    }];
    error.kind() == ErrorKind::AddrNotAvailable || error.raw_os_error().is_some_and(|code| NO_FAMILY.contains(&code))
}

/// The addresses that this computer does not have, and what it said.
pub type Missing = Vec<(SocketAddr, Error)>;

/// Listens on all of these addresses, and says which of them are missing. Those with port 0 get one port, if there is one
/// that is free on all of them. Nothing is taken where every address is missing.
///
/// # Errors
/// The first address that cannot be had for another reason, such as another program that uses it.
pub fn take_all<L>(
    addresses: &[SocketAddr],
    mut bind: impl FnMut(SocketAddr) -> std::io::Result<L>,
    port_of: impl Fn(&L) -> u16,
) -> Result<(Vec<L>, Missing), (SocketAddr, Error)> {
    let mut attempt = 0;
    'attempts: loop {
        attempt += 1;
        let (mut taken, mut missing) = (Vec::new(), Vec::new());
        let mut common = 0;
        for address in addresses {
            let port = if address.port() == 0 && attempt < ATTEMPTS { common } else { address.port() };
            match bind(SocketAddr::new(address.ip(), port)) {
                Ok(listener) => {
                    if address.port() == 0 {
                        common = port_of(&listener);
                    }
                    taken.push(listener);
                }
                Err(error) if is_missing(&error) => missing.push((*address, error)),
                Err(error) if error.kind() == ErrorKind::AddrInUse && port != address.port() => continue 'attempts,
                Err(error) => return Err((*address, error)),
            }
        }
        return Ok((taken, missing));
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn addresses(addresses: &[&str]) -> Vec<SocketAddr> {
        addresses.iter().map(|address| address.parse().unwrap()).collect()
    }

    fn missing() -> Error {
        ErrorKind::AddrNotAvailable.into()
    }

    /// Listens without a system: what is bound is the address.
    fn take(
        listen: &[&str],
        bind: impl FnMut(SocketAddr) -> std::io::Result<SocketAddr>,
    ) -> Result<(Vec<String>, usize), String> {
        let taken = take_all(&addresses(listen), bind, SocketAddr::port);
        let taken = taken.map_err(|(at, error)| format!("{at}: {:?}", error.kind()))?;
        Ok((taken.0.iter().map(ToString::to_string).collect(), taken.1.len()))
    }

    #[test]
    fn one_family_will_do_and_a_port_in_use_will_not() {
        const BOTH: [&str; 2] = ["127.0.0.1:1", "[::1]:1"];
        let both = Ok((vec!["127.0.0.1:1".to_owned(), "[::1]:1".to_owned()], 0));
        assert_eq!(take(&BOTH, Ok), both);
        let only = |kept: &str| Ok((vec![kept.to_owned()], 1));
        assert_eq!(take(&BOTH, |at| if at.is_ipv6() { Err(missing()) } else { Ok(at) }), only("127.0.0.1:1"));
        assert_eq!(take(&BOTH, |at| if at.is_ipv4() { Err(missing()) } else { Ok(at) }), only("[::1]:1"));
        assert_eq!(take(&BOTH, |_| Err(missing())), Ok((vec![], 2)));
        let used = |at: SocketAddr| if at.is_ipv6() { Err(ErrorKind::AddrInUse.into()) } else { Ok(at) };
        assert_eq!(take(&BOTH, used), Err("[::1]:1: AddrInUse".to_owned()));
        #[cfg(target_os = "linux")]
        assert!(is_missing(&Error::from_raw_os_error(97)), "a kernel without IPv6 says so");
        assert!(!is_missing(&ErrorKind::AddrInUse.into()));
    }

    #[test]
    fn any_free_port_is_the_same_for_all_addresses_where_it_can_be() {
        const ANY: [&str; 2] = ["127.0.0.1:0", "[::1]:0"];
        // Ports 1 to `used` are free for IPv4 only.
        let system = |used: u16| {
            let mut next = 0;
            move |at: SocketAddr| match (at.is_ipv4(), at.port()) {
                (true, _) => {
                    next += 1;
                    Ok(SocketAddr::new(at.ip(), next))
                }
                (false, 0) => Ok(SocketAddr::new(at.ip(), 999)),
                (false, port) if port <= used => Err(ErrorKind::AddrInUse.into()),
                (false, _) => Ok(at),
            }
        };
        let ports = |first: u16, second: u16| Ok((vec![format!("127.0.0.1:{first}"), format!("[::1]:{second}")], 0));
        assert_eq!(take(&ANY, system(0)), ports(1, 1));
        assert_eq!(take(&ANY, system(3)), ports(4, 4));
        assert_eq!(take(&ANY, system(500)), ports(20, 999));
        let real = take_all(&addresses(&["127.0.0.1:0", "127.0.0.2:0"]), TcpListener::bind, |listener| {
            listener.local_addr().unwrap().port()
        });
        #[cfg(target_os = "linux")]
        {
            let ports: Vec<_> = real.unwrap().0.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
            assert!(ports.len() == 2 && ports[0] == ports[1] && ports[0] != 0, "{ports:?}");
        }
        #[cfg(not(target_os = "linux"))]
        drop(real);
    }
}
