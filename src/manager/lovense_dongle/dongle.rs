//! One open dongle: its own thread, which tells the machine what happens and does what it says. Another thread reads.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::{mpsc, oneshot};

use super::framing::{Form, Lines};
use super::message::{FromDongle, ToDongle};
use super::state_machine::{Effect, StateMachine};
use crate::link::{Deadlines, Link, LinkEnd, LinkError, LinkRequest, Notification, Operation, pair};
use crate::manager::{
    blocking_link, blocking_link::Ends, blocking_link::WatchedWriter, blocking_link::Writer,
    blocking_link::write_limit, open_devices::OpenDevices, open_devices::OpenGuard,
};
use crate::types::{Bus, Endpoint};

/// Reports that may wait to be understood.
const REPORTS: usize = 256;

/// Commands to a dongle's thread.
#[derive(Debug)]
pub(super) enum Command {
    /// Clients scan, or no longer.
    Scan(bool),
    /// A toy that was in use was lost.
    Look,
    /// Open a link to the toy of this id.
    Connect(String, oneshot::Sender<Result<Link, LinkError>>),
}

/// What others may see of a dongle.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// Id of the toy that is connected.
    pub(super) toy: Option<String>,
    pub(super) state: &'static str,
}

/// A dongle that is open, until it is unplugged or this is dropped.
#[derive(Debug)]
pub(super) struct Dongle {
    pub(super) commands: mpsc::UnboundedSender<Command>,
    seen: Arc<Mutex<Seen>>,
}

impl Dongle {
    /// Starts the threads. It marks toys in `toys` as open while they have a link; `plugged` is the dongle's own place.
    ///
    /// # Errors
    /// A thread that the system does not give.
    pub(super) fn start(
        (writer, reader): Ends,
        form: Form,
        scanning: bool,
        look: bool,
        toys: OpenDevices,
        plugged: OpenGuard,
        deadlines: Deadlines,
    ) -> Result<Self, LinkError> {
        let writer = WatchedWriter::start("the Lovense dongle", writer, write_limit(deadlines), plugged)?;
        let (commands, commands_in) = mpsc::unbounded_channel();
        let (heard, reports_in) = mpsc::channel(REPORTS);
        let seen = Arc::<Mutex<Seen>>::default();
        let (machine, effects) = StateMachine::new(scanning, look, Instant::now());
        let worker = Worker {
            writer,
            form,
            machine,
            lines: Lines::default(),
            toy: None,
            seen: Arc::clone(&seen),
            toys,
            deadlines,
        };
        blocking_link::thread("read the Lovense dongle", move || {
            let over = heard.clone();
            let gone = blocking_link::read_loop(
                reader,
                || over.is_closed(),
                |report| {
                    // Waits while the worker is behind; ends with it.
                    let _ = heard.blocking_send(report);
                },
            );
            if let Err(why) = gone {
                tracing::debug!("the Lovense dongle is lost: {why}");
            }
        })?;
        blocking_link::thread("serve the Lovense dongle", move || {
            if let Err(why) = worker.run(effects, reports_in, commands_in) {
                tracing::warn!("the Lovense dongle is let go: {why}");
            }
        })?;
        Ok(Self { commands, seen })
    }

    /// Whether it is still plugged in.
    pub(super) fn is_open(&self) -> bool {
        !self.commands.is_closed()
    }

    /// What it is doing.
    pub(super) fn seen(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The bus's side of a link to the toy.
struct Toy {
    end: LinkEnd,
    _taken: OpenGuard,
}

struct Worker {
    writer: WatchedWriter,
    form: Form,
    machine: StateMachine,
    lines: Lines,
    /// The link to the toy, if somebody has one.
    toy: Option<Toy>,
    seen: Arc<Mutex<Seen>>,
    toys: OpenDevices,
    deadlines: Deadlines,
}

/// What a worker waits for.
enum Event {
    Report(Vec<u8>),
    Command(Command),
    Request(LinkRequest),
    /// The device has dropped its link.
    Dropped,
    Time,
    /// The dongle, or whoever wants it, is gone.
    End,
}

impl Worker {
    /// Runs until the dongle is unplugged or nobody wants it. An error is why it had to be let go.
    fn run(
        mut self,
        first: Vec<Effect>,
        mut reports: mpsc::Receiver<Vec<u8>>,
        mut commands: mpsc::UnboundedReceiver<Command>,
    ) -> Result<(), String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        self.apply(first)?;
        loop {
            self.show();
            let now = Instant::now();
            let event = runtime.block_on(self.event(&mut reports, &mut commands));
            let effects = match event {
                Event::Report(report) => self.report(&report),
                Event::Command(Command::Scan(scanning)) => self.machine.scan(scanning, now),
                Event::Command(Command::Look) => self.machine.look(now),
                Event::Command(Command::Connect(id, done)) => {
                    let _ = done.send(self.connect(&id));
                    Vec::new()
                }
                Event::Request(request) => {
                    self.request(request);
                    Vec::new()
                }
                Event::Dropped => {
                    self.toy = None;
                    Vec::new()
                }
                Event::Time => self.machine.tick(Instant::now()),
                Event::End => return Ok(()),
            };
            self.apply(effects)?;
            if self.writer.is_over() {
                return Err("a write to it hangs".to_owned());
            }
        }
    }

    async fn event(
        &mut self,
        reports: &mut mpsc::Receiver<Vec<u8>>,
        commands: &mut mpsc::UnboundedReceiver<Command>,
    ) -> Event {
        let time = self.machine.next();
        let request = async {
            match &mut self.toy {
                Some(toy) => toy.end.requests.recv().await,
                None => std::future::pending().await,
            }
        };
        let time = async {
            match time {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // Commands before all else: one may be a stop.
            biased;
            request = request => request.map_or(Event::Dropped, Event::Request),
            command = commands.recv() => command.map_or(Event::End, Event::Command),
            report = reports.recv() => report.map_or(Event::End, Event::Report),
            () = time => Event::Time,
        }
    }

    /// Says what others may see.
    fn show(&self) {
        let seen = Seen { toy: self.machine.toy().map(str::to_owned), state: self.machine.state() };
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = seen;
    }

    fn report(&mut self, report: &[u8]) -> Vec<Effect> {
        let messages =
            self.lines.take(self.form.text(report)).iter().flat_map(|line| FromDongle::parse(line)).collect::<Vec<_>>();
        messages.iter().flat_map(|message| self.machine.heard(message, Instant::now())).collect()
    }

    fn apply(&mut self, effects: Vec<Effect>) -> Result<(), String> {
        for effect in effects {
            match effect {
                Effect::Send(message) => self.send(&message)?,
                Effect::Notify(text) => {
                    if let Some(toy) = &self.toy {
                        let data = text.into_bytes();
                        let _ = toy.end.notify.send(Notification { endpoint: Endpoint::RX, data });
                    }
                }
                // Whoever wants it asks for a link.
                Effect::Connected(id) => tracing::debug!("the Lovense dongle is connected to the toy {id}"),
                Effect::Gone => self.toy = None,
            }
        }
        Ok(())
    }

    fn send(&mut self, message: &ToDongle) -> Result<(), String> {
        self.form.packets(&message.line()).iter().try_for_each(|packet| self.writer.write(packet))
    }

    fn connect(&mut self, id: &str) -> Result<Link, LinkError> {
        if self.machine.toy() != Some(id) {
            return Err(LinkError::Failed(format!("the toy {id} is not connected to the dongle (any more)")));
        }
        let (link, end) = pair(blocking_link::info(Bus::LovenseDongle, self.deadlines));
        // The link before, if there is one, is lost by this.
        self.toy = None;
        self.toy = Some(Toy { end, _taken: self.toys.mark_open(id) });
        Ok(link)
    }

    fn request(&mut self, LinkRequest { operation, done }: LinkRequest) {
        let id = self.machine.toy().unwrap_or_default().to_owned();
        let disconnect = matches!(operation, Operation::Disconnect);
        let name = format!("the toy {id}");
        blocking_link::answer(&name, operation, done, |data| {
            let command = String::from_utf8(data.to_vec()).map_err(|_| "the dongle carries text only".to_owned())?;
            self.send(&ToDongle::Command { id, command })
        });
        if disconnect {
            // Nobody knows how the dongle is made to let go of it; it stays connected there.
            self.toy = None;
        }
    }
}
