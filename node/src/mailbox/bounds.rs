//! How much a gateway keeps for others.

use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Bounds of a gateway's mailboxes.
///
/// Each mailbox has its own share, and the shares add up to what all may take: whoever fills one
/// mailbox, or a thousand, takes no room from another. What can run out is the number of
/// mailboxes: then no new ones are opened, and those that exist go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailboxBounds {
    /// Mailboxes.
    pub mailboxes: usize,
    /// Letters in one mailbox.
    pub letters: usize,
    /// Bytes of sealed letters in one mailbox.
    pub bytes: usize,
    /// How long a letter waits. It is forgotten then.
    pub letter_age: Duration,
    /// How long a mailbox stays without its owner coming. It is forgotten then, with what is in
    /// it.
    pub lease: Duration,
    /// When there is no room for another mailbox, an empty one whose owner has not come for so
    /// long makes it.
    pub idle: Duration,
}

impl MailboxBounds {
    /// On disk: 1,024 mailboxes of 256 letters and 1 MiB are 1 GiB, and an index of 30 MiB in
    /// memory. Letters wait a week, mailboxes a month.
    #[must_use]
    pub const fn on_disk() -> Self {
        Self {
            mailboxes: 1024,
            letters: 256,
            bytes: 1 << 20,
            letter_age: DAY.saturating_mul(7),
            lease: DAY.saturating_mul(30),
            idle: DAY.saturating_mul(2),
        }
    }

    /// In memory: 256 mailboxes of 64 letters and 256 KiB are 64 MiB.
    #[must_use]
    pub const fn in_memory() -> Self {
        Self { mailboxes: 256, letters: 64, bytes: 256 << 10, ..Self::on_disk() }
    }

    /// A visit that is written down serves for this long: owners who ask every few seconds cause
    /// no writes.
    pub(super) fn visit_lasts(&self) -> Duration {
        self.lease / 32
    }
}
