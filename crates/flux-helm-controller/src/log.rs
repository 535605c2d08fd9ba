//! The last lines of what an action did: a failure's event shows them.

use std::collections::VecDeque;
use std::fmt;

/// Lines kept, as upstream.
const LINES: usize = 10;

/// One line: the time in RFC 3339, and how often it came again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    pub time: String,
    /// When it came the last time.
    pub last_time: String,
    pub message: String,
    pub repeats: u64,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.message.is_empty() {
            return Ok(());
        }
        write!(f, "{}: {}", self.time, self.message)?;
        if self.repeats > 0 {
            write!(f, "\n{}: {}", self.last_time, self.message)?;
        }
        match self.repeats {
            0 | 1 => Ok(()),
            2 => f.write_str(" (1 duplicate line omitted)"),
            more => write!(f, " ({} duplicate lines omitted)", more - 1),
        }
    }
}

/// The lines.
#[derive(Clone, Debug, Default)]
pub struct Log(VecDeque<Line>);

impl Log {
    /// Adds a line; one that says the same as the last is counted.
    pub fn line(&mut self, message: &str, fields: &[(&str, serde_json::Value)]) {
        let mut text = message.to_owned();
        if !fields.is_empty() {
            let map: serde_json::Map<String, serde_json::Value> =
                fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
            text = format!("{text}: {}", serde_json::Value::Object(map));
        }
        tracing::debug!("{text}");
        let time = jiff::Timestamp::now().to_string();
        if let Some(last) = self.0.back_mut().filter(|last| last.message == text) {
            last.repeats += 1;
            last.last_time = time;
            return;
        }
        if self.0.len() == LINES {
            self.0.pop_front();
        }
        self.0.push_back(Line { time, message: text, ..Line::default() });
    }

    /// The message of an event, with the lines behind it.
    pub fn append_to(&self, message: &str) -> String {
        if self.0.is_empty() {
            return message.to_owned();
        }
        let lines: Vec<String> = self.0.iter().map(Line::to_string).collect();
        format!("{message}\n\nLast Helm logs:\n\n{}", lines.join("\n"))
    }
}
