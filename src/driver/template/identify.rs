//! Finds out which model a piece of hardware is.

use crate::driver::{contract::Boxed, contract::DriverError};
use crate::library::{
    Definition, Hardware, Identify, definition::IdentifyForm, definition::IdentifyFrom, hardware::trimmed,
};
use crate::link::Link;

/// Finds the model's identifier as the definition says. The first source that gives one decides: an advertisement or a
/// value that cannot be read as the definition says is no answer, and hides none of the sources after it.
#[must_use]
pub fn identify<'a>(
    definition: &'a Definition,
    hardware: &'a Hardware,
    link: &'a Link,
) -> Boxed<'a, Result<Option<String>, DriverError>> {
    Box::pin(async move {
        if definition.identify.is_empty() {
            return Ok(Some(hardware.name.clone()));
        }
        for Identify { from, form } in &definition.identify {
            let found = match from {
                IdentifyFrom::Name => identifier(form, hardware.name.as_bytes()),
                IdentifyFrom::Manufacturer => hardware.manufacturer.values().find_map(|data| identifier(form, data)),
                IdentifyFrom::Read(endpoint) if link.has(*endpoint) => identifier(form, &link.read(*endpoint).await?),
                IdentifyFrom::Read(_) => None,
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    })
}

fn identifier(form: &IdentifyForm, bytes: &[u8]) -> Option<String> {
    let text = || {
        let text = std::str::from_utf8(bytes).ok()?;
        Some(trimmed(&text.replace('\0', "")).to_owned())
    };
    let found = match form {
        IdentifyForm::Text => text(),
        IdentifyForm::Hex => Some(hex::encode(bytes)),
        IdentifyForm::U32Be => {
            let bytes: [u8; 4] = bytes.try_into().ok()?;
            Some(u32::from_be_bytes(bytes).to_string())
        }
        IdentifyForm::Part(split, part) => text()?.split(split.as_str()).nth(part.checked_sub(1)?).map(str::to_owned),
    };
    found.filter(|found| !found.is_empty())
}
