//! hapticd as a service: tells the service manager (systemd) when it is ready, how it is, and when it ends.
//!
//! The watchdog is fed only when the hub itself has answered, so that a hub that hangs is ended and started again.
//! hapticd starts no programs, so nobody inherits the variables by which the manager is found; `WATCHDOG_PID` is heeded.

use std::sync::mpsc;
use std::time::Duration;

use tracing::warn;

use super::options::CLOSING;
use crate::hub::Heartbeat;
use crate::words::counted;

/// How often the hub is asked where no watchdog asks for more.
const ASKED_EVERY: Duration = Duration::from_secs(5);

/// What a service manager is told.
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "nobody is told anything there"))]
#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    Ready,
    Alive,
    Status(String),
    /// The end has begun and takes this long at most.
    Stopping(Duration),
}

/// The way to the service manager, if there is one.
#[derive(Debug, Clone)]
pub struct Service {
    words: mpsc::Sender<Word>,
    watchdog: Option<Duration>,
}

impl Service {
    /// The service manager that started this process, as it said in the environment.
    #[cfg(target_os = "linux")]
    #[must_use]
    pub fn from_environment() -> Option<Self> {
        let socket = std::env::var_os("NOTIFY_SOCKET").filter(|socket| !socket.is_empty())?;
        // Zero means no watchdog, as for systemd's own library.
        let watchdog = sd_notify::watchdog_enabled().filter(|time| !time.is_zero());
        let (words, spoken) = mpsc::channel();
        // Writing to the manager may block; that must not hold up an actor. A thread that hangs here feeds no watchdog.
        let started = std::thread::Builder::new().name("service".to_owned()).spawn(move || {
            let mut complained = false;
            for word in spoken {
                if let Err(error) = tell(&socket, &word)
                    && !std::mem::replace(&mut complained, true)
                {
                    warn!("the service manager cannot be told (NOTIFY_SOCKET={}): {error}", socket.display());
                }
            }
        });
        started.ok().map(|_| Self { words, watchdog })
    }

    /// There is no service manager that hapticd knows how to speak to.
    #[cfg(not(target_os = "linux"))]
    #[must_use]
    pub fn from_environment() -> Option<Self> {
        None
    }

    /// Says that the server is ready as soon as the hub answers, and from then on how it is. `ask` is given how long it
    /// may wait. Never ends.
    pub(super) async fn report<F: Future<Output = Option<Heartbeat>>>(self, ask: impl Fn(Duration) -> F) {
        // A late answer and the pause after it still leave a third of the watchdog's time.
        let third = self.watchdog.map_or(ASKED_EVERY, |watchdog| watchdog / 3);
        let every = third.clamp(Duration::from_millis(1), ASKED_EVERY);
        let (mut ready, mut silent, mut said) = (false, false, String::new());
        loop {
            if let Some(pulse) = ask(every).await {
                if !std::mem::replace(&mut ready, true) {
                    self.say(Word::Ready);
                }
                if self.watchdog.is_some() {
                    self.say(Word::Alive);
                }
                let status = status(pulse);
                if status != said {
                    self.say(Word::Status(status.clone()));
                    said = status;
                }
                silent = false;
            } else if !std::mem::replace(&mut silent, true) {
                warn!("the hub has not answered for {} ms: the watchdog is not fed", every.as_millis());
            }
            tokio::time::sleep(every).await;
        }
    }

    /// Says that the end has begun. `deadline` is how long devices are given to stop.
    pub(super) fn stopping(&self, deadline: Duration) {
        self.say(Word::Stopping(deadline + CLOSING));
    }

    fn say(&self, word: Word) {
        let _ = self.words.send(word);
    }
}

fn status(Heartbeat { sessions, connected, away }: Heartbeat) -> String {
    let lost = if away == 0 { String::new() } else { format!(" ({away} out of reach)") };
    format!("{}, {}{lost}", counted(sessions, "client"), counted(connected, "device"))
}

#[cfg(target_os = "linux")]
fn tell(socket: &std::ffi::OsStr, word: &Word) -> std::io::Result<()> {
    use sd_notify::NotifyState;
    let text = match word {
        Word::Ready => NotifyState::Ready.to_string(),
        Word::Alive => NotifyState::Watchdog.to_string(),
        Word::Status(status) => NotifyState::Status(status).to_string(),
        Word::Stopping(time) => {
            let time = u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
            format!("{}\n{}", NotifyState::Stopping, NotifyState::ExtendTimeoutUsec(time))
        }
    };
    send(socket, format!("{text}\n").as_bytes())
}

/// The crate's own way to the socket takes `@` for the beginning of a path; it stands for a name without a file.
#[cfg(target_os = "linux")]
fn send(socket: &std::ffi::OsStr, text: &[u8]) -> std::io::Result<()> {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};
    let address = match socket.as_encoded_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(socket)?,
    };
    UnixDatagram::unbound()?.send_to_addr(text, &address).map(drop)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;

    const WATCHDOG: Duration = Duration::from_secs(9);

    fn service(watchdog: Option<Duration>) -> (Service, mpsc::Receiver<Word>) {
        let (words, spoken) = mpsc::channel();
        (Service { words, watchdog }, spoken)
    }

    async fn answers(yes: bool) -> Option<Heartbeat> {
        if yes { Some(Heartbeat { sessions: 1, connected: 2, away: 0 }) } else { std::future::pending().await }
    }

    /// Reports for this long, over a hub that answers while the cell says so.
    async fn report(service: Service, time: Duration, healthy: Rc<Cell<bool>>) {
        let ask = |deadline| {
            let answer = answers(healthy.get());
            async move { tokio::time::timeout(deadline, answer).await.ok().flatten() }
        };
        let _ = tokio::time::timeout(time, service.report(ask)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn the_watchdog_is_fed_while_the_hub_answers_and_not_otherwise() {
        let (service, spoken) = service(Some(WATCHDOG));
        let healthy = Rc::new(Cell::new(true));
        report(service.clone(), WATCHDOG * 8 / 9, Rc::clone(&healthy)).await;
        let words: Vec<_> = spoken.try_iter().collect();
        assert_eq!(words[..3], [Word::Ready, Word::Alive, Word::Status("1 client, 2 devices".to_owned())]);
        assert_eq!(words[3..], [Word::Alive, Word::Alive]);
        healthy.set(false);
        report(service, WATCHDOG * 10, healthy).await;
        assert_eq!(spoken.try_iter().collect::<Vec<_>>(), []);
    }

    #[tokio::test(start_paused = true)]
    async fn a_hub_that_hangs_later_is_no_longer_fed_for() {
        let (service, spoken) = service(Some(WATCHDOG));
        let healthy = Rc::new(Cell::new(true));
        let hangs = Rc::clone(&healthy);
        let hang = async move {
            tokio::time::sleep(WATCHDOG).await;
            hangs.set(false);
            tokio::time::sleep(WATCHDOG / 2).await;
            while spoken.try_recv().is_ok() {}
            tokio::time::sleep(WATCHDOG * 10).await;
            assert_eq!(spoken.try_recv(), Err(mpsc::TryRecvError::Empty));
            hangs.set(true);
            tokio::time::sleep(WATCHDOG).await;
            assert_eq!(spoken.try_recv(), Ok(Word::Alive), "it recovers");
        };
        tokio::join!(report(service, WATCHDOG * 20, healthy), hang);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_watchdog_only_the_state_is_told_and_only_when_it_changes() {
        let (service, spoken) = service(None);
        report(service.clone(), Duration::from_secs(60), Rc::new(Cell::new(true))).await;
        let words: Vec<_> = spoken.try_iter().collect();
        assert_eq!(words, [Word::Ready, Word::Status("1 client, 2 devices".to_owned())]);
        service.stopping(Duration::from_secs(5));
        assert_eq!(spoken.try_recv(), Ok(Word::Stopping(Duration::from_secs(15))));
    }

    #[test]
    fn the_state_is_a_sentence() {
        assert_eq!(status(Heartbeat { sessions: 0, connected: 1, away: 1 }), "0 clients, 1 device (1 out of reach)");
    }
}
