//! Strangers' texts on a terminal.

/// What a text shows, without what a terminal would obey, and without marks that show the text in
/// another order than it is in. Lines stay lines.
pub(crate) fn plain(text: &str) -> String {
    text.chars().filter(|c| matches!(c, '\n' | '\t') || !(c.is_control() || turns(*c))).collect()
}

/// A text as part of a conversation: each further line is marked, so that none looks like a
/// message of its own.
pub(crate) fn lines(text: &str) -> String {
    plain(text).replace(['\u{2028}', '\u{2029}'], "\n").replace('\n', "\n    | ")
}

/// Marks of direction, and others that cannot be seen.
fn turns(c: char) -> bool {
    matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_for_the_terminal() {
        assert_eq!(plain("one\ttwo\n\u{1b}]0;x\u{7}\u{1b}[2J\u{9b}31m\r"), "one\ttwo\n]0;x[2J31m");
        assert_eq!(plain("pay \u{202e}001\u{202c} now\u{200f}"), "pay 001 now");
        assert_eq!(plain("grüße, 你好 🙂"), "grüße, 你好 🙂");
        assert_eq!(lines("a\n12:00 bob: b\u{2028}c"), "a\n    | 12:00 bob: b\n    | c");
    }
}
