//! The way to the other directories: a task and a short queue for each.

use std::collections::BTreeMap;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::PeerDirectory;
use crate::client::{ClientError, DirectoryClient};
use crate::document::Trust;
use crate::identity::{IdentityPublic, IdentitySecret};
use crate::voting::{Envelope, PeerMessage};

/// Messages that wait for a peer. What does not fit is said again later.
const QUEUE: usize = 64;

/// Sends messages to the other directories; stops when dropped.
#[derive(Debug)]
pub(super) struct Links {
    queues: BTreeMap<IdentityPublic, mpsc::Sender<PeerMessage>>,
    _tasks: JoinSet<()>,
}

impl Links {
    pub(super) fn start(
        peers: &[PeerDirectory],
        network: &str,
        secret: &IdentitySecret,
    ) -> Result<Self, ClientError> {
        let (mut queues, mut tasks) = (BTreeMap::new(), JoinSet::new());
        for PeerDirectory { key, url } in peers {
            // At that URL nobody is believed but this very directory.
            let client = DirectoryClient::new(url, &Trust::single(network, *key))?;
            let (queue, messages) = mpsc::channel(QUEUE);
            let (network, secret) = (network.to_owned(), secret.clone());
            tasks.spawn(deliver(client, messages, network, secret));
            queues.insert(*key, queue);
        }
        Ok(Self { queues, _tasks: tasks })
    }

    pub(super) fn send(&self, to: &IdentityPublic, message: PeerMessage) {
        if let Some(queue) = self.queues.get(to)
            && queue.try_send(message).is_err()
        {
            tracing::debug!(peer = %to, "a message to another directory was dropped");
        }
    }
}

async fn deliver(
    client: DirectoryClient,
    mut messages: mpsc::Receiver<PeerMessage>,
    network: String,
    secret: IdentitySecret,
) {
    let mut batch = Vec::new();
    while messages.recv_many(&mut batch, QUEUE).await > 0 {
        // A status says all: earlier ones are of no use any more.
        let is_status = |message: &PeerMessage| matches!(message, PeerMessage::Status(_));
        let last = batch.iter().rposition(is_status);
        for (at, message) in batch.drain(..).enumerate() {
            if is_status(&message) && Some(at) != last {
                continue;
            }
            let envelope = Envelope::seal(&message, &network, &secret);
            if let Err(error) = client.deliver(&envelope).await {
                tracing::debug!(url = client.url(), %error, "another directory was not reached");
            }
        }
    }
}
