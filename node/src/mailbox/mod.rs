//! Mailboxes: letters that a gateway keeps until their receivers come for them.
//!
//! [`Mailboxes`] has the rules and is pure: it knows each letter's name, size and age, not its
//! bytes. [`Store`] has the bytes, on disk. A clerk keeps the two in step: whatever was
//! answered for is written down. The service `mailbox` is reached by routes that end at the
//! gateway, and so is `relay`, which sends answers to letters without a name on.

mod bounds;
mod clerk;
mod core;
mod relay;
mod service;
mod start;
mod store;

pub use bounds::MailboxBounds;
use clerk::{Clerk, Desk};
pub use core::{Change, Collected, LetterNo, Mailboxes, Put};
use relay::Relay;
use service::Mailbox;
pub(crate) use start::{Gateway, start};
pub use store::{Store, StoreError};

use std::path::PathBuf;

/// What a gateway is told about its mailboxes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailboxConfig {
    /// The directory to keep letters in, as `mailboxes.redb`; nothing: they are kept in memory,
    /// and lost when the gateway ends.
    pub keep_in: Option<PathBuf>,
    /// How many are kept, and for how long. Default: [`MailboxBounds::on_disk`] or
    /// [`in_memory`](MailboxBounds::in_memory).
    pub bounds: Option<MailboxBounds>,
}

impl MailboxConfig {
    /// The bounds that hold.
    #[must_use]
    pub fn bounds(&self) -> MailboxBounds {
        self.bounds.unwrap_or_else(|| match self.keep_in {
            Some(_) => MailboxBounds::on_disk(),
            None => MailboxBounds::in_memory(),
        })
    }
}
