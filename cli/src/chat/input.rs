//! What the user types.

use std::io::{BufRead as _, Read as _};

use mixbed_wire::letter::MAX_LETTER_TEXT;
use tokio::sync::mpsc;

/// Lines that wait to be sent: whoever types or pipes more waits.
const WAITING: usize = 16;

/// A line of input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// To be sent.
    Text(String),
    /// To be forgotten: more than a letter has.
    TooLong,
    /// `/help`
    Help,
    /// `/quit`
    Quit,
    /// `/forget`
    Forget,
    /// `/name NAME`
    Name(String),
    /// Another one that begins with a slash.
    Unknown(String),
}

impl Line {
    /// What a line means; nothing if it is empty.
    fn read(line: &[u8]) -> Option<Self> {
        if line.len() > MAX_LETTER_TEXT {
            return Some(Self::TooLong);
        }
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end_matches(['\r', '\n']);
        if line.trim().is_empty() {
            return None;
        }
        let Some(command) = line.strip_prefix('/') else {
            return Some(Self::Text(line.to_owned()));
        };
        // Twice for one that is meant.
        if command.starts_with('/') {
            return Some(Self::Text(command.to_owned()));
        }
        let (command, rest) = command.split_once(' ').unwrap_or((command, ""));
        Some(match command {
            "help" => Self::Help,
            "quit" | "q" => Self::Quit,
            "forget" => Self::Forget,
            "name" => Self::Name(rest.trim().to_owned()),
            _ => Self::Unknown(command.chars().take(40).collect()),
        })
    }
}

/// Reads standard input on a thread of its own, which ends with the process: nothing can stop a
/// read. The channel closes with the input.
pub(super) fn lines() -> mpsc::Receiver<Line> {
    let (to, lines) = mpsc::channel(WAITING);
    std::thread::spawn(move || {
        let mut input = std::io::stdin().lock();
        loop {
            let mut line = Vec::new();
            let most = MAX_LETTER_TEXT as u64 + 2;
            match input.by_ref().take(most).read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            if line.len() as u64 == most && !line.ends_with(b"\n") {
                // The rest of it.
                let _ = input.skip_until(b'\n');
            }
            if let Some(line) = Line::read(&line)
                && to.blocking_send(line).is_err()
            {
                return;
            }
        }
    });
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_texts_or_commands() {
        let text = |text: &str| Some(Line::Text(text.to_owned()));
        assert_eq!(Line::read(b"hello\r\n"), text("hello"));
        assert_eq!(Line::read(b"  indented \n"), text("  indented "));
        assert_eq!(Line::read(b"//etc/passwd\n"), text("/etc/passwd"));
        assert_eq!(Line::read(b" \n"), None);
        assert_eq!(Line::read(b"/help\n"), Some(Line::Help));
        assert_eq!(Line::read(b"/q"), Some(Line::Quit));
        assert_eq!(Line::read(b"/name  bob \n"), Some(Line::Name("bob".to_owned())));
        assert_eq!(Line::read(b"/nmae bob\n"), Some(Line::Unknown("nmae".to_owned())));
        assert_eq!(Line::read(&vec![b'x'; MAX_LETTER_TEXT + 1]), Some(Line::TooLong));
    }
}
