//! Changing the text of `devices.toml`: what is not touched stays as it is, with its comments.

use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, TableLike, Value, value};

use super::address::same_address;
use super::read::understand;
use super::settings::{DeviceSettings, Limit, OutputName, OutputSettings, Source};
use super::values::UNLIMITED;
use crate::types::Bus;

/// The text of a file that has no entries yet.
pub const NEW_FILE: &str = "\
# What you set for your devices: names, limits, which may be used. docs/devices-file.md says what may stand here.
# A running server applies changes at once. A limit that you take out keeps holding; to end it, write its full range,
# \"unlimited\", or use `hapticd device set` or `hapticd device forget`.
version = 1
";

const MARK: &str = "\u{feff}";

/// A file that is being changed.
#[derive(Debug)]
pub struct Editor {
    document: DocumentMut,
    mark: bool,
}

impl Editor {
    /// Takes the text of a file, or none for a new one.
    ///
    /// # Errors
    /// What is wrong with the file as a whole: nobody may write over what is not understood.
    pub fn open(bytes: Option<&[u8]>) -> Result<Self, String> {
        let bytes = bytes.unwrap_or(NEW_FILE.as_bytes());
        understand(bytes)?;
        let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
        let mark = text.starts_with(MARK);
        let document =
            text.trim_start_matches(MARK).parse().map_err(|error: toml_edit::TomlError| error.to_string())?;
        Ok(Self { document, mark })
    }

    /// The text as it is now.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}{}", if self.mark { MARK } else { "" }, self.document)
    }

    /// What the text says now.
    ///
    /// # Errors
    /// It is not understood any more.
    pub fn devices(&self) -> Result<super::read::UserDevices, String> {
        understand(self.text().as_bytes())
    }

    /// Writes whatever `settings` has a value for into the entry of that device, which is made if there is none.
    pub fn put(&mut self, settings: &DeviceSettings) {
        let Some(table) = self.entry(&settings.source) else { return };
        let texts = [("model", &settings.model), ("display_name", &settings.display_name)];
        for (key, text) in texts {
            if let Some(text) = text {
                set(table, key, text.as_str());
            }
        }
        for (key, number) in [("index", settings.index), ("message_gap_ms", settings.message_gap_ms)] {
            if let Some(number) = number {
                set(table, key, i64::from(number));
            }
        }
        for (key, flag) in [("allow", settings.allow), ("deny", settings.deny)] {
            if let Some(flag) = flag {
                set(table, key, flag);
            }
        }
        for (name, output) in &settings.outputs {
            put_output(table, *name, output);
        }
    }

    /// Takes a key out of the entry of a device, if there is one.
    pub fn remove(&mut self, source: &Source, key: &str) {
        let Some(position) = self.position(source) else { return };
        if let Some(table) = self.array().and_then(|array| array.get_mut(position)) {
            table.remove(key);
        }
    }

    /// Leaves of all entries for an address only that what held before holds no longer.
    pub fn forget(&mut self, source: &Source) {
        let address = &source.address;
        if let Some(array) = self.array() {
            array.retain(|table| !is_for(table, address));
        }
        if let Some(table) = self.entry(&Source { address: address.clone(), ..Source::default() }) {
            set(table, "forget", true);
        }
    }

    /// Takes out that addresses are to be forgotten, and entries that say nothing else.
    pub fn forgotten(&mut self, addresses: &[String]) {
        let of = |table: &Table| addresses.iter().any(|address| is_for(table, address));
        let Some(array) = self.document.get_mut("device").and_then(Item::as_array_of_tables_mut) else {
            return;
        };
        for table in array.iter_mut().filter(|table| of(table)) {
            table.remove("forget");
        }
        array.retain(|table| !(of(table) && table.iter().all(|(key, _)| key == "address")));
    }

    /// The entries; `Editor::open` has refused every file that writes them in another form.
    fn array(&mut self) -> Option<&mut ArrayOfTables> {
        let item = self.document.entry("device").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
        item.as_array_of_tables_mut()
    }

    /// The entry of this very source, or the only one for its address.
    fn position(&self, source: &Source) -> Option<usize> {
        let array = self.document.get("device").and_then(Item::as_array_of_tables)?;
        let all: Vec<_> = array.iter().map(source_of).collect();
        if let Some(position) = all.iter().position(|other| other.is(source)) {
            return Some(position);
        }
        let mut same = all.iter().enumerate().filter(|(_, other)| same_address(&other.address, &source.address));
        let (position, _) = same.next()?;
        same.next().is_none().then_some(position)
    }

    fn entry(&mut self, source: &Source) -> Option<&mut Table> {
        let position = self.position(source);
        let array = self.array()?;
        let position = position.unwrap_or_else(|| {
            array.push(new_entry(source));
            array.len() - 1
        });
        array.get_mut(position)
    }
}

fn new_entry(source: &Source) -> Table {
    let mut table = Table::new();
    set(&mut table, "address", source.address.trim());
    let bus = source.bus.map(|bus| bus.name().to_owned());
    for (key, text) in [("bus", &bus), ("protocol", &source.protocol), ("identifier", &source.identifier)] {
        if let Some(text) = text {
            set(&mut table, key, text.as_str());
        }
    }
    table.decor_mut().set_prefix("\n");
    table
}

fn source_of(table: &Table) -> Source {
    let text = |key: &str| table.get(key).and_then(Item::as_str).map(str::to_owned);
    let bus = text("bus").and_then(|name| Bus::ALL.into_iter().find(|bus| bus.name() == name));
    Source {
        address: text("address").unwrap_or_default(),
        bus,
        protocol: text("protocol"),
        identifier: text("identifier"),
    }
}

fn is_for(table: &Table, address: &str) -> bool {
    table.get("address").and_then(Item::as_str).is_some_and(|own| same_address(own, address))
}

/// Sets a key; a comment behind the old value stays.
fn set(table: &mut dyn TableLike, key: &str, new: impl Into<Value>) {
    let mut new = new.into();
    if let Some(old) = table.get(key).and_then(Item::as_value) {
        *new.decor_mut() = old.decor().clone();
    }
    table.insert(key, Item::Value(new));
}

fn put_output(table: &mut Table, name: OutputName, output: &OutputSettings) {
    if table.get("output").is_none_or(|item| item.as_table_like().is_none()) {
        let mut outputs = Table::new();
        outputs.set_dotted(true);
        table.insert("output", Item::Table(outputs));
    }
    let Some(outputs) = table.get_mut("output").and_then(Item::as_table_like_mut) else { return };
    let name = name.to_string();
    if outputs.get(&name).is_none_or(|item| item.as_table_like().is_none()) {
        // In one line: a file that is cut off within it is no TOML, so that no part of a limit can go missing.
        outputs.insert(&name, value(InlineTable::new()));
    }
    let Some(limits) = outputs.get_mut(&name).and_then(Item::as_table_like_mut) else { return };
    put_limit(limits, "range", output.range, |(low, high)| pair(low.into(), high.into()));
    // What the old range was set for says nothing of the new one.
    if output.range.is_some() && output.of.is_none() {
        limits.remove("of");
    }
    if let Some((min, max)) = output.of {
        set(limits, "of", pair(min.into(), max.into()));
    }
    for (key, flag) in [("disabled", output.disabled), ("reverse", output.reverse)] {
        if let Some(flag) = flag {
            set(limits, key, flag);
        }
    }
    put_limit(limits, "duration_ms", output.duration_ms, |(shortest, longest)| pair(shortest.into(), longest.into()));
    put_limit(limits, "speed", output.speed, |percent| i64::from(percent).into());
    put_limit(limits, "rise", output.rise, |percent| i64::from(percent).into());
}

fn put_limit<T>(limits: &mut dyn TableLike, key: &str, limit: Option<Limit<T>>, write: impl Fn(T) -> Value) {
    match limit {
        None => {}
        Some(Limit::Unlimited) => set(limits, key, UNLIMITED),
        Some(Limit::At(limit)) => set(limits, key, write(limit)),
    }
}

fn pair(from: i64, to: i64) -> Value {
    Value::Array(Array::from_iter([from, to]))
}
