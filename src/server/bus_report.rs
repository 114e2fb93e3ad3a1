//! How the buses are, for the welcome: what a bus finds out when it starts is waited for, so that one that does not work
//! is never called "on".

use std::time::Duration;

use tokio::time::Instant;

use crate::hub::HubHandle;
use crate::types::{BusState, BusStatus};

/// Time for the buses to find out whether they work, before people are told. A Bluetooth that hangs takes longer.
const SETTLING: Duration = Duration::from_secs(2);
/// Pause between two looks.
const AGAIN: Duration = Duration::from_millis(20);

/// The buses as `/health` shows them, as soon as none of them is still starting, or after two seconds.
pub(super) async fn settled(hub: &HubHandle) -> Vec<BusStatus> {
    let end = Instant::now() + SETTLING;
    loop {
        let buses = hub.observe().await.map(|status| status.buses).unwrap_or_default();
        if buses.iter().all(|bus| bus.state != BusState::Starting) || Instant::now() >= end {
            return buses;
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Those that are on, and a line for each of the others.
pub(super) fn lines(buses: &[BusStatus]) -> String {
    let on = buses.iter().filter(|bus| bus.state == BusState::Working).map(|bus| bus.bus.as_str());
    let on = Some(on.collect::<Vec<_>>().join(", ")).filter(|on| !on.is_empty());
    let mut lines = format!("  Buses that are on     {}\n", on.as_deref().unwrap_or("none"));
    for BusStatus { bus, state, error, .. } in buses {
        match state {
            BusState::Working => {}
            BusState::NotWorking => {
                let error = error.as_deref().unwrap_or_default();
                lines += &format!("  Not working           {bus}: {error}; it is tried again\n");
            }
            BusState::Starting => {
                lines += &format!("  Still starting        {bus}: the log says if it fails, /health how it is\n");
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_works_is_on() {
        let bus = |bus: &str, state, error: Option<&str>| {
            let (bus, error) = (bus.to_owned(), error.map(str::to_owned));
            BusStatus { bus, state, error, ..BusStatus::default() }
        };
        assert_eq!(lines(&[]), "  Buses that are on     none\n");
        let all = [
            bus("btle", BusState::NotWorking, Some("there is no Bluetooth adapter")),
            bus("serial", BusState::Working, None),
            bus("hid", BusState::Working, None),
            bus("websocket", BusState::Starting, None),
        ];
        assert_eq!(
            lines(&all),
            "  Buses that are on     serial, hid\n  \
               Not working           btle: there is no Bluetooth adapter; it is tried again\n  \
               Still starting        websocket: the log says if it fails, /health how it is\n"
        );
    }
}
