//! How a stream is to be opened.

use std::time::Duration;

/// How a stream is to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamOptions {
    /// When to give up opening it, from now. Default 30 s.
    pub deadline: Duration,
    /// The provider, by name. Default: one that offers the service, by preference one that there
    /// is a session with already.
    pub provider: Option<String>,
    /// Streams with different words here share no session: a provider cannot tell that they are
    /// the same client's. Default: none, which is one more word.
    pub isolation: Option<String>,
    /// Return at once, before the provider has granted the stream: what is written goes along with
    /// the question, and the answer comes one round trip earlier. A refusal is then an error of
    /// the stream, and a stream that is lost before it was granted is not opened anew. Default
    /// false.
    pub early: bool,
}

impl Default for StreamOptions {
    fn default() -> Self {
        let deadline = Duration::from_secs(30);
        Self { deadline, provider: None, isolation: None, early: false }
    }
}
