use super::*;

fn error(source: &str) -> String {
    match PacketTemplate::parse(source, &names()) {
        Ok(line) => panic!("{source} parses: {line:?}"),
        Err(error) => error.to_string(),
    }
}

#[track_caller]
fn check(cases: &[(&str, &str)]) {
    for (source, message) in cases {
        assert_eq!(error(source), *message, "{source}");
    }
}

#[test]
fn heads() {
    let empty = "expected an item, a packet or group may not be empty, found the end of the line";
    check(&[
        ("tx", "column 3: expected ack or ':', found the end of the line"),
        ("tx nak: 01", "column 4: expected ack or ':', found 'n'"),
        ("tx ack 01", "column 8: expected ':', found '0'"),
        (":", "column 1: expected an endpoint, found ':'"),
        ("tx:", &format!("column 4: {empty}")),
        ("tx ack:  ", &format!("column 10: {empty}")),
        ("if v tx: 01", "column 4: expected '{', found 'v'"),
        ("if {v tx: 01", "column 7: expected an operator or '}', found 't'"),
        ("if {k} tx: 01", "column 5: identifier \"k\" has a meaning only inside each( ... )"),
        (
            "if {seq()} tx: 01",
            "column 5: function seq has a meaning only inside a packet, not in a condition or an input value",
        ),
        ("", "column 1: template has 0 characters, allowed are 1 to 2000"),
    ]);
    assert!(error("tz: 01").starts_with("column 1: unknown endpoint \"tz\", allowed are "));
    let long = format!("tx:{}", " 01".repeat(700));
    assert_eq!(error(&long), "column 1: template has 2103 characters, allowed are 1 to 2000");
}

#[test]
fn items() {
    let item = "expected a byte of two hexadecimal digits, \"text\", {EXPR}, ( ... ) or each( ... )";
    check(&[
        ("tx: 1", &format!("column 5: {item}, found \"1\"")),
        ("tx: 01 123", &format!("column 8: {item}, found \"123\"")),
        ("tx: xy", &format!("column 5: {item}, found \"xy\"")),
        ("tx: +1", &format!("column 5: {item}, found '+'")),
        ("tx: 01{v}", "column 7: expected a blank between items or *N, found '{'"),
        ("tx: {v}*2*2", "column 10: expected a blank between items or *N, found '*'"),
        ("tx: 01*0", "column 8: number of repetitions 0 is out of range, allowed is 1 to 64"),
        ("tx: 01*65", "column 8: number of repetitions 65 is out of range, allowed is 1 to 64"),
        ("tx: 01* 2", "column 8: expected a number of repetitions, found ' '"),
        ("tx: ( 01", "column 9: expected an item or ')', found the end of the line"),
        ("tx: 01 )", "column 8: expected an item, found ')'"),
        ("tx: ( )", "column 7: expected an item, a packet or group may not be empty, found ')'"),
        (
            "tx: each 01",
            "column 10: unknown output kind \"01\", allowed are constrict, temperature, led, oscillate, \
          position, rotate, spray, vibrate, hw_position",
        ),
        ("tx: each vibrate 01", "column 18: expected '(', found '0'"),
        ("tx: \"abc", "column 9: expected '\"', found the end of the line"),
        ("tx: \"\"", "column 5: expected text of at least one character, found \"\""),
        (r#"tx: "a\q""#, r#"column 7: unknown escape "\\q", allowed are \n, \r, \t, \\, \", \0"#),
        ("tx: {v", "column 7: expected an operator, ':' or '}', found the end of the line"),
        ("tx: {v:u8 1}", "column 11: expected '}', found '1'"),
        (
            "tx: {v:u7}",
            "column 8: unknown format \"u7\", allowed are u8, i8, u16be, u16le, u32be, u32le, dec, dec2 to dec9, hex2 \
             to hex8, bytes",
        ),
        ("tx: {v:bytes}", "column 6: unknown buffer \"v\", allowed are later, reply"),
        ("tx: {v + 1:bytes}", "column 6: unknown buffer \"v + 1\", allowed are later, reply"),
    ]);
}

#[test]
fn expressions() {
    let operand = "expected a number, name, call, sign or '('";
    let number = "expected a decimal number such as 20 or 0.5, or a hexadecimal one such as 0x1F";
    check(&[
        ("tx: {}", &format!("column 6: {operand}, found '}}'")),
        ("tx: {1 +}", &format!("column 9: {operand}, found '}}'")),
        ("tx: {1 = 1}", "column 8: expected an operator, ':' or '}', found '='"),
        ("tx: {(1}", "column 8: expected an operator or ')', found '}'"),
        ("tx: {1 ? 2}", "column 11: expected an operator or ':', found '}'"),
        ("tx: {12a}", &format!("column 6: {number}, found \"12a\"")),
        ("tx: {0x}", &format!("column 6: {number}, found \"0x\"")),
        ("tx: {0xg}", &format!("column 6: {number}, found \"0xg\"")),
        ("tx: {1.5x}", &format!("column 6: {number}, found \"1.5x\"")),
        ("tx: {1.}", "column 7: expected an operator, ':' or '}', found '.'"),
        ("tx: {٣}", &format!("column 6: {operand}, found '٣'")),
        (
            "tx: {9007199254740993000}",
            "column 6: number 9007199254740993000 is out of range, allowed is 0 to 9007199254740992",
        ),
        (
            "tx: {0xFFFFFFFFFFFFFFFFFF}",
            "column 6: number 0xFFFFFFFFFFFFFFFFFF is out of range, allowed is 0 to 9007199254740992",
        ),
        (
            "tx: 01 {1 + speed}",
            "column 13: unknown identifier \"speed\", allowed are v, d, i, k, n, prev, f0 to f31, constrict, \
             temperature, led, oscillate, position, rotate, spray, vibrate, hw_position, id, lost, later[INDEX], \
             reply[INDEX]",
        ),
        ("tx: {k}", "column 6: identifier \"k\" has a meaning only inside each( ... )"),
        ("tx: each( {k} ) {k}", "column 18: identifier \"k\" has a meaning only inside each( ... )"),
        ("tx: {reply}", "column 6: buffer \"reply\" is not a number, write reply[INDEX] or len(reply)"),
        ("tx: {id[0]}", "column 6: unknown buffer \"id\", allowed are later, reply"),
        ("tx: {reply[0}", "column 13: expected an operator or ']', found '}'"),
        ("tx: {min}", "column 9: expected '(' after the name of a function, found '}'"),
        (
            "tx: {sqrt(1)}",
            "column 6: unknown function \"sqrt\", allowed are abs, min, max, floor, ceil, trunc, round, pow, len, \
             count, has, is, seq, sum, xor, crc16_modbus, crc16_xmodem",
        ),
    ]);
    assert!(error("tx: {f32}").starts_with("column 6: unknown identifier \"f32\""));
}

#[test]
fn argument_counts() {
    for (call, allowed, found) in [
        ("abs()", "1 argument", 0),
        ("abs(1, 2)", "1 argument", 2),
        ("min(1)", "2 arguments or more", 1),
        ("pow(1)", "2 arguments", 1),
        ("pow(1, 2, 3)", "2 arguments", 3),
        ("len()", "1 argument", 0),
        ("len(reply, later)", "1 argument", 2),
        ("count()", "1 argument", 0),
        ("has(tx, rx)", "1 argument", 2),
        ("seq(1)", "no arguments", 1),
        ("sum(1, 2, 3)", "0 to 2 arguments", 3),
        ("crc16_modbus(1, 2, 3)", "0 to 2 arguments", 3),
    ] {
        let function = call.split('(').next().unwrap();
        let message = format!("column 6: function {function} takes {allowed}, found {found}");
        assert_eq!(error(&format!("tx: {{{call}}}")), message);
    }
    check(&[
        ("tx: {len(v)}", "column 10: unknown buffer \"v\", allowed are later, reply"),
        ("tx: {len(+)}", "column 10: expected a name, found '+'"),
        ("tx: {min(1,)}", "column 12: expected a number, name, call, sign or '(', found ')'"),
    ]);
    assert!(error("tx: {count(buzz)}").starts_with("column 12: unknown output kind \"buzz\""));
    assert!(error("tx: {has(tz)}").starts_with("column 10: unknown endpoint \"tz\""));
}

#[test]
fn expressions_on_their_own_have_no_packet() {
    for call in ["seq()", "sum()", "xor(1)", "crc16_modbus()", "crc16_xmodem()"] {
        let error = Expression::parse(call, &names()).unwrap_err();
        assert!(matches!(error.problem, ParseErrorKind::OutsidePacket { .. }), "{call}");
    }
    let error = Expression::parse("v }", &names()).unwrap_err().to_string();
    assert_eq!(error, "column 3: expected an operator or the end of the line, found '}'");
    assert_eq!(
        Expression::parse("key[0]", &Names::default()).unwrap_err().to_string(),
        "column 1: unknown buffer \"key\", allowed are none here"
    );
}

#[test]
fn depth_is_limited() {
    let nested = |open: &str, middle: &str, close: &str, depth: usize| {
        let source = format!("tx: {}{middle}{}", open.repeat(depth), close.repeat(depth));
        PacketTemplate::parse(&source, &names()).map_err(|error| error.problem)
    };
    let limit = Err(ParseErrorKind::Nesting { limit: 32 });
    assert!(nested("(", "01", ")", 32).is_ok());
    assert_eq!(nested("(", "01", ")", 33), limit);
    assert_eq!(nested("each(", "01", ")", 33), limit);
    let value = |open: &str, middle: &str, close: &str, depth: usize| {
        let (open, close) = (format!("{{{}", open.repeat(depth)), format!("{}}}", close.repeat(depth)));
        nested(&open, middle, &close, 1)
    };
    assert!(value("(", "1", ")", 31).is_ok());
    for (open, middle, close) in [
        ("(", "1", ")"),
        ("-", "1", ""),
        ("!~", "1", ""),
        ("abs(", "1", ")"),
        ("reply[", "1", "]"),
        ("1 ? ", "1", " : 2"),
        ("1 ? 2 : ", "1", ""),
        ("sum(", "", ")"),
        ("(", "", ""),
    ] {
        assert_eq!(value(open, middle, close, 150), limit, "{open}");
    }
}

#[test]
fn chains_are_limited_and_the_longest_still_evaluate() {
    let chain = |count: usize| format!("tx: {{1{}}}", " - 0".repeat(count));
    assert_eq!(encode(&chain(256), &device()), [1]);
    assert_eq!(error(&chain(257)), "column 1032: expression has more than the 256 operators allowed");
}

#[test]
fn the_deepest_template_fits_a_small_stack() {
    // Every level goes through every precedence.
    let levels = "(0 || 1 && 0 | 0 ^ 1 & 1 == 0 <".repeat(23);
    let packet = format!("tx: {}{{{levels} 1{}}}{}", "(".repeat(8), ")".repeat(23), ")".repeat(8));
    let chain = format!("tx: {{1{}}}", " - 0".repeat(256));
    let run = move || [packet, chain].map(|source| encode(&source, &device()).len());
    let small = std::thread::Builder::new().stack_size(768 * 1024).spawn(run).unwrap();
    assert_eq!(small.join().unwrap(), [1, 1]);
}
