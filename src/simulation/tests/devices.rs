//! Every model of every built-in definition: what a driver encodes, the toy must understand.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use std::sync::Arc;

use crate::driver::{self, Batch, Change, Driver, Levels};
use crate::library::{Definition, Hardware, Library, Matcher, Model, OutputSpec};
use crate::link::{Clock, Confirms, Deadlines, Link, LinkEnd, LinkError, LinkInfo, Operation, pair};
use crate::simulation::*;
use crate::types::{Bus, Endpoint, InputKind, Output, OutputKind};

/// Protocols whose toys are told a level and then, in another packet, which motor it is for. Until the second one comes the
/// first is read wrongly, so where both motors run only rest is certain.
const TWO_PACKETS: [&str; 1] = ["patoo"];

type Shared = Arc<Mutex<Box<dyn SimulatedDevice>>>;

fn lock(toy: &Shared) -> std::sync::MutexGuard<'_, Box<dyn SimulatedDevice>> {
    toy.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets the toy serve a link, as the virtual bus does.
async fn serve(mut end: LinkEnd, toy: Shared) {
    while let Some(request) = end.requests.recv().await {
        let mut value = Ok(Vec::new());
        let said = match request.operation {
            Operation::Write(packet) => lock(&toy).written(packet.endpoint, &packet.data),
            Operation::Subscribe(endpoint) => lock(&toy).subscribed(endpoint),
            Operation::Read(endpoint) => {
                value = lock(&toy).read(endpoint).map_err(LinkError::Failed);
                Vec::new()
            }
            Operation::Unsubscribe(_) | Operation::Disconnect => Vec::new(),
        };
        for notification in said {
            let _ = end.notify.send(notification);
        }
        let _ = request.done.send(value);
    }
}

struct Bench {
    toy: Shared,
    link: Link,
    driver: Box<dyn Driver>,
    model: Arc<Model>,
    levels: Levels,
    /// The wire carries every level.
    exact: bool,
    /// Levels that the toy shows otherwise than they were set, because one packet stands for both.
    two_packets: bool,
    indistinguishable: usize,
}

impl Bench {
    /// Connects to a toy as the server does.
    async fn new(definition: &Arc<Definition>, model: &Model) -> Self {
        let toy: Shared = Arc::new(Mutex::new(simulate(definition, model)));
        let (link, end) = pair(LinkInfo {
            endpoints: definition.matchers.iter().flat_map(Matcher::endpoints).collect(),
            gap: Duration::ZERO,
            deadlines: Deadlines::default(),
            confirms: Confirms::Everything,
            clock: Clock::manual(),
        });
        tokio::spawn(serve(end, Arc::clone(&toy)));
        let id = model.ids.first().cloned().unwrap_or_default();
        // The name is the identifier, or has it in a part of it.
        let part = definition.matchers.iter().find_map(|matcher| match matcher {
            Matcher::Btle { names, .. } => names.iter().find(|name| name.contains(&format!("_{id}_"))),
            _ => None,
        });
        let name = part.map_or(id, |name| name.replace('*', "1"));
        let bus = definition.matchers.first().map_or(Bus::Btle, Matcher::bus);
        let hardware = Hardware::new(bus, name, "a");
        let protocol = driver::for_definition(definition);
        let asked = protocol.identify(definition, &hardware, &link).await.unwrap();
        let known = definition.model(asked.as_deref());
        assert_eq!(known.name, model.name, "{}: asked, it says {asked:?}", definition.protocol);
        let model = Arc::new(known.clone());
        let mut driver = protocol.open(definition, &model, &link);
        driver.connect(&link).await.unwrap();
        let levels = Levels::new(&model);
        Self {
            toy,
            link,
            driver,
            levels,
            model,
            exact: definition.driver.as_deref() == Some("lovense"),
            two_packets: TWO_PACKETS.contains(&definition.protocol.as_str()),
            indistinguishable: 0,
        }
    }

    async fn tell(&mut self, feature: u32, output: OutputSpec, value: i32, duration_ms: u32) {
        let told = Output { kind: output.kind, value, duration_ms };
        let change = Change { feature, output: told, previous: self.levels.get(feature, output.kind) };
        let before = self.shown();
        self.levels.set(feature, output.kind, value);
        let batch_packets = self.encode(change, &self.levels.clone());
        self.write(&batch_packets).await;
        let what = format!("{}: {} {value} on feature {feature}", self.model.name, output.kind.key());
        let level = |bench: &Self| {
            let levels = lock(&bench.toy).levels();
            levels.into_iter().find(|level| (level.feature, level.kind) == (feature, output.kind)).unwrap()
        };
        let at_once = level(self);
        // A driver may walk to the goal in steps of its own, or say the same without end.
        for _ in 0..100 {
            let poll = self.driver.poll(tokio::time::Instant::now());
            self.write(&poll.packets).await;
            let Some(again) = poll.again else { break };
            tokio::time::sleep(again).await;
        }
        if batch_packets.is_empty() {
            // What no bytes end ends when it is not repeated.
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
        assert_eq!(lock(&self.toy).not_understood(), 0, "{what}: {batch_packets:02x?}");
        let levels = lock(&self.toy).levels();
        let level = level(self);
        if output.kind == OutputKind::Spray && level.value == 0 {
            // A shot ends by itself, or the driver ends it.
            assert!(value == 0 || at_once.value == value, "{what}: {at_once:?}");
            self.levels.set(feature, output.kind, 0);
            return;
        }
        let shown = level.value;
        if let Some(shown) = level.duration_ms.filter(|shown| *shown != duration_ms) {
            // The wire carries a speed of few steps (fredorch): then both times must be one step.
            let told = Output { duration_ms: shown, ..told };
            let levels = self.levels.clone();
            assert_eq!(self.encode(Change { output: told, ..change }, &levels), batch_packets, "{what}: {shown} ms");
        }
        // A machine of two modes can do one thing at a time: what is new ends what another output of it did.
        let other = |level: &&Level| level.feature == feature && level.kind != output.kind && level.value == 0;
        for ended in levels.iter().filter(other).filter(|_| shown == value && (value != 0 || output.kind.is_position()))
        {
            self.levels.set(feature, ended.kind, 0);
        }
        if self.shown() == self.levels_now() {
            return;
        }
        // Levels may differ only where the driver says the same bytes for both: the wire does not carry the
        // difference then. Known reasons: svakom-v6 sends the greater of two levels for both motors; the strength of a
        // Joy-Con has but 86 steps.
        self.indistinguishable += 1;
        assert!(!self.exact, "{what}: shown {:?}, told {:?}", self.shown(), self.levels_now());
        let mut seen = Levels::new(&self.model);
        for level in levels.iter().filter(|level| level.feature != feature).chain([&level]) {
            seen.set(level.feature, level.kind, level.value);
        }
        let told = Output { value: shown, ..told };
        let again = self.encode(Change { output: told, ..change }, &seen);
        if self.two_packets {
            self.levels = seen;
            return;
        }
        assert_eq!(again, batch_packets, "{what}: shown {before:?} -> {:?}", self.shown());
    }

    async fn write(&mut self, packets: &[crate::link::Packet]) {
        for packet in packets {
            self.link.write(packet.clone()).await.unwrap();
            self.driver.confirmed(packet, tokio::time::Instant::now());
        }
    }

    fn encode(&mut self, change: Change, levels: &Levels) -> Vec<crate::link::Packet> {
        let changes = [change];
        let batch = Batch { changes: &changes, levels, stop: false };
        self.driver.encode(&batch, tokio::time::Instant::now()).unwrap()
    }

    fn shown(&self) -> Vec<i32> {
        lock(&self.toy).levels().iter().map(|level| level.value).collect()
    }

    fn levels_now(&self) -> Vec<i32> {
        let outputs = self.model.outputs();
        outputs.map(|(feature, output)| self.levels.get(feature, output.kind)).collect()
    }
}

/// All outputs to one part of their range, then on to the next part: levels beside each other at many heights.
fn plan(output: OutputSpec) -> [i32; 7] {
    let part = |of: i32| output.max / of;
    [output.max, part(2), output.min, 1, part(3), part(2), 0]
}

#[tokio::test(start_paused = true)]
async fn every_toy_understands_its_driver() {
    let library = Library::load(&[], &driver::names());
    let mut ambiguous = Vec::new();
    for definition in library.definitions() {
        for model in definition.all_models() {
            let mut bench = Bench::new(definition, model).await;
            assert_eq!(lock(&bench.toy).unmet(), Vec::<String>::new(), "{}", model.name);
            let outputs: Vec<_> = bench.model.outputs().collect();
            for round in 0..7 {
                for (at, (feature, output)) in outputs.iter().enumerate() {
                    // Each output runs through the plan at its own pace, so that all combinations of neighbours occur.
                    let value = plan(*output)[(round * (at + 1) + at) % 7];
                    let (shortest, longest) = output.duration_ms.unwrap_or((0, 0));
                    let duration = 300.clamp(shortest, longest.max(shortest));
                    bench.tell(*feature, *output, value, duration).await;
                }
            }
            for (feature, output) in outputs.iter().filter(|(_, output)| !output.kind.is_position()) {
                bench.tell(*feature, *output, 0, 0).await;
            }
            let running = lock(&bench.toy).levels();
            let mut running = running.iter().filter(|level| !level.kind.is_position());
            assert!(running.all(|level| level.value == 0), "{} still runs", bench.model.name);
            if bench.indistinguishable > 0 {
                ambiguous.push(format!("{}/{}", definition.protocol, bench.model.name));
            }
            for (feature, input) in bench.model.inputs().filter(|(_, input)| input.read) {
                let answer = bench.driver.inputs().read(feature, input.kind, bench.link.clone()).await.unwrap();
                if input.kind == InputKind::Battery {
                    assert_eq!(answer, i32::from(CHARGE), "{}", bench.model.name);
                }
            }
        }
    }
    eprintln!("levels that packets do not tell apart: {ambiguous:?}");
}

fn one(text: &str) -> (Arc<Definition>, Library) {
    let library = Library::from_texts([("test", text)], &driver::names());
    assert!(library.problems().is_empty(), "{:?}", library.problems());
    (Arc::clone(&library.definitions()[0]), library)
}

#[tokio::test(start_paused = true)]
async fn answers_are_what_the_steps_expect() {
    let (definition, _) = one(r#"
        name = "Test"
        connect = ["subscribe rx", "tx: A0", "wait rx 1s as hello", "expect {hello[1] == 7}", "read firmware as id",
            "expect {len(id) == 4}", "tx: A1 {hello:bytes} {id:bytes}", "maybe rx 1s"]
        [[match]]
        btle.names = ["Test"]
        services."fff0" = { tx = "fff1", rx = "fff2", firmware = "fff3" }
        [default]
        name = "Test"
        features = [{ vibrate = [0, 10], battery = [0, 100] }]
        [write]
        vibrate = 'tx: {v} {hello[1]}'
        [input.battery]
        read = ["tx: B0", "wait rx 1s as answer", "expect {answer[0] == 0}"]
        value = "answer[2] - 3"
        "#);
    let mut bench = Bench::new(&definition, &definition.default.clone()).await;
    let read = bench.driver.inputs().read(0, InputKind::Battery, bench.link.clone());
    assert_eq!(read.await.unwrap(), 85);
    let (feature, output) = bench.model.outputs().next().unwrap();
    bench.tell(feature, output, 5, 0).await;
    assert_eq!(bench.shown(), [5]);
    let mut toy = lock(&bench.toy);
    assert!(toy.written(Endpoint::TX, &[0xEE]).is_empty());
    assert_eq!((toy.not_understood(), toy.levels()[0].value), (1, 5));
}

/// Conditions in every place where one may stand, each of a sort that takes a search of its own.
#[tokio::test(start_paused = true)]
async fn answers_satisfy_every_condition_of_a_definition() {
    for connect in [
        "'subscribe rx', 'tx: A0', 'wait rx 2s as hello when {hello[0] == 0x5A}'",
        "'subscribe rx', 'tx: A0', 'wait rx 2s when {b[0] == 0x5A && b[3] == b[0] + 1 && len(b) == 6}'",
        "'subscribe rx', 'wait rx 2s as h when {h[0] == 0xA5 && h[4] == ((h[0] + h[1] + h[2] + h[3]) & 0xFF)}'",
        "'subscribe rx', 'wait rx 2s as h when {h[1] == h[0] && h[0] == 0x5A}'",
        "'subscribe rx', 'wait rx 2s as h when {h[0] * 256 + h[1] == 0x1234 && h[2] + h[3] * 256 == 0x1234}'",
        "'subscribe rx', 'wait rx 2s as h when {(h[0] | h[1] << 8 | h[2] << 16 | h[3] << 24) == 0x12345678}'",
        "'subscribe rx', 'wait rx 2s as h when {(h[0] << 16 | h[1] << 8 | h[2]) >= 0x123456 && (h[0] >> 4) == 3}'",
        "'subscribe rx', 'wait rx 2s as h when {!(h[0] != 7) && (h[1] == 3 || h[2] > 200) && h[3] % 7 == 4}'",
        "'subscribe rx', 'wait rx 2s as h when {len(h) > 25 && h[25] == (h[0] == 1 ? 9 : 4)}'",
        "'subscribe rx', 'wait rx 2s as h when {h[0] == 1}', 'wait rx 2s as h when {h[0] == 2}', 'expect {h[0] == 2}'",
        "'read firmware as f', 'subscribe rx', 'tx: {f[0]}', 'wait rx 2s as h', 'expect {h[0] == f[0] + 3 && f[0] > 9}'",
        "'read firmware as f', 'expect {f[0] == 2}', 'if {f[0] == 1} expect {f[1] == 1}', 'if {f[0] == 2} expect {f[1] == 2}'",
    ] {
        let text = format!(
            r#"
            name = "Test"
            connect = [{connect}]
            [[match]]
            btle.names = ["Test"]
            services."fff0" = {{ tx = "fff1", rx = "fff2", firmware = "fff3", rxpressure = "fff4" }}
            [default]
            name = "Test"
            features = [{{ vibrate = [0, 10], battery = [0, 100] }}, {{ pressure = [0, 4000] }}, {{ pressure = [0, 90] }}]
            [write]
            vibrate = 'tx: {{v}} 55'
            [input.battery]
            read = ['subscribe rx', 'tx: B0', 'wait rx 1s as answer when {{answer[0] == 0x13 && answer[1] == 2}}']
            value = 'answer[4] - 3'
            [input.pressure]
            subscribe = "rxpressure"
            when = 'len(b) >= 7 && b[0] == 1'
            value = 'i == 1 ? b[3] * 256 + b[4] : b[5]'
            "#
        );
        let (definition, _) = one(&text);
        // Connecting panics if a condition is not satisfied.
        let mut bench = Bench::new(&definition, &definition.default.clone()).await;
        let read = bench.driver.inputs().read(0, InputKind::Battery, bench.link.clone());
        assert_eq!(read.await, Ok(85), "{connect}");
        let said = lock(&bench.toy).subscribed(Endpoint::parse("rxpressure").unwrap());
        let values = [1, 2].map(|at| bench.driver.inputs().value(at, InputKind::Pressure, &said[0]));
        assert_eq!((said.len(), values), (1, [Some(2000), Some(45)]), "{connect}");
        let (feature, output) = bench.model.outputs().next().unwrap();
        bench.tell(feature, output, 5, 0).await;
        assert_eq!(bench.shown(), [5], "{connect}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_answers_of_the_examples_are_the_natural_ones() {
    let (definition, _) = one(r#"
        name = "Test"
        connect = ["read rxblemodel", "subscribe rx", "tx: A0", "wait rx 1s as hello when {hello[0] == 0x5A}",
            "maybe rx 1s as more", "read firmware as id", "tx: A1 {hello:bytes}", "maybe rx 1s"]
        [[match]]
        btle.names = ["Test*"]
        services."fff0" = { tx = "fff1", rx = "fff2", firmware = "fff3", rxblemodel = "fff4" }
        [default]
        name = "Test"
        features = [{ vibrate = [0, 10], battery = [0, 100] }]
        [write]
        vibrate = 'tx: {v} {hello[1]}'
        [input.battery]
        read = ["tx: B0", "wait rx 1s as answer when {answer[0] == 0x13}"]
        value = "answer[2]"
        [[example]]
        steps = ['> read rxblemodel', '< value: "T1"', '> subscribe rx', '> tx: A0', '< rx: 5B 01', '< rx: 5A 02 03',
            '< rx: 77', '> read firmware', '< value: "1.2"', '> tx: A1 5A 02 03', 'vibrate 0 3', '> tx: 03 02',
            'read battery 0 -> 50', '> tx: B0', '< rx: 13 44 32 EE']
        [[example]]
        model = "Other"
        steps = ['> read rxblemodel', '> subscribe rx', '> tx: A0', '< rx: 5A 09', '> read firmware', '< value: "2.0"',
            '> tx: A1 5A 09']
        [[model]]
        ids = ["Other"]
        name = "Other"
        "#);
    let problems = crate::conformance::run_all(&definition).await;
    assert!(problems.is_empty(), "{problems:?}");
    let talk = |model: Option<&str>| {
        let mut toy = simulate(&definition, definition.model(model));
        let mut said = Vec::new();
        let read = |toy: &mut Box<dyn SimulatedDevice>, endpoint| toy.read(Endpoint::parse(endpoint).unwrap()).unwrap();
        said.push(read(&mut toy, "rxblemodel"));
        said.extend(toy.subscribed(Endpoint::RX).into_iter().map(|said| said.data));
        said.extend(toy.written(Endpoint::TX, &[0xA0]).into_iter().map(|said| said.data));
        said.push(read(&mut toy, "firmware"));
        said
    };
    let own = talk(None);
    assert_eq!(own, [b"T1".to_vec(), vec![0x5A, 2, 3], vec![0x77], b"1.2".to_vec()]);
    let other = talk(Some("Other"));
    assert_eq!((other[1].as_slice(), other[3].as_slice()), ([0x5A, 9].as_slice(), b"2.0".as_slice()));
    // Only what carries the value is another than shown, so that every toy reports the same charge.
    let mut toy = simulate(&definition, &definition.default);
    let said = toy.written(Endpoint::TX, &[0xB0]);
    assert_eq!(said[0].data, [0x13, 0x44, CHARGE, 0xEE]);
}

#[test]
fn packets_without_numbers_and_packets_for_several() {
    let (definition, _) = one(r#"
        name = "Test"
        [[match]]
        btle.names = ["Test"]
        services."fff0" = { tx = "fff1" }
        [default]
        name = "Test"
        features = [{ vibrate = [0, 10] }, { vibrate = [0, 10] }]
        [write]
        vibrate = ['if {f0 + f1 == 0} tx: 00', 'if {f0 + f1 > 0} tx: 01 {max(f0, f1)}']
        "#);
    let mut toy = simulate(&definition, &definition.default);
    let mut shown = |packet: &[u8]| {
        toy.written(Endpoint::TX, packet);
        toy.levels().iter().map(|level| level.value).collect::<Vec<_>>()
    };
    // Which of them was meant, nobody can know; both run.
    assert_eq!(shown(&[1, 4]), [4, 4]);
    assert_eq!(shown(&[1, 3]), [3, 3]);
    assert_eq!(shown(&[0]), [0, 0]);
}

#[test]
fn lovense_commands() {
    let library = Library::load(&[], &driver::names());
    let lovense = library.protocol("lovense").unwrap();
    let told = |id: &str, commands: &str| {
        let mut toy = simulate(lovense, lovense.model(Some(id)));
        let said = toy.written(Endpoint::TX, commands.as_bytes());
        let said: Vec<_> = said.into_iter().map(|said| String::from_utf8(said.data).unwrap()).collect();
        let levels: Vec<_> = toy.levels().iter().map(|level| level.value).collect();
        (said.concat(), levels, toy.not_understood())
    };
    assert_eq!(told("P", "DeviceType;"), ("P:11:0082059AD3BD;".to_owned(), vec![0, 0], 0));
    assert_eq!(told("EI", "DeviceType;").0, "EI:02:0082059AD3BD;");
    assert_eq!(told("EI-FW3", "DeviceType;").0, "EI:03:0082059AD3BD;");
    assert_eq!(told("P", "Battery;").0, "85;");
    assert_eq!(told("P", "Vibrate:4;"), ("OK;".to_owned(), vec![4, 4], 0));
    assert_eq!(told("P", "Vibrate2:4;").1, [0, 4]);
    assert_eq!(told("A", "Rotate:4;RotateChange;").1, [0, -4]);
    assert_eq!(told("B", "Air:Level:3;").1, [0, 3]);
    assert_eq!(told("P", "Vibrate:21;"), ("ERR;".to_owned(), vec![0, 0], 1));
    assert_eq!(told("P", "Nonsense").2, 1);
}
