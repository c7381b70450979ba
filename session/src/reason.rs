//! Why a stream or a session ended.

use std::{borrow::Cow, fmt, io};

/// The most bytes of words that a reason has.
pub const MAX_WORDS: usize = 200;

/// Why something ended, as a program reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Code {
    /// The provider does not serve this target.
    Forbidden = 1,
    /// The target's name has no address.
    NameNotFound = 2,
    /// The target refused the connection.
    Refused = 3,
    /// There is no way to the target.
    Unreachable = 4,
    /// The target did not answer in time.
    TimedOut = 5,
    /// Too much is going on at once.
    Busy = 6,
    /// The provider has no service of this name.
    UnknownService = 7,
    /// The other side gave the stream up.
    Closed = 8,
    /// Something else went wrong; the words tell what.
    Failed = 9,
    /// The provider does not know the session any more, or does not answer.
    SessionLost = 10,
    /// Nothing happened for too long.
    IdleTooLong = 11,
    /// The program at the other side, or this one, ends.
    Stopped = 12,
}

impl Code {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Forbidden,
        Self::NameNotFound,
        Self::Refused,
        Self::Unreachable,
        Self::TimedOut,
        Self::Busy,
        Self::UnknownService,
        Self::Closed,
        Self::Failed,
        Self::SessionLost,
        Self::IdleTooLong,
        Self::Stopped,
    ];

    /// From its number in a packet; one that is not known is [`Failed`](Self::Failed).
    #[must_use]
    pub fn from_number(number: u8) -> Self {
        Self::ALL.into_iter().find(|code| *code as u8 == number).unwrap_or(Self::Failed)
    }

    /// What it means, in a few words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Forbidden => "the provider does not allow this target",
            Self::NameNotFound => "the name has no address",
            Self::Refused => "the target refused the connection",
            Self::Unreachable => "the target cannot be reached",
            Self::TimedOut => "the target did not answer in time",
            Self::Busy => "too busy",
            Self::UnknownService => "no such service",
            Self::Closed => "given up by the other side",
            Self::Failed => "failed",
            Self::SessionLost => "the provider lost the session, or does not answer",
            Self::IdleTooLong => "idle for too long",
            Self::Stopped => "stopped",
        }
    }
}

/// Why something ended: a code for programs, and words for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Reason {
    code: Code,
    words: String,
}

impl Reason {
    /// Words beyond [`MAX_WORDS`] bytes are cut off, and control characters become spaces.
    pub fn new<'a>(code: Code, words: impl Into<Cow<'a, str>>) -> Self {
        let words: Cow<'a, str> = words.into();
        let mut end = words.len().min(MAX_WORDS);
        while !words.is_char_boundary(end) {
            end -= 1;
        }
        let words =
            words[..end].chars().map(|c| if c.is_control() && c.len_utf8() == 1 { ' ' } else { c });
        Self { code, words: words.collect() }
    }

    /// The code.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The words; often none.
    #[must_use]
    pub fn words(&self) -> &str {
        &self.words
    }
}

impl From<Code> for Reason {
    fn from(code: Code) -> Self {
        Self { code, words: String::new() }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.words.as_str() {
            "" => f.write_str(self.code.words()),
            words => write!(f, "{}: {words}", self.code.words()),
        }
    }
}

impl From<Reason> for io::Error {
    /// The reason stays inside: `error.get_ref()` downcasts to it.
    fn from(reason: Reason) -> Self {
        let kind = match reason.code {
            Code::Forbidden => io::ErrorKind::PermissionDenied,
            Code::NameNotFound | Code::UnknownService => io::ErrorKind::NotFound,
            Code::Refused => io::ErrorKind::ConnectionRefused,
            Code::Unreachable => io::ErrorKind::HostUnreachable,
            Code::TimedOut | Code::IdleTooLong => io::ErrorKind::TimedOut,
            Code::Closed => io::ErrorKind::ConnectionReset,
            Code::SessionLost | Code::Stopped => io::ErrorKind::ConnectionAborted,
            Code::Busy | Code::Failed => io::ErrorKind::Other,
        };
        Self::new(kind, reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_keep_their_numbers() {
        for code in Code::ALL {
            assert_eq!(Code::from_number(code as u8), code);
        }
        assert_eq!(Code::from_number(0), Code::Failed);
        assert_eq!(Code::from_number(255), Code::Failed);
    }

    #[test]
    fn words_are_bounded_and_of_one_line() {
        let reason = Reason::new(Code::Refused, "ü".repeat(150));
        assert_eq!(reason.words().len(), 200);
        assert_eq!(Reason::new(Code::Failed, "é".repeat(100) + "x").words().len(), 200);
        let reason = Reason::new(Code::Refused, "a\nb\x1b[2J");
        assert_eq!(reason.to_string(), "the target refused the connection: a b [2J");
        assert_eq!(Reason::from(Code::Busy).to_string(), "too busy");
    }

    #[test]
    fn an_io_error_keeps_the_reason() {
        let error = io::Error::from(Reason::new(Code::Forbidden, "no"));
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        let inside = error.get_ref().and_then(|inside| inside.downcast_ref::<Reason>());
        assert_eq!(inside.map(Reason::code), Some(Code::Forbidden));
    }
}
