//! Numbers as JSON writers write them: `5`, `5.0`, `5e0` and `50e-1` are one number.
//!
//! Some languages know only one type of number and write every one with a fraction. A number whose fraction is zero is an
//! integer here, however it is written; where a level or a time stands, any number is rounded to the nearest integer. What
//! is refused is refused with the value and the range.

use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Unexpected, Visitor};

/// An integer type that frames carry, and its range.
pub trait Integer: TryFrom<i128> {
    /// Smallest value.
    const MIN: i128;
    /// Greatest value.
    const MAX: i128;
}

impl Integer for u16 {
    const MIN: i128 = 0;
    const MAX: i128 = 0xFFFF;
}

impl Integer for u32 {
    const MIN: i128 = 0;
    const MAX: i128 = 0xFFFF_FFFF;
}

impl Integer for i32 {
    const MIN: i128 = -0x8000_0000;
    const MAX: i128 = 0x7FFF_FFFF;
}

impl Integer for u64 {
    const MIN: i128 = 0;
    const MAX: i128 = 0xFFFF_FFFF_FFFF_FFFF;
}

/// A name or a count, such as an index: only a number without a fraction will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Whole<T>(pub T);

/// An amount, such as a level in steps or a time in milliseconds: rounded to the nearest integer, halves away from zero.
///
/// An array of one number is taken as that number: the published JavaScript client 4.0.2 writes values so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Rounded<T>(pub T);

impl<'de, T: Integer> Deserialize<'de> for Whole<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Number { rounds: false, integer: PhantomData }).map(Self)
    }
}

impl<'de, T: Integer> Deserialize<'de> for Rounded<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Number { rounds: true, integer: PhantomData }).map(Self)
    }
}

struct Number<T> {
    rounds: bool,
    integer: PhantomData<T>,
}

impl<'de, T: Integer> Visitor<'de> for Number<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.rounds { "a number" } else { "an integer" };
        write!(f, "{what} from {} to {}", T::MIN, T::MAX)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<T, E> {
        T::try_from(value.into()).map_err(|_| E::invalid_value(Unexpected::Signed(value), &self))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<T, E> {
        T::try_from(value.into()).map_err(|_| E::invalid_value(Unexpected::Unsigned(value), &self))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<T, E> {
        let whole = value.round();
        let taken = whole.is_finite() && (self.rounds || whole == value);
        // The conversion ends at the ends of i128, which are out of every range here.
        let number = taken.then_some(whole as i128).and_then(|whole| T::try_from(whole).ok());
        number.ok_or_else(|| E::invalid_value(Unexpected::Float(value), &self))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<T, A::Error> {
        if !self.rounds {
            return Err(A::Error::invalid_type(Unexpected::Seq, &self));
        }
        let one = "one number, or an array of one number";
        let Some(Rounded(number)) = items.next_element()? else {
            return Err(A::Error::invalid_length(0, &one));
        };
        match items.next_element::<serde::de::IgnoredAny>()? {
            None => Ok(number),
            Some(_) => Err(A::Error::invalid_length(2, &one)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::from_str;

    use super::*;

    fn whole(text: &str) -> Result<u32, String> {
        from_str::<Whole<u32>>(text).map(|Whole(number)| number).map_err(|error| error.to_string())
    }

    fn rounded(text: &str) -> Result<i32, String> {
        from_str::<Rounded<i32>>(text).map(|Rounded(number)| number).map_err(|error| error.to_string())
    }

    #[test]
    fn a_number_without_a_fraction_is_an_integer_however_it_is_written() {
        for five in ["5", "5.0", "5e0", "50e-1", "0.5e1", "5.000"] {
            assert_eq!((whole(five), rounded(five)), (Ok(5), Ok(5)), "{five}");
        }
        for zero in ["0", "0.0", "-0", "-0.0", "0e9"] {
            assert_eq!((whole(zero), rounded(zero)), (Ok(0), Ok(0)), "{zero}");
        }
        assert_eq!(whole("4294967295.0"), Ok(u32::MAX));
        assert_eq!(from_str::<Whole<u64>>("18446744073709551615").unwrap(), Whole(u64::MAX));
        assert_eq!(rounded("-2147483648.0"), Ok(i32::MIN));
    }

    #[test]
    fn names_have_no_fraction_and_amounts_are_rounded() {
        for bad in ["5.5", "4294967296", "4294967296.0", "-1", "-1.0", "1e300", "\"5\"", "null", "[5]", "{}", "true"] {
            let error = whole(bad).unwrap_err();
            assert!(error.contains("expected an integer from 0 to 4294967295"), "{bad}: {error}");
        }
        for (written, taken) in
            [("49.5", 50), ("49.4", 49), ("333.3333", 333), ("-0.4", 0), ("-49.5", -50), ("2147483647.4", i32::MAX)]
        {
            assert_eq!(rounded(written), Ok(taken), "{written}");
        }
        for bad in ["2147483647.5", "-2147483649", "1e300", "\"5\"", "null", "{}", "[[2147483648]]"] {
            let error = rounded(bad).unwrap_err();
            assert!(error.contains("expected a number from -2147483648 to 2147483647"), "{bad}: {error}");
        }
    }

    #[test]
    fn an_array_of_one_number_is_that_number() {
        assert_eq!((rounded("[64]"), rounded("[63.5]")), (Ok(64), Ok(64)));
        for bad in ["[]", "[1, 2]"] {
            assert!(rounded(bad).unwrap_err().contains("array of one number"), "{bad}");
        }
    }

    #[test]
    fn what_is_refused_is_named() {
        assert!(whole("5.5").unwrap_err().contains("5.5"));
        assert!(rounded("99999999999").unwrap_err().contains("99999999999"));
    }
}
