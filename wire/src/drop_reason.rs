//! Why a packet went no further.

use std::fmt;

macro_rules! drop_reasons {
    ($($(#[$doc:meta])+ $variant:ident = $name:literal,)+) => {
        /// Each way in which a packet ends without having been forwarded or delivered. Every drop
        /// has one of these and is counted under its name.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
        pub enum DropReason { $($(#[$doc])+ $variant,)+ }

        impl DropReason {
            /// All of them; a reason's place here is its [`index`](Self::index).
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The names, in the order of [`ALL`](Self::ALL).
            pub const NAMES: &'static [&'static str] = &[$($name,)+];

            /// The name in metrics, spans and logs.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// Its place in [`ALL`](Self::ALL).
            #[must_use]
            pub const fn index(self) -> usize {
                self as usize
            }
        }
    };
}

drop_reasons! {
    /// The header is not what was sealed for this node, or was for a key it no longer has.
    BadMac = "bad_mac",
    /// Bytes that cannot be a packet, or whose sealed part makes no sense.
    Malformed = "malformed",
    /// The same packet was here before.
    Replayed = "replayed",
    /// The replay filter is at its bound: what cannot be remembered is not let through.
    ReplayFilterFull = "replay_filter_full",
    /// A Sphinx version other than the one mixbed speaks.
    UnsupportedVersion = "unsupported_version",
    /// The sender asked for a longer delay than a node grants.
    DelayTooLong = "delay_too_long",
    /// The next hop is neither in the document nor a client with a link here.
    UnknownNextHop = "unknown_next_hop",
    /// The workers are behind: shed at the entrance.
    QueueFull = "queue_full",
    /// The mixing pool holds as many packets as it may.
    PoolFull = "pool_full",
    /// The link to the next hop is behind, or down for longer than its queue lasts.
    LinkQueueFull = "link_queue_full",
    /// The link broke while the packet was being written.
    LinkLost = "link_lost",
    /// The client it is for has no link to this gateway now.
    ClientOffline = "client_offline",
    /// It ended at a node that has no use for what is in it.
    NotForThisRole = "not_for_this_role",
    /// The payload was changed on its way.
    BadPayload = "bad_payload",
    /// The payload came whole, but is no message that this end knows.
    UnknownMessage = "unknown_message",
    /// A reply that nobody waits for: late, or a copy.
    UnknownReply = "unknown_reply",
    /// The receiver keeps as many unfinished messages as it may.
    TooManyMessages = "too_many_messages",
    /// An impairment that was asked for took it.
    Impaired = "impaired",
    /// The node was stopped while it held the packet.
    Stopped = "stopped",
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl std::error::Error for DropReason {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_is_the_place_in_the_lists() {
        for (place, reason) in DropReason::ALL.iter().enumerate() {
            assert_eq!(reason.index(), place);
            assert_eq!(DropReason::NAMES[place], reason.name());
        }
    }
}
