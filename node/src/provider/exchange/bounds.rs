//! How much an exchange holds.

use std::time::Duration;

/// Bounds of an [`Exchange`](super::Exchange). With the defaults all messages together take at
/// most 200 MiB, and that only under attack: what honest clients leave is a few kB each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Requests of which fragments are missing. Default 4,096.
    pub unfinished: usize,
    /// Their bytes. Default 64 MiB: 64 of the largest.
    pub unfinished_bytes: usize,
    /// How long a request is kept after its last fragment came. Default 60 s: as long as a client
    /// usually tries.
    pub unfinished_age: Duration,
    /// When there is no room, requests that nothing was heard of for so long make it. Default 10 s:
    /// longer than a client waits before it sends again.
    pub unfinished_grace: Duration,
    /// Requests that a service works on, or that wait for one. Default 1,024.
    pub running: usize,
    /// Their bytes. Default 64 MiB.
    pub running_bytes: usize,
    /// Responses that are kept to be asked for again. The oldest makes room. Default 4,096.
    pub done: usize,
    /// Their bytes. Default 64 MiB.
    pub done_bytes: usize,
    /// How long they are kept. Default 5 min.
    pub done_age: Duration,
    /// Reply blocks of one request that are kept for its response. Default 64: a response of
    /// 170 kB.
    pub supply: usize,
    /// Those of all requests. Default 16,384, about 8 MiB. They are kept for `unfinished_age`, and
    /// after `unfinished_grace` make room if there is none.
    pub supplies: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            unfinished: 4096,
            unfinished_bytes: 64 << 20,
            unfinished_age: Duration::from_secs(60),
            unfinished_grace: Duration::from_secs(10),
            running: 1024,
            running_bytes: 64 << 20,
            done: 4096,
            done_bytes: 64 << 20,
            done_age: Duration::from_secs(300),
            supply: 64,
            supplies: 16_384,
        }
    }
}
