//! Letters come in.

use std::time::{Duration, Instant, SystemTime};

use mixbed_wire::letter::{Letter, MailboxAddress};

use super::history::{Changes, History};
use super::{Chat, ChatError, Direction, Message, Peer};
use crate::client::deadline_after;
use crate::letters::Mailbox;
use crate::request::RequestError;

/// Messages that are told of at a time.
const AT_A_TIME: usize = 256;

/// The open mailbox.
#[derive(Debug)]
pub(super) struct Reader {
    mailbox: Mailbox,
    /// Fetched, and not known to be written down.
    pending: Option<Letter>,
}

impl Reader {
    pub(super) fn new(mailbox: Mailbox) -> Self {
        Self { mailbox, pending: None }
    }
}

impl Chat {
    /// Waits for a message that nobody has read, for at most `limit`; the oldest first. It is not
    /// handed to another reader for 10 s, and again and again until it is [read](Self::mark_read).
    ///
    /// Letters are fetched while this or [`changes`](Self::changes) waits.
    ///
    /// # Errors
    /// Those of [`Mailbox::receive`]; [`ChatError::History`].
    pub async fn next_unread(&self, limit: Duration) -> Result<Option<Message>, ChatError> {
        self.wait(limit, History::next_unread).await
    }

    /// The user has seen it.
    ///
    /// # Errors
    /// [`ChatError::History`].
    pub async fn mark_read(&self, no: u64) -> Result<(), ChatError> {
        self.change(move |history| ((), history.mark_read(no))).await
    }

    /// What [`changes`](Self::changes) tells from now on is later than this.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.history().version()
    }

    /// Waits until messages are new or different since a version, for at most `limit`; those, and
    /// the version to go on from.
    ///
    /// # Errors
    /// Those of [`next_unread`](Self::next_unread).
    pub async fn changes(
        &self,
        since: u64,
        limit: Duration,
    ) -> Result<(Vec<Message>, u64), ChatError> {
        let look = |history: &mut History, _| {
            let (changed, seen) = history.changed_since(since, AT_A_TIME);
            (!changed.is_empty()).then_some((changed, seen))
        };
        Ok(self.wait(limit, look).await?.unwrap_or((Vec::new(), since)))
    }

    /// Waits until a message is no longer being sent.
    ///
    /// # Errors
    /// [`ChatError::Mailbox`] if the client is stopped meanwhile.
    pub async fn settled(&self, message: &Message) -> Result<Message, ChatError> {
        let mut changed = self.inner.changed.subscribe();
        loop {
            changed.borrow_and_update();
            let now = self.history().get(message.no).cloned();
            match now {
                Some(now) if now.delivery() == Some(&super::Delivery::Sending) => {}
                Some(now) => return Ok(now),
                // It was forgotten.
                None => return Ok(message.clone()),
            }
            tokio::select! {
                _ = changed.changed() => {}
                () = self.inner.client.stopped() => {
                    return Err(ChatError::Mailbox(RequestError::Stopped.into()));
                }
            }
        }
    }

    /// Waits for something in the history, and fetches letters meanwhile.
    async fn wait<T>(
        &self,
        limit: Duration,
        mut look: impl FnMut(&mut History, Instant) -> Option<T>,
    ) -> Result<Option<T>, ChatError> {
        let found = look(&mut self.history(), Instant::now());
        if found.is_some() {
            return Ok(found);
        }
        self.address().await?;
        let end = deadline_after(Instant::now(), limit);
        let mut changed = self.inner.changed.subscribe();
        loop {
            changed.borrow_and_update();
            let (found, released) = {
                let (mut history, now) = (self.history(), Instant::now());
                (look(&mut history, now), history.next_released(now))
            };
            if found.is_some() {
                return Ok(found);
            }
            let wake = released.map_or(end, |released| released.min(end));
            tokio::select! {
                _ = changed.changed() => {}
                fetched = self.fetch(end) => fetched?,
                () = tokio::time::sleep_until(wake.into()) => {}
            }
            if Instant::now() >= end {
                return Ok(look(&mut self.history(), Instant::now()));
            }
        }
    }

    /// Fetches one letter, writes it down, and accepts it. May be stopped at any point: what was
    /// fetched is gone on with.
    async fn fetch(&self, end: Instant) -> Result<(), ChatError> {
        let mut reader = self.inner.reader.lock().await;
        let Some(Reader { mailbox, pending }) = reader.as_mut() else { return Ok(()) };
        if self.history().is_full() {
            // Until something is read.
            return std::future::pending().await;
        }
        if pending.is_none() {
            *pending = mailbox.receive(end.saturating_duration_since(Instant::now())).await?;
        }
        if let Some(letter) = pending {
            let (chat, taken) = (self.clone(), letter.clone());
            // A task of its own: the receipt is sent whoever goes away meanwhile.
            let taking = tokio::spawn(async move { chat.take(taken).await });
            taking.await.map_err(|_| ChatError::Mailbox(RequestError::Stopped.into()))??;
            mailbox.accept(letter.id).await?;
            *pending = None;
        }
        Ok(())
    }

    /// Writes a letter down, unless it is known; tells its sender, if that is wanted.
    async fn take(&self, letter: Letter) -> Result<(), ChatError> {
        let Letter { id, from, sent, text, enclosed } = letter;
        if let (Some(received), Some(MailboxAddress { key, .. })) = (enclosed.receipt_for, from) {
            let now = SystemTime::now();
            let receipt =
                move |history: &mut History| ((), history.handle_receipt(&received, &key, now));
            self.change(receipt).await?;
            if text.is_empty() {
                return Ok(());
            }
        }
        let peer = match (from, &enclosed.offer) {
            (Some(address), _) => Peer::Address(address),
            (None, Some(offer)) => Peer::Unnamed(offer.key),
            (None, None) => Peer::Silent(id),
        };
        let offer = enclosed.offer.filter(|_| from.is_none());
        let direction = Direction::Received { read: false, offer };
        let message = Message { no: 0, peer, letter: id, answers: None, sent, text, direction };
        if self.add_new(message).await? && enclosed.receipt_wanted {
            self.send_receipt(peer, id);
        }
        Ok(())
    }

    /// Takes a message that came, unless it is known; says whether it was new.
    pub(super) async fn add_new(&self, message: Message) -> Result<bool, ChatError> {
        let letter = message.letter;
        let add = move |history: &mut History| {
            if history.has(&letter) {
                return (false, Changes::default());
            }
            let (_, changes) = history.add(message);
            (true, changes)
        };
        let added = self.change(add).await;
        if added.is_err() {
            // It is not written down: it has to come again.
            let mut history = self.history();
            if let Some(no) = history.by_letter(&letter).map(|message| message.no) {
                history.remove(no);
            }
        }
        added
    }
}
