use super::*;

fn evaluate(source: &str) -> Result<f64, EvalError> {
    let expression = Expression::parse(source, &names()).unwrap_or_else(|error| panic!("{source}: {error}"));
    expression.value(&device())
}

#[track_caller]
fn check(cases: &[(&str, f64)]) {
    for (source, expected) in cases {
        assert_eq!(evaluate(source), Ok(*expected), "{source}");
    }
}

#[test]
fn numbers() {
    check(&[
        ("12", 12.0),
        ("0x1f", 31.0),
        ("0xFF", 255.0),
        ("0.5", 0.5),
        (" 007 ", 7.0),
        ("9007199254740992", 2f64.powi(53)),
    ]);
}

#[test]
fn precedence_is_that_of_c() {
    check(&[
        ("2 + 3 * 4", 14.0),
        ("(2 + 3) * 4", 20.0),
        ("10 - 4 - 3", 3.0),
        ("100 / 10 / 2", 5.0),
        ("7 % 4 * 2", 6.0),
        ("1 << 2 + 1", 8.0),
        ("16 >> 1 < 9", 1.0),
        ("1 < 2 == 1", 1.0),
        ("6 & 3 == 3", 0.0),
        ("(6 & 3) == 2", 1.0),
        ("1 | 6 ^ 2", 5.0),
        ("4 ^ 6 & 2", 6.0),
        ("0 && 0 | 1", 0.0),
        ("1 || 0 && 0", 1.0),
        ("0 ? 1 : 0 ? 2 : 3", 3.0),
        ("1 ? 0 ? 4 : 5 : 6", 5.0),
        ("0 || 1 ? 8 : 9", 8.0),
        ("-2 * -3", 6.0),
        ("- - 2", 2.0),
        ("!0 + 1", 2.0),
        ("!5", 0.0),
        ("~0 & 0xFF", 255.0),
        ("-1 >> 1", -1.0),
        ("3 - -1", 4.0),
        ("!!7", 1.0),
    ]);
}

#[test]
fn division_is_real_and_bits_work_on_truncated_values() {
    check(&[
        ("7 / 2", 3.5),
        ("7.5 % 2", 1.5),
        ("-7 % 4", -3.0),
        ("7.9 & 15", 7.0),
        ("-1.9 | 0", -1.0),
        ("3.9 << 1.9", 6.0),
        ("~1.5", -2.0),
        ("1 << 62", 2f64.powi(62)),
        ("0 << 63", 0.0),
        ("0 - 8 >> 63", -1.0),
        ("min(100, 1 / 0)", 100.0),
    ]);
}

#[test]
fn comparisons_and_logic_give_one_or_zero() {
    check(&[
        ("2 == 2", 1.0),
        ("2 != 2", 0.0),
        ("2 <= 2", 1.0),
        ("2 >= 3", 0.0),
        ("2 < 3", 1.0),
        ("2 > 3", 0.0),
        ("5 && 7", 1.0),
        ("5 && 0", 0.0),
        ("0 || 9", 1.0),
        ("0 || 0", 0.0),
    ]);
}

#[test]
fn logic_is_lazy() {
    // The shift is an error as soon as it is computed.
    check(&[("0 && (1 << 64)", 0.0), ("1 || (1 << 64)", 1.0), ("1 ? 5 : (1 << 64)", 5.0), ("0 ? (1 << 64) : 6", 6.0)]);
    assert!(evaluate("1 && (1 << 64)").is_err());
    let expression = PacketTemplate::parse("tx: {0 && seq()} {1 || seq()} {seq()}", &names()).unwrap();
    assert_eq!(expression.encode(&device()), Ok(vec![0, 1, 0]));
}

#[test]
fn identifiers() {
    check(&[
        ("v", 7.0),
        ("d", 300.0),
        ("i", 2.0),
        ("n", 3.0),
        ("prev", 55.0),
        ("f0", 10.0),
        ("f1", 99.0),
        ("f5", 30.0),
        ("f31", 0.0),
        ("vibrate", 10.0),
        ("rotate", 20.0),
        ("hw_position", 0.0),
        ("id", 3.0),
        ("reply[0]", 16.0),
        ("reply [ 1 + 1.9 ]", 255.0),
        ("reply[3]", 0.0),
        ("reply[1/0]", 0.0),
        ("later[0]", 0.0),
    ]);
}

#[test]
fn functions() {
    check(&[
        ("abs(-3)", 3.0),
        ("min(3, 1, 2)", 1.0),
        ("max(3, 9 , 2)", 9.0),
        ("floor(-1.5)", -2.0),
        ("ceil(-1.5)", -1.0),
        ("trunc(-1.5)", -1.0),
        ("round(2.5)", 3.0),
        ("round(-2.5)", -3.0),
        ("pow(2, 10)", 1024.0),
        ("len(reply)", 3.0),
        ("len( later )", 0.0),
        ("count(vibrate)", 2.0),
        ("count(led)", 0.0),
        ("has(tx)", 1.0),
        ("has(rx)", 0.0),
        ("abs (min(-1, max(2, 3)))", 1.0),
    ]);
}

#[test]
fn faults() {
    for (source, message) in [
        ("1 / 0", "expression `1 / 0`: value inf is not a finite number"),
        ("0 / 0 ? 1 : 2", "expression `0 / 0 ? 1 : 2`: value NaN is not a finite number"),
        ("!(0 / 0)", "expression `!(0 / 0)`: value NaN is not a finite number"),
        ("min(1, 0 / 0)", "expression `min(1, 0 / 0)`: value NaN is not a finite number"),
        ("1 << 64", "expression `1 << 64`: shift amount 64 is out of range, allowed is 0 to 63"),
        ("1 >> -1", "expression `1 >> -1`: shift amount -1 is out of range, allowed is 0 to 63"),
        ("3 << 62", "expression `3 << 62`: value 3 << 62 does not fit 64 bits"),
        (
            "pow(2, 63) & 1",
            "expression `pow(2, 63) & 1`: value 9223372036854776000 is out of range of bit operators, allowed is \
             -9223372036854775808 to 9223372036854775807",
        ),
        ("reply[-1]", "expression `reply[-1]`: index -1 of buffer \"reply\" is out of range, allowed is 0 or more"),
        ("lost", "expression `lost`: parameter \"lost\" has no value"),
    ] {
        assert_eq!(evaluate(source).unwrap_err().to_string(), message);
    }
}

#[test]
fn an_expression_holds_unless_it_is_zero() {
    let holds = |source: &str| Expression::parse(source, &names()).unwrap().holds(&device());
    assert_eq!(holds("reply[0] == 0x10"), Ok(true));
    assert_eq!(holds("0.1"), Ok(true));
    assert_eq!(holds("v > 7"), Ok(false));
    assert!(holds("1 / 0").is_err());
    assert_eq!(Expression::parse("  v + 1 ", &names()).unwrap().source(), "v + 1");
}
