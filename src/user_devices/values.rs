//! Reading single values of `devices.toml`, with messages that say what is allowed.

use toml_edit::{Item, Value};

use super::settings::Limit;

/// What ends a limit.
pub(super) const UNLIMITED: &str = "unlimited";

pub(super) fn text(item: &Item, longest: usize) -> Result<String, String> {
    let text = item.as_str().ok_or_else(|| format!("is {}; allowed: a text in quotes", shown(item)))?;
    if text.trim().is_empty() || text.len() > longest {
        return Err(format!("has {} bytes; allowed: 1 to {longest}, and not only blanks", text.len()));
    }
    Ok(text.to_owned())
}

pub(super) fn flag(item: &Item) -> Result<bool, String> {
    item.as_bool().ok_or_else(|| format!("is {}; allowed: true, false", shown(item)))
}

/// A whole number from `least` to `most`.
pub(super) fn number<T: TryFrom<i64>>(item: &Item, least: i64, most: i64) -> Result<T, String> {
    let number = item.as_integer().filter(|number| (least..=most).contains(number));
    let number = number.and_then(|number| T::try_from(number).ok());
    number.ok_or_else(|| format!("is {}; allowed: a whole number, {least} to {most}", shown(item)))
}

/// Two whole numbers, neither less than `least`, the second no less than the first.
pub(super) fn pair<T: TryFrom<i64> + Copy>(item: &Item, least: i64, most: i64) -> Result<(T, T), String> {
    let wrong = || format!("is {}; allowed: [A, B] with {least} <= A <= B <= {most}", shown(item));
    let array = item.as_array().filter(|array| array.len() == 2).ok_or_else(wrong)?;
    let at = |position: usize| array.get(position).and_then(Value::as_integer);
    let (from, to) =
        at(0).zip(at(1)).filter(|(from, to)| least <= *from && from <= to && *to <= most).ok_or_else(wrong)?;
    T::try_from(from).ok().zip(T::try_from(to).ok()).ok_or_else(wrong)
}

/// The same, or that there is no limit.
pub(super) fn limit<T>(item: &Item, read: impl Fn(&Item) -> Result<T, String>) -> Result<Limit<T>, String> {
    if item.as_str() == Some(UNLIMITED) {
        return Ok(Limit::Unlimited);
    }
    read(item).map(Limit::At).map_err(|why| format!("{why}, or {UNLIMITED:?}"))
}

/// A value as it stands in the file, cut where it is long.
fn shown(item: &Item) -> String {
    crate::text::shown(item.to_string().trim()).into_owned()
}
