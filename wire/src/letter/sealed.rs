//! Sealing a letter, and opening it.
//!
//! ```text
//! version and name 1 | sender's gateway 8 | sent, ms since 1970 8 | length 4 | text | enclosed | zeros
//! ```

use std::time::SystemTime;

use rand::Rng;
use zeroize::Zeroizing;

use crate::{MailboxPublic, MailboxSecret, NodeId};

use super::size::fitting;
use super::stamp::{millis, time, whole_minute};
use super::{Enclosed, LETTER_SIZES, LetterId, MAX_LETTER_TEXT, MailboxAddress, noise};

const PURPOSE: &[u8] = b"mixbed letter\0";

const UNNAMED: u8 = 0x10;
const NAMED: u8 = 0x11;

/// Bytes before the text.
pub(super) const HEADER: usize = 1 + NodeId::LENGTH + 8 + 4;

/// Who a letter says it is from.
#[derive(Clone, Copy, Debug)]
pub enum Sender<'a> {
    /// Nobody: the letter can be answered only by what it [offers](super::ReplyOffer).
    Unnamed,
    /// The owner of this key, whose own mailbox is at this gateway. The receiver can be sure of
    /// the key, and could not prove it to anybody else.
    Named {
        /// The sender's mailbox key.
        key: &'a MailboxSecret,
        /// The gateway of the sender's mailbox.
        gateway: NodeId,
    },
}

/// A letter as its receiver reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Its name.
    pub id: LetterId,
    /// Where an answer goes, if the sender gave a name. The key in it is proven, the gateway is
    /// the sender's word.
    pub from: Option<MailboxAddress>,
    /// When it was sealed, by the sender's clock: to the millisecond, or to the minute if the sender
    /// gave no name.
    pub sent: SystemTime,
    /// The text: any bytes.
    pub text: Vec<u8>,
    /// What came with it.
    pub enclosed: Enclosed,
}

/// Why there is no letter.
#[derive(Debug, thiserror::Error)]
pub enum LetterError {
    /// The text does not fit.
    #[error("{0} bytes are too many: a letter carries at most {MAX_LETTER_TEXT}")]
    TooLong(usize),
    /// The text does not fit into an answer.
    #[error("{0} bytes are too many: an answer by a reply block carries at most {max}", max = super::MAX_ANSWER_TEXT)]
    AnswerTooLong(usize),
    /// The bytes are of another length than letters are.
    #[error("{0} bytes are no sealed letter: those have one of the lengths {LETTER_SIZES:?}")]
    Size(usize),
    /// It was sealed to another key or in another network, or was changed on its way.
    #[error("the letter is not for this key, or was changed on its way: {0}")]
    Crypto(#[from] snow::Error),
    /// It was sealed well, but what is in it makes no sense: another version, probably.
    #[error("the letter's content is of a form that this version does not read")]
    Content,
}

/// A letter that only its receiver can read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedLetter(Vec<u8>);

impl SealedLetter {
    /// Seals a text to a mailbox key. Without a sender's name only the [minute](whole_minute) of
    /// `sent` goes with it. Sealing the same text again makes another letter; to try
    /// again without making another, send the same sealed letter.
    pub fn seal<R: Rng + ?Sized>(
        network: &str,
        to: &MailboxPublic,
        from: Sender<'_>,
        sent: SystemTime,
        text: &[u8],
        rng: &mut R,
    ) -> Result<Self, LetterError> {
        Self::seal_with(network, to, from, sent, text, &Enclosed::default(), rng)
    }

    /// As [`seal`](Self::seal), with something enclosed, which takes room from the text.
    ///
    /// # Errors
    /// [`LetterError::TooLong`] if both together do not fit.
    pub fn seal_with<R: Rng + ?Sized>(
        network: &str,
        to: &MailboxPublic,
        from: Sender<'_>,
        sent: SystemTime,
        text: &[u8],
        enclosed: &Enclosed,
        rng: &mut R,
    ) -> Result<Self, LetterError> {
        let mut with = Vec::new();
        enclosed.encode(&mut with);
        let too_long = || LetterError::TooLong(text.len() + with.len());
        let size = fitting(text.len() + with.len()).ok_or_else(too_long)?;
        let length = u32::try_from(text.len()).map_err(|_| too_long())?;
        let nowhere = NodeId::from_bytes([0; 8]);
        let (kind, gateway, key, sent) = match from {
            Sender::Unnamed => (UNNAMED, nowhere, MailboxSecret::generate(rng), whole_minute(sent)),
            Sender::Named { key, gateway } => (NAMED, gateway, key.clone(), sent),
        };
        let mut plain = Zeroizing::new(Vec::with_capacity(size - noise::OVERHEAD));
        plain.push(kind);
        plain.extend_from_slice(&gateway.to_bytes());
        plain.extend_from_slice(&millis(sent).to_be_bytes());
        plain.extend_from_slice(&length.to_be_bytes());
        plain.extend_from_slice(text);
        plain.extend_from_slice(&with);
        plain.resize(size - noise::OVERHEAD, 0);
        Ok(Self(noise::seal(PURPOSE, network, &key.to_bytes(), to.as_bytes(), &plain)?))
    }

    /// Takes sealed bytes as they came; whether they are a letter shows when it is opened.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, LetterError> {
        if LETTER_SIZES.contains(&bytes.len()) {
            Ok(Self(bytes))
        } else {
            Err(LetterError::Size(bytes.len()))
        }
    }

    /// The sealed bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The letter's name.
    #[must_use]
    pub fn id(&self) -> LetterId {
        LetterId::of_sealed(&self.0)
    }

    /// Opens it with the key that it was sealed to.
    pub fn open(&self, network: &str, own: &MailboxSecret) -> Result<Letter, LetterError> {
        let (key, plain) = noise::open(PURPOSE, network, &own.to_bytes(), &self.0)?;
        let plain = Zeroizing::new(plain);
        self.read(&plain, MailboxPublic::from_bytes(key)).ok_or(LetterError::Content)
    }

    fn read(&self, plain: &[u8], key: MailboxPublic) -> Option<Letter> {
        let (&[kind], rest) = plain.split_first_chunk()?;
        let (gateway, rest) = rest.split_first_chunk()?;
        let (sent, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let from = match kind {
            UNNAMED => None,
            NAMED => Some(MailboxAddress { gateway: NodeId::from_bytes(*gateway), key }),
            _ => return None,
        };
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (text, enclosed) = rest.split_at_checked(length)?;
        Some(Letter {
            id: self.id(),
            from,
            sent: time(u64::from_be_bytes(*sent))?,
            text: text.to_vec(),
            enclosed: Enclosed::read(enclosed)?,
        })
    }
}
