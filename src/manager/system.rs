//! What checks look at: settings, definitions, and the system below a root directory.

use std::path::{Path, PathBuf};

use super::access::Access;
use crate::library::Library;
use crate::settings::Settings;

/// What the checks look at.
#[derive(Debug)]
pub struct System {
    /// The directory under which `/dev`, `/sys`, `/etc` are looked for.
    root: PathBuf,
    /// The settings, or the built-in ones where those in use are wrong.
    pub settings: Settings,
    /// Why the settings in use are wrong.
    pub settings_error: Option<String>,
    /// The definitions, or the built-in ones where the others cannot be found.
    pub library: Library,
    /// Why they cannot.
    pub library_error: Option<String>,
    /// What the system has to grant for the hardware of the definitions.
    pub access: Vec<Access>,
    /// Whether this process may read and write a file, without opening it.
    may_use: fn(&Path) -> bool,
}

impl System {
    /// The system on which this runs.
    #[must_use]
    pub fn of_this_machine(
        (settings, settings_error): (Settings, Option<String>),
        (library, library_error): (Library, Option<String>),
        access: Vec<Access>,
    ) -> Self {
        Self { root: PathBuf::from("/"), settings, settings_error, library, library_error, access, may_use }
    }

    /// Where a path of the system is.
    #[must_use]
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// Whether this process may read and write a file of the system. Nothing is opened.
    #[must_use]
    pub fn may_use(&self, path: impl AsRef<Path>) -> bool {
        (self.may_use)(&self.path(path))
    }

    /// A short file of the system as text, without white space around it; nothing if it cannot be read.
    #[cfg(target_os = "linux")]
    #[must_use]
    pub fn read(&self, path: impl AsRef<Path>) -> Option<String> {
        let text = std::fs::read(self.path(path)).ok()?;
        Some(String::from_utf8_lossy(&text).trim().to_owned())
    }

    /// The names in a directory of the system that begin with something, in order.
    #[cfg(target_os = "linux")]
    #[must_use]
    pub fn list(&self, directory: &str, start: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(directory)).into_iter().flatten().filter_map(Result::ok);
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let mut names: Vec<_> = names.filter(|name| name.starts_with(start)).collect();
        // hidraw10 comes after hidraw9.
        names.sort_by_key(|name| (name.len(), name.clone()));
        names
    }

    /// The name that `/etc/passwd` or `/etc/group` has for a number.
    #[cfg(target_os = "linux")]
    #[must_use]
    pub fn name_of(&self, file: &str, number: u32) -> Option<String> {
        let text = self.read(file)?;
        let line = text.lines().find(|line| line.split(':').nth(2) == Some(number.to_string().as_str()))?;
        line.split(':').next().map(str::to_owned)
    }

    /// How somebody who may not use a device comes to it: through its group, if that helps.
    #[cfg(target_os = "linux")]
    #[must_use]
    pub fn way_to(&self, path: &str) -> String {
        use std::os::unix::fs::MetadataExt;
        let Ok(meta) = std::fs::metadata(self.path(path)) else {
            return "look why it cannot be seen".to_owned();
        };
        let group = self.name_of("/etc/group", meta.gid()).unwrap_or_else(|| meta.gid().to_string());
        if meta.mode() & 0o060 == 0o060 && group != "root" {
            format!("become a member of its group and log in anew: sudo usermod -aG {group} $USER")
        } else {
            "install the udev rules (see `hapticd udev --help`) and plug it in again".to_owned()
        }
    }
}

#[cfg(target_os = "linux")]
fn may_use(path: &Path) -> bool {
    use rustix::fs::{Access, access};
    access(path, Access::READ_OK | Access::WRITE_OK).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn may_use(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| !meta.permissions().readonly())
}

/// A system of a test's own, in a temporary directory, in which everything that is there may be used.
#[cfg(test)]
pub(crate) struct FakeSystem {
    pub system: System,
    _directory: tempfile::TempDir,
}

#[cfg(test)]
impl FakeSystem {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let library = Library::load(&[], &crate::driver::names());
        let system = System {
            root: directory.path().to_owned(),
            settings: Settings::builtin().unwrap(),
            settings_error: None,
            access: crate::manager::list::access(&library),
            library,
            library_error: None,
            may_use: Path::exists,
        };
        Self { system, _directory: directory }
    }

    /// A system in which nothing may be used.
    pub(crate) fn forbidden() -> Self {
        let mut fake = Self::new();
        fake.system.may_use = |_| false;
        fake
    }

    /// Writes a file, with the directories above it.
    pub(crate) fn file(&self, path: &str, text: &str) -> &Self {
        let path = self.system.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    /// Only this definition is known beside the built-in ones.
    pub(crate) fn definition(&mut self, matching: &str) -> &mut Self {
        let text = format!(
            "name = \"Mine\"\n[[match]]\n{matching}\n[default]\nname = \"Mine\"\nfeatures = [{{ vibrate = [0, 9] }}]\n\
             [write]\nvibrate = 'tx: {{v}}'\n"
        );
        self.system.library = Library::from_texts([("mine", text.as_str())], &[]);
        assert!(self.system.library.problems().is_empty(), "{:?}", self.system.library.problems());
        self.system.access = crate::manager::list::access(&self.system.library);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn names_are_listed_in_the_order_of_their_numbers() {
        let fake = FakeSystem::new();
        fake.file("/dev/hidraw10", "").file("/dev/hidraw9", "").file("/dev/null", "");
        assert_eq!(fake.system.list("/dev", "hidraw"), ["hidraw9", "hidraw10"]);
        assert_eq!(fake.system.list("/nowhere", ""), Vec::<String>::new());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn access_is_asked_without_opening() {
        let fake = FakeSystem::new();
        fake.file("/dev/here", "");
        assert!(may_use(&fake.system.path("/dev/here")) && !may_use(&fake.system.path("/dev/not")));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_way_to_a_device_is_its_group_or_the_rules() {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        let fake = FakeSystem::new();
        fake.file("/dev/port", "");
        let path = fake.system.path("/dev/port");
        let gid = std::fs::metadata(&path).unwrap().gid();
        fake.file("/etc/group", &format!("other:x:99999:\ndialout:x:{gid}:me\n"));
        let mode = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        mode(0o660);
        assert!(fake.system.way_to("/dev/port").ends_with("usermod -aG dialout $USER"));
        mode(0o600);
        assert!(fake.system.way_to("/dev/port").contains("hapticd udev"));
    }
}
