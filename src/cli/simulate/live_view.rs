//! Live bars on a terminal.
//!
//! Every line begins with what matters most and is cut at the terminal's edge, so that a narrow terminal loses bars
//! before it loses labels, and those before it loses numbers.

use std::fmt;

use console::{Alignment, Term, measure_text_width, pad_str, truncate_str};

use super::event_output::{Event, EventOutput, bytes, heading, name, state};
use super::model_lookup::FoundModel;
use super::screen::Screen;
use crate::simulation::{Level, simulate};
use crate::types::OutputKind;
use crate::words::counted;

/// Cells of a bar where there is room, and the fewest. Odd, so that a two-way bar has a middle.
const CELLS: usize = 31;
const FEWEST_CELLS: usize = 9;
/// Where labels are cut on a terminal that has hardly room for bars.
const LABEL: usize = 14;
/// Room for a duration, such as ` in 12000 ms`.
const TIME: usize = 12;

/// See the module.
pub(super) struct LiveView {
    screen: Screen,
    levels: Vec<Level>,
    packets: usize,
    not_understood: usize,
    last: String,
    problem: String,
    state: String,
    name: String,
    heading: String,
}

impl fmt::Debug for LiveView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LiveView({} levels)", self.levels.len())
    }
}

impl LiveView {
    pub(super) fn new(found: &FoundModel) -> Self {
        let levels = simulate(&found.definition, &found.model).levels();
        Self {
            screen: Screen::new(Term::buffered_stdout()),
            levels,
            packets: 0,
            not_understood: 0,
            last: String::new(),
            problem: String::new(),
            state: "connecting".to_owned(),
            name: name(found),
            heading: String::new(),
        }
    }

    /// The lines, for a terminal of this width.
    fn texts(&self, columns: usize) -> Vec<String> {
        let numbers = self.levels.iter().map(widest).max().unwrap_or(0);
        let wanted = self.levels.iter().map(|level| measure_text_width(&label(level))).max().unwrap_or(0);
        let time =
            if self.levels.iter().any(|level| level.kind == OutputKind::HwPositionWithDuration) { TIME } else { 0 };
        let (wide, cells) = shared(columns.saturating_sub(numbers + time + 3), wanted);
        let count = counted(self.packets, "packet");
        let packets = match (self.packets, self.not_understood) {
            (0, _) => String::new(),
            (_, 0) => format!("{} ({count})", self.last),
            (_, wrong) => format!("{} ({count}, {wrong} not understood)", self.last),
        };
        let levels = self.levels.iter().map(|level| line(level, wide, numbers, cells));
        // Why something is not as it should be is never cut.
        let (state, problem) = (wrapped(&self.state, columns), wrapped(&self.problem, columns));
        let texts = std::iter::once(self.heading.clone()).chain(state).chain(levels);
        // A text that moves the cursor would spoil the screen.
        let clean = |text: String| text.chars().filter(|letter| !letter.is_control()).collect();
        let texts = texts.chain([packets]).chain(problem).map(clean);
        texts.filter(|text: &String| !text.is_empty()).collect()
    }

    fn draw(&mut self) {
        let (rows, columns) = self.screen.size();
        // Drawing fails when the terminal is gone, and then it does not matter.
        let _ = self.screen.show(&self.texts(columns), rows, columns);
    }
}

impl EventOutput for LiveView {
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
                self.not_understood += usize::from(!understood);
                self.last = format!("{endpoint}: {}", bytes(data));
            }
            Event::Error { .. } => self.problem = state(event),
            Event::Attach { .. }
            | Event::Attached { .. }
            | Event::Refused { .. }
            | Event::Failed { .. }
            | Event::Ended
            | Event::Lost { .. } => {
                self.problem.clear();
                self.heading = heading(&self.name, event).unwrap_or_else(|| std::mem::take(&mut self.heading));
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
        self.draw();
    }

    fn end(&mut self) {
        // If nothing ever happened, the error that follows says all there is.
        if !self.heading.is_empty() {
            self.draw();
        }
    }
}

/// A text in lines that a terminal of this width does not cut.
fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() || measure_text_width(line) + measure_text_width(word) + 1 < columns => {
                let blank = if line.is_empty() { "" } else { " " };
                *line += &format!("{blank}{word}");
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// What an output is called.
fn label(level: &Level) -> String {
    let (kind, feature) = (level.kind.key(), level.feature);
    format!("{kind} {feature} {}", level.label).trim_end().to_owned()
}

/// How the room of a line is shared by labels, of which the longest wants so much, and bars.
fn shared(room: usize, wanted: usize) -> (usize, usize) {
    let cells = room.saturating_sub(wanted).clamp(FEWEST_CELLS, CELLS);
    let cells = cells - (1 - cells % 2);
    (wanted.min(room.saturating_sub(cells).max(LABEL)), cells)
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

fn line(level: &Level, wide: usize, numbers: usize, cells: usize) -> String {
    let (label, number) = (label(level), number(level));
    let label = truncate_str(&label, wide, "…");
    let (label, bar) = (pad_str(&label, wide, Alignment::Left, None), bar(level, cells));
    let time = level.duration_ms.map(|ms| format!(" in {ms} ms")).unwrap_or_default();
    format!("{label} {number:>numbers$} {bar}{time}")
}

/// A bar from the left, or from the middle when the output goes both ways.
fn bar(level: &Level, all: usize) -> String {
    let part = |value: i32, of: i32, cells: usize| {
        let exact = f64::from(value.max(0)) / f64::from(of.max(1)) * cells as f64;
        // The least there is must be seen.
        (exact.round() as usize).clamp(usize::from(value > 0), cells)
    };
    if level.min >= 0 {
        let full = part(level.value, level.max, all);
        return format!("{}{}", "█".repeat(full), "░".repeat(all - full));
    }
    let half = all / 2;
    let left = part(level.value.saturating_neg(), level.min.saturating_neg(), half);
    let right = part(level.value, level.max, half);
    let bar = ["░".repeat(half - left), "█".repeat(left), "│".to_owned()];
    format!("{}{}{}", bar.concat(), "█".repeat(right), "░".repeat(half - right))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(min: i32, max: i32, value: i32) -> (usize, String) {
        let level =
            Level { feature: 0, kind: OutputKind::Rotate, value, duration_ms: None, min, max, label: String::new() };
        let bar = bar(&level, CELLS);
        (bar.matches('█').count(), bar)
    }

    #[test]
    fn reasons_are_wrapped_and_not_cut() {
        let reason = "the server could not make it ready: initialising failed: hello[2] == 256";
        let lines = wrapped(reason, 30);
        assert!(lines.len() > 2 && lines.iter().all(|line| line.len() < 30), "{lines:?}");
        assert_eq!(lines.join(" "), reason);
        assert_eq!(wrapped("", 30), [""]);
        assert_eq!(wrapped("longer than it is wide", 3).len(), 5);
    }

    #[test]
    fn labels_have_the_room_that_is_there() {
        let mut level = Level {
            feature: 0,
            kind: OutputKind::Vibrate,
            value: 3,
            duration_ms: None,
            min: 0,
            max: 20,
            label: "The longer of the two arms, outside".to_owned(),
        };
        let whole = label(&level);
        assert_eq!(whole, "vibrate 0 The longer of the two arms, outside");
        assert!(line(&level, 20, 5, CELLS).starts_with("vibrate 0 The longe…  3/20 █"));
        // Letters may be two columns wide.
        level.label = "東京".to_owned();
        assert!(line(&level, 16, 5, CELLS).starts_with("vibrate 0 東京    3/20 █"));
        level.label.clear();
        assert_eq!(label(&level), "vibrate 0");
        // Bars are the first to give way, then labels.
        let all = [(100, (45, 31)), (60, (45, 15)), (59, (45, 13)), (54, (45, 9)), (50, (41, 9)), (20, (LABEL, 9))];
        for (room, wanted) in all {
            assert_eq!(shared(room, whole.len()), wanted, "{room}");
        }
        assert_eq!(shared(100, 9), (9, CELLS));
    }

    #[test]
    fn packets_are_counted_in_words() {
        let library = crate::library::Library::load(&[], &crate::driver::names());
        let definition = std::sync::Arc::clone(library.protocol("aneros").unwrap());
        let mut bars = LiveView::new(&FoundModel { model: definition.model(None).clone(), definition });
        let told = |bars: &LiveView| bars.texts(80).last().cloned().unwrap();
        for counted in ["(1 packet)", "(2 packets)"] {
            let endpoint = "tx";
            bars.event(&Event::Write { endpoint, data: &[1], with_response: false, understood: true });
            assert!(told(&bars).ends_with(counted), "{}", told(&bars));
        }
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
