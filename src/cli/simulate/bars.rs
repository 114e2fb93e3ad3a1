//! Live bars on a terminal.
//!
//! Every line begins with what matters most and is cut at the terminal's edge, so that a narrow terminal loses bars
//! before it loses numbers.

use std::fmt;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::find::Found;
use super::show::{Event, Show, bytes, heading, state};
use crate::driver::{toy, toy::Level};

/// Cells of a bar. Odd, so that a two-way bar has a middle.
const CELLS: usize = 31;
/// Longest label that is shown in full.
const LABEL: usize = 24;
/// Every so many redraws all is drawn anew, for a terminal that has another size now.
const ANEW: u32 = 10;
/// Redraws are few; none of them may be left out, or the last one would be missing on the screen.
const RATE: u8 = 255;

/// See the module.
pub(super) struct Bars {
    lines: Vec<(ProgressBar, String)>,
    levels: Vec<Level>,
    packets: u64,
    not_understood: u64,
    last: String,
    problem: String,
    state: String,
    heading: String,
    drawn: bool,
    redraws: u32,
}

impl fmt::Debug for Bars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bars({} lines)", self.lines.len())
    }
}

impl Bars {
    pub(super) fn new(found: &Found, server: &str, address: &str) -> Self {
        let levels = toy::of(&found.definition, &found.model).levels();
        let multi = MultiProgress::with_draw_target(ProgressDrawTarget::stdout_with_hz(RATE));
        let style = ProgressStyle::with_template("{wide_msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
        // Heading, state, one for each level, last packet, problems.
        let lines = (0..levels.len() + 4).map(|_| {
            let line = multi.add(ProgressBar::new(1));
            line.set_style(style.clone());
            (line, String::new())
        });
        Self {
            lines: lines.collect(),
            levels,
            packets: 0,
            not_understood: 0,
            last: String::new(),
            problem: String::new(),
            state: "connecting".to_owned(),
            heading: heading(found, server, address),
            drawn: false,
            redraws: 0,
        }
    }

    fn draw(&mut self) {
        let wide = self.levels.iter().map(|level| label(level).chars().count()).max().unwrap_or(0);
        let numbers = self.levels.iter().map(widest).max().unwrap_or(0);
        let packets = match (self.packets, self.not_understood) {
            (0, _) => String::new(),
            (count, 0) => format!("{} ({count} packets)", self.last),
            (count, wrong) => format!("{} ({count} packets, {wrong} not understood)", self.last),
        };
        let levels = self.levels.iter().map(|level| line(level, wide, numbers));
        let texts = [self.heading.clone(), self.state.clone()].into_iter().chain(levels);
        for ((bar, shown), text) in self.lines.iter_mut().zip(texts.chain([packets, self.problem.clone()])) {
            // A text that moves the cursor would spoil the screen.
            let text: String = text.chars().filter(|letter| !letter.is_control()).collect();
            if *shown != text || !self.drawn || self.redraws.is_multiple_of(ANEW) {
                bar.set_message(text.clone());
                *shown = text;
            }
        }
        self.drawn = true;
    }
}

impl Show for Bars {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Level(level) => {
                let same = |shown: &&mut Level| (shown.feature, shown.kind) == (level.feature, level.kind);
                if let Some(shown) = self.levels.iter_mut().find(same) {
                    *shown = (*level).clone();
                }
            }
            Event::Write { endpoint, data, understood, .. } => {
                self.packets += 1;
                self.not_understood += u64::from(!understood);
                self.last = format!("{endpoint}: {}", bytes(data));
            }
            Event::Error { .. } => self.problem = state(event),
            Event::Attach { .. } | Event::Attached { .. } | Event::Refused { .. } | Event::Lost { .. } => {
                self.problem.clear();
                self.state = state(event);
                self.draw();
            }
            Event::Disconnect | Event::Detach => {
                self.state = state(event);
                self.draw();
            }
            Event::Read { .. } | Event::Notify(_) | Event::Subscribe { .. } | Event::Unsubscribe { .. } => {}
        }
    }

    fn redraw(&mut self) {
        self.redraws = self.redraws.wrapping_add(1);
        self.draw();
    }

    fn end(&mut self) {
        if !self.drawn {
            // Nothing ever happened; the error that follows says all there is.
            return;
        }
        self.draw();
        for (bar, _) in &self.lines {
            bar.abandon();
        }
    }
}

fn label(level: &Level) -> String {
    let (kind, feature) = (level.kind.key(), level.feature);
    if level.label.is_empty() {
        return format!("{kind} {feature}");
    }
    format!("{kind} {feature} {}", level.label).chars().take(LABEL).collect()
}

fn number(level: &Level) -> String {
    format!("{}/{}", level.value, level.max)
}

/// Room for every number that the output can show, so that the bars stay where they are.
fn widest(level: &Level) -> usize {
    let least = level.min.to_string().chars().count();
    let most = level.max.to_string().chars().count();
    least.max(most) + 1 + most
}

fn line(level: &Level, wide: usize, numbers: usize) -> String {
    let (label, number) = (label(level), number(level));
    let time = level.duration_ms.map(|ms| format!(" in {ms} ms")).unwrap_or_default();
    format!("{label:<wide$} {number:>numbers$} {}{time}", cells(level))
}

/// A bar from the left, or from the middle when the output goes both ways.
fn cells(level: &Level) -> String {
    let part = |value: i32, of: i32, cells: usize| {
        let exact = f64::from(value.max(0)) / f64::from(of.max(1)) * cells as f64;
        // The least there is must be seen.
        (exact.round() as usize).clamp(usize::from(value > 0), cells)
    };
    if level.min >= 0 {
        let full = part(level.value, level.max, CELLS);
        return format!("{}{}", "█".repeat(full), "░".repeat(CELLS - full));
    }
    let half = CELLS / 2;
    let left = part(level.value.saturating_neg(), level.min.saturating_neg(), half);
    let right = part(level.value, level.max, half);
    let bar = ["░".repeat(half - left), "█".repeat(left), "│".to_owned()];
    format!("{}{}{}", bar.concat(), "█".repeat(right), "░".repeat(half - right))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::OutputKind;

    fn shown(min: i32, max: i32, value: i32) -> (usize, String) {
        let level =
            Level { feature: 0, kind: OutputKind::Rotate, value, duration_ms: None, min, max, label: String::new() };
        let bar = cells(&level);
        (bar.matches('█').count(), bar)
    }

    #[test]
    fn bars() {
        for (min, max, value, full) in [(0, 20, 0, 0), (0, 20, 20, 31), (0, 1000, 1, 1), (-9, 9, -9, 15), (-9, 9, 0, 0)]
        {
            let (count, bar) = shown(min, max, value);
            assert_eq!((count, bar.chars().count()), (full, CELLS), "{bar}");
        }
        assert!(shown(-9, 9, -9).1.starts_with('█'));
        assert!(shown(-9, 9, 9).1.ends_with('█'));
        // Whatever comes, it is only a picture.
        assert_eq!(shown(0, 0, i32::MAX).0, CELLS);
        assert_eq!(shown(i32::MIN, i32::MAX, i32::MIN).0, CELLS / 2);
    }
}
