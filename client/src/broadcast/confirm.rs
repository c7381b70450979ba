//! Whether another provider knows what one says that it has.

use std::time::{Duration, Instant, SystemTime};

use mixbed_monero::TxId;
use rand::RngExt;

use super::book::{Promise, SuspectProvider};
use super::locate::Sighting;
use crate::client::Client;

/// The first pause: monerods pass transactions on within a second or some.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// What another provider's word came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Confirmation {
    /// It has the transaction.
    By(String),
    /// It still did not have it so long after the first one's word.
    Denied { by: String, after: Duration },
    /// There is no other, or it did not answer.
    Unanswered,
}

/// The time that a transaction takes from one provider's monerod to another's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Propagation {
    /// When the first one had it.
    pub(super) since: Instant,
    /// Others are asked until then.
    pub(super) end: Instant,
    /// And have to answer by then.
    pub(super) deadline: Instant,
    /// "I do not know it" means something so long after `since`: with less time there is no blame.
    pub(super) meant: Duration,
}

impl Client {
    /// Asks others than these for a transaction that one of them has by its own word, again and
    /// again until one knows it or its time is over.
    pub(super) async fn ask_others(
        &self,
        txid: TxId,
        not: &[String],
        time: Propagation,
    ) -> Confirmation {
        let Propagation { since, end, deadline, meant } = time;
        let mut pause = FIRST_PAUSE;
        let mut denied = None;
        let mut unable: Vec<String> = not.to_vec();
        let mut asked: Vec<String> = Vec::new();
        loop {
            let others = self.others(&unable).unwrap_or_default();
            // In turns: one that knows nothing of what all others have is to be no witness alone.
            let times = |name: &String| asked.iter().filter(|asked| *asked == name).count();
            let Some(other) = others.iter().min_by_key(|other| times(&other.name)) else { break };
            asked.push(other.name.clone());
            sleep_about(pause, end).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            match self
                .locate_at(txid, other, deadline.min(Instant::now() + 2 * LONGEST_PAUSE))
                .await
            {
                Ok(located) if located.sighting != Sighting::Unknown => {
                    self.metrics().confirmation("confirmed");
                    return Confirmation::By(located.provider);
                }
                Ok(located) => denied = Some((located.provider, since.elapsed())),
                Err(error) => {
                    tracing::debug!(%error, "not confirmed by this provider");
                    unable.push(other.name.clone());
                }
            }
            if Instant::now() >= end {
                break;
            }
        }
        let Some((by, after)) = denied.filter(|(_, after)| *after >= meant) else {
            self.metrics().confirmation("unanswered");
            return Confirmation::Unanswered;
        };
        self.metrics().confirmation("denied");
        Confirmation::Denied { by, after }
    }

    /// A provider did not do what it said: it is named, and asked last for a while.
    pub(crate) fn found_out(
        &self,
        provider: &str,
        txid: TxId,
        promise: Promise,
        denied_by: String,
        after: Duration,
    ) -> SuspectProvider {
        let at = SystemTime::now();
        let provider = provider.to_owned();
        let suspect = SuspectProvider { provider, txid, promise, denied_by, after, at };
        // Which transaction it was is for whoever asks, and not for a log.
        tracing::warn!(provider = suspect.provider, promise = ?suspect.promise, "a provider's word was not true");
        self.metrics().broken_word(&suspect.provider);
        let document = self.directory().current();
        let node = document.iter().flat_map(|document| &document.nodes);
        if let Some(node) = { node }.find(|node| node.name == suspect.provider) {
            self.book().handle_broken(node.id(), suspect.clone(), Instant::now());
        }
        suspect
    }
}

/// Waits for half to three halves of a pause: questions in step would show.
async fn sleep_about(pause: Duration, end: Instant) {
    let pause = pause.mul_f64(rand::rng().random_range(0.5..1.5));
    tokio::time::sleep_until((Instant::now() + pause).min(end).into()).await;
}
