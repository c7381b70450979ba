//! What a letter brings besides its text.
//!
//! ```text
//! after the text, each at most once:
//! 1                                                        a receipt is wanted
//! 2 | letter 16                                            a receipt for this letter or answer
//! 3 | key 32 | good until, ms since 1970 8 | count 1 | blocks 400 each      ways to answer
//! 0                                                        nothing more
//! ```

use std::time::SystemTime;

use crate::{MailboxPublic, REPLY_BLOCK_SIZE};

use super::LetterId;
use super::stamp::{millis, time};

/// The most reply blocks that a letter brings.
pub const MAX_OFFERED: usize = 8;

const END: u8 = 0;
const WANTED: u8 = 1;
const RECEIPT: u8 = 2;
const OFFER: u8 = 3;

/// What a letter brings besides its text; by default nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enclosed {
    /// The sender would like to hear that the letter has been accepted.
    pub receipt_wanted: bool,
    /// This letter or answer has been accepted. It counts only from the key that it was sealed to.
    pub receipt_for: Option<LetterId>,
    /// How a letter without a name can be answered.
    pub offer: Option<ReplyOffer>,
}

/// Ways to answer somebody who stays unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyOffer {
    /// The key that answers are sealed to, which nobody else knows. Letters with the same key are
    /// from the same sender, who wants that to be seen.
    pub key: MailboxPublic,
    /// Until when the blocks can be used, by the sender's clock: then the keys that they are made
    /// of are erased. Whole milliseconds.
    pub good_until: SystemTime,
    /// [Reply blocks](crate::ReplyBlock), each for one answer; 1 to [`MAX_OFFERED`].
    pub blocks: Vec<[u8; REPLY_BLOCK_SIZE]>,
}

impl Enclosed {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        if self.receipt_wanted {
            out.push(WANTED);
        }
        if let Some(letter) = &self.receipt_for {
            out.push(RECEIPT);
            out.extend_from_slice(letter.as_bytes());
        }
        if let Some(offer) = self.offer.as_ref().filter(|offer| !offer.blocks.is_empty()) {
            let blocks = &offer.blocks[..offer.blocks.len().min(MAX_OFFERED)];
            out.push(OFFER);
            out.extend_from_slice(offer.key.as_bytes());
            out.extend_from_slice(&millis(offer.good_until).to_be_bytes());
            out.push(u8::try_from(blocks.len()).unwrap_or_default());
            out.extend(blocks.iter().flatten());
        }
    }

    pub(super) fn read(mut bytes: &[u8]) -> Option<Self> {
        let mut enclosed = Self::default();
        while let Some((&[kind], rest)) = bytes.split_first_chunk() {
            bytes = match kind {
                END => break,
                WANTED if !enclosed.receipt_wanted => {
                    enclosed.receipt_wanted = true;
                    rest
                }
                RECEIPT if enclosed.receipt_for.is_none() => {
                    let (letter, rest) = rest.split_first_chunk()?;
                    enclosed.receipt_for = Some(LetterId::from_bytes(*letter));
                    rest
                }
                OFFER if enclosed.offer.is_none() => {
                    let (offer, rest) = ReplyOffer::read(rest)?;
                    enclosed.offer = Some(offer);
                    rest
                }
                _ => return None,
            };
        }
        Some(enclosed)
    }
}

impl ReplyOffer {
    fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (key, rest) = bytes.split_first_chunk()?;
        let (until, rest) = rest.split_first_chunk()?;
        let (&[count], rest) = rest.split_first_chunk()?;
        let count = usize::from(count);
        if count == 0 || count > MAX_OFFERED {
            return None;
        }
        let (blocks, rest) = rest.split_at_checked(count * REPLY_BLOCK_SIZE)?;
        let (blocks, _) = blocks.as_chunks();
        let key = MailboxPublic::from_bytes(*key);
        let good_until = time(u64::from_be_bytes(*until))?;
        Some((Self { key, good_until, blocks: blocks.to_vec() }, rest))
    }
}
