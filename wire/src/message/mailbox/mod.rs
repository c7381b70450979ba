//! What the service `mailbox` of a gateway is asked, and what it answers.
//!
//! ```text
//! 1 put: mailbox 16 | sealed letter            anybody, for a mailbox that exists
//! 2 collect: sealed command                    its owner only (see `Command`)
//! ```

mod answer;
mod command;

pub use answer::MailboxAnswer;
pub use command::{Collect, CommandError, MAX_IDS};

use crate::DropReason;
use crate::letter::{LETTER_SIZES, MailboxId};

/// The service's name.
pub const MAILBOX_SERVICE: &str = "mailbox";

/// What stands before a sealed letter in the bytes of a request that puts it: the request's
/// header, one byte, and the mailbox.
pub const MAILBOX_PUT_OVERHEAD: usize = 1 + MAILBOX_SERVICE.len() + 1 + MailboxId::LENGTH;

const PUT: u8 = 1;
const COLLECT: u8 = 2;

/// A request's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailboxRequest<'a> {
    /// Keep a letter.
    Put {
        /// For this mailbox.
        mailbox: MailboxId,
        /// One of [`LETTER_SIZES`] bytes.
        letter: &'a [u8],
    },
    /// A sealed [`Collect`].
    Collect {
        /// At most [`Collect::MAX_SEALED`] bytes.
        sealed: &'a [u8],
    },
}

impl<'a> MailboxRequest<'a> {
    /// The payload's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Put { mailbox, letter } => {
                [&[PUT], mailbox.as_bytes().as_slice(), letter].concat()
            }
            Self::Collect { sealed } => [&[COLLECT], *sealed].concat(),
        }
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// [`DropReason::UnknownMessage`] if it is none.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DropReason> {
        Self::read(bytes).ok_or(DropReason::UnknownMessage)
    }

    fn read(bytes: &'a [u8]) -> Option<Self> {
        let (&[kind], rest) = bytes.split_first_chunk()?;
        match kind {
            PUT => {
                let (mailbox, letter) = rest.split_first_chunk()?;
                let mailbox = MailboxId::from_bytes(*mailbox);
                LETTER_SIZES.contains(&letter.len()).then_some(Self::Put { mailbox, letter })
            }
            COLLECT => {
                (rest.len() <= Collect::MAX_SEALED).then_some(Self::Collect { sealed: rest })
            }
            _ => None,
        }
    }
}
