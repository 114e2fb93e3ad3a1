use super::*;

#[track_caller]
fn check(cases: &[(&str, &[u8])]) {
    for (source, expected) in cases {
        assert_eq!(encode(source, &device()), *expected, "{source}");
    }
}

#[test]
fn head_of_a_line() {
    let plain = line("txmode: 01");
    assert_eq!((plain.endpoint().name(), plain.ack(), plain.uses_sequence()), ("txmode", false, false));
    assert_eq!(plain.applies(&device()), Ok(true));
    let full = line("  if {v > 7} tx ack : {seq()}  ");
    assert_eq!((full.endpoint(), full.ack(), full.uses_sequence()), (Endpoint::TX, true, true));
    assert_eq!(full.source(), "if {v > 7} tx ack : {seq()}");
    assert_eq!(full.applies(&device()), Ok(false));
    assert_eq!(full.encode(&device()), Ok(vec![0]), "the condition does not matter to rendering");
    assert_eq!(line("if{v}tx:01").applies(&device()), Ok(true));
    assert!(line("if {1 / 0} tx: 01").applies(&device()).is_err());
}

#[test]
fn bytes_and_text() {
    check(&[
        ("tx: F1 0a Ff", &[0xF1, 0x0A, 0xFF]),
        ("tx:\tF1\t", &[0xF1]),
        ("tx: \"Vibrate:\" 00", b"Vibrate:\0"),
        (r#"tx: "\n\r\t\\\"\0""#, b"\n\r\t\\\"\0"),
        ("tx: \"ä {v}\"", "ä {v}".as_bytes()),
    ]);
}

#[test]
fn values() {
    check(&[
        ("tx: {v}", &[7]),
        ("tx: { v + 1 : u16be }", &[0, 8]),
        ("tx: {d:u16le}", &[0x2C, 1]),
        ("tx: {-v:i8}", &[0xF9]),
        ("tx: {v:dec2} {d:dec}", b"07300"),
        ("tx: {d:hex4}", b"012c"),
        ("tx: {v ? 1 : 2:u16be}", &[0, 1]),
        ("tx: {v / 2}", &[3]),
        ("tx: {reply:bytes} {reply[1]}", &[0x10, 0x20, 0xFF, 0x20]),
        ("tx: 01 { later : bytes }", &[1]),
    ]);
}

#[test]
fn repetitions_and_groups() {
    check(&[
        ("tx: 01*3", &[1, 1, 1]),
        ("tx: {v}*2 \"a\"*2", &[7, 7, b'a', b'a']),
        ("tx: ( {v} 14 )*2 05", &[7, 0x14, 7, 0x14, 5]),
        ("tx: ({v} (01 02)*2)", &[7, 1, 2, 1, 2]),
        ("tx: {seq()}*3", &[0, 1, 2]),
        ("tx: 01 {sum()}*2", &[1, 1, 2]),
    ]);
    assert_eq!(encode("tx: ( 00*64 )*8", &device()).len(), 512);
}

#[test]
fn loops_over_features() {
    check(&[
        ("tx: each( {i} {v} {k} )", &[0, 10, 1, 2, 20, 2, 5, 30, 3]),
        ("tx: each rotate( {i} {v} {k} ) {i} {v}", &[2, 20, 1, 5, 30, 2, 2, 7]),
        ("tx: each vibrate({v})*2", &[10, 20, 10, 20]),
        ("tx: each ( {v}*2 )", &[10, 10, 20, 20, 30, 30]),
        ("tx: each rotate( {k} each vibrate( {v} ) {k} )", &[1, 10, 20, 1, 2, 10, 20, 2]),
        ("tx: 01 each led( {v} )", &[1]),
    ]);
}

#[test]
fn packet_functions_see_what_is_rendered_so_far() {
    check(&[
        ("tx: AA 55 06 {xor()} {xor(1)} {xor(1, 3)}", &[0xAA, 0x55, 6, 0xF9, 0x55 ^ 6 ^ 0xF9, 0x55 ^ 6]),
        ("tx: FF FF {sum():u16be} {sum(0, 2) & 0xFF}", &[0xFF, 0xFF, 1, 0xFE, 0xFE]),
        ("tx: {sum()} {sum(1, 1)}", &[0, 0]),
        ("tx: \"123456789\" {crc16_modbus():u16be}", b"123456789\x4B\x37"),
        ("tx: 00 \"123456789\" {crc16_xmodem(1):u16le}", b"\x00123456789\xC3\x31"),
        ("tx: 01 {crc16_xmodem(0.9, 1.9) & 0xFF}", &[1, 0x21]),
    ]);
}

#[test]
fn the_sequence_runs_on_and_wraps() {
    let (device, line) = (device(), line("tx: {seq()}"));
    let taken: Vec<u8> = (0..257).flat_map(|_| line.encode(&device).unwrap()).collect();
    assert_eq!((taken[0], taken[255], taken[256]), (0, 255, 0));
}

#[test]
fn render_errors() {
    for (source, message) in [
        ("tx: {d}", "expression `d`: value 300 is out of range of u8, allowed is 0 to 255"),
        ("tx: { -v : u16be }", "expression `-v`: value -7 is out of range of u16be, allowed is 0 to 65535"),
        ("tx: {1/0}", "expression `1/0`: value inf is not a finite number"),
        (
            "tx: 01 {sum(0, 2)}",
            "expression `sum(0, 2)`: checksum from 0 to 2 is out of range, allowed is 0 to 1 in order",
        ),
        ("tx: 01 {sum(-1)}", "expression `sum(-1)`: checksum from -1 to 1 is out of range, allowed is 0 to 1 in order"),
        (
            "tx: 01 02 {xor(2, 1)}",
            "expression `xor(2, 1)`: checksum from 2 to 1 is out of range, allowed is 0 to 2 in order",
        ),
        ("tx: ( 00*64 )*8 00", "packet of `tx: ( 00*64 )*8 00` is longer than the 512 bytes allowed"),
        ("tx: each led( {v} )", "packet of `tx: each led( {v} )` has no bytes"),
        ("tx: {later:bytes}", "packet of `tx: {later:bytes}` has no bytes"),
        (
            "tx: (((((each led( {v} ))*64)*64)*64)*64)*64",
            "packet of `tx: (((((each led( {v} ))*64)*64)*64)*64)*64` has more than the 4096 items allowed",
        ),
    ] {
        assert_eq!(line(source).encode(&device()).unwrap_err().to_string(), message);
    }
}
