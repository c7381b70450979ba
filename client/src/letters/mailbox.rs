//! A mailbox in use.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use mixbed_wire::letter::{Letter, LetterId, MailboxAddress, Sender};
use mixbed_wire::message::{Collect, CommandError, MailboxAnswer, MailboxRequest};
use mixbed_wire::{MailboxSecret, NodeId, exponential_delay};
use rand::Rng;

use crate::client::{Client, deadline_after};
use crate::request::RequestError;

use super::inbox::Inbox;
use super::store::Store;
use super::{AcceptedError, MailboxError, Posted};

/// How long one question may take; then there is another.
const QUESTION: Duration = Duration::from_secs(30);

/// The pause after a question that failed.
const PAUSE: Duration = Duration::from_millis(500);

/// A mailbox that is open. Letters are fetched while [`receive`](Self::receive) waits for them, and
/// never otherwise.
#[derive(Debug)]
pub struct Mailbox {
    client: Client,
    network: String,
    key: MailboxSecret,
    gateway: NodeId,
    inbox: Inbox,
    store: Option<Arc<Store>>,
    interval: Duration,
    lease: Duration,
    /// When the gateway is to be asked next.
    next: Instant,
}

impl Mailbox {
    pub(super) fn new(
        client: Client,
        network: String,
        key: MailboxSecret,
        gateway: NodeId,
        inbox: Inbox,
        store: Option<Store>,
        interval: Duration,
    ) -> Self {
        let store = store.map(Arc::new);
        let (lease, next) = (Duration::ZERO, Instant::now());
        Self { client, network, key, gateway, inbox, store, interval, lease, next }
    }

    /// Opens it there.
    pub(super) async fn open_at(
        &mut self,
        gateway: NodeId,
        limit: Duration,
    ) -> Result<(), MailboxError> {
        self.gateway = gateway;
        let end = Instant::now() + limit;
        loop {
            match self.collect(end).await {
                Ok(()) => break,
                Err(error) if !error.may_pass() || Instant::now() + PAUSE >= end => {
                    return Err(error);
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
        if let Some(store) = self.store.clone() {
            blocking(move || store.set_gateway(gateway)).await?;
        }
        Ok(())
    }

    /// Where letters for it are sent.
    #[must_use]
    pub fn address(&self) -> MailboxAddress {
        MailboxAddress { gateway: self.gateway, key: self.key.public() }
    }

    /// How long the gateway keeps it from when it was last asked.
    #[must_use]
    pub fn lease(&self) -> Duration {
        self.lease
    }

    /// Letters that were thrown away: sealed to another key, or so long ago that it is not known
    /// whether they were here before.
    #[must_use]
    pub fn discarded(&self) -> u64 {
        self.inbox.discarded()
    }

    /// Waits for a letter for at most `limit`; nothing if none came. A letter is given once while
    /// the mailbox is open. It stays at the gateway until it is [accepted](Self::accept), and is
    /// given again if the mailbox is opened anew before that.
    ///
    /// To stop waiting (by dropping the future) loses nothing. The way to the gateway and back
    /// takes some seconds: a shorter limit finds only what is here already.
    ///
    /// # Errors
    /// What will not pass by itself, at once; what might, if the gateway gave no answer at all within
    /// the limit.
    pub async fn receive(&mut self, limit: Duration) -> Result<Option<Letter>, MailboxError> {
        let end = deadline_after(Instant::now(), limit);
        let (mut answered, mut failure) = (false, None);
        loop {
            if let Some(letter) = self.inbox.poll_letter() {
                return Ok(Some(letter));
            }
            tokio::select! {
                () = tokio::time::sleep_until(self.next.min(end).into()) => {}
                () = self.client.stopped() => return Err(RequestError::Stopped.into()),
            }
            let now = Instant::now();
            if now >= end {
                return failure.filter(|_| !answered).map_or(Ok(None), Err);
            }
            match self.collect(end.min(now + QUESTION)).await {
                Ok(()) => answered = true,
                Err(error) if error.may_pass() => {
                    tracing::debug!(%error, "could not ask for letters");
                    self.next = Instant::now() + PAUSE;
                    failure = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The application has the letter: it will not be given again, and the gateway may forget it,
    /// which it is told with the next question. When this returns, it is written down.
    pub async fn accept(&mut self, letter: LetterId) -> Result<(), MailboxError> {
        let changes = self.inbox.accept(letter, SystemTime::now());
        let changes = changes.ok_or(MailboxError::NotReceived(letter))?;
        if let Some(store) = self.store.clone() {
            let written = changes.clone();
            blocking(move || store.apply(&written)).await?;
        }
        self.inbox.handle_accepted(&changes);
        Ok(())
    }

    /// Tells the gateway which letters it may forget, if it was not told yet. To do so before the
    /// end is a kindness, and makes room: it does not change what is given.
    pub async fn confirm(&mut self, limit: Duration) -> Result<(), MailboxError> {
        let end = deadline_after(Instant::now(), limit);
        while self.inbox.has_done() {
            match self.collect(end).await {
                Err(error) if !error.may_pass() || Instant::now() + PAUSE >= end => {
                    return Err(error);
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
                Ok(()) => {}
            }
        }
        Ok(())
    }

    /// Sends a letter in the name of this mailbox: the receiver learns its address, and can be
    /// sure of it. See [`Client::send_letter`].
    pub async fn send_letter(
        &self,
        to: &MailboxAddress,
        text: &[u8],
        limit: Duration,
    ) -> Result<Posted, MailboxError> {
        let from = Sender::Named { key: &self.key, gateway: self.gateway };
        self.client.send_letter_from(from, to, text, limit).await
    }

    /// Asks the gateway once.
    async fn collect(&mut self, end: Instant) -> Result<(), MailboxError> {
        let command = self.inbox.command();
        let (key, network) = (&self.key, &self.network);
        let payload = |gateway: &mixbed_directory::Descriptor| {
            let sealed = command.seal(network, key, &gateway.link_key)?;
            Ok::<_, CommandError>(MailboxRequest::Collect { sealed: &sealed }.encode())
        };
        let (name, answer) = self.client.ask_mailbox(self.gateway, payload, end).await?;
        let MailboxAnswer::Letters { waiting, lease, letters } = answer else {
            return Err(match answer {
                MailboxAnswer::NoRoom => MailboxError::NoRoom(name),
                _ => MailboxError::Answer(name),
            });
        };
        self.lease = lease;
        let now = SystemTime::now();
        self.inbox.handle_letters(&command, &letters, network, key, now);
        let more = (waiting > 0 && !letters.is_empty()) || self.inbox.has_done();
        let pause = if more && progressed(&command, letters.len()) {
            Duration::ZERO
        } else {
            pause(self.interval, &mut rand::rng())
        };
        self.next = Instant::now() + pause;
        Ok(())
    }
}

/// Drawn, so that questions have no beat; bounded, so that whoever waits can tell how long it takes
/// until what waits is found.
fn pause<R: Rng + ?Sized>(interval: Duration, rng: &mut R) -> Duration {
    exponential_delay(interval, rng).min(interval.saturating_mul(2))
}

/// Whether the question changed anything: only then another one at once does.
fn progressed(command: &Collect, letters: usize) -> bool {
    letters > 0 || !command.taken.is_empty()
}

/// Runs what waits for the disk where it may.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, AcceptedError> + Send + 'static,
) -> Result<T, MailboxError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => Ok(result?),
        // The runtime is on its way down, and takes the client with it.
        Err(_) => Err(RequestError::Stopped.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn pauses_differ_and_none_is_longer_than_two_intervals() {
        let (mut rng, interval) = (StdRng::seed_from_u64(1), Duration::from_secs(2));
        let drawn: Vec<_> = (0..1000).map(|_| pause(interval, &mut rng)).collect();
        let longest = drawn.iter().max().expect("a thousand");
        assert_eq!(*longest, 2 * interval, "one in seven is as long as may be");
        assert!(drawn.iter().collect::<HashSet<_>>().len() > 800, "the others are drawn");
    }
}
