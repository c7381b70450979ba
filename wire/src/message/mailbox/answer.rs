//! What a gateway answers about a mailbox.
//!
//! ```text
//! kind 1 | …
//!          1 kept: for, seconds 4
//!          2 no such mailbox
//!          3 the mailbox is full
//!          4 letters: waiting besides 4 | lease, seconds 4 | count 2 | each: length 4, bytes
//!          5 no room for another mailbox
//! ```

use std::time::Duration;

use crate::DropReason;
use crate::letter::{LETTER_SIZES, SealedLetter};
use crate::message::MAX_MESSAGE;

const KEPT: u8 = 1;
const NO_MAILBOX: u8 = 2;
const FULL: u8 = 3;
const LETTERS: u8 = 4;
const NO_ROOM: u8 = 5;

/// An answer of the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailboxAnswer {
    /// The letter is kept, on disk if the gateway has one.
    Kept {
        /// For so long, unless it is taken before; whole seconds on the wire.
        lasting: Duration,
    },
    /// There is no such mailbox here: its owner never opened it, or has been away for too long.
    NoMailbox,
    /// It holds as many letters as it may.
    Full,
    /// The owner's mailbox is open.
    Letters {
        /// Letters that are there and were not brought, those that the owner holds left out.
        waiting: u32,
        /// How long the mailbox stays without being asked for; whole seconds on the wire.
        lease: Duration,
        /// The letters, oldest first.
        letters: Vec<SealedLetter>,
    },
    /// The gateway keeps as many mailboxes as it may.
    NoRoom,
}

impl MailboxAnswer {
    /// The most bytes of letters that one answer brings.
    pub const MAX_LETTERS: usize = MAX_MESSAGE / 2;

    /// The answer's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Kept { lasting } => [&[KEPT], seconds(*lasting).as_slice()].concat(),
            Self::NoMailbox => vec![NO_MAILBOX],
            Self::Full => vec![FULL],
            Self::Letters { waiting, lease, letters } => {
                let count = u16::try_from(letters.len()).unwrap_or(u16::MAX);
                let mut out = vec![LETTERS];
                out.extend_from_slice(&waiting.to_be_bytes());
                out.extend_from_slice(&seconds(*lease));
                out.extend_from_slice(&count.to_be_bytes());
                for letter in letters.iter().take(usize::from(count)) {
                    let bytes = letter.as_bytes();
                    let length = u32::try_from(bytes.len()).unwrap_or_default();
                    out.extend_from_slice(&length.to_be_bytes());
                    out.extend_from_slice(bytes);
                }
                out
            }
            Self::NoRoom => vec![NO_ROOM],
        }
    }

    /// Reads an answer's bytes.
    ///
    /// # Errors
    /// [`DropReason::UnknownMessage`] if they are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, DropReason> {
        Self::read(bytes).ok_or(DropReason::UnknownMessage)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (&[kind], rest) = bytes.split_first_chunk()?;
        match kind {
            KEPT => Some(Self::Kept { lasting: duration(*<&[u8; 4]>::try_from(rest).ok()?) }),
            NO_MAILBOX => rest.is_empty().then_some(Self::NoMailbox),
            FULL => rest.is_empty().then_some(Self::Full),
            NO_ROOM => rest.is_empty().then_some(Self::NoRoom),
            LETTERS => {
                let (waiting, rest) = rest.split_first_chunk()?;
                let (lease, rest) = rest.split_first_chunk()?;
                let (count, rest) = rest.split_first_chunk()?;
                Some(Self::Letters {
                    waiting: u32::from_be_bytes(*waiting),
                    lease: duration(*lease),
                    letters: read_letters(u16::from_be_bytes(*count), rest)?,
                })
            }
            _ => None,
        }
    }
}

fn read_letters(count: u16, mut rest: &[u8]) -> Option<Vec<SealedLetter>> {
    // Whatever the count says, no more are made room for than bytes came.
    let most = rest.len() / LETTER_SIZES[0];
    let mut letters = Vec::with_capacity(usize::from(count).min(most));
    for _ in 0..count {
        let (length, after) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (letter, after) = after.split_at_checked(length)?;
        letters.push(SealedLetter::from_bytes(letter.to_vec()).ok()?);
        rest = after;
    }
    rest.is_empty().then_some(letters)
}

fn seconds(duration: Duration) -> [u8; 4] {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX).to_be_bytes()
}

fn duration(seconds: [u8; 4]) -> Duration {
    Duration::from_secs(u32::from_be_bytes(seconds).into())
}
