//! Broadcasts that outlive the process: written down before they are sent, taken up again after a
//! restart.
//!
//! [`Broadcasts::order`] returns when the transaction is on the disk, and nothing of it was sent
//! before. From then on it is sent until a provider's monerod has taken or refused it, or until it
//! expires, by this process or by the next one that opens the same directory. What was taken is
//! looked for at another provider until it is in a block, or three days have passed; if nobody knows
//! of it, whoever said that it had it is named, and it is sent to another one. That is safe: a
//! transaction has one id, and monerod takes the same one twice without complaint. So after a crash
//! between a provider's word and its being written down, the next process hears "already known",
//! which is the same word.

mod error;
mod handle;
mod journal;
mod record;
mod store;
mod watch;

pub use error::{BroadcastOrderError, JournalError};
pub use handle::Broadcasts;
pub use journal::Bounds as JournalBounds;
pub use record::{BroadcastRecord, BroadcastState};
