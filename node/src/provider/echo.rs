//! The service that says what it hears: for measuring the way there and back.

use super::service::{Answering, Question, Reply, Service};

/// Answers with the request's own bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Echo;

impl Service for Echo {
    fn name(&self) -> &'static str {
        "echo"
    }

    fn handle(&self, question: Question) -> Answering<'_> {
        Box::pin(async { Reply::ok(question.payload) })
    }
}
