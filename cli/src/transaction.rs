//! A transaction as a user gives it: a file, hexadecimal digits, or standard input.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use mixbed_wire::message::{Request, SUBMIT_SERVICE};

/// The most bytes that a message carries to monerod; monerod's own bound is lower.
pub(crate) const MAX_BYTES: usize = Request::max_payload(SUBMIT_SERVICE);

/// Why there is no transaction. What it is worth is monerod's to judge.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    /// The file cannot be read.
    #[error("cannot read {from}: {source}")]
    Read { from: String, source: io::Error },
    /// The argument is no file and no transaction.
    #[error(
        "`{text}` is neither a file nor hexadecimal ({what}); give a transaction as a file, as hexadecimal digits, or as - for standard input"
    )]
    Argument { text: String, what: NotHex },
    /// The argument looks like a file's name, and there is none.
    #[error("there is no such file: `{path}`")]
    NoFile { path: String },
    /// Text, but not hexadecimal.
    #[error("{from} is text, but not hexadecimal: {what}")]
    NotHex { from: String, what: NotHex },
    /// A digit too many or too few.
    #[error(
        "{from} has an odd number of hexadecimal digits ({digits}): one is missing or too many"
    )]
    Odd { from: String, digits: usize },
    /// Nothing.
    #[error("{from} is empty: there is no transaction in it")]
    Empty { from: String },
    /// Larger than a message.
    #[error("{from} is larger than {MAX_BYTES} bytes, which no transaction is that monerod takes")]
    TooLarge { from: String },
}

/// The first character that is no hexadecimal digit.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` at position {at} is no digit", found.escape_default())]
pub(crate) struct NotHex {
    found: char,
    at: usize,
}

/// Reads the transaction that a command line's argument means.
pub(crate) fn read(argument: &str) -> Result<Vec<u8>, InputError> {
    if argument == "-" {
        return bounded(io::stdin().lock(), "standard input");
    }
    let path = PathBuf::from(argument);
    if path.exists() {
        let from = path.display().to_string();
        let file =
            File::open(&path).map_err(|source| InputError::Read { from: from.clone(), source })?;
        return bounded(file, &from);
    }
    if argument.trim().is_empty() {
        return Err(InputError::Empty { from: "the argument".to_owned() });
    }
    if let Some(what) = not_hex(argument) {
        let text = shown(argument);
        if argument.contains(['/', '.']) {
            return Err(InputError::NoFile { path: text });
        }
        return Err(InputError::Argument { text, what });
    }
    decode(argument.as_bytes(), "the argument")
}

fn bounded(input: impl Read, from: &str) -> Result<Vec<u8>, InputError> {
    // Two digits a byte, and room for the white space of lines.
    let limit = MAX_BYTES * 2 + MAX_BYTES / 8;
    let mut bytes = Vec::new();
    input
        .take(limit as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| InputError::Read { from: from.to_owned(), source })?;
    if bytes.len() > limit {
        return Err(InputError::TooLarge { from: from.to_owned() });
    }
    decode(&bytes, from)
}

/// What is in a file: hexadecimal digits if all of it is text, the raw transaction if it is not.
fn decode(bytes: &[u8], from: &str) -> Result<Vec<u8>, InputError> {
    let from = from.to_owned();
    let raw = match std::str::from_utf8(bytes).ok().filter(|text| is_text(text)) {
        None => bytes.to_vec(),
        Some(text) => {
            if let Some(what) = not_hex(text) {
                return Err(InputError::NotHex { from, what });
            }
            let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
            // Only the number can be wrong: each is a digit.
            hex::decode(&digits)
                .map_err(|_| InputError::Odd { from: from.clone(), digits: digits.len() })?
        }
    };
    match raw.len() {
        0 => Err(InputError::Empty { from }),
        1..=MAX_BYTES => Ok(raw),
        _ => Err(InputError::TooLarge { from }),
    }
}

/// A raw transaction begins with its version, 1 or 2: no text does.
fn is_text(text: &str) -> bool {
    text.chars().all(|c| !c.is_control() || c.is_ascii_whitespace())
}

fn not_hex(text: &str) -> Option<NotHex> {
    let mut characters = text.chars().zip(1..);
    characters
        .find(|(c, _)| !c.is_ascii_hexdigit() && !c.is_ascii_whitespace())
        .map(|(found, at)| NotHex { found, at })
}

/// The beginning of a text that may be long.
fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(40).flat_map(char::escape_default).collect();
    if text.chars().nth(40).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(bytes: &[u8]) -> Result<Vec<u8>, String> {
        bounded(bytes, "f").map_err(|error| error.to_string())
    }

    #[test]
    fn digits_or_bytes() {
        assert_eq!(file(b"02ff\n").unwrap(), [2, 0xff]);
        assert_eq!(file(b"02\nFf\n").unwrap(), [2, 0xff]);
        assert_eq!(file(&[2, 0, 0xff]).unwrap(), [2, 0, 0xff]);
        assert_eq!(read("02ff").unwrap(), [2, 0xff]);
    }

    #[test]
    fn each_mistake_has_its_words() {
        assert_eq!(file(b"").unwrap_err(), "f is empty: there is no transaction in it");
        assert!(file(b" \n").unwrap_err().contains("empty"));
        assert!(file(b"02f").unwrap_err().contains("odd number of hexadecimal digits (3)"));
        let error = file(b"02fg").unwrap_err();
        assert_eq!(error, "f is text, but not hexadecimal: `g` at position 4 is no digit");
        let error = read("no such file").unwrap_err().to_string();
        assert!(error.contains("neither a file nor hexadecimal"), "{error}");
        for path in ["/no/such", "tx.hex", "02..."] {
            let error = read(path).unwrap_err().to_string();
            assert_eq!(error, format!("there is no such file: `{path}`"));
        }
        assert!(read("").unwrap_err().to_string().contains("empty"));
        assert!(read("abc").unwrap_err().to_string().contains("odd"));
        assert!(read("/").unwrap_err().to_string().contains("cannot read /"));
    }

    #[test]
    fn what_is_too_large_is_not_read_to_its_end() {
        assert_eq!(file(&vec![2; MAX_BYTES]).unwrap().len(), MAX_BYTES);
        assert!(file(&vec![2; MAX_BYTES + 1]).unwrap_err().contains("larger"));
        assert!(bounded(io::repeat(2), "f").unwrap_err().to_string().contains("larger"));
    }
}
