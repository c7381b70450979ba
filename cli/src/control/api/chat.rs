//! Conversations.

use serde::{Deserialize, Serialize};

/// A message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MessageReply {
    pub(crate) no: u64,
    /// Whom the conversation is with: an address, or `anonymous-` and digits.
    pub(crate) with: String,
    /// The contact's name.
    pub(crate) name: Option<String>,
    pub(crate) letter: String,
    pub(crate) answers: Option<String>,
    /// Whether it came; else it was written here.
    pub(crate) received: bool,
    /// Whether it came and nobody has read it.
    pub(crate) unread: bool,
    /// Whether it went without a name.
    pub(crate) unnamed: bool,
    /// By its sender's clock.
    pub(crate) sent_ms: u64,
    pub(crate) text: Option<String>,
    /// What is no text.
    pub(crate) hex: Option<String>,
    /// Of what was written here: `sending`, `kept`, `sent_on`, `delivered` or `failed`.
    pub(crate) state: Option<String>,
    /// The same in words, with the reason.
    pub(crate) words: Option<String>,
    /// How often one without a name that came can still be answered.
    pub(crate) answers_left: usize,
    /// Until when a letter without a name can be answered, whoever wrote it.
    pub(crate) answerable_until_ms: Option<u64>,
}

/// Messages, and what to ask for later ones with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MessagesReply {
    /// Whom it is with, if it is one conversation: an address, or `anonymous-` and digits.
    pub(crate) with: Option<String>,
    pub(crate) messages: Vec<MessageReply>,
    pub(crate) version: u64,
}

/// Which messages, in the query.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct MessagesQuery {
    /// An address, a contact, or `anonymous-` and digits; all conversations without it.
    pub(crate) with: Option<String>,
    /// The last so many.
    pub(crate) last: Option<usize>,
}

/// Which changes, in the query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangesQuery {
    pub(crate) since: u64,
    #[serde(default)]
    pub(crate) wait_ms: Option<u64>,
}

/// A contact, and in a query: one to be made, or without an address removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Contact {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) address: Option<String>,
}

/// A conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Conversation {
    pub(crate) with: String,
    pub(crate) name: Option<String>,
    pub(crate) unread: usize,
}

/// The contacts, and the conversations, the one that was spoken in last at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChatReply {
    pub(crate) contacts: Vec<Contact>,
    pub(crate) conversations: Vec<Conversation>,
}

/// How many messages were forgotten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Forgotten {
    pub(crate) messages: usize,
}
