//! What was answered about origins, and which wait for an answer: rules without a clock or a file of their own.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;
use utoipa::ToSchema;

use crate::access::{Origin, UnknownOrigins};

/// How long a page that may connect "this time" may.
pub(super) const THIS_TIME: Duration = Duration::from_secs(12 * 3600);
/// How soon a page without an identity has to come after the answer. Whoever comes first gets in.
pub(super) const ONE_CONNECTION: Duration = Duration::from_secs(60);
/// Owners of pages that are listed as waiting.
const MOST_PENDING: usize = 20;

/// What was answered, and who waits.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// May connect for good.
    pub(super) allowed: BTreeSet<Origin>,
    /// May never connect.
    pub(super) denied: BTreeSet<Origin>,
    /// May connect until then.
    this_time: BTreeMap<Origin, Instant>,
    /// One connection may come until then.
    tickets: BTreeMap<Origin, Instant>,
    /// Newest first, one of each owner.
    pending: VecDeque<Pending>,
}

#[derive(Debug)]
struct Pending {
    origin: Origin,
    asked: u64,
    last: Instant,
}

/// How long a connection may last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Lasting,
    Until(Instant),
}

/// A page that waits for an answer.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct PendingOrigin {
    #[schema(value_type = String)]
    origin: Origin,
    /// How often pages of its owner have asked.
    asked: u64,
    /// Seconds since the last time.
    seconds_ago: u64,
}

/// A page that may connect.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct AllowedOrigin {
    #[schema(value_type = String)]
    origin: Origin,
    /// Seconds for which it may still; none when it may for good.
    seconds_left: Option<u64>,
}

impl Answers {
    /// What was answered for good.
    pub(super) fn remembered(allowed: BTreeSet<Origin>, denied: BTreeSet<Origin>) -> Self {
        Self { allowed, denied, ..Self::default() }
    }

    /// Whether a connection of this page may last, and how long. Of pages without an identity the answer was for one
    /// connection, which is there by now.
    pub(super) fn standing(&self, origin: &Origin, unknown: UnknownOrigins, now: Instant) -> Option<Standing> {
        if self.denied.contains(origin) {
            return None;
        }
        let for_good = origin.is_loopback() || self.allowed.contains(origin) || unknown == UnknownOrigins::Allow;
        if for_good || origin.is_class() {
            return Some(Standing::Lasting);
        }
        self.this_time.get(origin).filter(|until| **until > now).map(|until| Standing::Until(*until))
    }

    /// Whether a page may connect now. One that may not is noted as waiting for an answer, if there is none yet and the user
    /// is asked; the second value says that it is.
    pub(super) fn admit(&mut self, origin: &Origin, unknown: UnknownOrigins, now: Instant) -> (bool, bool) {
        let has_ticket = self.tickets.remove(origin).is_some_and(|until| until > now);
        let needs_ticket = origin.is_class() && unknown != UnknownOrigins::Allow;
        if self.standing(origin, unknown, now).is_some() && (has_ticket || !needs_ticket) {
            return (true, false);
        }
        let asks = unknown == UnknownOrigins::Ask && !self.denied.contains(origin);
        if asks {
            self.ask(origin, now);
        }
        (false, asks)
    }

    fn ask(&mut self, origin: &Origin, now: Instant) {
        let owner = origin.owner();
        let before = self.pending.iter().position(|pending| pending.origin.owner() == owner);
        let asked = before.and_then(|at| self.pending.remove(at)).map_or(0, |pending| pending.asked) + 1;
        self.pending.push_front(Pending { origin: origin.clone(), asked, last: now });
        self.pending.truncate(MOST_PENDING);
    }

    /// Lets a page in: for good, for some hours, or for one connection. Returns for how long; `None` is for good.
    pub(super) fn allow(&mut self, origin: Origin, always: bool, now: Instant) -> Option<Duration> {
        self.settle(&origin);
        if origin.is_class() {
            self.tickets.insert(origin, now + ONE_CONNECTION);
            Some(ONE_CONNECTION)
        } else if always {
            self.allowed.insert(origin);
            None
        } else {
            self.this_time.retain(|_, until| *until > now);
            self.this_time.insert(origin, now + THIS_TIME);
            Some(THIS_TIME)
        }
    }

    /// Keeps a page out for good.
    pub(super) fn deny(&mut self, origin: Origin) {
        self.settle(&origin);
        self.denied.insert(origin);
    }

    /// The newest answer is the only one, and ends the question.
    fn settle(&mut self, origin: &Origin) {
        self.allowed.remove(origin);
        self.denied.remove(origin);
        self.this_time.remove(origin);
        self.tickets.remove(origin);
        self.pending.retain(|pending| pending.origin != *origin);
    }

    pub(super) fn list_pending(&self, now: Instant) -> Vec<PendingOrigin> {
        let of = |Pending { origin, asked, last }: &Pending| PendingOrigin {
            origin: origin.clone(),
            asked: *asked,
            seconds_ago: now.duration_since(*last).as_secs(),
        };
        self.pending.iter().map(of).collect()
    }

    pub(super) fn list_allowed(&self, now: Instant) -> Vec<AllowedOrigin> {
        let for_good = self.allowed.iter().map(|origin| (origin, None));
        let for_now = self.this_time.iter().chain(&self.tickets).filter(|(_, until)| **until > now);
        let for_now = for_now.map(|(origin, until)| (origin, Some(until.duration_since(now).as_secs())));
        let all = for_good.chain(for_now);
        all.map(|(origin, seconds_left)| AllowedOrigin { origin: origin.clone(), seconds_left }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASK: UnknownOrigins = UnknownOrigins::Ask;

    fn origin(text: &str) -> Origin {
        Origin::from_header(text.as_bytes()).unwrap()
    }

    #[test]
    fn an_unknown_page_is_refused_until_the_answer_and_again_when_its_time_is_over() {
        let (mut answers, now, page) = (Answers::default(), Instant::now(), origin("https://app.example"));
        assert_eq!(answers.admit(&page, ASK, now), (false, true));
        assert_eq!(answers.allow(page.clone(), false, now), Some(THIS_TIME));
        assert!(answers.list_pending(now).is_empty());
        assert_eq!(answers.admit(&page, ASK, now), (true, false));
        assert_eq!(answers.standing(&page, ASK, now), Some(Standing::Until(now + THIS_TIME)));
        assert_eq!(answers.standing(&page, ASK, now + THIS_TIME), None);
        assert_eq!(answers.admit(&page, ASK, now + THIS_TIME), (false, true));
        assert_eq!(answers.allow(page.clone(), true, now), None);
        assert_eq!(answers.admit(&page, ASK, now + 2 * THIS_TIME), (true, false));
        answers.deny(page.clone());
        assert_eq!((answers.admit(&page, ASK, now), answers.standing(&page, ASK, now)), ((false, false), None));
        assert_eq!(answers.admit(&page, UnknownOrigins::Allow, now), (false, false));
    }

    #[test]
    fn a_page_without_identity_gets_one_connection() {
        for class in ["null", "file://", "tauri://localhost"] {
            let (mut answers, now, page) = (Answers::default(), Instant::now(), origin(class));
            assert_eq!(answers.admit(&page, ASK, now), (false, true), "{class}");
            for always in [false, true] {
                assert_eq!(answers.allow(page.clone(), always, now), Some(ONE_CONNECTION));
                assert_eq!(answers.admit(&page, ASK, now), (true, false));
                assert_eq!(answers.standing(&page, ASK, now + THIS_TIME), Some(Standing::Lasting));
                assert_eq!(answers.admit(&page, ASK, now), (false, true), "one only");
            }
            answers.allow(page.clone(), false, now);
            assert_eq!(answers.admit(&page, ASK, now + ONE_CONNECTION), (false, true), "too late");
            answers.deny(page.clone());
            assert_eq!(answers.standing(&page, ASK, now), None);
        }
    }

    #[test]
    fn pages_of_this_computer_need_no_answer_but_may_get_one() {
        let (mut answers, now, page) = (Answers::default(), Instant::now(), origin("http://127.0.0.1:8080"));
        assert_eq!(answers.admit(&page, UnknownOrigins::Deny, now), (true, false));
        answers.deny(page.clone());
        assert_eq!(answers.admit(&page, UnknownOrigins::Deny, now), (false, false));
    }

    #[test]
    fn a_flood_of_names_hides_nobody() {
        let (mut answers, now) = (Answers::default(), Instant::now());
        answers.admit(&origin("https://app.example"), ASK, now);
        for number in 0..500 {
            answers.admit(&origin(&format!("https://x{number}.evil.example")), ASK, now);
        }
        let pending = answers.list_pending(now);
        let shown: Vec<_> = pending.iter().map(|pending| (pending.origin.as_str(), pending.asked)).collect();
        assert_eq!(shown, [("https://x499.evil.example", 500), ("https://app.example", 1)]);
        for number in 0..500 {
            answers.admit(&origin(&format!("https://evil{number}.example")), ASK, now);
        }
        assert_eq!(answers.list_pending(now).len(), MOST_PENDING);
        assert_eq!(Answers::default().admit(&origin("https://a.example"), UnknownOrigins::Deny, now), (false, false));
    }
}
