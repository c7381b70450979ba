//! The wallet: gets money, and makes a transaction of each of its outputs.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mixbed_monero::rpc::Endpoint;
use mixbed_monero::{Daemon, TxId, Wallet, WalletError};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use crate::fund::Miner;

/// Between two tries of something that failed.
const PAUSE: Duration = Duration::from_millis(500);

/// Outputs beyond those that are needed: one may be refused.
const SPARE: u32 = 2;

/// The most that the miner gives at once.
const MOST: u32 = 1000;

/// A transaction that nobody was told of.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) number: u32,
    pub(crate) txid: TxId,
    pub(crate) raw: Arc<[u8]>,
}

/// A wallet for one run.
#[derive(Debug)]
pub(crate) struct Purse {
    wallet: Wallet,
    endpoint: Endpoint,
    miner: Miner,
    monerods: Vec<Daemon>,
    name: String,
    /// The wallet's name in monero-wallet-rpc.
    file: String,
    address: Option<String>,
    /// Key images of outputs that were not spent yet.
    outputs: VecDeque<String>,
    words: watch::Sender<String>,
}

impl Purse {
    pub(crate) fn new(
        url: &str,
        miner: Miner,
        monerods: Vec<Daemon>,
        name: &str,
        words: watch::Sender<String>,
    ) -> Result<Self, WalletError> {
        let (wallet, outputs) = (Wallet::new(url)?, VecDeque::new());
        let endpoint = Endpoint::new(url)?;
        let (name, file) = (name.to_owned(), String::new());
        let address = None;
        Ok(Self { wallet, endpoint, miner, monerods, name, file, address, outputs, words })
    }

    /// Makes a transaction for each number that comes in; `missing` with it is how many are to be
    /// made in all, so that money comes at once for all.
    pub(crate) async fn work(
        mut self,
        mut asks: mpsc::Receiver<(u32, u32)>,
        made: mpsc::Sender<Made>,
    ) {
        while let Some((number, missing)) = asks.recv().await {
            let one = loop {
                match self.make(missing).await {
                    Ok((txid, raw)) => break Made { number, txid, raw },
                    Err(words) => {
                        tracing::warn!(words, "no transaction was made; trying on");
                        self.say(&words);
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            };
            self.say("");
            if made.send(one).await.is_err() {
                return;
            }
        }
    }

    async fn make(&mut self, missing: u32) -> Result<(TxId, Arc<[u8]>), String> {
        if self.address.is_none() {
            self.open().await?;
        }
        if self.outputs.is_empty() {
            self.fund(missing).await?;
        }
        let address = self.address.clone().ok_or("the wallet has no address")?;
        let key_image = self.outputs.front().cloned().ok_or("the wallet has no outputs")?;
        let began = Instant::now();
        match self.wallet.sweep_single(&key_image, &address).await {
            Ok(prepared) => {
                self.outputs.pop_front();
                let computed = TxId::of(&prepared.raw);
                let computed = computed.map_err(|error| format!("the wallet's bytes: {error}"))?;
                if computed != prepared.txid {
                    return Err(format!("the wallet calls {computed} {}", prepared.txid));
                }
                tracing::debug!(txid = %computed, took = ?began.elapsed(), "made");
                Ok((computed, prepared.raw.into()))
            }
            Err(WalletError::NotOpen) => {
                // monero-wallet-rpc was started again: it has the wallet on its disk, or lost it.
                if self.wallet.open(&self.file).await.is_err() {
                    (self.address, self.outputs) = (None, VecDeque::new());
                }
                Err("the wallet was closed; opening it again".to_owned())
            }
            Err(error) => {
                let words = format!("the wallet: {error}");
                let passing = match &error {
                    WalletError::NoDaemon | WalletError::NotEnoughDecoys => true,
                    WalletError::Rpc(error) => error.is_transient() || error.code().is_some(),
                    _ => false,
                };
                if passing && self.attach().await.is_ok() {
                    let _ = self.wallet.refresh().await;
                }
                // It may be this output's own fault: the next is tried first.
                self.outputs.rotate_left(1);
                Err(words)
            }
        }
    }

    /// Creates a wallet, on a monerod that is in step.
    async fn open(&mut self) -> Result<(), String> {
        self.say("waits for the wallet");
        let words = |error: WalletError| format!("the wallet: {error}");
        self.wallet.version().await.map_err(words)?;
        self.say("waits for a monerod");
        best(&self.monerods).await?;
        // Another than the process before had: what that one has spent is not known here.
        self.file = format!("{}-{:08x}", self.name, rand::random::<u32>());
        let own = self.monerods.first();
        let in_step = match own {
            Some(daemon) => daemon.get_info().await.is_ok_and(|info| info.synchronized),
            None => false,
        };
        self.wallet.create(&self.file).await.map_err(words)?;
        if !in_step {
            // Made without its monerod, it would look for money where the main network is now.
            let seed = self.wallet.seed().await.map_err(words)?;
            self.file = format!("{}-again", self.file);
            self.wallet.restore(&self.file, &seed).await.map_err(words)?;
        }
        self.attach().await?;
        self.address = Some(self.wallet.address().await.map_err(words)?);
        Ok(())
    }

    /// Gets money for so many transactions.
    async fn fund(&mut self, missing: u32) -> Result<(), String> {
        let address = self.address.clone().unwrap_or_default();
        let outputs = (missing + SPARE).min(MOST);
        self.say(&format!("waits for the miner to give its wallet {outputs} outputs"));
        let began = Instant::now();
        self.miner.fund(&address, outputs).await?;
        self.say("reads the chain");
        let words = |error: WalletError| format!("the wallet: {error}");
        self.wallet.refresh().await.map_err(words)?;
        let found = self.wallet.outputs().await.map_err(words)?;
        let usable = found.into_iter().filter(|o| o.unlocked && !o.spent && !o.frozen);
        self.outputs = usable.map(|output| output.key_image).collect();
        if self.outputs.is_empty() {
            // Given back by the chain, or made for another one: a new wallet sees its own money.
            self.address = None;
            return Err("the wallet sees none of its money; trying with another".to_owned());
        }
        tracing::info!(outputs = self.outputs.len(), took = ?began.elapsed(), "the wallet has money");
        Ok(())
    }

    /// Puts the open wallet onto the monerod with the longest chain of those that are in step.
    async fn attach(&self) -> Result<(), String> {
        let daemon = best(&self.monerods).await?;
        let params = json!({
            "address": daemon.url().trim_start_matches("http://"),
            "trusted": true,
            "ssl_support": "disabled",
        });
        let set = self.endpoint.call::<Value>("set_daemon", params).await;
        set.map(drop).map_err(|error| format!("the wallet: {error}"))
    }

    fn say(&self, words: &str) {
        self.words.send_if_modified(|last| {
            let changed = last != words;
            words.clone_into(last);
            changed
        });
    }
}

/// The monerod with the longest chain of those that are in step.
async fn best(monerods: &[Daemon]) -> Result<&Daemon, String> {
    let mut best: Option<(u64, &Daemon)> = None;
    let mut words = "no monerod is in step yet".to_owned();
    for daemon in monerods {
        match daemon.get_info().await {
            Ok(info) if info.synchronized => {
                if best.is_none_or(|(height, _)| info.height > height) {
                    best = Some((info.height, daemon));
                }
            }
            Ok(_) => {}
            Err(error) => words = error.to_string(),
        }
    }
    best.map(|(_, daemon)| daemon).ok_or(words)
}
