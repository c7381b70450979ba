//! The net, monerod and the wallet of a demo, and what is done with them.

use std::time::{Duration, Instant};

use mixbed_client::BroadcastOptions;
use mixbed_directory::Parameters;
use mixbed_localnet::{LocalNetConfig, NetBooks};
use mixbed_monero::daemon::TxState;
use mixbed_monero::wallet::PreparedTransfer;
use mixbed_monero::{FundedWallet, TxId};
use mixbed_telemetry::Telemetry;

use super::Plan;
use super::proof::Shown;
use super::transaction::Transaction;
use crate::control::{accepted, failed};
use crate::failure::Failure;
use crate::money::{self, Money};
use crate::net::Running;
use crate::output;
use crate::progress::Progress;
use crate::trace::Way;

/// The funded wallet's outputs are enough for this many transfers of two inputs.
const FUNDED_FOR: usize = 20;

/// The last hops' spans end a moment after the answer is there.
const LAST_SPANS: Duration = Duration::from_secs(3);

/// How long mining may take until every transaction is in a block.
const MINING: Duration = Duration::from_secs(30);

/// How long the last packets may take to leave the nodes.
const REST: Duration = Duration::from_secs(5);

pub(super) struct Stage {
    telemetry: Telemetry,
    running: Running,
    money: Money,
}

impl Stage {
    /// Starts everything. The net starts while blocks are mined to the wallet.
    pub(super) async fn set_up(
        plan: &Plan,
        telemetry: &Telemetry,
        progress: Progress,
    ) -> Result<Self, Failure> {
        let kept = |name: &str| plan.keep.as_ref().map(|dir| dir.join(name));
        let step = progress.step("starting monerod (regtest)");
        let monerod = money::monerod(kept("monerod").as_deref()).await?;
        step.done("monerod on regtest, a chain of its own");

        let config = LocalNetConfig {
            shape: plan.shape,
            parameters: Parameters {
                mean_hop_delay: plan.mean_hop_delay,
                tracing_allowed: true,
                ..Parameters::default()
            },
            monerod: Some(monerod.daemon().clone()),
            monerod_restricted: monerod.restricted().cloned(),
            telemetry: telemetry.clone(),
            ..LocalNetConfig::default()
        };
        let net = async {
            let began = Instant::now();
            let running = Running::start(config).await?;
            let nodes = running.net.nodes().len();
            let took = began.elapsed().as_secs_f32();
            progress.say(format!("mixnet of {nodes} nodes and a directory ({took:.1} s)"));
            Ok(running)
        };
        let wallet_dir = kept("wallet");
        let fund = Money::fund(monerod, wallet_dir.as_deref(), progress);
        let (running, money) = tokio::try_join!(net, fund)?;
        Ok(Self { telemetry: telemetry.clone(), running, money })
    }

    /// Makes the transfers, sends them, and has them mined.
    pub(super) async fn perform(&self, plan: &Plan, progress: Progress) -> Result<Shown, Failure> {
        let wallet = self.money.funded().ok_or_else(|| Failure::failed("there is no wallet"))?;
        let transfers = prepare(wallet, plan.transactions, progress).await?;
        let mut transactions = Vec::new();
        for (number, transfer) in (1..).zip(&transfers) {
            let step = progress.step(&format!("broadcasting transaction {number}"));
            let transaction = self.broadcast(transfer).await;
            drop(step);
            if !plan.json {
                output::print(transaction.tell(number, transfers.len()));
            }
            transactions.push(transaction);
        }
        self.mine(wallet, &mut transactions, progress).await?;
        let books = self.books_at_rest().await;
        Ok(Shown { transactions, nodes: self.running.net.nodes().len(), books })
    }

    async fn broadcast(&self, transfer: &PreparedTransfer) -> Transaction {
        let options = BroadcastOptions { traced: true, ..BroadcastOptions::default() };
        let began = Instant::now();
        let (reply, trace) = match self.running.client.broadcast(&transfer.raw, options).await {
            Ok(report) => (accepted(&report), report.trace_id),
            Err(error) => (failed(&error, &transfer.raw, began.elapsed()), None),
        };
        let mut way = Way::default();
        if let Some(trace) = trace {
            let spans = self.telemetry.spans();
            let complete = spans.wait_for(trace, |spans| Way::read(spans).is_complete());
            let spans = match tokio::time::timeout(LAST_SPANS, complete).await {
                Ok(spans) => spans,
                // What is missing is said in the end.
                Err(_) => spans.trace(trace),
            };
            way = Way::read(&spans);
        }
        Transaction::new(transfer, reply, way)
    }

    /// Mines, and asks monerod where each transaction is.
    async fn mine(
        &self,
        wallet: &FundedWallet,
        transactions: &mut [Transaction],
        progress: Progress,
    ) -> Result<(), Failure> {
        let step = progress.step("mining");
        let accepted = transactions.iter().filter(|t| t.reply.outcome.is_accepted());
        let accepted: Vec<TxId> = accepted.map(|t| t.txid).collect();
        // A transaction that is in no block in the end is told as such below.
        if let Err(error) = wallet.mine_until_included(&accepted, MINING).await {
            tracing::warn!(%error, "mining");
        }
        let txids: Vec<TxId> = transactions.iter().map(|t| t.txid).collect();
        let daemon = self.money.monerod().daemon();
        let states = daemon.transactions(&txids).await.map_err(Failure::failed)?;
        for (transaction, state) in transactions.iter_mut().zip(states) {
            if let TxState::Mined { height, .. } = state {
                transaction.block = Some(height);
            }
        }
        step.done("mined; monerod was asked for each transaction's block");
        Ok(())
    }

    /// The nodes' accounts when nothing moves any more, or as they are after a while.
    async fn books_at_rest(&self) -> NetBooks {
        let end = Instant::now() + REST;
        loop {
            let books = self.running.net.books();
            if books.at_rest() || Instant::now() >= end {
                return books;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(super) async fn tear_down(self) {
        tokio::join!(self.running.stop(), self.money.stop());
    }
}

async fn prepare(
    wallet: &FundedWallet,
    count: usize,
    progress: Progress,
) -> Result<Vec<PreparedTransfer>, Failure> {
    let step = progress.step("making transfers");
    if count > FUNDED_FOR {
        let more = 2 * (count - FUNDED_FOR);
        wallet.mine(more as u64).await.map_err(Failure::failed)?;
        wallet.wallet().refresh().await.map_err(Failure::failed)?;
    }
    let mut transfers = Vec::new();
    for number in 1..=count {
        let one = wallet.prepare_independent(1).await.map_err(Failure::failed)?;
        transfers.extend(one);
        step.at(number as u64, count as u64);
    }
    let transfers_word = if count == 1 { "transfer" } else { "transfers" };
    step.done(format!(
        "{count} {transfers_word} made by the wallet, and told nobody (do_not_relay)"
    ));
    Ok(transfers)
}
