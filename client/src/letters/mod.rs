//! Letters: messages from user to user, sealed end to end, that wait in a mailbox at the
//! receiver's gateway.
//!
//! Everything here is made of ordinary requests: to put a letter into a mailbox, and to ask for
//! what is in one's own. Nothing on a link tells them from others.
//!
//! A letter reaches the application once: the gateway keeps it until the application has said
//! that it has it ([`Mailbox::accept`]), and the mailbox remembers which those were, on disk if it
//! was given a place ([`MailboxOptions::keep_in`]). Whatever fails in between, the letter comes
//! again if it was not accepted, and does not if it was.

pub mod chat;
mod error;
mod inbox;
mod mailbox;
mod offer;
mod open;
mod relay;
mod send;
mod store;
mod ways;

pub use error::MailboxError;
pub use mailbox::Mailbox;
pub use open::MailboxOptions;
pub use send::Posted;
pub use store::AcceptedError;
pub(crate) use ways::WaysBack;
