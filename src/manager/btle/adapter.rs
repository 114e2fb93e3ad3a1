//! Choosing the radio.

use btleplug::api::{Central as _, Manager as _};
use btleplug::platform::{Adapter, Manager};

use super::error::explain;

/// The adapter that the setting names, or the first. Gives its name, too.
pub(super) async fn choose(manager: &Manager, wanted: &str) -> Result<(Adapter, String), String> {
    let adapters = manager.adapters().await.map_err(|error| explain(&error))?;
    let mut names = Vec::new();
    for adapter in adapters {
        let info = adapter.adapter_info().await.map_err(|error| explain(&error))?;
        let address = adapter.adapter_address().await.ok().flatten().map(|address| address.to_string());
        if wanted.is_empty() || is(wanted, &info, address.as_deref()) {
            let name = info.split(' ').next().unwrap_or(&info).to_owned();
            return Ok((adapter, name));
        }
        names.push(info);
    }
    if names.is_empty() {
        return Err("there is no Bluetooth adapter: plug one in or switch it on (rfkill unblock bluetooth)".to_owned());
    }
    let names = names.join(", ");
    Err(format!("`buses.btle.adapter` = {wanted:?} is not there; there is: {names}"))
}

/// Whether the setting means the adapter: by address, or by the first word of its name (`hci0`).
fn is(wanted: &str, info: &str, address: Option<&str>) -> bool {
    let same = |text: &str| text.eq_ignore_ascii_case(wanted);
    address.is_some_and(same) || same(info) || info.split(' ').next().is_some_and(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adapters_go_by_name_or_address() {
        let info = "hci1 (usb:v1D6Bp0246d0542)";
        for wanted in ["hci1", "HCI1", "c0:11:ec:7a:b0:01", info] {
            assert!(is(wanted, info, Some("C0:11:EC:7A:B0:01")), "{wanted}");
        }
        for wanted in ["hci", "hci0", "C0:11", ""] {
            assert!(!is(wanted, info, Some("C0:11:EC:7A:B0:01")), "{wanted}");
        }
        assert!(!is("hci0", info, None));
    }
}
