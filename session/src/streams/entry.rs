//! One stream.

use crate::Reason;

use super::{receive::ReceiveHalf, send::SendHalf};

/// One stream of a session, at one end.
#[expect(clippy::struct_excessive_bools, reason = "each is set once, by events in any order")]
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) send: SendHalf,
    pub(super) receive: ReceiveHalf,
    /// What the client asks for, until the provider has it.
    pub(super) opening: Option<(String, String)>,
    /// The owner knows of it: always at the client, at the provider since its opening came.
    pub(super) known: bool,
    pub(super) granted: bool,
    /// It is in the queue of those with something to send.
    pub(super) queued: bool,
    /// Nobody here reads or writes any more.
    pub(super) released: bool,
    /// Why it ended before its time, whoever did it.
    pub(super) failed: Option<Reason>,
    /// The other side has to know that it failed, and may not yet.
    pub(super) reset_due: bool,
}

impl Entry {
    pub(super) fn new(room: u64) -> Self {
        Self {
            send: SendHalf::new(room),
            receive: ReceiveHalf::new(room),
            opening: None,
            known: false,
            granted: false,
            queued: false,
            released: false,
            failed: None,
            reset_due: false,
        }
    }

    /// Whether nothing more is to be done for it.
    pub(super) fn is_done(&self) -> bool {
        let sent = if self.failed.is_some() { !self.reset_due } else { self.send.is_done() };
        sent && self.receive.is_done()
    }
}
