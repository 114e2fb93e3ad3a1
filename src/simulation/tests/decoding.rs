use crate::library::{template::testing::*, template::*};
use crate::simulation::{constraint::*, decode::decode};
use crate::types::{Endpoint, OutputKind};
use std::collections::BTreeMap;

/// Ranges instead of values; everything else comes from a device.
pub(super) struct Ranges {
    device: FakeDevice,
    ranges: BTreeMap<Unknown, (i64, i64)>,
}

impl Domain for Ranges {
    fn range(&self, unknown: Unknown) -> Option<(i64, i64)> {
        self.ranges.get(&unknown).copied()
    }

    fn index(&self) -> u32 {
        self.device.index
    }

    fn outputs(&self, kind: Option<OutputKind>) -> Vec<u32> {
        self.device.outputs(kind).into_iter().map(|(index, _)| index).collect()
    }

    fn param(&self, name: &str) -> Option<f64> {
        self.device.param(name)
    }

    fn buffer(&self, name: &str) -> Option<&[u8]> {
        Scope::buffer(&self.device, name)
    }

    fn has(&self, endpoint: Endpoint) -> bool {
        Scope::has(&self.device, endpoint)
    }
}

use Unknown::{Duration as D, Feature, Value as V};

/// The domain of the device all tests use.
pub(super) fn domain() -> Ranges {
    let mut ranges = BTreeMap::from([(V, (0, 100)), (D, (0, 100_000))]);
    ranges.extend([0, 1, 2, 5].map(|index| (Feature(index), (0, 100))));
    Ranges { device: device(), ranges }
}

/// The same with ranges that are quick to search.
pub(super) fn small_domain() -> Ranges {
    let mut domain = domain();
    domain.ranges.insert(D, (290, 310));
    domain.ranges.extend([0, 2, 5].map(|index| (Feature(index), (0, 31))));
    domain
}

/// A device with vibrators up to `limit` in each.
fn vibrators(count: u32, limit: i64) -> Ranges {
    let mut device = FakeDevice::default();
    let mut ranges = BTreeMap::from([(V, (0, limit)), (D, (0, 100_000))]);
    for index in 0..count {
        device = device.with(index, &[OutputKind::Vibrate], 0.0);
        ranges.insert(Feature(index), (0, limit));
    }
    device.params.insert("id".to_owned(), 9.0);
    Ranges { device, ranges }
}

#[track_caller]
fn decodes(domain: &Ranges, source: &str, packet: &[u8], expected: &[(Unknown, i64)]) {
    let found = decode(&line(source), packet, domain);
    assert_eq!(found, Some(expected.iter().copied().collect()), "{source} {packet:02x?}");
}

#[track_caller]
fn refuses(domain: &Ranges, source: &str, packet: &[u8]) {
    assert_eq!(decode(&line(source), packet, domain), None, "{source} {packet:02x?}");
}

/// Every value of the domain of one unknown is found again in what was rendered with it.
fn round_trip(domain: &mut Ranges, source: &str, values: std::ops::RangeInclusive<i64>) {
    domain.ranges.insert(V, (*values.start(), *values.end()));
    for value in values {
        domain.device.value = value as f64;
        let packet = encode(source, &domain.device);
        decodes(domain, source, &packet, &[(V, value)]);
    }
}

#[test]
fn value_behind_its_index() {
    let mut domain = vibrators(2, 20);
    domain.device.index = 1;
    let source = "tx: {0xF1 + i} {v}";
    round_trip(&mut domain, source, 0..=20);
    refuses(&domain, source, &[0xF1, 5]);
    refuses(&domain, source, &[0xF2, 21]);
    refuses(&domain, source, &[0xF2]);
    refuses(&domain, source, &[0xF2, 5, 0]);
    refuses(&domain, source, &[]);
}

#[test]
fn two_features_in_one_byte() {
    let source = "if {f0 + f1 > 0} tx ack: 0F 03 00 {(f0 << 4) | (n > 1 ? f1 : f0)} 00 03 00 00";
    let packet = |byte| [0x0F, 3, 0, byte, 0, 3, 0, 0];
    let two = vibrators(2, 15);
    decodes(&two, source, &packet(0x5A), &[(Feature(0), 5), (Feature(1), 10)]);
    decodes(&two, source, &packet(0x0A), &[(Feature(0), 0), (Feature(1), 10)]);
    refuses(&two, source, &packet(0));
    let one = vibrators(1, 15);
    decodes(&one, source, &packet(0x55), &[(Feature(0), 5)]);
    refuses(&one, source, &packet(0x5A));
    refuses(&one, source, &packet(0));
    let unconditional = "tx: {(f0 << 4) | (n > 1 ? f1 : f0)}";
    decodes(&two, unconditional, &[0], &[(Feature(0), 0), (Feature(1), 0)]);
}

#[test]
fn loops_bind_features() {
    let source = "tx: each( {v}*4 )";
    decodes(&vibrators(2, 20), source, &[1, 1, 1, 1, 2, 2, 2, 2], &[(Feature(0), 1), (Feature(1), 2)]);
    refuses(&vibrators(2, 20), source, &[1, 1, 1, 2, 2, 2, 2, 2]);
    refuses(&vibrators(3, 20), source, &[1, 1, 1, 1, 2, 2, 2, 2]);
    let rotate = "tx: each rotate( {k} {i} {v + 1} )";
    decodes(&domain(), rotate, &[1, 2, 51, 2, 5, 61], &[(Feature(2), 50), (Feature(5), 60)]);
    refuses(&domain(), rotate, &[1, 2, 51, 2, 4, 61]);
    refuses(&domain(), rotate, &[1, 2, 51, 2, 5, 0]);
}

#[test]
fn checksums_and_counters_are_skipped() {
    let source = "tx ack: AA 55 06 01 01 01 {v} FA {xor()}";
    round_trip(&mut vibrators(1, 20), source, 0..=20);
    let mut packet = encode(source, &device());
    *packet.last_mut().unwrap() ^= 1;
    decodes(&vibrators(1, 20), source, &packet, &[(V, 7)]);
    packet.pop();
    refuses(&vibrators(1, 20), source, &packet);
    decodes(&domain(), "tx: {seq()} {v} {crc16_modbus():u16le}", &[200, 4, 1, 2], &[(V, 4)]);
    decodes(&domain(), "tx: {prev:dec3} \"-\" {abs(v - prev)} {v}", b"055-\x00\x08", &[(V, 8)]);
    refuses(&domain(), "tx: {prev:dec3} \"-\"", b"x-");
    decodes(&domain(), "tx: {v - prev:i8}", &[200], &[]);
}

#[test]
fn text() {
    let source = "tx: \"$SYS,\" {v:dec} \"?\"";
    round_trip(&mut vibrators(1, 100), source, 0..=100);
    for packet in ["$SYS,101?", "$SYS,?", "$SYS,07?", "$SYS,-1?", "$SYS,7", "$SYS,7?!", "$SYT,7?"] {
        refuses(&vibrators(1, 100), source, packet.as_bytes());
    }
    let linear = "tx: \"L\" {i:dec} {v:dec3} \"I\" {d:dec} \"\\n\"";
    decodes(&domain(), linear, b"L2050I500\n", &[(V, 50), (D, 500)]);
    decodes(&domain(), linear, b"L2100I100000\n", &[(V, 100), (D, 100_000)]);
    refuses(&domain(), linear, b"L1050I500\n");
    refuses(&domain(), linear, b"L250I500\n");
    refuses(&domain(), linear, b"L2050I100001\n");
    decodes(&domain(), "tx: {d:u16be} {v:hex2}", b"\x01\x2C4b", &[(V, 75), (D, 300)]);
}

#[test]
fn the_same_unknown_twice() {
    let source = "tx: B0 01 00 {i} {v > 0} {v}";
    let mut domain = vibrators(1, 20);
    round_trip(&mut domain, source, 0..=20);
    refuses(&domain, source, &[0xB0, 1, 0, 0, 1, 0]);
    refuses(&domain, source, &[0xB0, 1, 0, 0, 0, 3]);
    refuses(&domain, source, &[0xB0, 1, 0, 1, 1, 3]);
    refuses(&domain, "tx: {v} {v}", &[1, 2]);
}

#[test]
fn signed_values() {
    let mut domain = vibrators(1, 20);
    let source = "tx ack: {id} 01 {abs(v) | (v >= 0 ? 0x80 : 0)}";
    round_trip(&mut domain, source, -99..=99);
    refuses(&domain, source, &[9, 1, 0]);
    refuses(&domain, source, &[8, 1, 5]);
    refuses(&domain, source, &[9, 1, 100]);
    round_trip(&mut domain, "tx: A1 01 {abs(v) | (v < 0 ? 0x80 : 0)} 77 55", -99..=99);
    refuses(&domain, "tx: A1 01 {abs(v) | (v < 0 ? 0x80 : 0)} 77 55", &[0xA1, 1, 0x80, 0x77, 0x55]);
    round_trip(&mut domain, "tx: {v:i8} {v:dec}", -99..=99);
}

#[test]
fn several_features_in_several_places() {
    let source = "tx: 55 03 {count(vibrate) == 1 || f0 == f1 || (f0 > 0 && f1 > 0) ? 0 : (f0 > 0 ? 1 : 2)} 00 \
                  {f0 + f1 > 0} {max(f0, f1)} 00";
    let packet = |which, on, level| [0x55, 3, which, 0, on, level, 0];
    let two = vibrators(2, 100);
    decodes(&two, source, &packet(0, 0, 0), &[(Feature(0), 0), (Feature(1), 0)]);
    decodes(&two, source, &packet(1, 1, 40), &[(Feature(0), 40), (Feature(1), 0)]);
    decodes(&two, source, &packet(2, 1, 40), &[(Feature(0), 0), (Feature(1), 40)]);
    decodes(&two, source, &packet(0, 1, 40), &[(Feature(0), 1), (Feature(1), 40)]);
    refuses(&two, source, &packet(1, 0, 40));
    refuses(&two, source, &packet(1, 1, 0));
    refuses(&two, source, &packet(1, 1, 101));
    let one = vibrators(1, 100);
    decodes(&one, source, &packet(0, 1, 40), &[(Feature(0), 40)]);
    decodes(&one, source, &packet(0, 0, 0), &[(Feature(0), 0)]);
    refuses(&one, source, &packet(1, 1, 40));
}

#[test]
fn kinds_are_their_first_feature() {
    decodes(&domain(), "tx: {rotate} {vibrate * 2} {led}", &[4, 6, 0], &[(Feature(0), 3), (Feature(2), 4)]);
    refuses(&domain(), "tx: {rotate} {vibrate * 2} {led}", &[4, 6, 1]);
    decodes(&domain(), "tx: {rotate} {f2}", &[4, 4], &[(Feature(2), 4)]);
    refuses(&domain(), "tx: {rotate} {f2}", &[4, 5]);
    decodes(&domain(), "tx: {f31} {n} {reply[0]} {has(tx)} {reply:bytes}", &[0, 3, 16, 1, 16, 32, 255], &[]);
    refuses(&domain(), "tx: {n} {reply:bytes}", &[3, 16, 32, 254]);
}

#[test]
fn the_smallest_value_is_picked() {
    decodes(&domain(), "tx: {v / 10}", &[5], &[(V, 50)]);
    decodes(&domain(), "if {v % 7 == 0} tx: {v / 10}", &[5], &[(V, 56)]);
    decodes(&domain(), "tx: {max(f0, f2)} {f0 + f2}", &[7, 9], &[(Feature(0), 2), (Feature(2), 7)]);
}

#[test]
fn conditions_restrict_but_do_not_tell() {
    decodes(&domain(), "if {f0 > 3} tx: {v}", &[5], &[(V, 5)]);
    decodes(&domain(), "if {f0 == v} tx: {v}", &[5], &[(V, 5)]);
    refuses(&domain(), "if {f0 > 100} tx: {v}", &[5]);
    refuses(&domain(), "if {f0 + f2 > v + 195} tx: {v}", &[5]);
    refuses(&domain(), "if {n == 2} tx: {v}", &[5]);
    decodes(&domain(), "if {prev > 1000} tx: {v}", &[5], &[(V, 5)]);
}

#[test]
fn what_takes_too_long_is_not_checked() {
    let mut wide = domain();
    wide.ranges.insert(V, (0, i64::MAX));
    decodes(&wide, "tx: {v & 0xFF} {f0}", &[1, 2], &[(Feature(0), 2)]);
    decodes(&wide, "tx: {v & 0xFF} {v:dec}", b"\x411089", &[(V, 1089)]);
    decodes(&wide, "tx: {(v + d + f0) % 2 + 2} {f5}", &[9, 2], &[(Feature(5), 2)]);
    // The full range of a duration is within what is tried.
    decodes(&domain(), "tx: {d / 10:u16be}", &[0x27, 0x0F], &[(D, 99_990)]);
    refuses(&domain(), "tx: {d / 10:u16be}", &[0x27, 0x11]);
}

#[test]
fn independent_groups_do_not_multiply() {
    let many = vibrators(8, 100);
    let source = "tx: {f0 + f1} {f2 + f3} {f4 + f5} {f6 * f7 + 3}";
    refuses(&many, source, &[10, 10, 10, 2]);
    let features = [0, 10, 0, 10, 0, 10, 0, 0];
    let expected: Vec<_> = features.into_iter().zip(0..).map(|(value, index)| (Feature(index), value)).collect();
    decodes(&many, source, &[10, 10, 10, 3], &expected);
}

#[test]
fn kinds_of_features_are_known_unless_there_are_several() {
    // Feature 0 only vibrates and 5 only rotates, but 2 does both.
    let source = "tx: each( {is(vibrate)} {v} )";
    decodes(&domain(), source, &[1, 7, 0, 8, 0, 9], &[(Feature(0), 7), (Feature(2), 8), (Feature(5), 9)]);
    decodes(&domain(), source, &[1, 7, 1, 8, 0, 9], &[(Feature(0), 7), (Feature(2), 8), (Feature(5), 9)]);
    refuses(&domain(), source, &[0, 7, 0, 8, 0, 9]);
    decodes(&domain(), "tx: each rotate( {is(rotate)} {v} )", &[1, 8, 1, 9], &[(Feature(2), 8), (Feature(5), 9)]);
}
