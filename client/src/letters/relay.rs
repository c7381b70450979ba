//! Sending an answer by a reply block that a letter brought.

use std::time::{Duration, Instant};

use mixbed_wire::REPLY_BLOCK_SIZE;
use mixbed_wire::letter::{ANSWER_SIZE, SealedAnswer};
use mixbed_wire::message::{RELAY_SERVICE, RelayAnswer, RelayRequest};

use super::MailboxError;
use crate::client::{Client, deadline_after};
use crate::request::RequestOptions;

/// The pause after a gateway that had too much to do.
const PAUSE: Duration = Duration::from_secs(1);

impl Client {
    /// Has some gateway send an answer by a reply block, which is used up. Its name. Whether the
    /// answer arrives it does not know.
    ///
    /// # Errors
    /// [`MailboxError::BlockUsed`] if that gateway has seen the block before; what requests fail of.
    pub async fn answer_by_block(
        &self,
        block: &[u8; REPLY_BLOCK_SIZE],
        answer: &SealedAnswer,
        limit: Duration,
    ) -> Result<String, MailboxError> {
        let end = deadline_after(Instant::now(), limit);
        let answer: &[u8; ANSWER_SIZE] = answer.as_bytes().try_into().map_err(|_| {
            MailboxError::Letter(mixbed_wire::letter::LetterError::Size(answer.as_bytes().len()))
        })?;
        let payload = RelayRequest { block, answer }.encode();
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let options = RequestOptions { deadline: left, ..RequestOptions::default() };
            let said = self.request_with(RELAY_SERVICE, &payload, &options).await?;
            match RelayAnswer::decode(&said.data) {
                Ok(RelayAnswer::Sent) => return Ok(said.provider),
                Ok(RelayAnswer::Used) => return Err(MailboxError::BlockUsed(said.provider)),
                Ok(RelayAnswer::Busy) if Instant::now() + PAUSE < end => {
                    tokio::time::sleep(PAUSE).await;
                }
                Ok(RelayAnswer::Busy) => return Err(MailboxError::Busy(said.provider)),
                Err(_) => return Err(MailboxError::Answer(said.provider)),
            }
        }
    }
}
