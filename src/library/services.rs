//! The Bluetooth services of a definition, and what they are on hardware that is really there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use uuid::Uuid;

use super::hardware::bluetooth_uuid;
use crate::types::Endpoint;

/// Real services, each with its characteristics.
pub type RealServices = BTreeMap<Uuid, BTreeSet<Uuid>>;

/// A UUID of which some hex digits may be open, written `?`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UuidPattern {
    /// All bits of the digits that are given. First, so that the pattern with more of them comes later.
    given: u128,
    /// The digits that are given; 0 where one is open.
    digits: u128,
}

impl UuidPattern {
    /// A UUID of 36 characters, each hex digit of which may be `?`, or the 4 hex digits of a Bluetooth one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 36 || !text.contains('?') {
            return bluetooth_uuid(text).map(Self::from);
        }
        let digits = Uuid::try_parse(&text.replace('?', "0")).ok()?.as_u128();
        let hex = text.bytes().filter(|byte| *byte != b'-');
        let given = hex.fold(0_u128, |given, digit| given << 4 | if digit == b'?' { 0 } else { 0xF });
        Some(Self { digits, given })
    }

    /// Whether a UUID has every digit that is given.
    #[must_use]
    pub fn fits(&self, uuid: &Uuid) -> bool {
        uuid.as_u128() & self.given == self.digits
    }

    /// Whether some UUID fits both.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        (self.digits ^ other.digits) & self.given & other.given == 0
    }

    /// The UUID whose open digits are those that `service` has at the same places.
    #[must_use]
    pub fn filled(&self, service: &Uuid) -> Uuid {
        Uuid::from_u128(self.digits | service.as_u128() & !self.given)
    }

    /// Whether a digit is open here that is given in `other`.
    #[must_use]
    pub fn is_more_open_than(&self, other: &Self) -> bool {
        !self.given & other.given != 0
    }

    /// A UUID that fits: 0 for every open digit.
    #[must_use]
    pub fn example(&self) -> Uuid {
        Uuid::from_u128(self.digits)
    }
}

impl From<Uuid> for UuidPattern {
    fn from(uuid: Uuid) -> Self {
        Self { digits: uuid.as_u128(), given: u128::MAX }
    }
}

impl fmt::Display for UuidPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (digits, given) = (Uuid::from_u128(self.digits).to_string(), Uuid::from_u128(self.given).to_string());
        let mut shown = digits.chars().zip(given.chars());
        shown.try_for_each(|(digit, given)| write!(f, "{}", if given == '0' { '?' } else { digit }))
    }
}

/// Which characteristics carry the endpoints, by service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Services(BTreeMap<UuidPattern, BTreeMap<Endpoint, UuidPattern>>);

impl Services {
    /// Adds an endpoint; a service of the same pattern is taken for the same.
    pub fn insert(&mut self, service: UuidPattern, endpoint: Endpoint, characteristic: UuidPattern) {
        self.0.entry(service).or_default().insert(endpoint, characteristic);
    }

    /// Adds a service, even if nothing of it is an endpoint.
    pub fn insert_service(&mut self, service: UuidPattern) {
        self.0.entry(service).or_default();
    }

    /// Adds those of `other`.
    pub fn extend(&mut self, other: &Self) {
        self.0.extend(other.0.iter().map(|(service, endpoints)| (*service, endpoints.clone())));
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Endpoints of hardware that has all of it.
    #[must_use]
    pub fn endpoints(&self) -> BTreeSet<Endpoint> {
        self.0.values().flat_map(BTreeMap::keys).copied().collect()
    }

    /// Whether some service may be one of both.
    #[must_use]
    pub fn overlap(&self, other: &Self) -> bool {
        self.0.keys().any(|one| other.0.keys().any(|theirs| one.overlaps(theirs)))
    }

    /// The service and the characteristic of each endpoint that the hardware really has. Where two services give the same
    /// endpoint, the one with the greater UUID does; where two patterns do for one service, the one with fewer open digits.
    #[must_use]
    pub fn on(&self, real: &RealServices) -> BTreeMap<Endpoint, (Uuid, Uuid)> {
        let mut found = BTreeMap::new();
        for (service, characteristics) in real {
            for (_, endpoints) in self.0.iter().filter(|(pattern, _)| pattern.fits(service)) {
                let there = endpoints.iter().map(|(endpoint, pattern)| (*endpoint, pattern.filled(service)));
                let there = there.filter(|(_, characteristic)| characteristics.contains(characteristic));
                found.extend(there.map(|(endpoint, characteristic)| (endpoint, (*service, characteristic))));
            }
        }
        found
    }

    /// Services of hardware that has all of it, with 0 for every open digit.
    #[must_use]
    pub fn example(&self) -> RealServices {
        let mut real = RealServices::new();
        for (service, endpoints) in &self.0 {
            let service = service.example();
            let characteristics = endpoints.values().map(|pattern| pattern.filled(&service));
            real.entry(service).or_default().extend(characteristics);
        }
        real
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOVENSE: [&str; 3] = [
        "????00?1-002?-4bd4-bbd5-a6920e4c5653",
        "????00?2-002?-4bd4-bbd5-a6920e4c5653",
        "????00?3-002?-4bd4-bbd5-a6920e4c5653",
    ];

    fn pattern(text: &str) -> UuidPattern {
        UuidPattern::parse(text).unwrap()
    }

    fn uuid(text: &str) -> Uuid {
        bluetooth_uuid(text).unwrap()
    }

    #[test]
    fn patterns() {
        let short = pattern("fff0");
        assert!(short.fits(&uuid("fff0")) && !short.fits(&uuid("fff1")));
        assert_eq!(short.to_string(), "0000fff0-0000-1000-8000-00805f9b34fb");
        let [service, ..] = LOVENSE.map(pattern);
        assert_eq!(service.to_string(), LOVENSE[0]);
        for (real, fits) in [
            ("5a300001-0023-4bd4-bbd5-a6920e4c5653", true),
            ("45440001-0024-4bd4-bbd5-a6920e4c5653", true),
            ("50300011-0023-4bd4-bbd5-a6920e4c5653", true),
            ("50300012-0023-4bd4-bbd5-a6920e4c5653", false),
            ("50300001-0033-4bd4-bbd5-a6920e4c5653", false),
        ] {
            assert_eq!(service.fits(&uuid(real)), fits, "{real}");
            assert_eq!(service.overlaps(&pattern(real)), fits, "{real}");
        }
        for wrong in ["fff", "ff?0", "?", "5a300001-0023-4bd4-bbd5-a6920e4c565", "5a30000?-0023-4bd4-bbd5-a6920e4c565g"]
        {
            assert_eq!(UuidPattern::parse(wrong), None, "{wrong}");
        }
        // A dash stands where it stands in every UUID.
        assert_eq!(UuidPattern::parse("5a300001?0023-4bd4-bbd5-a6920e4c5653"), None);
    }

    #[test]
    fn characteristics_are_relative_to_the_service_found() {
        let mut services = Services::default();
        let [service, tx, rx] = LOVENSE.map(pattern);
        services.insert(service, Endpoint::TX, tx);
        services.insert(service, Endpoint::RX, rx);
        for (found, tx) in [
            ("45440001-0024-4bd4-bbd5-a6920e4c5653", "45440002-0024-4bd4-bbd5-a6920e4c5653"),
            ("50300011-0023-4bd4-bbd5-a6920e4c5653", "50300012-0023-4bd4-bbd5-a6920e4c5653"),
        ] {
            let (found, tx) = (uuid(found), uuid(tx));
            let real = RealServices::from([(found, BTreeSet::from([tx])), (uuid("180f"), BTreeSet::new())]);
            assert_eq!(services.on(&real), BTreeMap::from([(Endpoint::TX, (found, tx))]));
        }
        // The tx of another service is none of this one.
        let strange = BTreeSet::from([uuid("50300002-0023-4bd4-bbd5-a6920e4c5653")]);
        let real = RealServices::from([(uuid("45440001-0024-4bd4-bbd5-a6920e4c5653"), strange)]);
        assert_eq!(services.on(&real), BTreeMap::new());
        assert_eq!(services.on(&services.example()).len(), 2);
    }
}
