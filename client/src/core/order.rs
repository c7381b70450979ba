//! What a messenger is asked, and how much of it it takes.

use std::time::{Duration, Instant};

use mixbed_wire::NodeId;
use mixbed_wire::message::RequestError;

/// What a messenger holds at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Messages at a time. Each holds up to 1 MiB to send and as much to receive. Default 64.
    pub messages: usize,
    /// Packets of one message under way at a time. Default 32.
    pub window: usize,
    /// Packets of all messages under way at a time. Default 256.
    pub total_window: usize,
    /// Packets of one message whose late answers are still read. Default 2,048: a fragment in
    /// each of the four tries that a path with half of all packets lost takes.
    pub remembered: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { messages: 64, window: 32, total_window: 256, remembered: 2048 }
    }
}

/// A request to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// The provider's id.
    pub provider: NodeId,
    /// The service's name.
    pub service: &'a str,
    /// What the service is to work on.
    pub payload: &'a [u8],
    /// When to give up.
    pub deadline: Instant,
    /// How long after its first packet has left to give up already if nothing at all has come back:
    /// the provider is likely to be dead, and another one may be asked.
    pub unheard: Option<Duration>,
    /// How many bytes the response is expected to have. Reply blocks for so many follow the request
    /// at once, up to 170 kB, so that it comes in one round trip. 0: one reply block.
    pub expected: usize,
    /// Whether its packets are to be traced.
    pub traced: bool,
}

/// Why an order is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// It is no request.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// Too many messages are under way.
    #[error("{0} messages are under way already: wait for one of them to be answered")]
    TooManyMessages(usize),
}
