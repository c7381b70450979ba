//! What a provider can be asked for.

use std::pin::Pin;
use std::time::Duration;

use mixbed_telemetry::Context;
use mixbed_wire::message::Response;

/// What a service is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// What to work on.
    pub payload: Vec<u8>,
    /// What the answer's span hangs under, if the client asked for a trace.
    pub trace: Option<Context>,
    /// How long it may take. A service that has not answered then is told on: the client hears
    /// that it took too long.
    pub limit: Duration,
}

/// A service's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// What the client gets.
    pub response: Response,
    /// How it ended, as a metric's label.
    pub outcome: &'static str,
}

impl Reply {
    /// A good answer.
    #[must_use]
    pub fn ok(data: Vec<u8>) -> Self {
        Self { response: Response::Ok(data), outcome: "ok" }
    }
}

/// An answer that is being worked on.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Reply> + Send + 'a>>;

/// Something that a provider does for clients, by name.
pub trait Service: Send + Sync {
    /// Its name: 1 to 63 of `a-z`, `0-9`, `-`, `_` and `.`.
    fn name(&self) -> &'static str;

    /// Answers a request. It is called once a message while the message is known, but a provider
    /// that was restarted may be asked again: whatever it does should bear being done twice.
    fn handle(&self, question: Question) -> Answering<'_>;
}
