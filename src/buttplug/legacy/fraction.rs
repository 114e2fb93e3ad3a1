//! Fractions as old versions write them.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

use crate::types::Fraction;

impl<'de> Deserialize<'de> for Fraction {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "a number from 0 to 1";
        let number = deserializer.deserialize_any(AnyNumber { expected })?;
        Self::new(number).ok_or_else(|| D::Error::invalid_value(Unexpected::Float(number), &expected))
    }
}

/// A finite number of any size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Amount(pub f64);

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyNumber { expected: "a number from 0 to 1" }).map(Self)
    }
}

struct AnyNumber {
    expected: &'static str,
}

impl Visitor<'_> for AnyNumber {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<f64, E> {
        Ok(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<f64, E> {
        Ok(value as f64)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<f64, E> {
        Ok(value as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fraction(text: &str) -> Result<f64, String> {
        serde_json::from_str::<Fraction>(text).map(Fraction::value).map_err(|error| error.to_string())
    }

    #[test]
    fn a_rounding_error_is_taken_and_anything_more_is_refused_with_the_range() {
        for (text, value) in
            [("1.0000001192092896", 1.0), ("-1e-7", 0.0), ("1", 1.0), ("0", 0.0), ("0.5", 0.5), ("-0.0", 0.0)]
        {
            assert_eq!(fraction(text), Ok(value), "{text}");
        }
        for text in ["1.001", "-0.001", "2", "-1", "1e300", "\"NaN\"", "null", "true", "[0.5]", "{}", "\"0.5\""] {
            let error = fraction(text).unwrap_err();
            assert!(error.contains("a number from 0 to 1"), "{text}: {error}");
        }
        assert_eq!(Fraction::new(f64::NAN), None);
    }
}
