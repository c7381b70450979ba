//! What a messenger says happened.

use std::fmt;
use std::time::Duration;

use mixbed_wire::message::Response;

use super::{MessageNo, PacketNo};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A traced packet was answered, or needs no answer any more.
    PacketAnswered(PacketNo),
    /// A traced packet was not answered in time.
    PacketLost(PacketNo),
    /// The provider's answer is here.
    Delivered(MessageNo, Delivered),
    /// The deadline passed. Whether the provider got the message is not known.
    DeadlinePassed(MessageNo, Tried),
    /// The provider is not in the document any more. Whether it got the message is not known.
    ProviderGone(MessageNo, Tried),
}

/// A message that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// The provider's answer.
    pub response: Response,
    /// From the order to the answer's last part.
    pub elapsed: Duration,
    /// The sum of all delays drawn for the packet that the last part answers, there and back.
    pub mixing_delay: Duration,
    /// What it took.
    pub tried: Tried,
}

/// What was done for a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tried {
    /// Packets sent.
    pub packets_sent: u64,
    /// How many of them said what an earlier one had said.
    pub retransmissions: u64,
    /// Replies that came, and were of this message.
    pub packets_received: u64,
    /// Fragments that the message has.
    pub fragments: u16,
    /// How many of them the provider has acknowledged.
    pub fragments_held: u16,
    /// Parts of the response, if it is known how many there are.
    pub response_parts: Option<u16>,
    /// How many of them have come.
    pub response_held: u16,
}

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.packets_sent == 0 {
            return f.write_str("no packet could be sent");
        }
        write!(
            f,
            "{} packets sent ({} of them again), {} answers received, {} of {} fragments \
             acknowledged by the provider",
            self.packets_sent,
            self.retransmissions,
            self.packets_received,
            self.fragments_held,
            self.fragments,
        )?;
        match self.response_parts {
            Some(parts) => {
                write!(f, ", {} of {parts} parts of its response received", self.response_held)
            }
            None if self.fragments_held == self.fragments => {
                f.write_str(", no response from its service")
            }
            None => Ok(()),
        }
    }
}

/// A reply that was of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// The packet that it answers.
    pub packet: PacketNo,
    /// The message.
    pub message: MessageNo,
}
