//! Sending letters, and asking gateways about mailboxes.

use std::time::{Duration, Instant, SystemTime};

use mixbed_directory::{Descriptor, Document};
use mixbed_wire::NodeId;
use mixbed_wire::letter::{LetterId, MailboxAddress, SealedLetter, Sender};
use mixbed_wire::message::{CommandError, MAILBOX_SERVICE, MailboxAnswer, MailboxRequest};

use crate::client::{Asked, Client, deadline_after};

use super::MailboxError;

/// A letter that its receiver's gateway keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// The letter's name.
    pub letter: LetterId,
    /// The gateway, by name.
    pub gateway: String,
    /// How long it waits there.
    pub lasting: Duration,
    /// From the call to the gateway's word.
    pub elapsed: Duration,
}

impl Client {
    /// Seals a text without a sender's name and puts it into the receiver's mailbox. Success means
    /// that the gateway has written it down, not that anybody read it.
    ///
    /// Calling it again sends another letter. To try the same one again, seal it once and
    /// [`post`](Self::post) it as often as needed.
    pub async fn send_letter(
        &self,
        to: &MailboxAddress,
        text: &[u8],
        limit: Duration,
    ) -> Result<Posted, MailboxError> {
        self.send_letter_from(Sender::Unnamed, to, text, limit).await
    }

    /// As [`send_letter`](Self::send_letter), with a choice of who the letter says it is from.
    pub async fn send_letter_from(
        &self,
        from: Sender<'_>,
        to: &MailboxAddress,
        text: &[u8],
        limit: Duration,
    ) -> Result<Posted, MailboxError> {
        let began = Instant::now();
        let document = self.document(limit).await?;
        let network = &document.network;
        let now = SystemTime::now();
        let letter = SealedLetter::seal(network, &to.key, from, now, text, &mut rand::rng())?;
        let left = limit.saturating_sub(began.elapsed());
        let posted = self.post(to, &letter, left).await?;
        Ok(Posted { elapsed: began.elapsed(), ..posted })
    }

    /// Puts a sealed letter into the receiver's mailbox. The mailbox keeps it once, however often
    /// it is put there.
    pub async fn post(
        &self,
        to: &MailboxAddress,
        letter: &SealedLetter,
        limit: Duration,
    ) -> Result<Posted, MailboxError> {
        let began = Instant::now();
        let end = deadline_after(began, limit);
        let put = MailboxRequest::Put { mailbox: to.mailbox(), letter: letter.as_bytes() };
        let payload = |_: &Descriptor| Ok(put.encode());
        let (gateway, answer) = self.ask_mailbox(to.gateway, payload, end).await?;
        match answer {
            MailboxAnswer::Kept { lasting } => {
                Ok(Posted { letter: letter.id(), gateway, lasting, elapsed: began.elapsed() })
            }
            MailboxAnswer::NoMailbox => Err(MailboxError::NoMailbox(gateway)),
            MailboxAnswer::Full => Err(MailboxError::Full(gateway)),
            _ => Err(MailboxError::Answer(gateway)),
        }
    }

    /// Asks a gateway's mailboxes; waits for the gateway to be there. Its name and its answer.
    pub(super) async fn ask_mailbox(
        &self,
        gateway: NodeId,
        payload: impl FnOnce(&Descriptor) -> Result<Vec<u8>, CommandError>,
        end: Instant,
    ) -> Result<(String, MailboxAnswer), MailboxError> {
        let began = Instant::now();
        let document = self.document(end.saturating_duration_since(began)).await?;
        let keeps = |node: &Descriptor| node.services.iter().any(|name| name == MAILBOX_SERVICE);
        let is_there = |document: &Document| document.node(&gateway).is_some_and(keeps);
        let document = if is_there(&document) {
            document
        } else {
            let left = end.saturating_duration_since(Instant::now());
            let there = self.directory().wait_for(left, is_there).await;
            there.map_err(|_| MailboxError::GatewayAway(gateway))?
        };
        let provider = document.node(&gateway).ok_or(MailboxError::GatewayAway(gateway))?;
        let away = |_| MailboxError::GatewayAway(gateway);
        let payload = payload(provider).map_err(away)?;
        let asked = Asked {
            service: MAILBOX_SERVICE,
            payload: &payload,
            provider,
            deadline: end,
            unheard: None,
            expected: 0,
            trace: None,
        };
        let answer = self.ask(asked, began).await?;
        let read = MailboxAnswer::decode(&answer.data);
        let read = read.map_err(|_| MailboxError::Answer(answer.provider.clone()))?;
        Ok((answer.provider, read))
    }
}
