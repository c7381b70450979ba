//! Asks monerods, mines, and answers callers, as the core says.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use super::coinbase::{self, Made};
use super::core::{Core, Order, Purpose, Sight, Step};
use super::fund::{Full, JobId};
use super::sights::{self, Look};
use super::{Address, MAX_OUTPUTS, MinerStatus, MonerodStatus, NOBODY, Rules, TemplateError};
use crate::{Daemon, DaemonError};

/// One block, or one question about it: hundreds of milliseconds on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Orders that wait to be looked at; each is after the block that is being mined.
const ORDERS: usize = 16;

/// How to start a [`Miner`].
#[derive(Clone, Debug)]
pub struct MinerConfig {
    /// Where to mine: at the one with the most blocks.
    pub monerods: Vec<Daemon>,
    /// How to go about it.
    pub rules: Rules,
}

/// What an address got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Funding {
    /// In so many outputs, at least as many as were asked for.
    pub outputs: u64,
    /// Blocks from the first one that pays to the newest.
    pub blocks: u64,
    /// The number of blocks of the chain, with which all outputs can be spent.
    pub height: u64,
}

/// Why an address has no money.
#[derive(Debug, thiserror::Error)]
pub enum FundingError {
    /// Too few or too many outputs.
    #[error("outputs is 1 to {MAX_OUTPUTS}, not {given}")]
    Outputs {
        /// As many as asked for.
        given: u64,
    },
    /// Too many callers.
    #[error("too many addresses are being funded; try again in a few seconds")]
    Full,
    /// No monerod can be mined at.
    #[error(
        "not done after {} s: no monerod can be mined at ({why}); ask again, and it goes on where it was", after.as_secs()
    )]
    NoMonerod {
        /// How long it was waited for.
        after: Duration,
        /// A reason for each.
        why: String,
    },
    /// It takes longer.
    #[error("not done after {} s, at height {height}; ask again, and it goes on where it was", after.as_secs())]
    TooSlow {
        /// How long it was waited for.
        after: Duration,
        /// The number of blocks by then.
        height: u64,
    },
    /// The miner was stopped.
    #[error("the miner is stopping; ask again when it is back")]
    Stopped,
}

struct Ask {
    address: Address,
    outputs: u64,
    answer: oneshot::Sender<Result<Funding, FundingError>>,
}

/// A miner, as long as this is kept.
#[derive(Debug)]
pub struct Miner {
    asks: mpsc::Sender<Ask>,
    status: watch::Receiver<MinerStatus>,
    _tasks: JoinSet<()>,
}

impl Miner {
    /// Starts one. There may be no other on the same chain.
    #[must_use]
    pub fn start(config: MinerConfig) -> Self {
        Self::begin(config, None)
    }

    /// Starts one for a single monerod that has no peers, and is not offline. `peers` is its
    /// address for peers, `HOST:PORT`: it is greeted there as by a peer, for otherwise it waits
    /// for one for good. Of several, none is greeted: they have each other.
    #[must_use]
    pub fn start_greeting(config: MinerConfig, peers: String) -> Self {
        Self::begin(config, Some(peers))
    }

    fn begin(config: MinerConfig, alone: Option<String>) -> Self {
        let (asks, orders) = mpsc::channel(ORDERS);
        let mut tasks = JoinSet::new();
        let looks = sights::watch(&config.monerods, alone, &mut tasks);
        let waiting = |daemon: &Daemon| MonerodStatus {
            url: daemon.url().to_owned(),
            state: Err(format!("{} was not asked yet", daemon.url())),
        };
        let monerods: Vec<_> = config.monerods.iter().map(waiting).collect();
        let core = Core::new(config.rules, monerods.len());
        let (publish, status) = watch::channel(MinerStatus { monerods, ..MinerStatus::default() });
        let shell = Shell {
            core,
            daemons: config.monerods.into_iter().map(|d| d.with_timeout(TIMEOUT)).collect(),
            callers: HashMap::new(),
            publish,
        };
        tasks.spawn(shell.run(looks, orders));
        Self { asks, status, _tasks: tasks }
    }

    /// How it is.
    #[must_use]
    pub fn status(&self) -> MinerStatus {
        self.status.borrow().clone()
    }

    /// Follows how it is.
    #[must_use]
    pub fn follow(&self) -> watch::Receiver<MinerStatus> {
        self.status.clone()
    }

    /// Gives `address` money in `outputs` outputs, and returns when all of them can be spent.
    ///
    /// Goes on when the caller gives up or is dropped. The same address asked for again meanwhile
    /// is the same order, with the larger number of outputs.
    pub async fn fund(
        &self,
        address: Address,
        outputs: u64,
        deadline: Duration,
    ) -> Result<Funding, FundingError> {
        if !(1..=MAX_OUTPUTS).contains(&outputs) {
            return Err(FundingError::Outputs { given: outputs });
        }
        let (answer, answered) = oneshot::channel();
        let ordered = async {
            let ask = Ask { address, outputs, answer };
            self.asks.send(ask).await.map_err(|_| FundingError::Stopped)?;
            answered.await.map_err(|_| FundingError::Stopped)?
        };
        tokio::time::timeout(deadline, ordered).await.unwrap_or_else(|_| Err(self.late(deadline)))
    }

    fn late(&self, after: Duration) -> FundingError {
        let status = self.status();
        let why = status.reasons();
        if why.is_empty() {
            FundingError::TooSlow { after, height: status.height }
        } else {
            FundingError::NoMonerod { after, why: why.join("; ") }
        }
    }
}

struct Shell {
    core: Core,
    daemons: Vec<Daemon>,
    callers: HashMap<JobId, Vec<oneshot::Sender<Result<Funding, FundingError>>>>,
    publish: watch::Sender<MinerStatus>,
}

impl Shell {
    async fn run(mut self, mut looks: mpsc::Receiver<Look>, mut orders: mpsc::Receiver<Ask>) {
        loop {
            // What has come in meanwhile, first.
            while let Ok(look) = looks.try_recv() {
                self.see(look);
            }
            while let Ok(ask) = orders.try_recv() {
                self.take(ask);
            }
            let step = self.core.poll(Instant::now());
            self.tell();
            match step {
                Step::Mine(order) => self.mine(&order).await,
                Step::Check { job, at, blocks } => self.check(job, at, &blocks).await,
                Step::Wait(until) => {
                    let until = async {
                        match until {
                            Some(until) => tokio::time::sleep_until(until.into()).await,
                            None => std::future::pending().await,
                        }
                    };
                    tokio::select! {
                        () = until => {}
                        look = looks.recv() => match look {
                            Some(look) => self.see(look),
                            None => return,
                        },
                        ask = orders.recv() => match ask {
                            Some(ask) => self.take(ask),
                            None => return,
                        },
                    }
                }
            }
        }
    }

    fn see(&mut self, look: Look) {
        let sight = look.state.as_ref().ok().map(|info| Sight {
            height: info.height,
            synchronized: info.synchronized,
            pool: info.tx_pool_size,
        });
        self.core.handle_sight(look.at, sight, look.asked);
        self.publish.send_modify(|status| {
            if let Some(monerod) = status.monerods.get_mut(look.at) {
                monerod.state = look.state;
            }
            let pools = status.monerods.iter().filter_map(|monerod| monerod.state.as_ref().ok());
            status.pool = pools.map(|info| info.tx_pool_size).max().unwrap_or(0);
        });
    }

    fn take(&mut self, ask: Ask) {
        match self.core.handle_fund(ask.address, ask.outputs) {
            Ok(job) => {
                let callers = self.callers.entry(job).or_default();
                // Those who have gone make room.
                callers.retain(|caller| !caller.is_closed());
                callers.push(ask.answer);
            }
            Err(Full) => {
                let _ = ask.answer.send(Err(FundingError::Full));
            }
        }
    }

    /// Answers those who have what they asked for, and says how it is.
    fn tell(&mut self) {
        while let Some(done) = self.core.poll_funded() {
            tracing::info!(
                outputs = done.outputs,
                blocks = done.blocks,
                height = done.height,
                "an address was funded"
            );
            let funding =
                Funding { outputs: done.outputs, blocks: done.blocks, height: done.height };
            for caller in self.callers.remove(&done.job).unwrap_or_default() {
                let _ = caller.send(Ok(funding));
            }
        }
        let (height, orders) = (self.core.reached(), self.core.jobs());
        self.publish.send_if_modified(|status| {
            let changed = (status.height, status.orders) != (height, orders);
            (status.height, status.orders) = (height, orders);
            changed
        });
    }

    async fn mine(&mut self, order: &Order) {
        let Some(daemon) = self.daemons.get(order.at) else { return };
        match block(daemon, order).await {
            Ok((made, height)) => {
                tracing::debug!(at = daemon.url(), height, purpose = ?order.purpose,
                    transactions = made.transactions, "a block was mined");
                let now = Instant::now();
                self.core.handle_mined(order, made.hash, height, made.transactions, now);
                self.publish.send_modify(|status| count(status, order, &made));
            }
            Err(error) => {
                tracing::warn!(at = daemon.url(), %error, "no block was mined; trying on");
                self.core.handle_failed(order.at, Instant::now());
            }
        }
    }

    async fn check(&mut self, job: JobId, at: usize, blocks: &[(u64, [u8; 32])]) {
        let Some(daemon) = self.daemons.get(at) else { return };
        match lost(daemon, blocks).await {
            Ok(lost) => {
                if !lost.is_empty() {
                    tracing::warn!(
                        at = daemon.url(),
                        blocks = lost.len(),
                        "blocks that paid an address are in the chain no more; paying again"
                    );
                }
                self.core.handle_checked(job, Some(&lost));
            }
            Err(error) => {
                tracing::warn!(at = daemon.url(), %error, "no answer about blocks; trying on");
                self.core.handle_failed(at, Instant::now());
            }
        }
    }
}

/// Why no block came of an order.
#[derive(Debug, thiserror::Error)]
enum MineError {
    #[error(transparent)]
    Daemon(#[from] DaemonError),
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error("it has {height} blocks, and others had {above} already")]
    Behind { height: u64, above: u64 },
    #[error("nobody's address is wrong: {0}")]
    Nobody(#[from] super::AddressError),
}

/// Mines, and returns the block and how many are below it.
async fn block(daemon: &Daemon, order: &Order) -> Result<(Made, u64), MineError> {
    let to: Address = match &order.pays {
        Some((_, address)) => address.clone(),
        None => NOBODY.parse()?,
    };
    let template = daemon.block_template(to.as_str()).await?;
    let (height, above) = (template.height, order.above);
    if height < above {
        return Err(MineError::Behind { height, above });
    }
    let made = coinbase::pay(&template.blob, &to, order.outputs, rand::random())?;
    daemon.submit_block(&made.blob).await?;
    Ok((made, height))
}

/// Those of `blocks` that are not in the daemon's chain, by their height.
async fn lost(daemon: &Daemon, blocks: &[(u64, [u8; 32])]) -> Result<Vec<u64>, DaemonError> {
    let mut lost = Vec::new();
    for (height, hash) in blocks {
        if daemon.block_hash(*height).await? != Some(*hash) {
            lost.push(*height);
        }
    }
    Ok(lost)
}

fn count(status: &mut MinerStatus, order: &Order, made: &Made) {
    let mined = &mut status.mined;
    let blocks = match order.purpose {
        Purpose::Start => &mut mined.start,
        Purpose::Transactions => &mut mined.transactions,
        Purpose::Confirmations => &mut mined.confirmations,
        Purpose::Fund => &mut mined.fund,
    };
    *blocks += 1;
    mined.included += made.transactions;
    if order.pays.is_some() {
        mined.outputs += order.outputs;
    }
}
