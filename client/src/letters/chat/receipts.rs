//! Receipts: that a message was accepted, told to whoever sent it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use mixbed_wire::letter::{
    AnswerBody, Enclosed, LetterId, MailboxAddress, SealedAnswer, SealedLetter, Sender,
    whole_minute,
};
use mixbed_wire::{MailboxSecret, NodeId, exponential_delay};

use super::{Chat, ChatError, Peer, Receipts, lock};
use crate::letters::MailboxError;

/// How long sending a receipt may take.
const LIMIT: Duration = Duration::from_secs(60);

impl Chat {
    /// Sends a receipt for a letter, in a task of its own, if its sender is to get any.
    pub(super) fn send_receipt(&self, peer: Peer, letter: LetterId) {
        let wanted = match self.inner.options.receipts {
            Receipts::Nobody => false,
            Receipts::Contacts => self.is_contact(&peer),
            Receipts::Everybody => true,
        };
        if !wanted {
            return;
        }
        let chat = self.clone();
        self.receipt(async move {
            match peer {
                Peer::Address(to) => {
                    let own = chat.address().await?;
                    let key = &chat.inner.options.mailbox.key;
                    let from = Sender::Named { key, gateway: own.gateway };
                    chat.post_receipt(from, &to, letter).await
                }
                Peer::Unnamed(_) => chat.answer_with_receipt(&peer, letter).await,
                Peer::Silent(_) => Ok(()),
            }
        });
    }

    /// Sends a receipt for an answer to a letter without a name, by the key that it was sealed to.
    pub(super) fn send_receipt_from(
        &self,
        secret: MailboxSecret,
        to: MailboxAddress,
        answer: LetterId,
    ) {
        if self.inner.options.receipts == Receipts::Nobody {
            return;
        }
        let chat = self.clone();
        self.receipt(async move {
            let from = Sender::Named { key: &secret, gateway: NodeId::from_bytes([0; 8]) };
            chat.post_receipt(from, &to, answer).await
        });
    }

    /// Whether the user gave this address a name. Its key is proven, its gateway may be another by now.
    fn is_contact(&self, peer: &Peer) -> bool {
        let contacts = lock(&self.inner.contacts);
        matches!(peer, Peer::Address(address) if contacts.values().any(|known| known.key == address.key))
    }

    /// Sends it after a while, unless there are too many already. One that is lost is not sent again:
    /// the message has arrived all the same.
    fn receipt(&self, sending: impl Future<Output = Result<(), ChatError>> + Send + 'static) {
        let Ok(permit) = Arc::clone(&self.inner.receipts).try_acquire_owned() else {
            tracing::debug!("a receipt is not sent, as too many are being sent");
            return;
        };
        let delay = exponential_delay(self.inner.options.receipt_delay, &mut rand::rng());
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            if let Err(error) = sending.await {
                tracing::debug!(%error, "a receipt was not sent");
            }
            drop(permit);
        });
    }

    async fn post_receipt(
        &self,
        from: Sender<'_>,
        to: &MailboxAddress,
        letter: LetterId,
    ) -> Result<(), ChatError> {
        let document = self.inner.client.document(LIMIT).await.map_err(MailboxError::from)?;
        let enclosed = Enclosed { receipt_for: Some(letter), ..Enclosed::default() };
        // Also where the sender's key is that of a letter without a name.
        let (network, now) = (&document.network, whole_minute(SystemTime::now()));
        let sealed =
            SealedLetter::seal_with(network, &to.key, from, now, b"", &enclosed, &mut rand::rng());
        let sealed = sealed.map_err(MailboxError::from)?;
        self.inner.client.post(to, &sealed, LIMIT).await?;
        Ok(())
    }

    async fn answer_with_receipt(&self, peer: &Peer, letter: LetterId) -> Result<(), ChatError> {
        let way = self.take_way(*peer, Some(letter)).await?;
        let document = self.inner.client.document(LIMIT).await.map_err(MailboxError::from)?;
        let own = &self.inner.options.mailbox.key;
        let (now, body) = (SystemTime::now(), AnswerBody::Receipt);
        let sealed = SealedAnswer::seal(&document.network, own, &way.key, letter, now, &body);
        let sealed = sealed.map_err(MailboxError::from)?;
        self.inner.client.answer_by_block(&way.block, &sealed, LIMIT).await?;
        Ok(())
    }
}
