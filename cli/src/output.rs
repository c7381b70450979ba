//! What is printed: results to standard output, everything else to standard error.

use std::io::Write as _;

use serde::Serialize;

/// Prints a result. A reader that has gone (`mixbed … | head`) is no error.
pub(crate) fn print(text: impl AsRef<str>) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{}", text.as_ref()).and_then(|()| out.flush());
}

/// Prints a result as one line of JSON.
pub(crate) fn print_json(value: &impl Serialize) {
    match serde_json::to_string(value) {
        Ok(text) => print(text),
        // What is printed here are our own structs with text keys.
        Err(error) => complain(&format!("the result cannot be written as JSON: {error}")),
    }
}

/// Says what is going on.
pub(crate) fn say(text: impl AsRef<str>) {
    let _ = writeln!(std::io::stderr().lock(), "{}", text.as_ref());
}

/// Says what went wrong.
pub(crate) fn complain(why: &str) {
    say(format!("error: {why}"));
}
