//! The dongle's answers, one after the other.

use super::*;

const SEARCH: &[Effect] = &[Effect::Send(ToDongle::Search)];
const STOP: &[Effect] = &[Effect::Send(ToDongle::StopSearch)];
const NOTHING: &[Effect] = &[];

struct Bench {
    machine: StateMachine,
    now: Instant,
}

impl Bench {
    fn new(scanning: bool, look: bool) -> Self {
        let now = Instant::now();
        let (machine, effects) = StateMachine::new(scanning, look, now);
        assert_eq!(effects, [Effect::Send(ToDongle::AskStatus)]);
        Self { machine, now }
    }

    fn read_loop(&mut self, text: &str) -> Vec<Effect> {
        let messages = FromDongle::parse(text);
        assert_eq!(messages.len(), 1, "{text}");
        self.machine.heard(&messages[0], self.now)
    }

    /// Lets time pass, and ticks whenever that is due.
    fn wait(&mut self, ms: u64) -> Vec<Effect> {
        let end = self.now + Duration::from_millis(ms);
        let mut effects = Vec::new();
        while let Some(at) = self.machine.next().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            effects.extend(self.machine.tick(self.now));
            assert!(self.machine.next().is_none_or(|next| next > at), "it would tick for ever");
        }
        self.now = end;
        effects
    }

    fn scan(&mut self, scanning: bool) -> Vec<Effect> {
        self.machine.scan(scanning, self.now)
    }
}

fn status(status: u16) -> String {
    format!(r#"{{"type":"toy","func":"status","data":{{"id":"AB12","status":{status}}}}}"#)
}

fn connected() -> Vec<Effect> {
    vec![Effect::Connected("AB12".to_owned())]
}

#[test]
fn a_toy_that_is_connected_already_is_taken() {
    let mut bench = Bench::new(false, false);
    assert_eq!(bench.read_loop(&status(202)), connected());
    assert_eq!(bench.machine.toy(), Some("AB12"));
    // Scans change nothing about it.
    assert_eq!(bench.scan(true), NOTHING);
    assert_eq!(bench.read_loop(&status(202)), NOTHING);
    assert_eq!(bench.read_loop(r#"{"func":"search","result":206}"#), NOTHING);
    assert_eq!(
        bench.read_loop(r#"{"func":"toyData","data":{"id":"AB12","data":"P:1:0;"}}"#),
        [Effect::Notify("P:1:0;".into())]
    );
    assert_eq!(bench.read_loop(r#"{"func":"toyData","data":{"id":"AB12"}}"#), NOTHING);
    assert_eq!(bench.read_loop(r#"{"func":"toyData","result":200}"#), NOTHING);
    assert_eq!(bench.machine.next(), None);
}

#[test]
fn nothing_is_searched_for_unless_a_client_scans() {
    let mut bench = Bench::new(false, false);
    assert_eq!(bench.wait(249), NOTHING);
    assert_eq!(bench.machine.state(), "asked for its toy");
    assert_eq!(bench.wait(60_000), NOTHING);
    assert_eq!(bench.machine.state(), "idle");
    assert_eq!(bench.scan(true), SEARCH);
    assert_eq!(bench.scan(true), NOTHING);
    assert_eq!(bench.read_loop(r#"{"func":"search","result":205}"#), NOTHING);
    assert_eq!(bench.wait(3_600_000), NOTHING);
    assert_eq!(bench.scan(false), STOP);
    assert_eq!(bench.read_loop(r#"{"func":"search","result":206}"#), NOTHING);
    assert_eq!(bench.machine.state(), "idle");
    assert_eq!(bench.scan(false), NOTHING);
    // It may connect by itself.
    assert_eq!(bench.read_loop(&status(202)), connected());
}

#[test]
fn a_scan_that_comes_first_waits_until_the_dongle_may_be_asked() {
    let mut bench = Bench::new(false, false);
    assert_eq!(bench.scan(true), NOTHING);
    assert_eq!(bench.wait(250), SEARCH);
    // Any other first answer ends the wait.
    let mut bench = Bench::new(true, false);
    assert_eq!(bench.read_loop(&status(404)), SEARCH);
    let mut bench = Bench::new(false, false);
    assert_eq!(bench.read_loop(r#"{"func":"init","result":100}"#), NOTHING);
    assert_eq!(bench.machine.state(), "idle");
}

#[test]
fn a_found_toy_is_connected_when_the_search_has_ended() {
    let mut bench = Bench::new(true, false);
    assert_eq!(bench.wait(250), SEARCH);
    assert_eq!(bench.read_loop(r#"{"func":"toyData","data":{"id":"AB12"}}"#), STOP);
    assert_eq!(bench.read_loop(&status(201)), NOTHING);
    assert_eq!(bench.read_loop(r#"{"func":"search","result":205}"#), NOTHING);
    assert_eq!(bench.read_loop(r#"{"func":"search","result":206}"#), connected());
}

#[test]
fn a_search_that_never_ends_is_no_dead_end() {
    let mut bench = Bench::new(true, false);
    assert_eq!(bench.wait(250), SEARCH);
    assert_eq!(bench.read_loop(r#"{"func":"toyData","data":{"id":"AB12"}}"#), STOP);
    assert_eq!(bench.wait(2000), [Effect::Send(ToDongle::AskStatus)]);
    assert_eq!(bench.read_loop(&status(202)), connected());
}

#[test]
fn a_search_that_ends_by_itself_is_begun_again_at_leisure() {
    let mut bench = Bench::new(true, false);
    assert_eq!(bench.wait(250), SEARCH);
    for over in [r#"{"func":"search","result":206}"#, r#"{"func":"toyData","result":404}"#] {
        assert_eq!(bench.read_loop(over), NOTHING);
        assert_eq!(bench.read_loop(over), NOTHING);
        assert_eq!(bench.wait(249), NOTHING);
        assert_eq!(bench.wait(1), SEARCH);
    }
    assert_eq!(bench.read_loop(&status(202)), connected());
}

#[test]
fn a_lost_toy_is_searched_for_a_while_without_a_scan() {
    let mut bench = Bench::new(false, false);
    bench.read_loop(&status(202));
    assert_eq!(bench.read_loop(&status(201)), NOTHING);
    assert_eq!(bench.read_loop(&status(403)), [Effect::Gone]);
    assert_eq!(bench.machine.toy(), None);
    // It was in use.
    assert_eq!(bench.machine.look(bench.now), SEARCH);
    assert_eq!(bench.wait(59_000), NOTHING);
    assert_eq!(bench.wait(1_000), STOP);
    assert_eq!(bench.machine.state(), "idle");
    assert_eq!(bench.machine.look(bench.now), SEARCH);
    assert_eq!(bench.read_loop(&status(202)), connected());
    // A client scans anyway.
    assert_eq!(bench.scan(true), NOTHING);
    assert_eq!(bench.read_loop(&status(403)), [Effect::Gone, Effect::Send(ToDongle::Search)]);
    assert_eq!(bench.machine.look(bench.now), NOTHING);
    assert_eq!(bench.wait(120_000), NOTHING);
    assert_eq!(bench.scan(false), STOP);
    // A dongle that was unplugged with its toy.
    let mut bench = Bench::new(false, true);
    assert_eq!(bench.wait(250), SEARCH);
    // A scan that begins and ends meanwhile does not end it.
    assert_eq!(bench.scan(true), NOTHING);
    assert_eq!(bench.scan(false), NOTHING);
    assert_eq!(bench.read_loop(r#"{"func":"search","result":206}"#), NOTHING);
    assert_eq!(bench.wait(250), SEARCH);
    assert_eq!(bench.wait(60_000), STOP);
}

#[test]
fn no_sequence_of_messages_is_a_dead_end_or_a_flood() {
    let said = [
        status(202),
        status(403),
        status(201),
        r#"{"func":"search","result":205}"#.to_owned(),
        r#"{"func":"search","result":206}"#.to_owned(),
        r#"{"func":"toyData","data":{"id":"AB12","data":"x"}}"#.to_owned(),
        r#"{"func":"toyData","result":404}"#.to_owned(),
        r#"{"func":"error","result":400}"#.to_owned(),
    ];
    // Every sequence of five.
    for number in 0..said.len().pow(5) {
        let mut bench = Bench::new(number % 3 == 0, number % 2 == 0);
        let mut rest = number;
        for _ in 0..5 {
            let effects = bench.read_loop(&said[rest % said.len()]);
            assert!(effects.len() <= 2, "{effects:?}");
            rest /= said.len();
        }
        // Whatever came, at last a scan finds the toy, or has it.
        bench.scan(true);
        bench.wait(5_000);
        assert!(["searching", "connected to a toy"].contains(&bench.machine.state()), "{:?}", bench.machine);
        bench.read_loop(&status(202));
        assert_eq!(bench.machine.toy(), Some("AB12"));
    }
}
