//! What a demo has proven, and what not.

use std::time::Duration;

use mixbed_localnet::NetBooks;
use serde::Serialize;

use super::transaction::Transaction;

/// What was seen.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) transactions: Vec<Transaction>,
    /// How many nodes there are.
    pub(super) nodes: usize,
    /// Their accounts after the last packet.
    pub(super) books: NetBooks,
}

/// What follows from it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Proof {
    /// Whether everything was proven.
    pub(super) ok: bool,
    /// What was, in a sentence.
    pub(super) proven: String,
    /// What was not.
    pub(super) failures: Vec<String>,
    pub(super) transactions: Vec<Transaction>,
    pub(super) books: Books,
    /// The whole demo, from its start until everything had stopped.
    pub(super) took_ms: u64,
}

/// The nodes' accounts, summed up.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Books {
    pub(super) nodes: usize,
    /// Nodes whose accounts close with nothing held.
    pub(super) closed: usize,
    pub(super) received: u64,
    pub(super) made: u64,
    pub(super) sent: u64,
    pub(super) delivered: u64,
    pub(super) dropped: u64,
}

impl Proof {
    pub(super) fn new(shown: Shown, took: Duration) -> Self {
        let Shown { transactions, nodes, books } = shown;
        let mut failures: Vec<_> = transactions.iter().flat_map(Transaction::failures).collect();
        failures.extend(open_books(&books));
        if books.nodes.len() != nodes {
            failures.push(format!("{} of {nodes} nodes gave their accounts", books.nodes.len()));
        }
        Self {
            ok: failures.is_empty(),
            proven: sentence(&transactions, nodes, Books::new(&books)),
            failures,
            books: Books::new(&books),
            transactions,
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

impl Books {
    fn new(books: &NetBooks) -> Self {
        Self {
            nodes: books.nodes.len(),
            closed: books.nodes.values().filter(|node| node.closes() && node.held == 0).count(),
            received: books.total(|node| node.received),
            made: books.total(|node| node.made),
            sent: books.total(|node| node.sent),
            delivered: books.total(|node| node.delivered),
            dropped: books.total(mixbed_telemetry::Readings::dropped_total),
        }
    }
}

fn open_books(books: &NetBooks) -> impl Iterator<Item = String> {
    books.nodes.iter().filter(|(_, node)| !node.closes() || node.held > 0).map(|(name, node)| {
        format!(
            "the books of {name} do not close: {} came in, {} are accounted for, {} are held",
            node.incoming(),
            node.accounted(),
            node.held
        )
    })
}

fn sentence(transactions: &[Transaction], nodes: usize, books: Books) -> String {
    let proven = transactions.iter().filter(|t| t.failures().is_empty()).count();
    let packets = || transactions.iter().filter_map(|t| t.reply.packets.as_ref());
    let there: u64 = packets().map(|p| p.sent).sum();
    let back: u64 = packets().map(|p| p.received).sum();
    let blocks = transactions.iter().filter_map(|t| t.block);
    let blocks = match (blocks.clone().min(), blocks.max()) {
        (Some(first), Some(last)) if first < last => format!("blocks {first} to {last}"),
        (Some(only), _) => format!("block {only}"),
        _ => "no block".to_owned(),
    };
    let closed = match books.closed {
        all if all == nodes => format!("all {nodes}"),
        some => format!("{some} of {nodes}"),
    };
    format!(
        "{proven} of {} transactions crossed 5 Sphinx hops each way, were accepted by \
         monerod and mined ({blocks}); {} packets, {there} there and {back} back; the books of \
         {closed} nodes close",
        transactions.len(),
        there + back,
    )
}

#[cfg(test)]
mod tests {
    use mixbed_monero::TxId;
    use mixbed_telemetry::Readings;

    use super::*;
    use crate::control::{BroadcastReply, Outcome};
    use crate::trace::{HopRow, PacketWay, Way};

    fn hop(node: &str, role: &str) -> HopRow {
        HopRow {
            node: node.to_owned(),
            role: role.to_owned(),
            queue_wait: Duration::ZERO,
            unwrap: Duration::ZERO,
            delay_asked: None,
            delay_held: None,
            link: None,
            impaired: None,
            outcome: "forwarded".to_owned(),
        }
    }

    fn transaction() -> Transaction {
        let txid = TxId::from([7; 32]);
        let mixes = |n| (1..=3).map(move |layer| hop(&format!("mix-{layer}-{n}"), "mix"));
        let there = std::iter::once(hop("gateway-0", "gateway"))
            .chain(mixes(0))
            .chain(std::iter::once(hop("provider-0", "provider")));
        let back = std::iter::once(hop("provider-0", "provider"))
            .chain(mixes(1))
            .chain([hop("gateway-0", "gateway"), hop("client", "client")]);
        let packet =
            PacketWay { there: there.collect(), back: back.collect(), ..PacketWay::default() };
        Transaction {
            txid,
            bytes: 2_166,
            reply: BroadcastReply {
                outcome: Outcome::Accepted,
                txid: Some(txid.to_string()),
                ..BroadcastReply::default()
            },
            way: Way { packets: vec![packet], ..Way::default() },
            block: Some(122),
        }
    }

    fn shown(transaction: Transaction) -> Shown {
        let node = Readings { received: 3, sent: 3, ..Readings::default() };
        let nodes = [("gateway-0".to_owned(), node)].into();
        let books = NetBooks { nodes, ended: Vec::new() };
        Shown { transactions: vec![transaction], nodes: 1, books }
    }

    fn failures(shown: Shown) -> String {
        let proof = Proof::new(shown, Duration::ZERO);
        assert_eq!(proof.ok, proof.failures.is_empty());
        proof.failures.join("; ")
    }

    #[test]
    fn what_is_complete_is_proven() {
        assert_eq!(failures(shown(transaction())), "");
        let proof = Proof::new(shown(transaction()), Duration::ZERO).proven;
        assert!(proof.contains("1 of 1 transactions") && proof.contains("block 122"), "{proof}");
    }

    #[test]
    fn each_gap_is_named() {
        let mut rejected = transaction();
        rejected.reply.outcome = Outcome::Rejected;
        rejected.reply.words = "the fee is too low".to_owned();
        assert!(failures(shown(rejected)).contains("the fee is too low"));

        let mut pending = transaction();
        pending.block = None;
        assert!(failures(shown(pending)).contains("in no block"));

        let mut short = transaction();
        short.way.packets[0].back.remove(1);
        assert!(failures(shown(short)).contains("10 hops"));

        let mut detour = transaction();
        detour.way.packets[0].there.swap(1, 2);
        assert!(failures(shown(detour)).contains("hops"));

        let mut other = transaction();
        other.reply.txid = Some("00".repeat(32));
        assert!(failures(shown(other)).contains("another transaction"));
    }

    #[test]
    fn open_books_are_named() {
        let mut lost = shown(transaction());
        lost.books
            .nodes
            .insert("mix-1-0".to_owned(), Readings { received: 1, ..Readings::default() });
        lost.nodes = 2;
        assert!(failures(lost).contains("the books of mix-1-0 do not close"));
        let mut silent = shown(transaction());
        silent.nodes = 9;
        assert!(failures(silent).contains("1 of 9 nodes"));
    }
}
