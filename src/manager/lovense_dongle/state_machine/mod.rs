//! What one dongle is doing, and what is to be done next. No bytes, no clocks: it is told what time it is.
//!
//! It follows facts: protocols/lovense-dongle.md, with a way out of every state in which the dongle could leave it
//! waiting. A dongle connects to the toy that it finds, whichever it is; so it searches only while a client scans, and
//! for a while after a toy was lost that was in use.

use std::time::{Duration, Instant};

use crate::manager::{
    lovense_dongle::message::About, lovense_dongle::message::DISCONNECTED, lovense_dongle::message::FromDongle,
    lovense_dongle::message::SEARCH_STOPPED, lovense_dongle::message::ToDongle,
};

/// The dongle must be left alone after the first question: sooner, it locks up. Without a toy it stays silent.
const CHECKED: Duration = Duration::from_millis(250);
/// A search that ended by itself is begun again after this pause.
const AGAIN: Duration = Duration::from_millis(250);
/// The search has to be over by then, once a toy is found; else it is looked what there is.
const FOUND: Duration = Duration::from_secs(2);
/// A toy that was lost is searched for this long.
const LOOKED_FOR: Duration = Duration::from_secs(60);

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    /// Say this to the dongle.
    Send(ToDongle),
    /// The toy that is connected said this.
    Notify(String),
    /// The toy of this id is connected.
    Connected(String),
    /// The toy is gone.
    Gone,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// Asked for its toy; until then it may answer.
    Check(Instant),
    Idle,
    /// Searches, or begins to at that time.
    Search(Option<Instant>),
    /// This toy is found; the search has to end, until then.
    Found(String, Instant),
    Connected(String),
}

/// One dongle.
#[derive(Debug)]
pub(super) struct StateMachine {
    state: State,
    scanning: bool,
    look_until: Option<Instant>,
}

impl StateMachine {
    /// A dongle that was just opened. `look`: a toy was in use that may be near.
    pub(super) fn new(scanning: bool, look: bool, now: Instant) -> (Self, Vec<Effect>) {
        let look_until = look.then(|| now + LOOKED_FOR);
        let mut machine = Self { state: State::Idle, scanning, look_until };
        let effects = machine.check(now);
        (machine, effects)
    }

    /// What it is doing, for people.
    pub(super) fn state(&self) -> &'static str {
        match self.state {
            State::Check(_) => "asked for its toy",
            State::Idle => "idle",
            State::Search(_) => "searching",
            State::Found(..) => "has found a toy",
            State::Connected(_) => "connected to a toy",
        }
    }

    /// The toy that is connected.
    pub(super) fn toy(&self) -> Option<&str> {
        match &self.state {
            State::Connected(id) => Some(id),
            _ => None,
        }
    }

    /// When [`StateMachine::tick`] is to be called.
    pub(super) fn next(&self) -> Option<Instant> {
        match self.state {
            State::Check(at) | State::Found(_, at) => Some(at),
            // While clients scan, it does not matter when something else ends.
            State::Search(again) => [again, self.look_until.filter(|_| !self.scanning)].into_iter().flatten().min(),
            State::Idle | State::Connected(_) => None,
        }
    }

    /// Clients scan, or no longer.
    pub(super) fn scan(&mut self, scanning: bool, now: Instant) -> Vec<Effect> {
        self.scanning = scanning;
        self.reconsider(now)
    }

    /// A toy that was in use has been lost.
    pub(super) fn look(&mut self, now: Instant) -> Vec<Effect> {
        self.look_until = Some(now + LOOKED_FOR);
        self.reconsider(now)
    }

    /// The time of [`StateMachine::next`] has come.
    pub(super) fn tick(&mut self, now: Instant) -> Vec<Effect> {
        match self.state {
            State::Check(at) if at <= now => self.settle(now),
            State::Found(_, at) if at <= now => self.check(now),
            State::Search(Some(at)) if at <= now && self.wants(now) => self.search(),
            State::Search(_) => self.reconsider(now),
            _ => Vec::new(),
        }
    }

    /// The dongle has said something.
    pub(super) fn heard(&mut self, message: &FromDongle, now: Instant) -> Vec<Effect> {
        let free = matches!(self.state, State::Check(_) | State::Idle | State::Search(_));
        if let Some(id) = message.connected().filter(|_| free) {
            return self.connected(id.to_owned());
        }
        let data = message.data.as_ref();
        let ended = message.about == About::Search && message.result == Some(SEARCH_STOPPED);
        match &self.state {
            State::Check(_) => self.settle(now),
            State::Idle => Vec::new(),
            State::Search(_) if message.about == About::ToyData => match data.and_then(|data| data.id.clone()) {
                Some(id) => {
                    self.state = State::Found(id, now + FOUND);
                    vec![Effect::Send(ToDongle::StopSearch)]
                }
                // The reference server is idle from here on, though a client may still scan.
                None => self.again(now),
            },
            State::Search(_) if ended => self.again(now),
            State::Search(_) => Vec::new(),
            State::Found(id, _) if ended => {
                let id = id.clone();
                self.connected(id)
            }
            State::Found(..) => Vec::new(),
            State::Connected(_) => match (message.about, data) {
                (About::Status, Some(data)) if data.status == Some(DISCONNECTED) => {
                    let mut effects = vec![Effect::Gone];
                    effects.extend(self.settle(now));
                    effects
                }
                (About::ToyData, Some(data)) => data.data.clone().map(Effect::Notify).into_iter().collect(),
                _ => Vec::new(),
            },
        }
    }

    fn wants(&self, now: Instant) -> bool {
        self.scanning || self.look_until.is_some_and(|until| until > now)
    }

    fn check(&mut self, now: Instant) -> Vec<Effect> {
        self.state = State::Check(now + CHECKED);
        vec![Effect::Send(ToDongle::AskStatus)]
    }

    /// Nothing is connected: search, if anybody wants that.
    fn settle(&mut self, now: Instant) -> Vec<Effect> {
        if self.wants(now) {
            return self.search();
        }
        self.state = State::Idle;
        Vec::new()
    }

    fn search(&mut self) -> Vec<Effect> {
        self.state = State::Search(None);
        vec![Effect::Send(ToDongle::Search)]
    }

    fn again(&mut self, now: Instant) -> Vec<Effect> {
        self.state = if self.wants(now) { State::Search(Some(now + AGAIN)) } else { State::Idle };
        Vec::new()
    }

    /// Whether a search is wanted may have changed.
    fn reconsider(&mut self, now: Instant) -> Vec<Effect> {
        match self.state {
            State::Idle => self.settle(now),
            State::Search(_) if !self.wants(now) => {
                self.state = State::Idle;
                vec![Effect::Send(ToDongle::StopSearch)]
            }
            _ => Vec::new(),
        }
    }

    fn connected(&mut self, id: String) -> Vec<Effect> {
        self.look_until = None;
        self.state = State::Connected(id.clone());
        vec![Effect::Connected(id)]
    }
}

#[cfg(test)]
mod tests;
