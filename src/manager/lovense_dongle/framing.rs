//! How text travels to and from the dongle: over its reports (facts: protocols/lovense-dongle.md), or as it is over a
//! serial port. No message is understood here.

/// Text in one report to the dongle.
const CHUNK: usize = 63;
/// The number of the report, the chunk, and a zero.
const REPORT: usize = 65;
/// A line that is longer than this is no message.
const LONGEST: usize = 64 * 1024;

/// How a dongle takes and gives text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// In HID reports of a fixed length.
    Reports,
    /// As it is.
    Plain,
}

impl Form {
    /// What carries a line to the dongle.
    pub(super) fn packets(self, line: &str) -> Vec<Vec<u8>> {
        match self {
            Self::Reports => reports(line).into_iter().map(|report| report.to_vec()).collect(),
            Self::Plain => vec![format!("{line}\r\n").into_bytes()],
        }
    }

    /// The text in what came from the dongle. The last byte of a report never carries any.
    pub(super) fn text(self, data: &[u8]) -> &[u8] {
        match self {
            Self::Reports => data.split_last().map_or(data, |(_, text)| text),
            Self::Plain => data,
        }
    }
}

/// The reports that carry a line to the dongle.
fn reports(line: &str) -> Vec<[u8; REPORT]> {
    let text = format!("{line}\r\n");
    let chunks = text.as_bytes().chunks(CHUNK).map(|chunk| {
        let mut report = [0; REPORT];
        for (place, byte) in report.iter_mut().skip(1).zip(chunk) {
            *place = *byte;
        }
        report
    });
    chunks.collect()
}

/// Puts lines together out of what the dongle says.
///
/// The reference server forgets what follows a line in the same buffer; here the next line begins with it.
#[derive(Debug, Default)]
pub(super) struct Lines {
    begun: Vec<u8>,
    /// The line is too long; what is left of it is passed over.
    skipping: bool,
}

impl Lines {
    /// The lines that this text completes. A report that is not full is filled with zeros, which no text contains.
    pub(super) fn take(&mut self, text: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for byte in text.iter().copied().filter(|byte| *byte != 0) {
            if byte == b'\n' {
                let line = std::mem::take(&mut self.begun);
                if !std::mem::take(&mut self.skipping) {
                    lines.push(String::from_utf8_lossy(&line).trim_end().to_owned());
                }
            } else if self.begun.len() >= LONGEST {
                self.begun.clear();
                self.skipping = true;
            } else if !self.skipping {
                self.begun.push(byte);
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The dongle's side of it: 64 bytes, of which the last says nothing.
    fn said(text: &str) -> Vec<Vec<u8>> {
        let fill = |chunk: &[u8]| {
            let mut report = chunk.to_vec();
            report.resize(64, 0);
            report
        };
        text.as_bytes().chunks(CHUNK).map(fill).collect()
    }

    fn lines(reports: &[Vec<u8>]) -> Vec<String> {
        let mut lines = Lines::default();
        reports.iter().flat_map(|report| lines.take(Form::Reports.text(report))).collect()
    }

    #[test]
    fn a_line_is_cut_into_chunks_with_a_zero_before_and_behind() {
        let reports = reports(&"x".repeat(62));
        assert_eq!(reports.len(), 2);
        assert_eq!(
            (reports[0][0], reports[0][1], reports[0][62], reports[0][63], reports[0][64]),
            (0, b'x', b'x', b'\r', 0)
        );
        assert_eq!(reports[1][..4], [0, b'\n', 0, 0]);
        assert_eq!(super::reports(&"x".repeat(61)).len(), 1);
    }

    #[test]
    fn lines_come_back_whatever_their_length() {
        for length in [0, 1, 61, 62, 63, 64, 125, 126, 127, 1000] {
            let text = "y".repeat(length);
            assert_eq!(lines(&said(&format!("{text}\r\n"))), [text], "{length}");
        }
        assert_eq!(lines(&said("one\ntwo\r\nthree")), ["one", "two"]);
    }

    #[test]
    fn a_serial_port_carries_lines_as_they_are() {
        assert_eq!(Form::Plain.packets("one"), [b"one\r\n"]);
        let mut lines = Lines::default();
        assert_eq!(lines.take(Form::Plain.text(b"one\r")), [""; 0]);
        assert_eq!(lines.take(Form::Plain.text(b"\ntwo\n")), ["one", "two"]);
    }

    #[test]
    fn nonsense_is_bounded_and_what_follows_is_heard() {
        let mut nonsense = vec![vec![b'z'; 64]; 3000];
        nonsense.push(b"\n\0".to_vec());
        nonsense.extend(said("after\r\n"));
        assert_eq!(lines(&nonsense), ["after"]);
        assert!(lines(&[vec![], vec![0], vec![b'\n']]).is_empty());
        assert_eq!(lines(&[vec![0xFF, b'\n', 0]]), ["\u{FFFD}"]);
    }
}
