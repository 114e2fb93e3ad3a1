//! `hapticd udev`: the rules that let hapticd use known hardware without being root.
//!
//! They are made from the definitions, so that a user's own are in them, too. The person at the computer gets the hardware
//! by `uaccess`, the service by its group. `deploy/usr/lib/udev/rules.d/` has what this prints without own definitions.

use std::collections::BTreeMap;
use std::fmt::Write;

use clap::Args;

use super::exit_error::ExitError;
use super::output::print;
use super::settings_args::SettingsArgs;
use crate::library::{Library, Matcher};
use crate::manager::{Access, access, list};

/// The name of the file. Only rules before 73-seat-late.rules, where ACLs are given out, can ask for `uaccess`; those of
/// systemd itself, which say what is a joystick, come before 70.
pub(super) const FILE: &str = "70-hapticd.rules";

/// Options of `udev`.
#[derive(Debug, Args)]
#[command(after_help = "To install them:\n  \
    hapticd udev | sudo tee /etc/udev/rules.d/70-hapticd.rules\n  \
    sudo udevadm control --reload && sudo udevadm trigger")]
pub struct UdevArgs {
    #[command(flatten)]
    pub(super) settings: SettingsArgs,
}

pub(super) fn run(args: &UdevArgs) -> Result<(), ExitError> {
    let library = crate::server::library(&args.settings.load(&[])?)?;
    print(&rules(&library));
    Ok(())
}

const HEAD: &str = "\
# Who may use the hardware that hapticd knows. Made by `hapticd udev`; make it anew rather than change it here.
# The person at the computer gets it (uaccess), and so does the group of the hapticd service.

ACTION==\"remove\", GOTO=\"hapticd_end\"
";

/// The rules for the hardware of these definitions.
pub(super) fn rules(library: &Library) -> String {
    let access = list::access(library);
    let mut text = HEAD.to_owned();
    // The kernel names HID devices by bus, vendor and product (`0003:1915:520A.0001`), by USB and by Bluetooth.
    for ((vendor, product), names) in access::hid_devices(&access) {
        let _ = write!(
            text,
            "\n# {}\nSUBSYSTEM==\"hidraw\", KERNELS==\"*:{vendor:04X}:{product:04X}.*\", \
             GROUP=\"hapticd\", MODE=\"0660\", TAG+=\"uaccess\"\n",
            comment(&names)
        );
    }
    for ((vendor, product), names) in usb(library) {
        let _ = write!(
            text,
            "\n# {}\nSUBSYSTEM==\"usb\", ENV{{DEVTYPE}}==\"usb_device\", ATTR{{idVendor}}==\"{vendor:04x}\", \
             ATTR{{idProduct}}==\"{product:04x}\", GROUP=\"hapticd\", MODE=\"0660\", TAG+=\"uaccess\"\n",
            comment(&names)
        );
    }
    for (port, names) in access::ports(&access) {
        // The group of serial ports stays: the service is a member of it, as others may be.
        if let Some(key) = port_key(port) {
            let _ = write!(text, "\n# {}\nSUBSYSTEM==\"tty\", {key}, TAG+=\"uaccess\"\n", comment(&names));
        }
    }
    for access in &access {
        if let Access::Rule(rule) = access {
            text += rule;
        }
    }
    text + "\nLABEL=\"hapticd_end\"\n"
}

/// Plain USB devices, which no bus of ours opens yet.
fn usb(library: &Library) -> BTreeMap<(u16, u16), Vec<&str>> {
    let matchers = library.definitions().iter().flat_map(|known| known.matchers.iter().map(move |one| (one, known)));
    let devices = matchers.filter_map(|(matcher, known)| match matcher {
        Matcher::Usb(ids) => Some(ids.iter().map(|ids| (*ids, known.name.as_str()))),
        _ => None,
    });
    access::by_key(devices.flatten())
}

/// Names are text from files: a line break in one must not begin a rule.
fn comment(names: &[&str]) -> String {
    names.join(", ").chars().filter(|c| !c.is_control()).collect::<String>().trim_end_matches('\\').to_owned()
}

/// What recognises a port that a definition names. Ports outside `/dev`, and names that would be patterns or end the
/// quotes, have no rule.
fn port_key(port: &str) -> Option<String> {
    let name = port.strip_prefix("/dev/")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "._:@+-/".contains(c);
    if name.is_empty() || !name.chars().all(plain) {
        return None;
    }
    // Names with a directory, such as serial/by-id/..., are links that earlier rules have made.
    Some(if name.contains('/') { format!("SYMLINK==\"{name}\"") } else { format!("KERNEL==\"{name}\"") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(matching: &str) -> String {
        let text = format!(
            "name = \"Mine\"\n[[match]]\n{matching}\n[default]\nname = \"Mine\"\nfeatures = [{{ vibrate = [0, 9] }}]\n\
             [write]\nvibrate = 'tx: {{v}}'\n"
        );
        let library = Library::from_texts([("mine", text.as_str())], &[]);
        assert!(library.problems().is_empty(), "{:?}", library.problems());
        rules(&library)
    }

    #[test]
    fn every_known_kind_of_hardware_has_its_rule() {
        let hid = of("hid = { ids = [\"057e:2009\"] }");
        let rule = "# Mine\nSUBSYSTEM==\"hidraw\", KERNELS==\"*:057E:2009.*\", GROUP=\"hapticd\", MODE=\"0660\", TAG+=\"uaccess\"\n";
        assert!(hid.contains(rule), "{hid}");
        assert!(hid.contains("KERNELS==\"*:1915:520A.*\""), "the dongle is always there: {hid}");
        let usb = of("usb = { ids = [\"0b49:064f\"] }");
        assert!(usb.contains("ATTR{idVendor}==\"0b49\", ATTR{idProduct}==\"064f\""), "{usb}");
        let serial = of("serial = { port = \"/dev/ttyUSB0\", baud = 9600 }");
        assert!(serial.contains("SUBSYSTEM==\"tty\", KERNEL==\"ttyUSB0\", TAG+=\"uaccess\"\n"), "{serial}");
        let link = of("serial = { port = \"/dev/serial/by-id/usb-OSR2_1-if00\", baud = 9600 }");
        assert!(link.contains("SYMLINK==\"serial/by-id/usb-OSR2_1-if00\""), "{link}");
    }

    #[test]
    fn what_is_no_name_of_a_port_makes_no_rule() {
        for port in ["default", "COM7", "/dev/", "/dev/tty*", "/dev/a\", RUN+=\"b", "/tmp/pts"] {
            assert_eq!(port_key(port), None, "{port}");
        }
        assert_eq!(comment(&["a\nRUN+=\"b\"\\"]), "aRUN+=\"b\"");
    }

    /// What `udevadm verify` would say first, for machines that have none.
    #[test]
    fn every_rule_is_made_of_keys_operators_and_quoted_values() {
        let text = rules(&Library::load(&[], &crate::driver::names()));
        let keys = ["ACTION", "SUBSYSTEM", "KERNEL", "KERNELS", "SYMLINK", "GROUP", "MODE", "TAG", "GOTO", "LABEL"];
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            for part in line.split(", ") {
                let end = part.find(['=', '!', '+']).unwrap();
                let (key, rest) = part.split_at(end);
                let plain = key.split('{').next().unwrap();
                assert!(keys.contains(&plain) || ["ENV", "ATTR", "ATTRS"].contains(&plain), "{key} in {line}");
                let value = ["==", "!=", "+=", "="].iter().find_map(|operator| rest.strip_prefix(operator)).unwrap();
                let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
                assert!(quoted.is_some_and(|value| !value.is_empty() && !value.contains('"')), "{part} in {line}");
            }
        }
        let labels = |key: &str| text.matches(&format!("{key}=\"hapticd_end\"")).count();
        assert_eq!((labels("GOTO"), labels("LABEL")), (1, 1));
    }
}
