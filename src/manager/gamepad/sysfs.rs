//! What the kernel says of its input devices, in files that anybody may read.

use std::fs;
use std::path::Path;

use crate::library::usb_id;

/// The bit of `capabilities/ff` that says "can rumble" (FF_RUMBLE of the kernel's input-event-codes).
const RUMBLE: usize = 0x50;

/// An input device that can rumble.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pad {
    /// Name of its node, such as `event5`.
    pub(super) event: String,
    pub(super) name: String,
    /// What it calls itself; may be empty.
    uniq: String,
    /// Where it is plugged in; may be empty.
    phys: String,
    /// Vendor and product.
    pub(super) ids: (u16, u16),
}

impl Pad {
    /// What it is called before numbers are given.
    pub(super) fn base(&self) -> String {
        let own = [&self.uniq, &self.phys].into_iter().find(|text| !text.is_empty());
        own.cloned().unwrap_or_else(|| usb_id(self.ids))
    }
}

/// Every input device that can rumble, by number. Blocking.
///
/// # Errors
/// A directory that cannot be read. Without input devices there is none, and that is no error.
pub(super) fn list(sys: &Path) -> Result<Vec<Pad>, String> {
    let entries = match fs::read_dir(sys) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(format!("{} cannot be read: {error}", sys.display())),
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut events: Vec<_> = names.filter_map(|name| Some((number(&name)?, name))).collect();
    events.sort();
    // One that is unplugged while it is read is not there.
    Ok(events.into_iter().filter_map(|(_, event)| pad(sys, event)).collect())
}

fn number(name: &str) -> Option<u32> {
    name.strip_prefix("event")?.parse().ok()
}

fn pad(sys: &Path, event: String) -> Option<Pad> {
    let device = sys.join(&event).join("device");
    let text = |file: &str| fs::read_to_string(device.join(file)).map(|text| text.trim().to_owned());
    if !has(&text("capabilities/ff").ok()?, RUMBLE) {
        return None;
    }
    let id = |file: &str| u16::from_str_radix(&text(file).ok()?, 16).ok();
    let ids = (id("id/vendor")?, id("id/product")?);
    let name = text("name").ok().filter(|name| !name.is_empty()).unwrap_or_else(|| "Gamepad".to_owned());
    Some(Pad { name, uniq: text("uniq").unwrap_or_default(), phys: text("phys").unwrap_or_default(), ids, event })
}

/// Whether a bit is set in the kernel's form: words in hex, the highest first, each as wide as a `long`.
fn has(words: &str, bit: usize) -> bool {
    let width = usize::BITS as usize;
    let word = words.split_whitespace().rev().nth(bit / width);
    let word = word.and_then(|word| u64::from_str_radix(word, 16).ok()).unwrap_or(0);
    word >> (bit % width) & 1 == 1
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn pad(
        sys: &Path,
        event: &str,
        name: &str,
        uniq: &str,
        phys: &str,
        ids: (u16, u16),
        ff: &str,
    ) {
        let device = sys.join(event).join("device");
        fs::create_dir_all(device.join("id")).unwrap();
        fs::create_dir_all(device.join("capabilities")).unwrap();
        let (vendor, product) = (format!("{:04x}", ids.0), format!("{:04x}", ids.1));
        let files = [
            ("name", name),
            ("uniq", uniq),
            ("phys", phys),
            ("id/vendor", &vendor),
            ("id/product", &product),
            ("capabilities/ff", ff),
        ];
        for (file, text) in files {
            fs::write(device.join(file), format!("{text}\n")).unwrap();
        }
    }

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn bits() {
        // A pad, a keyboard, a wheel without rumble.
        assert!(has("107030000 0", RUMBLE));
        assert!(!has("0", RUMBLE));
        assert!(!has("300060000 0", 0x50 + 9));
        assert!(has("300060000 0", 0x50 + 1) && !has("300060000 0", RUMBLE));
        assert!(!has("", RUMBLE) && !has("nonsense 0", RUMBLE) && !has("10000", RUMBLE));
    }

    #[test]
    fn pads_among_other_things() {
        let sys = tempfile::tempdir().unwrap();
        assert_eq!(list(&sys.path().join("none")), Ok(Vec::new()));
        let rumbles = "107030000 0";
        pad(sys.path(), "event10", "DualSense", "aa:bb", "usb-1/input3", (0x054c, 0x0ce6), rumbles);
        pad(sys.path(), "event9", "", "", "", (0x045e, 0x028e), rumbles);
        pad(sys.path(), "event0", "Keyboard", "", "", (1, 1), "0");
        pad(sys.path(), "js0", "DualSense", "", "", (0x054c, 0x0ce6), rumbles);
        fs::create_dir_all(sys.path().join("event11")).unwrap();
        let found: Vec<_> = list(sys.path()).unwrap().into_iter().map(|pad| (pad.base(), pad.name)).collect();
        let expected = [("045e:028e", "Gamepad"), ("aa:bb", "DualSense")];
        assert_eq!(found, expected.map(|(base, name)| (base.to_owned(), name.to_owned())));
        assert_eq!(list(&sys.path().join("event0/device/name")).unwrap_err().matches("name").count(), 1);
    }
}
