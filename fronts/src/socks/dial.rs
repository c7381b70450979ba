//! What connects: the client, or in tests of the protocol something in memory.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

use super::protocol::{Isolation, Refusal, Target};

/// Opens streams.
pub(super) trait Dial: Clone + Send + Sync + 'static {
    type Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    /// Connects to the target from the far end; by the deadline at the latest there is an outcome.
    fn dial(
        &self,
        target: &Target,
        isolation: Option<&Isolation>,
        deadline: Duration,
    ) -> impl Future<Output = Result<Self::Stream, Refused>> + Send;

    /// Ends the stream at once, in both directions: the program has.
    fn reset(stream: Self::Stream, why: &str);
}

/// There is no connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// For the program.
    pub(super) code: Refusal,
    /// For the log.
    pub(super) why: String,
}
