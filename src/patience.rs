//! Deadlines for peers, in time in which this process could have heard from them.
//!
//! A process may be stopped for a while: by a laptop's lid, a debugger, a machine that has too much to do. What its peers
//! said meanwhile waits in its sockets, and its timers are all over at once. Whoever judges a peer by its silence therefore
//! counts in short steps; a step that took much longer than it should have is a pause of our own, counts for nothing, and is
//! followed by another step in which the peer can be heard.

use std::time::Duration;

use tokio::time::Instant;

/// The pause before the next attempt after `failures` failed ones: `first`, doubled with each further failure, up to
/// `longest`.
#[must_use]
pub fn backoff(first: Duration, longest: Duration, failures: u32) -> Duration {
    first.saturating_mul(1 << failures.min(20)).min(longest)
}

/// Returns at that time; never, where there is none.
pub async fn until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// A step that is late by more than this was a pause. Far above what a busy machine costs a timer.
const LATE: Duration = Duration::from_millis(250);
/// A deadline without steps of its own is counted in so many.
const STEPS: u32 = 8;
/// So many steps in a row may be late. A machine that is always late must notice frozen peers all the same, whose hardware
/// may be running.
const PAUSES: u32 = 4;

/// What a check of a silent peer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It was heard, or has time left.
    Waiting,
    /// We did not listen ourselves: it is to be asked again.
    Paused,
    /// It was silent for too long.
    Over,
}

/// Counts how long a peer has been silent.
#[derive(Debug)]
pub struct Silence {
    limit: Duration,
    step: Duration,
    silent: Duration,
    checked: Instant,
    pauses: Pauses,
}

impl Silence {
    /// Silence that begins now and is too long at `limit`. [`Silence::check`] is to be called every `step`.
    #[must_use]
    pub fn new(limit: Duration, step: Duration) -> Self {
        Self { limit, step, silent: Duration::ZERO, checked: Instant::now(), pauses: Pauses(0) }
    }

    /// The same with steps that suit the limit.
    #[must_use]
    pub fn in_steps(limit: Duration) -> Self {
        Self::new(limit, step_of(limit))
    }

    /// Time from one check to the next.
    #[must_use]
    pub fn step(&self) -> Duration {
        self.step
    }

    /// Judges a peer that was last heard at `heard`.
    pub fn check(&mut self, heard: Instant) -> Verdict {
        let now = Instant::now();
        let before = std::mem::replace(&mut self.checked, now);
        if self.pauses.is_one(now - before, self.step) {
            // It has a whole step to be heard in before it can be judged.
            self.silent = self.silent.min(self.limit.saturating_sub(self.step));
            return Verdict::Paused;
        }
        self.silent = if heard >= before { now - heard } else { self.silent + (now - before) };
        if self.silent >= self.limit { Verdict::Over } else { Verdict::Waiting }
    }
}

/// Sleeps until this process has been awake for `limit`.
pub async fn sleep(limit: Duration) {
    let (mut left, mut pauses) = (limit, Pauses(0));
    while !left.is_zero() {
        let step = step_of(limit).min(left);
        let began = Instant::now();
        tokio::time::sleep(step).await;
        if !pauses.is_one(began.elapsed(), step) {
            left = left.saturating_sub(began.elapsed());
        }
    }
}

/// What comes of a future, or nothing if this process was awake for `limit` meanwhile.
pub async fn timeout<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
    tokio::select! {
        biased;
        output = future => Some(output),
        () = sleep(limit) => None,
    }
}

fn step_of(limit: Duration) -> Duration {
    (limit / STEPS).clamp(Duration::from_millis(1), Duration::from_secs(1))
}

/// Pauses in a row.
#[derive(Debug)]
struct Pauses(u32);

impl Pauses {
    /// Whether a step that took so long was one.
    fn is_one(&mut self, took: Duration, step: Duration) -> bool {
        let late = took > step + LATE;
        self.0 = if late { self.0.saturating_add(1) } else { 0 };
        late && self.0 <= PAUSES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PING: Duration = Duration::from_secs(5);
    const LIMIT: Duration = Duration::from_secs(10);
    const PAUSE: Duration = Duration::from_secs(13);

    async fn step(silence: &mut Silence, heard: Instant) -> Verdict {
        tokio::time::sleep(silence.step()).await;
        silence.check(heard)
    }

    /// What a stopped process sees: time has gone by, and no task ran.
    async fn pause(silence: &mut Silence, heard: Instant) -> Verdict {
        tokio::time::advance(PAUSE).await;
        silence.check(heard)
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_peer_is_judged_after_the_limit_and_one_that_is_heard_is_not() {
        let start = Instant::now();
        let mut silence = Silence::new(LIMIT, PING);
        assert_eq!(step(&mut silence, start).await, Verdict::Waiting);
        assert_eq!(step(&mut silence, start).await, Verdict::Over);
        let mut silence = Silence::new(LIMIT, PING);
        for _ in 0..10 {
            assert_eq!(step(&mut silence, Instant::now()).await, Verdict::Waiting);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_of_our_own_is_not_the_peers_silence() {
        let start = Instant::now();
        let mut silence = Silence::new(LIMIT, PING);
        assert_eq!(step(&mut silence, start).await, Verdict::Waiting);
        // It was about to be judged: it is asked again, and has a step to answer.
        assert_eq!(pause(&mut silence, start).await, Verdict::Paused);
        assert_eq!(pause(&mut silence, start).await, Verdict::Paused);
        let heard = Instant::now();
        assert_eq!(step(&mut silence, heard).await, Verdict::Waiting);
        // One that is really gone is judged in the end.
        assert_eq!(pause(&mut silence, heard).await, Verdict::Paused);
        assert_eq!(step(&mut silence, heard).await, Verdict::Over);
    }

    #[tokio::test(start_paused = true)]
    async fn a_machine_that_is_always_late_judges_all_the_same() {
        let start = Instant::now();
        let mut silence = Silence::new(LIMIT, PING);
        for _ in 0..PAUSES {
            assert_eq!(pause(&mut silence, start).await, Verdict::Paused);
        }
        assert_eq!(pause(&mut silence, start).await, Verdict::Over);
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_is_prolonged_by_a_pause_and_by_nothing_else() {
        let began = Instant::now();
        sleep(LIMIT).await;
        assert!(
            began.elapsed() >= LIMIT && began.elapsed() < LIMIT + Duration::from_millis(10),
            "{:?}",
            began.elapsed()
        );
        let began = Instant::now();
        let pausing = async {
            tokio::time::sleep(LIMIT - Duration::from_millis(1)).await;
            tokio::time::advance(PAUSE).await;
            std::future::pending::<()>().await;
        };
        assert_eq!(timeout(LIMIT, pausing).await, None);
        assert!(began.elapsed() >= LIMIT + PAUSE - Duration::from_secs(1), "{:?}", began.elapsed());
        assert_eq!(timeout(LIMIT, async { 7 }).await, Some(7));
    }
}
