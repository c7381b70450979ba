//! One message of a conversation, and how it stands.

use std::fmt;
use std::time::{Duration, SystemTime};

use mixbed_wire::MailboxPublic;
use mixbed_wire::letter::{LetterId, MailboxAddress, ReplyOffer};

/// Whom a conversation is with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Peer {
    /// Somebody with an address.
    Address(MailboxAddress),
    /// Somebody without a name who can be answered for a time: the key that answers are sealed to.
    /// Letters with the same key are from the same sender.
    Unnamed(MailboxPublic),
    /// Somebody without a name who cannot be answered: each letter is a conversation of its own.
    Silent(LetterId),
}

impl Peer {
    /// The key that their receipts have to come from.
    pub(super) fn key(&self) -> Option<MailboxPublic> {
        match self {
            Self::Address(address) => Some(address.key),
            Self::Unnamed(key) => Some(*key),
            Self::Silent(_) => None,
        }
    }
}

impl fmt::Display for Peer {
    /// An address, or `anonymous-` and 16 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name: &[u8] = match self {
            Self::Address(address) => return address.fmt(f),
            Self::Unnamed(key) => &key.as_bytes()[..8],
            Self::Silent(letter) => &letter.as_bytes()[..8],
        };
        f.write_str("anonymous-")?;
        name.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its number here; later ones have higher ones.
    pub no: u64,
    /// Whom it is to or from.
    pub peer: Peer,
    /// The name of the letter, or of the answer, that carries it.
    pub letter: LetterId,
    /// The letter that it answers, if it says so.
    pub answers: Option<LetterId>,
    /// When it was sealed, by its sender's clock.
    pub sent: SystemTime,
    /// The text: any bytes. A stranger's may hold what a terminal obeys.
    pub text: Vec<u8>,
    /// Which way it went.
    pub direction: Direction,
}

/// Which way a message went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Direction {
    /// It came.
    Received {
        /// Whether the user has seen it.
        read: bool,
        /// How it can be answered, if it came without a name.
        offer: Option<ReplyOffer>,
    },
    /// It was written here.
    Sent {
        /// How far it has come.
        delivery: Delivery,
        /// Whether it went without a name.
        unnamed: bool,
        /// Until when a letter without a name can be answered.
        answerable_until: Option<SystemTime>,
    },
}

/// How far a message has come that was written here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It is on its way to the receiver's mailbox, or to whoever sends an answer on.
    Sending,
    /// The receiver's mailbox has it.
    Kept {
        /// The mailbox's gateway, by name.
        gateway: String,
        /// How long it waits there; whole seconds on disk.
        lasting: Duration,
    },
    /// An answer was sent on by a reply block. Nothing keeps it for a receiver who is away.
    SentOn {
        /// The gateway that did so, by name.
        gateway: String,
    },
    /// The receiver's client has accepted it, and says so by a receipt that only it could seal.
    Delivered {
        /// When the receipt came.
        at: SystemTime,
    },
    /// It was given up.
    Failed {
        /// Why.
        why: String,
    },
}

impl Delivery {
    /// The state's word: `sending`, `kept`, `sent_on`, `delivered` or `failed`.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Kept { .. } => "kept",
            Self::SentOn { .. } => "sent_on",
            Self::Delivered { .. } => "delivered",
            Self::Failed { .. } => "failed",
        }
    }
}

impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sending => f.write_str("sending"),
            Self::Kept { gateway, .. } => write!(f, "at the mailbox ({gateway})"),
            Self::SentOn { gateway } => write!(f, "sent on by {gateway}"),
            Self::Delivered { .. } => f.write_str("delivered"),
            Self::Failed { why } => write!(f, "failed: {why}"),
        }
    }
}

impl Message {
    /// How far it has come, if it was written here.
    #[must_use]
    pub fn delivery(&self) -> Option<&Delivery> {
        match &self.direction {
            Direction::Sent { delivery, .. } => Some(delivery),
            Direction::Received { .. } => None,
        }
    }

    /// Whether it came, and the user has not seen it.
    #[must_use]
    pub fn is_unread(&self) -> bool {
        matches!(self.direction, Direction::Received { read: false, .. })
    }

    /// Bytes that it takes, about.
    pub(super) fn cost(&self) -> usize {
        let more = match &self.direction {
            Direction::Received { offer: Some(offer), .. } => offer.blocks.len() * 400,
            _ => 0,
        };
        256 + self.text.len() + more
    }
}
