//! What a client remembers of providers: who answered lately, and whose word was worth nothing.

#![deny(clippy::disallowed_methods)]

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant, SystemTime};

use mixbed_monero::TxId;
use mixbed_wire::NodeId;

/// How long an answer shows that a provider is there.
const FRESH: Duration = Duration::from_secs(60);

/// How long silence shows that it is not: routes lose packets, too.
const SILENT: Duration = Duration::from_secs(20);

/// How long a provider is asked last after it was found out. What finds it out is the word of one
/// other, and monerods that do not hear of each other look the same: so it is no verdict for ever.
const DISTRUST: Duration = Duration::from_secs(3600);

/// A document has at most 1,000 nodes, and they change.
const NODES: usize = 2048;

/// A provider that did not do what it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuspectProvider {
    /// Its name.
    pub provider: String,
    /// The transaction.
    pub txid: TxId,
    /// What it had said.
    pub promise: Promise,
    /// The provider that did not know of the transaction.
    pub denied_by: String,
    /// How long after the word that was.
    pub after: Duration,
    /// When, by this machine's clock.
    pub at: SystemTime,
}

/// A provider's word for a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// "My monerod has it."
    Accepted,
    /// "I hold it, and hand it in when its time has come."
    Held,
}

impl fmt::Display for SuspectProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { provider, txid, promise, denied_by, after, .. } = self;
        let said = match promise {
            Promise::Accepted => "said that its monerod took",
            Promise::Held => "said that it would hand in",
        };
        let who = if denied_by == provider { "itself" } else { denied_by };
        write!(
            f,
            "{provider} {said} {txid}, and {who} did not know of it {} s later",
            after.as_secs()
        )
    }
}

/// What is remembered of each provider. Bounded, and in memory only.
#[derive(Debug, Default)]
pub(crate) struct ProviderBook {
    heard: HashMap<NodeId, Instant>,
    silent: HashMap<NodeId, Instant>,
    suspects: HashMap<NodeId, (Instant, SuspectProvider)>,
}

impl ProviderBook {
    /// The provider answered something.
    pub(crate) fn handle_heard(&mut self, provider: NodeId, now: Instant) {
        self.silent.remove(&provider);
        put(&mut self.heard, provider, now, |at| is_within(*at, FRESH, now));
    }

    /// The provider did not answer in time.
    pub(crate) fn handle_silent(&mut self, provider: NodeId, now: Instant) {
        self.heard.remove(&provider);
        put(&mut self.silent, provider, now, |at| is_within(*at, SILENT, now));
    }

    /// The provider did not do what it said.
    pub(crate) fn handle_broken(&mut self, id: NodeId, suspect: SuspectProvider, now: Instant) {
        put(&mut self.suspects, id, (now, suspect), |(at, _)| is_within(*at, DISTRUST, now));
    }

    /// Whether it answered something lately.
    pub(crate) fn is_heard(&self, provider: NodeId, now: Instant) -> bool {
        self.heard.get(&provider).is_some_and(|at| is_within(*at, FRESH, now))
    }

    /// Whether it was silent when it was asked lately.
    pub(crate) fn is_silent(&self, provider: NodeId, now: Instant) -> bool {
        self.silent.get(&provider).is_some_and(|at| is_within(*at, SILENT, now))
    }

    /// Whether its word is worth nothing.
    pub(crate) fn is_suspect(&self, provider: NodeId, now: Instant) -> bool {
        self.suspects.get(&provider).is_some_and(|(at, _)| is_within(*at, DISTRUST, now))
    }

    /// Those that were found out lately, the latest first.
    pub(crate) fn suspects(&self, now: Instant) -> Vec<SuspectProvider> {
        let mut found: Vec<_> =
            self.suspects.values().filter(|(at, _)| is_within(*at, DISTRUST, now)).collect();
        found.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        found.into_iter().map(|(_, suspect)| suspect.clone()).collect()
    }
}

fn is_within(at: Instant, time: Duration, now: Instant) -> bool {
    now.saturating_duration_since(at) < time
}

/// Adds an entry; where there is no room, those that say nothing any more make some.
fn put<T>(map: &mut HashMap<NodeId, T>, node: NodeId, value: T, is_of_use: impl Fn(&T) -> bool) {
    if map.len() >= NODES && !map.contains_key(&node) {
        map.retain(|_, value| is_of_use(value));
        if map.len() >= NODES {
            return;
        }
    }
    map.insert(node, value);
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test needs some time to begin at")]
mod tests {
    use super::*;

    fn node(number: u64) -> NodeId {
        NodeId::from_bytes(number.to_be_bytes())
    }

    fn suspect() -> SuspectProvider {
        SuspectProvider {
            provider: "provider-0".to_owned(),
            txid: TxId::from([7; 32]),
            promise: Promise::Accepted,
            denied_by: "provider-1".to_owned(),
            after: Duration::from_secs(30),
            at: SystemTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn what_is_remembered_fades() {
        let (mut book, now) = (ProviderBook::default(), Instant::now());
        book.handle_heard(node(1), now);
        book.handle_silent(node(2), now);
        book.handle_broken(node(3), suspect(), now);
        assert!(book.is_heard(node(1), now) && !book.is_heard(node(2), now));
        assert!(book.is_silent(node(2), now) && !book.is_silent(node(1), now));
        assert!(book.is_suspect(node(3), now) && !book.is_suspect(node(1), now));
        assert_eq!(book.suspects(now), [suspect()]);
        book.handle_heard(node(2), now);
        assert!(!book.is_silent(node(2), now), "it is there again");
        let later = now + DISTRUST;
        assert!(!book.is_heard(node(1), later) && !book.is_suspect(node(3), later));
        assert_eq!(book.suspects(later), []);
    }

    #[test]
    fn it_is_bounded() {
        let (mut book, now) = (ProviderBook::default(), Instant::now());
        for number in 0..10_000 {
            book.handle_heard(node(number), now);
            book.handle_silent(node(number), now);
            book.handle_broken(node(number), suspect(), now);
        }
        assert!(book.silent.len() <= NODES && book.suspects.len() <= NODES);
    }

    #[test]
    fn a_suspect_is_named_with_what_it_did() {
        let words = suspect().to_string();
        for word in ["provider-0 said", "took 0707", "provider-1 did not know", "30 s later"] {
            assert!(words.contains(word), "{words}");
        }
        let itself = SuspectProvider { denied_by: "provider-0".to_owned(), ..suspect() };
        assert!(itself.to_string().contains("and itself did not"), "{itself}");
    }
}
