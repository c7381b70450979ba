//! Letters, and the mailbox.

use serde::{Deserialize, Serialize};

/// How a letter is sent, in the query.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LetterQuery {
    /// The receiver: an address, a contact, or somebody without a name who wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) to: Option<String>,
    /// The letter that it answers, in place of a receiver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reply_to: Option<String>,
    /// Whether the receiver learns the sender's address.
    pub(crate) named: bool,
    /// How many answers a letter without a name can get.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) replies: Option<usize>,
    /// Whether the receiver is asked to say that it has it: letters with a name, unless this says
    /// otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) receipt: Option<bool>,
    /// Letters without a name of which this is the same are seen to be from the same sender: 64
    /// hexadecimal digits, a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) thread: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) deadline_ms: Option<u64>,
    pub(crate) until: Until,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Until {
    /// Only that it is written down here.
    Begun,
    /// The word of the receiver's mailbox, or that an answer was sent on.
    #[default]
    Kept,
    /// The receiver's word.
    Delivered,
}

/// A letter that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Posted {
    /// The message's number here.
    pub(crate) no: u64,
    pub(crate) letter: String,
    /// `sending`, `kept`, `sent_on` or `delivered`.
    pub(crate) state: String,
    /// The gateway that keeps it, or that sent it on.
    pub(crate) gateway: Option<String>,
    /// How long it waits there; 0 where nothing keeps it.
    pub(crate) lasting_s: u64,
    /// Until when a letter without a name can be answered.
    pub(crate) answerable_until_ms: Option<u64>,
    pub(crate) elapsed_us: u64,
}

/// This client's mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MailboxReply {
    pub(crate) address: String,
}

/// How long to wait for a letter, in the query.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReceiveQuery {
    pub(crate) wait_ms: Option<u64>,
}

/// A letter, if one came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Received {
    pub(crate) letter: Option<LetterReply>,
}

/// A letter that came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LetterReply {
    pub(crate) id: String,
    /// The sender's address, if they gave it.
    pub(crate) from: Option<String>,
    /// What the sender is called here: a contact's name, or `anonymous-` and digits.
    pub(crate) name: Option<String>,
    /// The letter that it answers.
    pub(crate) answers: Option<String>,
    /// By the sender's clock.
    pub(crate) sent_ms: u64,
    pub(crate) text: Option<String>,
    /// What is no text.
    pub(crate) hex: Option<String>,
    /// How often a letter without a name can be answered.
    pub(crate) answers_left: usize,
    /// And until when.
    pub(crate) answerable_until_ms: Option<u64>,
}

/// Which letter was taken, in the query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcceptQuery {
    pub(crate) letter: String,
}
