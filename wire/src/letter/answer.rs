//! Answers to letters without a name: sealed to the key that the letter brought, sent back by one
//! of its reply blocks.
//!
//! ```text
//! kind 1 (1 text, 2 receipt) | the letter that it answers 16 | sent, ms since 1970 8 | length 2 | text | zeros
//! ```

use std::time::SystemTime;

use zeroize::Zeroizing;

use crate::message::{MAX_FRAGMENT_DATA, RELAY_OVERHEAD};
use crate::{MailboxPublic, MailboxSecret};

use super::stamp::{millis, time, whole_minute};
use super::{LetterError, LetterId, noise};

const PURPOSE: &[u8] = b"mixbed answer\0";

const TEXT: u8 = 1;
const RECEIPT: u8 = 2;

const HEADER: usize = 1 + LetterId::LENGTH + 8 + 2;

/// Bytes of a sealed answer: with its reply block it fills one packet to whoever sends it on.
pub const ANSWER_SIZE: usize = MAX_FRAGMENT_DATA - RELAY_OVERHEAD;

/// The most bytes of text in an answer: 1,756.
pub const MAX_ANSWER_TEXT: usize = ANSWER_SIZE - noise::OVERHEAD - HEADER;

/// What an answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswerBody {
    /// A text: any bytes.
    Text(Vec<u8>),
    /// The letter has been accepted.
    Receipt,
}

/// An answer as the letter's sender reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetterAnswer {
    /// Its name, made as letters' are.
    pub id: LetterId,
    /// Whose it is: the mailbox's key that sealed it, which is proven.
    pub from: MailboxPublic,
    /// The letter that it answers.
    pub to: LetterId,
    /// The minute in which it was sealed, by its sender's clock.
    pub sent: SystemTime,
    /// What it says.
    pub body: AnswerBody,
}

/// An answer that only the letter's sender can read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedAnswer(Vec<u8>);

impl SealedAnswer {
    /// Seals an answer from a mailbox's owner to the key that a letter brought. Only the
    /// [minute](whole_minute) of `sent` goes with it.
    ///
    /// # Errors
    /// [`LetterError::AnswerTooLong`] beyond [`MAX_ANSWER_TEXT`].
    pub fn seal(
        network: &str,
        from: &MailboxSecret,
        to: &MailboxPublic,
        letter: LetterId,
        sent: SystemTime,
        body: &AnswerBody,
    ) -> Result<Self, LetterError> {
        let (kind, text) = match body {
            AnswerBody::Text(text) => (TEXT, &text[..]),
            AnswerBody::Receipt => (RECEIPT, &[][..]),
        };
        let length = u16::try_from(text.len()).ok().filter(|_| text.len() <= MAX_ANSWER_TEXT);
        let length = length.ok_or(LetterError::AnswerTooLong(text.len()))?;
        let mut plain = Zeroizing::new(Vec::with_capacity(ANSWER_SIZE - noise::OVERHEAD));
        plain.push(kind);
        plain.extend_from_slice(letter.as_bytes());
        plain.extend_from_slice(&millis(whole_minute(sent)).to_be_bytes());
        plain.extend_from_slice(&length.to_be_bytes());
        plain.extend_from_slice(text);
        plain.resize(ANSWER_SIZE - noise::OVERHEAD, 0);
        Ok(Self(noise::seal(PURPOSE, network, &from.to_bytes(), to.as_bytes(), &plain)?))
    }

    /// Takes sealed bytes as they came; whether they are an answer shows when it is opened.
    ///
    /// # Errors
    /// [`LetterError::Size`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, LetterError> {
        if bytes.len() == ANSWER_SIZE {
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

    /// The answer's name.
    #[must_use]
    pub fn id(&self) -> LetterId {
        LetterId::of_sealed(&self.0)
    }

    /// Opens it with the key that the letter was sent with.
    ///
    /// # Errors
    /// [`LetterError::Crypto`] and [`LetterError::Content`].
    pub fn open(&self, network: &str, own: &MailboxSecret) -> Result<LetterAnswer, LetterError> {
        let (key, plain) = noise::open(PURPOSE, network, &own.to_bytes(), &self.0)?;
        let plain = Zeroizing::new(plain);
        self.read(&plain, MailboxPublic::from_bytes(key)).ok_or(LetterError::Content)
    }

    fn read(&self, plain: &[u8], from: MailboxPublic) -> Option<LetterAnswer> {
        let (&[kind], rest) = plain.split_first_chunk()?;
        let (letter, rest) = rest.split_first_chunk()?;
        let (sent, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let text = rest.get(..usize::from(u16::from_be_bytes(*length)))?;
        let body = match kind {
            TEXT => AnswerBody::Text(text.to_vec()),
            RECEIPT if text.is_empty() => AnswerBody::Receipt,
            _ => return None,
        };
        let sent = time(u64::from_be_bytes(*sent))?;
        Some(LetterAnswer { id: self.id(), from, to: LetterId::from_bytes(*letter), sent, body })
    }
}
