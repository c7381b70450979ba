//! Loops as sensors: which came back.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::time::{Duration, Instant};

use mixbed_wire::{Identifier, LoopOutcome, LoopRecord, NodeId, Verdict};

/// A client's loops: those under way, and how the last ones ended. `K` is what reads them.
///
/// # When too few come back
///
/// The last [`WINDOW`](Self::WINDOW) loops count. When [`LoopReport::ENOUGH`] of them have ended
/// and less than [`LoopReport::BOUND`] came back, something takes packets.
///
/// - A loop passes each layer twice, so a mix that drops all it gets, in a layer of *n*, lets
///   (1 - 1/n)² of the loops come back: a quarter of them for n = 2, less than the bound up to
///   n = 7. In larger layers the share of the loops *through it* ([`LoopReport::nodes`]) shows it.
/// - With 1 % loss on each of a loop's ten links, 0.99¹⁰ = 90 % come back: 58 of 64 on average,
///   with a deviation of 2.4. Less than 48 of them has a probability below 1 in 1,000. At 3 %
///   (74 %) it is likelier than not, and the client rightly says so.
/// - How soon: when all are lost after a time in which all came back, 17 losses are enough; with
///   a quarter coming back about 23 loops. At a rate λ, 23 / λ, and the time until a loop is given
///   up: its own delays and [`GRACE`](Self::GRACE). At one a second that is half a minute.
#[derive(Debug)]
pub struct Loops<K> {
    waiting: HashMap<Identifier, Waiting<K>>,
    timers: BTreeSet<(Instant, Identifier)>,
    ended: LoopRecord,
    /// Those of which [`poll_ended`](Self::poll_ended) has not told.
    untold: VecDeque<LoopOutcome>,
    sent: u64,
    returned: u64,
    lost: u64,
}

#[derive(Debug)]
struct Waiting<K> {
    key: K,
    due: Instant,
    nodes: Vec<NodeId>,
}

/// How many of how many came back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Came back in time.
    pub returned: u32,
    /// Came back, or are overdue.
    pub ended: u32,
}

/// How a client's loops did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoopReport {
    /// Loops sent since the client started.
    pub sent: u64,
    /// Loops that came back in time since then.
    pub returned: u64,
    /// Loops that did not.
    pub lost: u64,
    /// The last ones, up to [`Loops::WINDOW`].
    pub recent: Share,
    /// Of the last ones, those that were to pass a node, by node.
    pub nodes: BTreeMap<NodeId, Share>,
    /// What takes them, if they tell.
    pub verdict: Option<Verdict>,
    /// The last ones, the latest last: for a judgement together with others' loops. At most
    /// [`LOOPS_JUDGED`](mixbed_wire::LOOPS_JUDGED).
    pub outcomes: Vec<LoopOutcome>,
}

impl<K> Default for Loops<K> {
    fn default() -> Self {
        Self {
            waiting: HashMap::new(),
            timers: BTreeSet::new(),
            ended: LoopRecord::default(),
            untold: VecDeque::new(),
            sent: 0,
            returned: 0,
            lost: 0,
        }
    }
}

impl<K> Loops<K> {
    /// How much later than its delays a loop may come: links, queues, the gateway's clock.
    pub const GRACE: Duration = Duration::from_secs(5);

    /// The loops that count.
    pub const WINDOW: usize = 64;

    /// Loops under way at most; of more, the one that is due first counts as neither. At 200 loops
    /// a second each may take 20 s.
    pub const UNDER_WAY: usize = 4096;

    /// A loop was handed to the link. `delays`: the sum of those drawn for it; `nodes`: those that
    /// it passes, in their order.
    pub fn handle_sent(
        &mut self,
        identifier: Identifier,
        key: K,
        delays: Duration,
        nodes: Vec<NodeId>,
        now: Instant,
    ) {
        if self.waiting.len() >= Self::UNDER_WAY
            && let Some((_, first)) = self.timers.pop_first()
        {
            self.waiting.remove(&first);
        }
        self.sent += 1;
        let due = now + delays + Self::GRACE;
        self.timers.insert((due, identifier));
        self.waiting.insert(identifier, Waiting { key, due, nodes });
    }

    /// What reads the loop with this name, if it is one that is waited for.
    #[must_use]
    pub fn key(&self, identifier: &Identifier) -> Option<&K> {
        self.waiting.get(identifier).map(|waiting| &waiting.key)
    }

    /// A loop came back and was read.
    pub fn handle_returned(&mut self, identifier: &Identifier, now: Instant) {
        if let Some(Waiting { due, nodes, .. }) = self.waiting.remove(identifier) {
            self.timers.remove(&(due, *identifier));
            self.returned += 1;
            self.end(nodes, true, now);
        }
    }

    /// Time has passed: gives up what is overdue; says how many.
    pub fn handle_timeout(&mut self, now: Instant) -> u64 {
        let before = self.lost;
        while let Some(&(due, identifier)) = self.timers.first()
            && due <= now
        {
            self.timers.pop_first();
            if let Some(Waiting { nodes, .. }) = self.waiting.remove(&identifier) {
                self.lost += 1;
                self.end(nodes, false, now);
            }
        }
        self.lost - before
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.first().map(|(due, _)| *due)
    }

    /// The link is gone: what is under way has no way back, and says nothing about the network.
    pub fn handle_link_lost(&mut self) {
        self.waiting.clear();
        self.timers.clear();
    }

    /// There are no loops any more: the last ones tell of a time that is over.
    pub fn handle_off(&mut self) {
        self.ended.clear();
    }

    /// The nodes of a loop that has ended since, each once, and whether it came back. Nobody has to
    /// ask: the last [`WINDOW`](Self::WINDOW) are kept.
    pub fn poll_ended(&mut self) -> Option<(Vec<NodeId>, bool)> {
        let LoopOutcome { hops, returned, .. } = self.untold.pop_front()?;
        Some((each_once(hops), returned))
    }

    /// How they did.
    #[must_use]
    pub fn report(&self) -> LoopReport {
        let Self { sent, returned, lost, .. } = *self;
        let outcomes: Vec<_> = self.ended.outcomes().iter().cloned().collect();
        let mut report = LoopReport { sent, returned, lost, ..LoopReport::default() };
        for LoopOutcome { hops, returned, .. } in outcomes.iter().rev().take(Self::WINDOW) {
            report.recent.count(*returned);
            for node in each_once(hops.clone()) {
                report.nodes.entry(node).or_default().count(*returned);
            }
        }
        // What has long been over is nobody's any more.
        if report.recent.returned < report.recent.ended {
            report.verdict = self.ended.judge();
        }
        report.outcomes = outcomes;
        report
    }

    fn end(&mut self, hops: Vec<NodeId>, returned: bool, ended: Instant) {
        let outcome = LoopOutcome { hops, returned, ended };
        if self.untold.len() >= Self::WINDOW {
            self.untold.pop_front();
        }
        self.untold.push_back(outcome.clone());
        self.ended.push(outcome);
    }
}

fn each_once(mut nodes: Vec<NodeId>) -> Vec<NodeId> {
    nodes.sort_unstable();
    nodes.dedup();
    nodes
}

impl Share {
    /// The share, 0 to 1; nothing while none has ended.
    #[must_use]
    pub fn value(self) -> Option<f64> {
        (self.ended > 0).then(|| f64::from(self.returned) / f64::from(self.ended))
    }

    fn count(&mut self, returned: bool) {
        self.returned += u32::from(returned);
        self.ended += 1;
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.returned, self.ended)
    }
}

impl LoopReport {
    /// Loops that must have ended before they are judged.
    pub const ENOUGH: u32 = 32;

    /// The least share that is good; see [`Loops`].
    pub const BOUND: f64 = 0.75;

    /// Whether too few come back.
    #[must_use]
    pub fn is_bad(&self) -> bool {
        self.recent.ended >= Self::ENOUGH
            && self.recent.value().is_some_and(|share| share < Self::BOUND)
    }

    /// The node through which the smallest share came back, of those with at least eight.
    #[must_use]
    pub fn worst(&self) -> Option<(NodeId, Share)> {
        let judged = self.nodes.iter().filter(|(_, share)| share.ended >= 8);
        let share = |share: &Share| share.value().unwrap_or(1.0);
        judged.min_by(|a, b| share(a.1).total_cmp(&share(b.1))).map(|(id, share)| (*id, *share))
    }
}
