//! Lines on a terminal that are drawn over themselves.
//!
//! The cursor rests at the beginning of the line below them: whatever the terminal itself writes there, such as the `^C`
//! of a Ctrl-C, moves nothing.

use console::{Term, measure_text_width, truncate_str};

/// See the module.
pub(super) struct Screen {
    term: Term,
    /// The lines that are there now.
    drawn: Vec<String>,
}

impl Screen {
    pub(super) fn new(term: Term) -> Self {
        Self { term, drawn: Vec::new() }
    }

    /// Rows and columns.
    pub(super) fn size(&self) -> (usize, usize) {
        let (rows, columns) = self.term.size();
        (rows.into(), columns.into())
    }

    /// Draws these lines in place of those that were drawn last, on a terminal of this size.
    pub(super) fn show(&mut self, texts: &[String], rows: usize, columns: usize) -> std::io::Result<()> {
        // What is above the upper edge could not be drawn over.
        let lines = texts.iter().take(rows.saturating_sub(1));
        let lines: Vec<_> = lines.map(|text| truncate_str(text, columns.saturating_sub(1), "…").into_owned()).collect();
        if lines == self.drawn {
            return Ok(());
        }
        // A terminal that has become narrower has wrapped the lines.
        let used =
            self.drawn.iter().map(|line| measure_text_width(line).div_ceil(columns.max(1)).max(1)).sum::<usize>();
        self.term.clear_line()?;
        self.term.clear_last_lines(used.min(rows.saturating_sub(1)))?;
        for line in &lines {
            self.term.write_line(line)?;
        }
        self.drawn = lines;
        self.term.flush()
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::io::{Read, Seek};

    use super::*;

    /// What a terminal shows that gets these letters, as far as they are needed here.
    fn shown(text: &str) -> Vec<String> {
        let (mut rows, mut row, mut column) = (vec![Vec::new()], 0_usize, 0);
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '\n' => (row, column) = (row + 1, 0),
                '\r' => column = 0,
                '\x1b' => {
                    let mut code = String::new();
                    let end = loop {
                        match letters.next().unwrap() {
                            end if end.is_ascii_alphabetic() => break end,
                            letter => code.push(letter),
                        }
                    };
                    let number: usize = code.trim_start_matches('[').parse().unwrap();
                    match end {
                        'A' => row = row.checked_sub(number).expect("above the upper edge"),
                        'B' => row += number,
                        'K' => rows[row].clear(),
                        _ => panic!("{code}{end}"),
                    }
                }
                _ => {
                    let row: &mut Vec<char> = &mut rows[row];
                    row.resize(row.len().max(column + 1), ' ');
                    row[column] = letter;
                    column += 1;
                }
            }
            rows.resize(rows.len().max(row + 1), Vec::new());
        }
        rows.into_iter().map(|row| row.into_iter().collect()).collect()
    }

    /// What is there after several drawings on a terminal with so many rows and eight columns.
    fn drawn(rows: usize, all: &[&[&str]]) -> Vec<String> {
        let mut file = tempfile::tempfile().unwrap();
        let term = Term::read_write_pair(tempfile::tempfile().unwrap(), file.try_clone().unwrap());
        let mut screen = Screen::new(term.clone());
        for texts in all {
            let texts: Vec<_> = texts.iter().map(|text| (*text).to_owned()).collect();
            screen.show(&texts, rows, 8).unwrap();
            // The user presses Ctrl-C.
            term.write_str("^C").unwrap();
        }
        let mut text = String::new();
        file.rewind().unwrap();
        file.read_to_string(&mut text).unwrap();
        shown(&text)
    }

    #[test]
    fn lines_stand_once_whatever_the_terminal_writes_itself() {
        let all: &[&[&str]] = &[&["head", "waiting"], &["head", "attached", "level 10"], &["head", "off", "level"]];
        assert_eq!(drawn(24, &all[..2]), ["head", "attach…", "level …", "^C"]);
        assert_eq!(drawn(24, all), ["head", "off", "level", "^C"]);
        // Nothing is drawn that could not be drawn over.
        assert_eq!(drawn(3, all), ["head", "off", "^C"]);
    }
}
