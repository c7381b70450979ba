//! How a peer stands in the document, as the task of the link to it is told.

use std::time::Duration;

use mixbed_directory::SphinxKey;
use mixbed_wire::MAX_DELAY;
use tokio::sync::watch;

/// The packet keys of a peer that is listed; nothing if it has left.
type Listed = Option<Vec<SphinxKey>>;

/// Where the news are told. When it is gone, so is the link.
pub(crate) struct Announcer(watch::Sender<Listed>);

impl Announcer {
    /// A peer with these keys, and where its link's task hears of it.
    pub(crate) fn new(keys: Vec<SphinxKey>) -> (Self, Standing) {
        let (sender, receiver) = watch::channel(Some(keys));
        (Self(sender), Standing(receiver))
    }

    /// It is listed, with these keys. Others than before say that it has started anew.
    pub(crate) fn listed(&self, keys: &[SphinxKey]) {
        self.0.send_if_modified(|listed| {
            let news = listed.as_deref() != Some(keys);
            if news {
                *listed = Some(keys.to_vec());
            }
            news
        });
    }

    /// It is not listed any more.
    pub(crate) fn left(&self) {
        self.0.send_if_modified(|listed| listed.take().is_some());
    }
}

/// Whether a peer is listed.
pub(crate) struct Standing(watch::Receiver<Listed>);

impl Standing {
    pub(super) fn is_listed(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Waits so long, or until there is news of the peer. Says whether there was.
    pub(super) async fn news_within(&mut self, pause: Duration) -> bool {
        let news = async {
            if self.0.changed().await.is_err() {
                // The link is about to be stopped.
                std::future::pending::<()>().await;
            }
        };
        tokio::time::timeout(pause, news).await.is_ok()
    }

    /// Waits until the peer has not been listed for as long as packets for it may still be on their
    /// way: one that leaves in order leaves the document first, and takes them all the same.
    pub(super) async fn departed(&self) {
        let mut listed = self.0.clone();
        loop {
            if listed.wait_for(Option::is_none).await.is_err() {
                return;
            }
            let back = tokio::time::timeout(MAX_DELAY, listed.wait_for(Option::is_some)).await;
            if !matches!(back, Ok(Ok(_))) {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use mixbed_wire::SphinxSecret;

    use super::*;

    fn key(epoch: u64) -> SphinxKey {
        SphinxKey { epoch, key: SphinxSecret::generate(&mut rand::rng()).public() }
    }

    #[tokio::test(start_paused = true)]
    async fn other_keys_and_leaving_are_news_the_same_document_is_none() {
        let keys = vec![key(1), key(2)];
        let (announcer, mut standing) = Announcer::new(keys.clone());
        let pause = Duration::from_secs(5);
        announcer.listed(&keys);
        assert!(!standing.news_within(pause).await);
        announcer.listed(&[key(1)]);
        assert!(standing.news_within(pause).await && standing.is_listed());
        announcer.left();
        assert!(standing.news_within(pause).await && !standing.is_listed());
        announcer.left();
        assert!(!standing.news_within(pause).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_has_departed_when_its_packets_have_come() {
        let (announcer, standing) = Announcer::new(vec![key(1)]);
        let second = Duration::from_secs(1);
        let departed = standing.departed();
        tokio::pin!(departed);
        assert!(tokio::time::timeout(2 * MAX_DELAY, &mut departed).await.is_err(), "it is listed");
        announcer.left();
        assert!(
            tokio::time::timeout(MAX_DELAY.saturating_sub(second), &mut departed).await.is_err()
        );
        announcer.listed(&[key(2)]);
        assert!(tokio::time::timeout(2 * MAX_DELAY, &mut departed).await.is_err(), "it is back");
        announcer.left();
        departed.await;
    }
}
