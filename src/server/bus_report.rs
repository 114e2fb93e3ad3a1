//! How the buses are, for the welcome: what a bus finds out when it starts is waited for, so that one that does not work
//! is never called "on".

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::hub::HubHandle;

/// Time for the buses to find out whether they work, before people are told. A Bluetooth that hangs takes longer.
const SETTLING: Duration = Duration::from_secs(2);
/// Pause between two looks.
const AGAIN: Duration = Duration::from_millis(20);

/// The buses as `/health` shows them, as soon as none of them is still starting, or after two seconds.
pub(super) async fn settled(hub: &HubHandle) -> Vec<Value> {
    let end = Instant::now() + SETTLING;
    loop {
        let observed = hub.observe().await;
        let buses = observed.get("buses").and_then(Value::as_array).cloned().unwrap_or_default();
        if buses.iter().all(|bus| text(bus, "state") != "starting") || Instant::now() >= end {
            return buses;
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Those that are on, and a line for each of the others.
pub(super) fn lines(buses: &[Value]) -> String {
    let on: Vec<_> = buses.iter().filter(|bus| text(bus, "state") == "working").map(|bus| text(bus, "bus")).collect();
    let mut lines =
        format!("  Buses that are on     {}\n", if on.is_empty() { "none".to_owned() } else { on.join(", ") });
    for bus in buses {
        let name = text(bus, "bus");
        match text(bus, "state") {
            "working" => {}
            "not working" => {
                let error = text(bus, "error");
                lines += &format!("  Not working           {name}: {error}; it is tried again\n");
            }
            _ => lines += &format!("  Still starting        {name}: the log says if it fails, /health how it is\n"),
        }
    }
    lines
}

fn text<'a>(bus: &'a Value, key: &str) -> &'a str {
    bus.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_works_is_on() {
        let bus = |bus: &str, state: &str, error: Value| json!({"bus": bus, "state": state, "error": error});
        assert_eq!(lines(&[]), "  Buses that are on     none\n");
        let all = [
            bus("btle", "not working", "there is no Bluetooth adapter".into()),
            bus("serial", "working", Value::Null),
            bus("hid", "working", Value::Null),
            bus("websocket", "starting", Value::Null),
        ];
        assert_eq!(
            lines(&all),
            "  Buses that are on     serial, hid\n  \
               Not working           btle: there is no Bluetooth adapter; it is tried again\n  \
               Still starting        websocket: the log says if it fails, /health how it is\n"
        );
    }
}
