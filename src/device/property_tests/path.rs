//! The whole way, from the command of a client to what a toy makes of the bytes: real drivers, the real writer, links
//! that fail (promises 1 and 10).

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use super::super::writer::Writer;
use super::watched::{Said, Watched};
use super::*;
use crate::driver::{Batch, Change, Driver};
use crate::events::Metrics;
use crate::link::{
    Clock, Confirms, Deadlines, Link, LinkEnd, LinkError, LinkInfo, Notification, Operation, Packet, pair,
};
use crate::simulation::{Level, SimulatedDevice, simulate};

/// What becomes of one write.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Fine,
    /// The hardware may have taken it all the same.
    Refused {
        taken: bool,
    },
    /// Answered after so many milliseconds, which may be beyond the deadline; taken before or after them.
    Late {
        ms: u64,
        taken_first: bool,
    },
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        2 => Just(Fate::Fine),
        2 => any::<bool>().prop_map(|taken| Fate::Refused { taken }),
        1 => (1..150_u64, any::<bool>()).prop_map(|(ms, taken_first)| Fate::Late { ms, taken_first }),
        1 => (1000..3000_u64, any::<bool>()).prop_map(|(ms, taken_first)| Fate::Late { ms, taken_first }),
    ]
}

#[derive(Debug, Clone)]
enum Step {
    /// The outputs of one frame, those that the device takes.
    Frame(Vec<Command>),
    Stop(Option<u32>),
    Pass(u64),
    /// The next writes fare so.
    Faults(Vec<Fate>),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => proptest::collection::vec(sensible(), 1..5).prop_map(Step::Frame),
        1 => proptest::option::of(0..3_u32).prop_map(Step::Stop),
        5 => (0..700_u64).prop_map(Step::Pass),
        2 => proptest::collection::vec(fate(), 1..6).prop_map(Step::Faults),
    ]
}

/// The hardware's side of all connections.
struct Hardware {
    subject: Subject,
    /// What its user allows.
    settings: UserSettings,
    toy: Box<dyn SimulatedDevice>,
    faults: VecDeque<Fate>,
    /// A driver is connecting: nothing fails until it has, whenever the faults come. Failing then is the hub's matter.
    connecting: bool,
    /// What it was told that its user does not allow.
    beyond: Vec<String>,
}

impl Hardware {
    fn running(&self) -> Vec<Level> {
        let levels = self.toy.levels();
        levels.into_iter().filter(|level| !level.kind.is_position() && level.value != 0).collect()
    }

    /// Whether the nearest value that the user allows makes the same bytes: the steps of some protocols are coarser than the
    /// range that clients see.
    fn is_what_an_allowed_value_gives(
        &self,
        packet: &Packet,
        level: &Level,
        user: UserLimits,
        spec: OutputSpec,
    ) -> bool {
        let (low, high) = user.range.unwrap_or((0, spec.max));
        let high = high.clamp(0, spec.max);
        let value = level.value.signum() * level.value.abs().clamp(low.clamp(0, high), high);
        let output = Output { kind: level.kind, value, duration_ms: 0 };
        let Subject { definition, model } = &self.subject;
        let (endpoints, deadlines) = (definition.endpoints(), Deadlines::default());
        let confirms = Confirms::Everything;
        let (link, _end) =
            pair(LinkInfo { endpoints, gap: Duration::ZERO, deadlines, confirms, clock: Clock::manual() });
        let mut driver = crate::driver::for_definition(definition).open(definition, model, &link);
        let mut levels = crate::driver::Levels::new(model);
        for other in self.toy.levels() {
            levels.set(other.feature, other.kind, other.value);
        }
        levels.set(level.feature, level.kind, value);
        let changes = [Change { feature: level.feature, output, previous: 0 }];
        let packets = driver.encode(&Batch { changes: &changes, levels: &levels, stop: false }, link.clock().now());
        packets.is_ok_and(|packets| packets.iter().any(|other| other.data == packet.data))
    }

    /// Takes a packet. Whatever it tells the hardware must be within the limits, whoever made it.
    fn take(&mut self, packet: &Packet) -> Vec<Notification> {
        let before = self.toy.levels();
        let said = self.toy.written(packet.endpoint, &packet.data);
        let levels = self.toy.levels();
        for level in levels.iter().filter(|level| !before.contains(level)) {
            let Level { feature, kind, value, .. } = *level;
            let user = self.settings.limits.get(&(feature, kind)).copied().unwrap_or_default();
            let Some(spec) = self.subject.spec(feature, kind) else { continue };
            let told = allowed_value(spec, user, Output { kind, value, duration_ms: 0 });
            let wrong = |_: &String| !self.is_what_an_allowed_value_gives(packet, level, user, spec);
            self.beyond.extend(told.err().filter(wrong).map(|why| format!("{why}, by {:02x?}", packet.data)));
        }
        said
    }
}

/// Serves a link one request after the other, as hardware does.
async fn serve(mut end: LinkEnd, hardware: Shared<Hardware>) {
    while let Some(request) = end.requests.recv().await {
        // What a connection has not carried when it ends, it never carries.
        if end.requests.is_closed() {
            return;
        }
        let mut answer = Ok(Vec::new());
        match request.operation {
            Operation::Write(packet) => {
                let fate = {
                    let mut hardware = lock(&hardware);
                    if hardware.connecting { None } else { hardware.faults.pop_front() }
                };
                let fate = fate.unwrap_or(Fate::Fine);
                let take = || {
                    let mut hardware = lock(&hardware);
                    for said in hardware.take(&packet) {
                        let _ = end.notify.send(said);
                    }
                };
                match fate {
                    Fate::Fine => take(),
                    Fate::Refused { taken } => {
                        if taken {
                            take();
                        }
                        answer = Err(LinkError::Failed("no".to_owned()));
                    }
                    Fate::Late { ms, taken_first } => {
                        if taken_first {
                            take();
                        }
                        tokio::time::sleep(Duration::from_millis(ms)).await;
                        if !taken_first && !end.requests.is_closed() {
                            take();
                        }
                    }
                }
            }
            Operation::Subscribe(endpoint) => {
                for said in lock(&hardware).toy.subscribed(endpoint) {
                    let _ = end.notify.send(said);
                }
            }
            Operation::Read(endpoint) => answer = lock(&hardware).toy.read(endpoint).map_err(LinkError::Failed),
            Operation::Unsubscribe(_) | Operation::Disconnect => {}
        }
        let _ = request.done.send(answer);
    }
}

/// Connects to the toy as the server does.
async fn open(subject: &Subject, hardware: &Shared<Hardware>) -> (Link, Box<dyn Driver>) {
    lock(hardware).toy.released();
    lock(hardware).connecting = true;
    let info = LinkInfo {
        endpoints: subject.definition.endpoints(),
        gap: Duration::ZERO,
        deadlines: Deadlines::default(),
        confirms: Confirms::Everything,
        clock: Clock::system(),
    };
    let (link, end) = pair(info);
    tokio::spawn(serve(end, Arc::clone(hardware)));
    let mut driver =
        crate::driver::for_definition(&subject.definition).open(&subject.definition, &subject.model, &link);
    driver.connect(&link).await.unwrap();
    lock(hardware).connecting = false;
    (link, driver)
}

fn hardware(subject: &Subject, settings: &UserSettings) -> Shared<Hardware> {
    let toy = simulate(&subject.definition, &subject.model);
    let (subject, settings) = (subject.clone(), settings.clone());
    Arc::new(Mutex::new(Hardware {
        subject,
        settings,
        toy,
        faults: VecDeque::new(),
        connecting: false,
        beyond: Vec::new(),
    }))
}

/// Why the toy of a model can't show whether it runs: tried with every output at its greatest and at 0.
async fn unreadable(subject: &Subject) -> Option<String> {
    let hardware = hardware(subject, &UserSettings::default());
    let (link, mut driver) = open(subject, &hardware).await;
    let mut levels = crate::driver::Levels::new(&subject.model);
    let outputs: Vec<_> = subject.model.outputs().filter(|(_, spec)| !spec.kind.is_position()).collect();
    for (stop, (feature, spec)) in [false, true].into_iter().flat_map(|stop| outputs.iter().map(move |o| (stop, o))) {
        let value = if stop { 0 } else { spec.max };
        levels.set(*feature, spec.kind, value);
        let output = Output { kind: spec.kind, value, duration_ms: 0 };
        let changes = [crate::driver::Change { feature: *feature, output, previous: 0 }];
        let packets = driver.encode(&Batch { changes: &changes, levels: &levels, stop }, link.clock().now()).unwrap();
        if packets.is_empty() && spec.kind != OutputKind::Spray {
            return Some(format!("{} {value} on feature {feature} has no packet", spec.kind));
        }
        for packet in packets {
            link.write(packet.clone()).await.unwrap();
            driver.confirmed(&packet, link.clock().now());
        }
        let hardware = lock(&hardware);
        let mut shown = hardware.running().into_iter();
        let runs = shown.any(|level| (level.feature, level.kind) == (*feature, spec.kind));
        if runs == stop && spec.kind != OutputKind::Spray {
            return Some(format!("it does not show {} {value} on feature {feature}", spec.kind));
        }
        if hardware.toy.not_understood() > 0 {
            return Some(format!("it does not understand {} {value} on feature {feature}", spec.kind));
        }
    }
    let running = lock(&hardware).running();
    (!running.is_empty()).then(|| format!("it shows {running:?} with everything off"))
}

/// The models whose toys can be read, and why the others can't.
static READABLE: LazyLock<(Vec<Subject>, Vec<String>)> = LazyLock::new(|| {
    let (mut subjects, mut left_out) = (Vec::new(), Vec::new());
    for subject in LIBRARY.definitions().iter().flat_map(models_of) {
        match std::thread::scope(|scope| scope.spawn(|| paused(unreadable(&subject))).join().unwrap()) {
            None => subjects.push(subject),
            Some(why) => left_out.push(format!("{}/{}: {why}", subject.definition.protocol, subject.model.name)),
        }
    }
    (subjects, left_out)
});

/// Runs writers as the hub does: when one gives up, the device is away and then connected again.
async fn drive(
    subject: Subject,
    device: DeviceHandle,
    hardware: Shared<Hardware>,
    watch: impl Fn(Box<dyn Driver>) -> Watched,
    max_failures: u32,
) {
    let repeats = subject.definition.repeats_at_rest();
    let metrics = Metrics::new().unwrap();
    let mut again = false;
    loop {
        let (link, driver) = open(&subject, &hardware).await;
        device.wanted().connected(again, repeats);
        let pace = WritePolicy { max_failures, dead_man: None };
        Writer::new(device.clone(), link, Box::new(watch(driver)), pace, metrics.clone()).run().await;
        device.wanted().set_availability(Availability::Away);
        tokio::time::sleep(Duration::from_millis(100)).await;
        again = true;
    }
}

async fn check(
    subject: Subject,
    limits: Vec<UserLimits>,
    gap_ms: u32,
    max_failures: u32,
    steps: Vec<Step>,
) -> Result<(), TestCaseError> {
    let settings = subject.settings(&limits, Some(gap_ms));
    let device = subject.device(&settings);
    let outputs: Vec<_> = subject.model.outputs().collect();
    let hardware = hardware(&subject, &settings);
    let wrong: Shared<Vec<String>> = Shared::default();
    let said: Shared<Vec<Said>> = Shared::default();
    let watch = {
        let (subject, wrong, said) = (subject.clone(), Arc::clone(&wrong), Arc::clone(&said));
        move |driver| {
            let (subject, settings) = (subject.clone(), settings.clone());
            Watched { driver, subject, settings, wrong: Arc::clone(&wrong), said: Arc::clone(&said) }
        }
    };
    tokio::spawn(drive(subject.clone(), device.clone(), Arc::clone(&hardware), watch, max_failures));
    for step in steps {
        match step {
            Step::Frame(commands) => {
                let sets = commands.iter().filter_map(|command| {
                    let (feature, output) = command.on(&outputs);
                    Some((feature, device.accept(feature, output).ok()?))
                });
                let sets: Vec<_> = sets.collect();
                prop_assert!(device.set(OperatorId(1), &sets, None).is_ok());
            }
            Step::Stop(feature) => {
                let _ = device.begin_stop(feature);
            }
            Step::Pass(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
            Step::Faults(faults) => lock(&hardware).faults.extend(faults),
        }
    }
    let number = device.begin_stop(None).unwrap();
    let stopped = async {
        device.wanted().confirmed(number).await;
        device.wanted().settled().await;
    };
    let confirmed = tokio::time::timeout(Duration::from_secs(300), stopped).await;
    prop_assert!(confirmed.is_ok(), "the stop is never confirmed");
    let before = lock(&said).len();
    let check = || {
        let hardware = lock(&hardware);
        let running = hardware.running();
        prop_assert!(running.is_empty(), "still runs: {running:?} after {:02x?}", lock(&said));
        Ok(hardware.toy.levels())
    };
    let stopped = check()?;
    tokio::time::sleep(Duration::from_secs(30)).await;
    // Nor does a jump or a move arrive that hung in the link when the stop came.
    let later = check()?;
    prop_assert!(later == stopped, "after the stop {stopped:?} became {later:?}");
    // The writer may repeat what stopped it, and stops it again over a new link. But no driver may say anything else.
    let said = lock(&said);
    let after: Vec<_> = said.iter().skip(before).filter(|said| !said.stop).map(|said| &said.packet).collect();
    prop_assert!(after.is_empty(), "said after the stop: {after:02x?}");
    let wrong = lock(&wrong);
    prop_assert!(wrong.is_empty(), "{wrong:?}");
    let beyond = &lock(&hardware).beyond;
    prop_assert!(beyond.is_empty(), "{beyond:#?}");
    Ok(())
}

fn readable() -> impl Strategy<Value = Subject> {
    let of = |protocol: &str| {
        let subjects = READABLE.0.iter().filter(|subject| subject.definition.protocol == protocol);
        subjects.cloned().collect::<Vec<_>>()
    };
    let mut protocols: Vec<_> = READABLE.0.iter().map(|subject| subject.definition.protocol.clone()).collect();
    protocols.dedup();
    select(protocols).prop_flat_map(move |protocol| select(of(&protocol)))
}

#[test]
fn most_toys_can_be_read() {
    let (readable, left_out) = &*READABLE;
    eprintln!("models whose toys can't show whether they run: {left_out:#?}");
    assert!(left_out.len() * 10 <= readable.len(), "too many are left out: {left_out:#?}");
}

/// The models whose moves are played for them.
static STEPPING: LazyLock<Vec<Subject>> = LazyLock::new(|| {
    let steps = |subject: &Subject| {
        std::thread::scope(|scope| {
            let opened = scope.spawn(|| {
                paused(async {
                    let hardware = hardware(subject, &UserSettings::default());
                    open(subject, &hardware).await.1.step().is_some()
                })
            });
            opened.join().unwrap()
        })
    };
    LIBRARY.definitions().iter().flat_map(models_of).filter(steps).collect()
});

/// These came while a driver was connecting that takes its time for it.
#[test]
fn faults_wait_until_the_driver_has_connected() {
    let definition = LIBRARY.protocol("fredorch-rotary").unwrap();
    let subject = models_of(definition).remove(0);
    let steps = vec![Step::Pass(1), Step::Faults(vec![Fate::Refused { taken: false }])];
    paused(check(subject, vec![UserLimits::default()], 0, 0, steps)).unwrap();
}

/// The first packets of a connection move nothing: the user may allow one end only, whichever it is.
#[test]
fn no_connection_moves_an_axis() {
    let moves = |subject: &Subject| subject.model.outputs().any(|(_, spec)| spec.kind.is_position());
    let subjects: Vec<_> = LIBRARY.definitions().iter().flat_map(models_of).filter(moves).collect();
    assert!(subjects.len() > 20, "{} models with an axis", subjects.len());
    for subject in subjects {
        for end in [(0, 0), (i32::MAX, i32::MAX)] {
            let settings = subject.settings(&[UserLimits { range: Some(end), ..UserLimits::default() }], None);
            paused(async {
                let hardware = hardware(&subject, &settings);
                for _ in 0..2 {
                    open(&subject, &hardware).await;
                }
                let beyond = &lock(&hardware).beyond;
                assert!(beyond.is_empty(), "{subject:?} that may only be at {end:?}: {beyond:#?}");
            });
        }
    }
}

#[test]
fn there_are_models_whose_moves_are_played() {
    let names: Vec<_> = STEPPING.iter().map(|subject| subject.model.name.as_str()).collect();
    assert!(names.contains(&"Lovense Solace Pro"), "{names:?}");
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn nothing_runs_after_a_stop_on_a_link_that_fails(
        subject in readable(),
        limits in prop_oneof![
            2 => Just(vec![UserLimits::default()]),
            1 => proptest::collection::vec(user_limits(), 4),
        ],
        gap_ms in select(vec![0, 20, 100, 500]),
        max_failures in select(vec![0, 3]),
        steps in proptest::collection::vec(step(), 1..25),
    ) {
        paused(check(subject, limits, gap_ms, max_failures, steps))?;
    }

    #[test]
    fn no_step_of_a_move_is_beyond_the_limits(
        subject in select(STEPPING.clone()),
        limits in proptest::collection::vec(user_limits(), 4),
        gap_ms in select(vec![0, 75, 300]),
        steps in proptest::collection::vec(step(), 1..25),
    ) {
        paused(check(subject, limits, gap_ms, 3, steps))?;
    }
}

/// Jumps and moves that hang, and stops while they do.
fn hanging_step() -> impl Strategy<Value = Step> {
    let hangs = (500..3000_u64).prop_map(|ms| Fate::Late { ms, taken_first: false });
    prop_oneof![
        3 => proptest::collection::vec(sensible(), 1..3).prop_map(Step::Frame),
        1 => proptest::option::of(0..2_u32).prop_map(Step::Stop),
        2 => (0..700_u64).prop_map(Step::Pass),
        1 => proptest::collection::vec(prop_oneof![hangs, fate()], 1..3).prop_map(Step::Faults),
    ]
}

/// A model with a machine that moves.
fn moving() -> impl Strategy<Value = Subject> {
    let moves = |subject: &&Subject| subject.model.outputs().any(|(_, spec)| spec.kind.is_position());
    select(READABLE.0.iter().filter(moves).cloned().collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(cases(800))]

    #[test]
    fn nothing_moves_after_a_stop_on_a_link_that_hangs(
        subject in moving(),
        gap_ms in select(vec![0, 20, 100]),
        max_failures in select(vec![0, 3]),
        steps in proptest::collection::vec(hanging_step(), 1..12),
    ) {
        paused(check(subject, vec![UserLimits::default()], gap_ms, max_failures, steps))?;
    }
}
