//! What the system can do with HID devices, and the library that does it.

use std::ffi::{CStr, CString};
use std::fmt;
use std::path::Path;

use hidapi::{HidApi, HidDevice};

use crate::library::usb_id;
use crate::manager::{blocking_link::Ends, blocking_link::READ, blocking_link::Reader, blocking_link::Writer};

/// The longest report that is taken; those of Bluetooth devices reach 512 bytes.
const REPORT: usize = 4096;

/// A device as the system lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::manager) struct Info {
    pub(in crate::manager) path: CString,
    /// Vendor and product.
    pub(in crate::manager) ids: (u16, u16),
    /// May be empty.
    pub(in crate::manager) serial: String,
    pub(in crate::manager) name: String,
    /// Which interface of the device; -1 if it has but one.
    pub(in crate::manager) interface: i32,
}

/// Lists and opens HID devices. Blocking.
pub(in crate::manager) trait System: fmt::Debug + Send + Sync {
    /// Everything that is plugged in now.
    fn list(&self) -> Result<Vec<Info>, String>;

    /// Opens both ends of a device.
    fn open(&self, path: &CStr, ids: (u16, u16)) -> Result<Ends, String>;
}

/// The real one.
#[derive(Debug)]
pub(in crate::manager) struct Hidapi;

impl System for Hidapi {
    fn list(&self) -> Result<Vec<Info>, String> {
        // Until the kernel has seen its first HID device there is not even a list, which the library takes for an error.
        if cfg!(target_os = "linux") && !Path::new("/sys/class/hidraw").exists() {
            return Ok(Vec::new());
        }
        // A list is made when the library is opened; it is never brought up to date by itself.
        let api = HidApi::new().map_err(|error| error.to_string())?;
        let infos = api.device_list().map(|device| {
            let ids = (device.vendor_id(), device.product_id());
            let name = device.product_string().map(str::trim).filter(|name| !name.is_empty());
            Info {
                path: device.path().to_owned(),
                ids,
                serial: device.serial_number().map(str::trim).unwrap_or_default().to_owned(),
                name: name.map_or_else(|| format!("HID device {}", usb_id(ids)), str::to_owned),
                interface: device.interface_number(),
            }
        });
        Ok(infos.collect())
    }

    fn open(&self, path: &CStr, ids: (u16, u16)) -> Result<Ends, String> {
        let api = HidApi::new().map_err(|error| error.to_string())?;
        // One for each direction: the library lets nobody write while a read waits.
        let open = || api.open_path(path).map_err(|error| failed(path, ids, &error.to_string()));
        Ok((Box::new(Device(open()?)), Box::new(Device(open()?))))
    }
}

/// What is wrong with a device, and what helps.
fn failed(path: &CStr, ids: (u16, u16), why: &str) -> String {
    let path = path.to_string_lossy();
    let refused = why.to_lowercase().contains("permission denied");
    let help = if cfg!(target_os = "linux") && refused {
        let (vendor, product) = ids;
        // The kernel's name of the device has bus, vendor and product, by cable and by Bluetooth.
        format!(
            "; a udev rule must grant it: SUBSYSTEM==\"hidraw\", KERNELS==\"*:{vendor:04X}:{product:04X}.*\", \
             TAG+=\"uaccess\" (`hapticd udev` prints the rules of all known hardware)"
        )
    } else {
        String::new()
    };
    format!("the HID device {} ({path}) cannot be opened: {why}{help}", usb_id(ids))
}

/// One end of a device.
struct Device(HidDevice);

impl Writer for Device {
    fn write(&mut self, data: &[u8]) -> Result<(), String> {
        let sent = self.0.write(data).map_err(|error| error.to_string())?;
        // Windows fills reports up to their full length.
        if sent < data.len() { Err(format!("it took {sent} of {} bytes", data.len())) } else { Ok(()) }
    }
}

impl Reader for Device {
    fn read(&mut self) -> Result<Option<Vec<u8>>, String> {
        let mut report = [0; REPORT];
        let wait = i32::try_from(READ.as_millis()).unwrap_or(i32::MAX);
        let length = self.0.read_timeout(&mut report, wait).map_err(|error| error.to_string())?;
        Ok((length > 0).then(|| report.get(..length).unwrap_or_default().to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn who_may_not_open_a_device_is_told_what_helps() {
        let text = failed(c"/dev/hidraw3", (0x057e, 0x2009), "failed to open: Permission denied (os error 13)");
        assert!(text.contains("057e:2009 (/dev/hidraw3)") && text.contains("*:057E:2009.*"), "{text}");
        assert!(text.contains("hapticd udev"), "{text}");
        assert!(!failed(c"/dev/hidraw3", (1, 2), "No such device").contains("udev"));
    }

    #[test]
    fn the_library_lists_without_hardware_and_names_what_it_cannot_open() {
        Hidapi.list().unwrap();
        let error = Hidapi.open(c"/nonexistent/hidraw", (0x057e, 0x2009)).err().unwrap();
        assert!(error.contains("057e:2009 (/nonexistent/hidraw) cannot be opened"), "{error}");
    }
}
