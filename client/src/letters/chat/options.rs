//! What a chat and its messages can be told.

use std::time::Duration;

use mixbed_wire::MailboxSecret;

use crate::letters::MailboxOptions;

/// What a [`Chat`](super::Chat) is opened with.
#[derive(Clone, Debug)]
pub struct ChatOptions {
    /// The mailbox. In its [`keep_in`](MailboxOptions::keep_in), `chat.redb` has the conversations
    /// and the contacts, readable for its owner only and not encrypted; nothing: they are kept in
    /// memory.
    pub mailbox: MailboxOptions,
    /// How much is kept.
    pub history: HistoryBounds,
    /// Who is told that a letter was accepted, if the letter asks for it. Default: contacts.
    pub receipts: Receipts,
    /// How long a receipt waits before it is sent, on average. The times are drawn, so that whoever
    /// writes cannot tell when this client asked its gateway. Default 5 s.
    pub receipt_delay: Duration,
}

/// Who gets receipts. Each one tells its receiver that this client is there, at about that time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Receipts {
    /// Nobody.
    Nobody,
    /// Contacts, and whoever answers a letter that this client sent without a name: each of those
    /// answers takes one of the reply blocks that the letter brought.
    #[default]
    Contacts,
    /// Whoever has the address: such a person can find out at any time whether this client is there.
    Everybody,
}

impl Default for ChatOptions {
    fn default() -> Self {
        let (mailbox, history) = (MailboxOptions::default(), HistoryBounds::default());
        let receipt_delay = Duration::from_secs(5);
        Self { mailbox, history, receipts: Receipts::default(), receipt_delay }
    }
}

/// How much of conversations is kept. The oldest messages go first. Those that nobody has read
/// stay, and when they are half of it, no more letters are fetched: the mailbox keeps them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryBounds {
    /// Messages. Default 10,000.
    pub messages: usize,
    /// Their bytes, 256 more for each. Default 16 MiB.
    pub bytes: usize,
}

impl Default for HistoryBounds {
    fn default() -> Self {
        Self { messages: 10_000, bytes: 16 << 20 }
    }
}

/// How a message is sent.
#[derive(Clone, Debug)]
pub struct SendOptions {
    /// Whether the receiver learns this mailbox's address. Default true.
    pub named: bool,
    /// Whether the receiver's client is asked to say that it has accepted the message. A letter
    /// without a name brings one more reply block for it. Default true; for letters without a
    /// name ([`unnamed`](Self::unnamed)) false.
    pub receipt: bool,
    /// How many answers a letter without a name can get, up to 7; for one with a name of no effect.
    /// Default 3.
    pub replies: usize,
    /// The key that answers to a letter without a name are sealed to. Letters with the same one
    /// show that they are from the same sender. Default: a new one.
    pub thread: Option<MailboxSecret>,
    /// When to give up. Default 60 s.
    pub limit: Duration,
}

impl Default for SendOptions {
    fn default() -> Self {
        let limit = Duration::from_secs(60);
        Self { named: true, receipt: true, replies: 3, thread: None, limit }
    }
}

impl SendOptions {
    /// Without a name, to be answered so many times.
    #[must_use]
    pub fn unnamed(replies: usize) -> Self {
        Self { named: false, receipt: false, replies, ..Self::default() }
    }
}
