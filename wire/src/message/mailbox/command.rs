//! What only a mailbox's owner may ask for: sealed from the mailbox's key to the gateway's link
//! key, which proves the one to the other.
//!
//! ```text
//! kind 1 (1 collect) | room 4 | taken: count 1, ids 16 each | held: count 1, ids 16 each
//! ```
//!
//! There is no time in it and no challenge: it travels inside Sphinx packets, so only the gateway
//! ever sees it, and one that is sent twice asks for the same again.

use crate::letter::{LetterId, OVERHEAD, noise_open, noise_seal};
use crate::{LinkPublic, LinkSecret, MailboxPublic, MailboxSecret};

const PURPOSE: &[u8] = b"mixbed mailbox command\0";

const COLLECT: u8 = 1;

/// The most ids in each of a command's lists: with two full ones it still fits into one packet.
pub const MAX_IDS: usize = 64;

/// Opens the mailbox, or keeps it open; forgets letters; brings others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collect {
    /// How many bytes of letters to bring; the first that waits is brought whatever its size.
    /// Zero brings none.
    pub room: u32,
    /// Letters that the owner has: the gateway forgets them. At most [`MAX_IDS`].
    pub taken: Vec<LetterId>,
    /// Letters that the owner has seen and not taken yet: they stay, and are not brought again.
    /// At most [`MAX_IDS`].
    pub held: Vec<LetterId>,
}

/// Why a command cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// It was sealed to another key or in another network, or is forged.
    #[error("the command is not sealed for this gateway by a mailbox's key: {0}")]
    Crypto(#[from] snow::Error),
    /// It makes no sense.
    #[error("the command is of a form that this version does not read")]
    Content,
}

impl Collect {
    /// The most bytes of a sealed command.
    pub const MAX_SEALED: usize = OVERHEAD + 1 + 4 + 2 * (1 + MAX_IDS * LetterId::LENGTH);

    /// Seals the command for a gateway. Ids beyond [`MAX_IDS`] are left out.
    pub fn seal(
        &self,
        network: &str,
        own: &MailboxSecret,
        gateway: &LinkPublic,
    ) -> Result<Vec<u8>, CommandError> {
        let mut plain = vec![COLLECT];
        plain.extend_from_slice(&self.room.to_be_bytes());
        for ids in [&self.taken, &self.held] {
            let ids = &ids[..ids.len().min(MAX_IDS)];
            plain.push(u8::try_from(ids.len()).unwrap_or_default());
            for id in ids {
                plain.extend_from_slice(id.as_bytes());
            }
        }
        Ok(noise_seal(PURPOSE, network, &own.to_bytes(), gateway.as_bytes(), &plain)?)
    }

    /// Opens a command with the gateway's key, and says which mailbox's owner sent it.
    pub fn open(
        network: &str,
        gateway: &LinkSecret,
        sealed: &[u8],
    ) -> Result<(MailboxPublic, Self), CommandError> {
        let (key, plain) = noise_open(PURPOSE, network, &gateway.to_bytes(), sealed)?;
        let command = Self::read(&plain).ok_or(CommandError::Content)?;
        Ok((MailboxPublic::from_bytes(key), command))
    }

    fn read(plain: &[u8]) -> Option<Self> {
        let (&[kind], rest) = plain.split_first_chunk()?;
        let (room, rest) = rest.split_first_chunk()?;
        let (taken, rest) = read_ids(rest)?;
        let (held, rest) = read_ids(rest)?;
        let room = u32::from_be_bytes(*room);
        (kind == COLLECT && rest.is_empty()).then_some(Self { room, taken, held })
    }
}

fn read_ids(bytes: &[u8]) -> Option<(Vec<LetterId>, &[u8])> {
    let (&[count], rest) = bytes.split_first_chunk()?;
    let count = usize::from(count);
    let (ids, rest) = rest.split_at_checked(count * LetterId::LENGTH)?;
    let (ids, _) = ids.as_chunks();
    (count <= MAX_IDS).then(|| (ids.iter().copied().map(LetterId::from_bytes).collect(), rest))
}
