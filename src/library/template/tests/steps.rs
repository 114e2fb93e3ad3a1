use std::time::Duration;

use super::*;

fn step(source: &str, names: &mut Names) -> Step {
    Step::parse(source, names).unwrap_or_else(|error| panic!("{source}: {error}"))
}

#[test]
fn every_step() {
    let names = &mut Names::default();
    assert_eq!(step("subscribe rx", names), Step::Subscribe(Endpoint::RX));
    assert_eq!(step(" unsubscribe  rx ", names), Step::Unsubscribe(Endpoint::RX));
    assert_eq!(step("sleep 100ms", names), Step::Sleep(Duration::from_millis(100)));
    assert_eq!(step("sleep 60s", names), Step::Sleep(Duration::from_secs(60)));
    let (endpoint, limit) = (Endpoint::RX, Duration::from_secs(3));
    assert_eq!(step("wait rx 3s", names), Step::Wait { endpoint, limit, name: None, when: None });
    assert_eq!(step("read rx", names), Step::Read { endpoint, name: None });
    assert!(matches!(step("expect {n > 0}", names), Step::Expect(expression) if expression.source() == "n > 0"));
    assert!(matches!(step("tx ack: 01", names), Step::Write(line) if line.ack()));
    assert!(matches!(step("if {n} tx: 01", names), Step::Write(_)));
    assert_eq!(*names, Names::default());
}

#[test]
fn buffers_are_known_to_what_follows() {
    let names = &mut Names::default();
    assert!(Step::parse("expect {key[0]}", names).is_err());
    let name = Some("key".to_owned());
    let limit = Duration::from_millis(1);
    let expected = Step::Maybe { endpoint: Endpoint::RX, limit, name: name.clone(), when: None };
    assert_eq!(step("maybe rx 1ms as key", names), expected);
    assert!(matches!(step("expect {key[0] == len(key)}", names), Step::Expect(_)));
    assert!(matches!(step("tx: {key:bytes}", names), Step::Write(_)));
    assert_eq!(step("read rx as key", names), Step::Read { endpoint: Endpoint::RX, name }, "filling it again is fine");
    step("read rx as _k2", names);
    assert!(names.buffers.contains("_k2"));
}

#[test]
fn errors() {
    let time = "a time such as 100ms or 3s";
    let name = |name: &str| {
        format!(
            "buffer name {name:?} is not allowed, it must match [a-z_][a-z0-9_]* and not be a parameter, identifier, \
             function or output kind"
        )
    };
    for (source, message) in [
        ("sleep 0ms", "column 7: time 0ms is out of range, allowed is 1ms to 60s".to_owned()),
        ("sleep 61s", "column 7: time 61s is out of range, allowed is 1ms to 60s".to_owned()),
        (
            "sleep 99999999999999999999s",
            "column 7: time 99999999999999999999s is out of range, allowed is 1ms to 60s".to_owned(),
        ),
        ("sleep 5", format!("column 7: expected {time}, found \"5\"")),
        ("sleep ms", format!("column 7: expected {time}, found \"ms\"")),
        ("sleep", format!("column 6: expected {time}, found the end of the line")),
        ("sleep 1s 2s", "column 10: expected the end of the line, found '2'".to_owned()),
        ("wait rx as x", format!("column 9: expected {time}, found \"as\"")),
        ("wait rx 1s as", format!("column 14: {}", name(""))),
        ("wait rx 1s as Key", format!("column 15: {}", name("Key"))),
        ("read rx as f1", format!("column 12: {}", name("f1"))),
        ("read rx as id", format!("column 12: {}", name("id"))),
        ("read rx as sum", format!("column 12: {}", name("sum"))),
        ("subscribe", "column 10: expected an endpoint, found the end of the line".to_owned()),
        ("expect v", "column 8: expected '{', found 'v'".to_owned()),
        ("expect {v", "column 10: expected an operator or '}', found the end of the line".to_owned()),
    ] {
        let names = &mut names();
        let before = names.clone();
        assert_eq!(Step::parse(source, names).unwrap_err().to_string(), message, "{source}");
        assert_eq!(*names, before);
    }
    let error = Step::parse("subscribe nowhere", &mut names()).unwrap_err().to_string();
    assert!(error.starts_with("column 11: unknown endpoint \"nowhere\", allowed are "), "{error}");
}

#[test]
fn conditions_stand_before_every_step() {
    let names = &mut Names::default();
    let Step::If(condition, then) = step("if {has(rx)} read rx as key", names) else {
        panic!("a condition");
    };
    assert_eq!((condition.source(), then.endpoint()), ("has(rx)", Some(Endpoint::RX)));
    assert!(names.buffers.contains("key"));
    assert!(matches!(step("if {key[0]} sleep 1s", names), Step::If(..)));
    assert!(matches!(step("if {key[0]} tx: 01", names), Step::Write(_)));
    let error = Step::parse("if {key[0]} sleep 0s", names).unwrap_err();
    assert_eq!(error.column, 19);
}

#[test]
fn notifications_that_count() {
    let names = &mut Names::default();
    let when = |step: Step| match step {
        Step::Wait { when, .. } | Step::Maybe { when, .. } => when.unwrap().source().to_owned(),
        other => panic!("{other:?}"),
    };
    assert_eq!(when(step("wait rx 1s as r when {r[0] == 1}", names)), "r[0] == 1");
    assert_eq!(when(step("maybe rx 1s when {b[0] == len(r)}", names)), "b[0] == len(r)");
    // Without a name it is `b`, and only there.
    assert!(Step::parse("wait rx 1s as q when {b[0]}", names).is_err());
    assert!(Step::parse("tx: {b[0]}", names).is_err());
}

#[test]
fn lines_tell_what_they_ask_for() {
    let line =
        PacketTemplate::parse("if {has(rx) || v} tx: ( {has(txmode)} )*2 each( {v + has(rx)} ) 01", &Names::default())
            .unwrap();
    assert_eq!(line.asks_for(), [Endpoint::RX, Endpoint::parse("txmode").unwrap()].into());
}
