//! Answers come in, to letters that went out without a name.

use std::sync::Weak;
use std::time::SystemTime;

use mixbed_wire::letter::{AnswerBody, LetterAnswer, SealedAnswer};
use tokio::sync::mpsc;

use super::history::History;
use super::{Chat, ChatError, Direction, Inner, Message, Peer, lock};
use crate::letters::MailboxError;
use crate::letters::ways::Arrived;

/// Takes what comes by reply blocks, for as long as there is a chat.
pub(super) async fn take(mut answers: mpsc::Receiver<Arrived>, inner: Weak<Inner>) {
    while let Some(Arrived { offer, bytes }) = answers.recv().await {
        let Some(inner) = inner.upgrade() else { return };
        let live = {
            let live = lock(&inner.live);
            live.get(&offer).map(|live| (live.secret.clone(), live.to))
        };
        let Some((secret, to)) = live else { continue };
        let chat = Chat { inner };
        let Some(network) =
            chat.inner.client.directory().last().map(|document| document.network.clone())
        else {
            continue;
        };
        let opened = SealedAnswer::from_bytes(bytes)
            .and_then(|sealed| sealed.open(&network, &secret))
            .map_err(MailboxError::from);
        let outcome = match opened {
            // Whoever has the reply blocks can send something by them; the answer has to be from
            // whom the letter was sent to.
            Ok(answer) if answer.from != to.key => {
                tracing::warn!("an answer that is from somebody else was thrown away");
                continue;
            }
            Ok(answer) => chat.take_answer(answer, Peer::Address(to), secret).await,
            Err(error) => Err(error.into()),
        };
        if let Err(error) = outcome {
            tracing::warn!(%error, "an answer was thrown away");
        }
    }
}

impl Chat {
    async fn take_answer(
        &self,
        answer: LetterAnswer,
        peer: Peer,
        secret: mixbed_wire::MailboxSecret,
    ) -> Result<(), ChatError> {
        let LetterAnswer { id, from, to, sent, body } = answer;
        // Whatever it says, the letter that it answers has arrived.
        let now = SystemTime::now();
        let receipt = move |history: &mut History| ((), history.handle_receipt(&to, &from, now));
        self.change(receipt).await?;
        let AnswerBody::Text(text) = body else { return Ok(()) };
        let direction = Direction::Received { read: false, offer: None };
        let answers = Some(to);
        let message = Message { no: 0, peer, letter: id, answers, sent, text, direction };
        if self.add_new(message).await?
            && let Peer::Address(address) = peer
        {
            self.send_receipt_from(secret, address, id);
        }
        Ok(())
    }
}
