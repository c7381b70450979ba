//! The service `mailbox`.

use std::sync::Arc;

use mixbed_wire::LinkSecret;
use mixbed_wire::letter::{MailboxId, SealedLetter};
use mixbed_wire::message::{Collect, MAILBOX_SERVICE, MailboxAnswer, MailboxRequest, Response};

use crate::provider::{Answering, Question, Reply, Service};

use super::Desk;
use super::clerk::{Task, Unanswered};

/// Reads requests, checks that a mailbox's owner is it, and asks the clerk.
pub(crate) struct Mailbox {
    pub(crate) network: Arc<str>,
    /// The gateway's own key: owners' commands are sealed to it.
    pub(crate) own: LinkSecret,
    pub(crate) desk: Desk,
}

impl Mailbox {
    async fn answer(&self, payload: Vec<u8>) -> Reply {
        let task = match self.read(&payload) {
            Ok(task) => task,
            Err(words) => return Reply { response: Response::Refused(words), outcome: "refused" },
        };
        match self.desk.ask(task).await {
            Ok(answer) => {
                Reply { response: Response::Ok(answer.encode()), outcome: outcome(&answer) }
            }
            Err(Unanswered(words)) => {
                Reply { response: Response::Failed(words), outcome: "failed" }
            }
        }
    }

    fn read(&self, payload: &[u8]) -> Result<Task, String> {
        match MailboxRequest::decode(payload) {
            Ok(MailboxRequest::Put { mailbox, letter }) => {
                let letter = SealedLetter::from_bytes(letter.to_vec());
                Ok(Task::Put(mailbox, letter.map_err(|error| error.to_string())?))
            }
            Ok(MailboxRequest::Collect { sealed }) => {
                let opened = Collect::open(&self.network, &self.own, sealed);
                let (owner, command) = opened.map_err(|error| error.to_string())?;
                Ok(Task::Collect(MailboxId::of_key(&owner), command))
            }
            Err(_) => Err("this is no request to a mailbox".to_owned()),
        }
    }
}

impl Service for Mailbox {
    fn name(&self) -> &'static str {
        MAILBOX_SERVICE
    }

    fn handle(&self, question: Question) -> Answering<'_> {
        Box::pin(self.answer(question.payload))
    }
}

fn outcome(answer: &MailboxAnswer) -> &'static str {
    match answer {
        MailboxAnswer::Kept { .. } => "kept",
        MailboxAnswer::NoMailbox => "no_mailbox",
        MailboxAnswer::Full => "full",
        MailboxAnswer::Letters { letters, .. } if letters.is_empty() => "nothing",
        MailboxAnswer::Letters { .. } => "letters",
        MailboxAnswer::NoRoom => "no_room",
    }
}
