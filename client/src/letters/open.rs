//! Opening a mailbox.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use mixbed_directory::{Descriptor, Document};
use mixbed_wire::letter::MailboxId;
use mixbed_wire::message::MAILBOX_SERVICE;
use mixbed_wire::{MailboxSecret, NodeId};
use rand::seq::SliceRandom;

use crate::client::{Client, deadline_after};

use super::inbox::Inbox;
use super::store::{Known, Store};
use super::{Mailbox, MailboxError};

/// What a mailbox is opened with.
#[derive(Clone, Debug)]
pub struct MailboxOptions {
    /// The mailbox's key: whoever has it reads its letters. Default: a new one.
    pub key: MailboxSecret,
    /// The gateway that keeps the letters, by name. Default: the one that it was opened at before,
    /// if [`keep_in`](Self::keep_in) knows, or a random one.
    pub gateway: Option<String>,
    /// The directory to remember in which letters were accepted, as `letters.redb`. Default:
    /// nowhere; a letter that was accepted may come again then, if the client ends before the
    /// gateway was told.
    pub keep_in: Option<PathBuf>,
    /// The mean time between two questions for letters while the application waits for some. The
    /// times themselves are drawn, so that they have no beat, and at most twice as long: who waits
    /// for longer than that, and the way there and back, finds what waits. Default 2 s.
    pub interval: Duration,
}

impl Default for MailboxOptions {
    fn default() -> Self {
        Self {
            key: MailboxSecret::generate(&mut rand::rng()),
            gateway: None,
            keep_in: None,
            interval: Duration::from_secs(2),
        }
    }
}

impl Client {
    /// Opens a mailbox at a gateway, or finds it open. From then on letters can be sent to its
    /// [`address`](Mailbox::address). The gateway keeps it for 30 days (its
    /// [`lease`](Mailbox::lease)) after it was asked last.
    pub async fn open_mailbox(
        &self,
        options: MailboxOptions,
        limit: Duration,
    ) -> Result<Mailbox, MailboxError> {
        let MailboxOptions { key, gateway: wanted, keep_in, interval } = options;
        let end = deadline_after(Instant::now(), limit);
        let (store, known) = match keep_in {
            Some(directory) => {
                let id = MailboxId::of_key(&key.public());
                let opening = move || Store::open(&directory, id);
                let (store, known) = super::mailbox::blocking(opening).await?;
                (Some(store), known)
            }
            None => (None, Known { inbox: Inbox::default(), gateway: None }),
        };
        let document = self.document(limit).await?;
        let candidates = match (&wanted, known.gateway) {
            (None, Some(gateway)) => vec![gateway],
            (wanted, _) => gateways(&document, wanted.as_deref())?,
        };
        let network = document.network.clone();
        let first = candidates[0];
        let mut mailbox =
            Mailbox::new(self.clone(), network, key, first, known.inbox, store, interval);
        let mut failure = None;
        for (at, gateway) in candidates.iter().enumerate() {
            let left = end.saturating_duration_since(Instant::now());
            let share = left / u32::try_from(candidates.len() - at).unwrap_or(u32::MAX);
            match mailbox.open_at(*gateway, share).await {
                Ok(()) => return Ok(mailbox),
                Err(error) => {
                    tracing::warn!(%gateway, %error, "no mailbox at this gateway");
                    failure = Some(error);
                }
            }
        }
        Err(failure.unwrap_or(MailboxError::GatewayAway(first)))
    }
}

/// The gateways that keep mailboxes, in random order, at least one; only the one of this name, if
/// there is one.
fn gateways(document: &Document, wanted: Option<&str>) -> Result<Vec<NodeId>, MailboxError> {
    let keeps = |node: &&Descriptor| node.services.iter().any(|name| name == MAILBOX_SERVICE);
    let keeping: Vec<_> = document.gateways().filter(keeps).collect();
    let fitting = keeping.iter().filter(|node| wanted.is_none_or(|name| node.name == name));
    let mut found: Vec<_> = fitting.map(|node| node.id()).collect();
    if found.is_empty() {
        let known = keeping.iter().map(|node| node.name.clone()).collect();
        return Err(MailboxError::NoGateway { wanted: wanted.map(str::to_owned), known });
    }
    found.shuffle(&mut rand::rng());
    Ok(found)
}
