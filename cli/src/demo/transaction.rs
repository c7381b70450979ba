//! What is known of one transaction of the demo.

use std::time::Duration;

use mixbed_monero::{PreparedTransfer, TxId};
use serde::Serialize;

use crate::control::BroadcastReply;
use crate::trace::{Way, duration, packet_count, render};

/// A transaction and what became of it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Transaction {
    /// Its id, as the wallet says and its bytes do.
    pub(super) txid: TxId,
    /// Its size in bytes.
    pub(super) bytes: usize,
    /// What the broadcast came to.
    pub(super) reply: BroadcastReply,
    /// Its packets' hops.
    pub(super) way: Way,
    /// The block that monerod has it in.
    pub(super) block: Option<u64>,
}

impl Transaction {
    pub(super) fn new(transfer: &PreparedTransfer, reply: BroadcastReply, way: Way) -> Self {
        Self { txid: transfer.txid, bytes: transfer.raw.len(), reply, way, block: None }
    }

    /// What was not proven of it.
    pub(super) fn failures(&self) -> Vec<String> {
        let mut failures = Vec::new();
        if !self.reply.outcome.is_accepted() {
            failures.push(self.reply.words.clone());
            return failures;
        }
        if self.reply.txid != Some(self.txid.to_string()) {
            failures.push("the provider's word is for another transaction".to_owned());
        }
        if !self.way.is_complete() {
            let hops = self.way.hops();
            failures.push(format!("the spans show {hops} hops, not five there and six back"));
        }
        if self.block.is_none() {
            failures.push("monerod has it in no block".to_owned());
        }
        failures.iter().map(|why| format!("transaction {}: {why}", self.txid)).collect()
    }

    /// Its table.
    pub(super) fn tell(&self, number: usize, of: usize) -> String {
        let Self { txid, bytes, reply, way, .. } = self;
        let micros = Duration::from_micros;
        let took = duration(micros(reply.elapsed_us));
        let trace = reply.trace_id.as_ref().map(|trace| format!("trace {trace}\n"));
        let total = match &reply.packets {
            Some(packets) => format!(
                "total {took}, {} of it mixing delays, {} monerod; {} there, {} back; {}",
                duration(micros(packets.mixing_delay_us)),
                duration(micros(packets.monerod_us)),
                packet_count(packets.sent),
                packet_count(packets.received),
                reply.words,
            ),
            None => format!("total {took}: {}", reply.words),
        };
        format!(
            "\ntransaction {number} of {of}: {bytes} bytes, txid {txid}\n{}\n{}\n\n{total}",
            trace.unwrap_or_default(),
            render(way),
        )
    }
}
