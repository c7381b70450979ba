//! A funded chain on disk with transactions that are valid on it, made once and copied for each
//! test.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::prepare_big;
use crate::funded::{FundError, FundedWallet, XMR};
use crate::regtest::{Monerod, MonerodOptions, Program, RegtestError, WalletRpc, WalletRpcOptions};
use crate::wallet::{Destination, PreparedTransfer, Priority};

/// Counted up when the making changes, so that an older stock is not used.
const FORMAT: u32 = 2;

/// The wallet's name in monero-wallet-rpc.
const WALLET: &str = "stock";

/// Further blocks, so that enough rewards can be spent after the big transaction's preparation.
const FURTHER_BLOCKS: u64 = 45;

/// Independent transfers in stock.
const TRANSFERS: usize = 10;

/// Inputs of the sweep.
const SWEPT: usize = 41;

/// Why there is no stock.
#[derive(Debug, thiserror::Error)]
pub enum StockError {
    /// A child could not be started.
    #[error(transparent)]
    Regtest(#[from] RegtestError),
    /// The wallet could not be funded, or a transaction not be made.
    #[error(transparent)]
    Fund(#[from] FundError),
    /// The directory cannot be used.
    #[error("cannot use the stock of transactions in {}: {source}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The list of transactions cannot be read.
    #[error("the stock's list in {} cannot be read: {source}; remove the directory", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The wallet had too few outputs.
    #[error("the wallet has {found} outputs to spend, {wanted} were wanted")]
    TooFewOutputs {
        /// Outputs that could be spent.
        found: usize,
        /// Outputs that were wanted.
        wanted: usize,
    },
}

/// A funded chain on disk, and transactions that nobody has seen yet and that are all valid on it.
///
/// Made once in about half a minute, and found again by later runs. Nothing changes it: each test
/// starts monerod, and a wallet if it wants one, on copies.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stock {
    /// The wallet's address.
    pub address: String,
    /// Usual transfers of two inputs, 2,166 bytes; all can be mined together.
    pub transfers: Vec<PreparedTransfer>,
    /// Two transfers that spend the same outputs: one of them can be mined.
    pub double_spend: [PreparedTransfer; 2],
    /// A transfer with two hundred times the usual fee.
    pub generous: PreparedTransfer,
    /// A transfer of one input, some 1,507 bytes.
    pub one_input: PreparedTransfer,
    /// A sweep of 41 inputs, some 28 kB.
    pub sweep: PreparedTransfer,
    /// A transfer of 213 inputs, some 141 kB: close to the limit.
    pub big: PreparedTransfer,
    #[serde(skip)]
    dir: PathBuf,
}

impl Stock {
    /// The stock in `dir`, made now if it is not there yet. In an integration test `dir` is
    /// `env!("CARGO_TARGET_TMPDIR")`, which all crates of the workspace share.
    pub async fn open(dir: &Path) -> Result<Self, StockError> {
        // A wallet reads no files of a later version.
        let options = WalletRpcOptions::default();
        let program = Program::look(&options.program, options.start_deadline).await?;
        let version = program.version().unwrap_or("unknown");
        let dir = dir.join(format!("monero-stock-{FORMAT}-{version}"));
        fs::create_dir_all(&dir).map_err(|source| unusable(&dir, source))?;
        // Test programs may run side by side: one makes it, the others wait.
        let lock = File::create(dir.join("lock")).map_err(|source| unusable(&dir, source))?;
        let waited = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await;
        let lock = waited.map_err(io::Error::other).flatten();
        let _lock = lock.map_err(|source| unusable(&dir, source))?;
        let manifest = dir.join("stock.json");
        if !manifest.exists() {
            let made = make(&dir).await?;
            write(&manifest, &made)?;
        }
        let mut stock = read(&manifest)?;
        stock.dir = dir;
        Ok(stock)
    }

    /// Starts monerod on a copy of the chain. `options.data_dir` says where the copy goes; without
    /// it, a temporary directory.
    pub async fn monerod(&self, options: MonerodOptions) -> Result<Monerod, StockError> {
        let source = self.dir.join("chain");
        Ok(Monerod::start_with(options, |dir| copy(&source, dir)).await?)
    }

    /// Starts a wallet with the stock's money, on `monerod`. What the stock's transactions spend
    /// is frozen in it.
    pub async fn wallet(&self, monerod: &Monerod) -> Result<(WalletRpc, FundedWallet), StockError> {
        let source = self.dir.join("wallets");
        let options = WalletRpcOptions::default();
        let rpc =
            WalletRpc::start_with(monerod.daemon(), options, |dir| copy(&source, dir)).await?;
        let funded = FundedWallet::open(monerod.daemon(), rpc.wallet(), WALLET).await?;
        Ok((rpc, funded))
    }
}

async fn make(dir: &Path) -> Result<Stock, StockError> {
    let (chain, wallets) = (dir.join("chain"), dir.join("wallets"));
    for old in [&chain, &wallets] {
        if old.exists() {
            fs::remove_dir_all(old).map_err(|source| unusable(old, source))?;
        }
    }
    let options = MonerodOptions { data_dir: Some(chain), ..MonerodOptions::default() };
    let mut monerod = Monerod::start(options).await?;
    let options = WalletRpcOptions { wallet_dir: Some(wallets), ..WalletRpcOptions::default() };
    let mut rpc = WalletRpc::start(monerod.daemon(), options).await?;
    let progress = |mined, of| tracing::debug!(mined, of, "mining for the stock");
    let funded = FundedWallet::new(monerod.daemon(), rpc.wallet(), WALLET, progress).await?;
    let stock = fill(dir, &funded).await?;
    rpc.wallet().close().await.map_err(FundError::from)?;
    rpc.stop().await?;
    monerod.stop().await?;
    Ok(stock)
}

async fn fill(dir: &Path, funded: &FundedWallet) -> Result<Stock, StockError> {
    let big = prepare_big(funded).await?;
    funded.mine(FURTHER_BLOCKS).await?;
    funded.wallet().refresh().await.map_err(FundError::from)?;
    let transfers = funded.prepare_independent(TRANSFERS).await?;
    let first = transfer(funded, Priority::Default).await?;
    let double_spend = [first, funded.prepare(XMR).await?];
    let generous = transfer(funded, Priority::Highest).await?;
    freeze(funded, &generous.key_images).await?;
    let one_input = one_input(funded).await?;
    let sweep = sweep(funded).await?;
    let address = funded.address().to_owned();
    let dir = dir.to_owned();
    Ok(Stock { address, transfers, double_spend, generous, one_input, sweep, big, dir })
}

/// A transfer whose outputs stay free to be spent by the next one too.
async fn transfer(
    funded: &FundedWallet,
    priority: Priority,
) -> Result<PreparedTransfer, FundError> {
    let to = Destination { amount: XMR, address: funded.address().to_owned() };
    Ok(funded.wallet().transfer(&[to], priority, true).await?)
}

async fn freeze(funded: &FundedWallet, key_images: &[String]) -> Result<(), FundError> {
    for key_image in key_images {
        funded.wallet().freeze(key_image).await?;
    }
    Ok(())
}

async fn one_input(funded: &FundedWallet) -> Result<PreparedTransfer, StockError> {
    let key_image = free_outputs(funded, 1).await?.swap_remove(0);
    let made = funded.wallet().sweep_single(&key_image, funded.address()).await;
    freeze(funded, &[key_image]).await?;
    Ok(made.map_err(FundError::from)?)
}

/// The key images of all outputs that can be spent: `wanted` at least.
async fn free_outputs(funded: &FundedWallet, wanted: usize) -> Result<Vec<String>, StockError> {
    let outputs = funded.wallet().outputs().await.map_err(FundError::from)?;
    let free = outputs.into_iter().filter(|output| output.unlocked && !output.frozen);
    let free: Vec<String> = free.map(|output| output.key_image).collect();
    let found = free.len();
    if found < wanted {
        return Err(StockError::TooFewOutputs { found, wanted });
    }
    Ok(free)
}

/// One transaction that spends exactly [`SWEPT`] outputs; the others are frozen meanwhile.
async fn sweep(funded: &FundedWallet) -> Result<PreparedTransfer, StockError> {
    let wallet = funded.wallet();
    let mut free = free_outputs(funded, SWEPT).await?;
    let others = free.split_off(SWEPT);
    freeze(funded, &others).await?;
    let swept = wallet.sweep_all(funded.address(), Priority::Default).await;
    for key_image in &others {
        wallet.thaw(key_image).await.map_err(FundError::from)?;
    }
    freeze(funded, &free).await?;
    let sweep = swept.map_err(FundError::from)?.into_iter().next();
    sweep.ok_or(StockError::TooFewOutputs { found: 0, wanted: SWEPT })
}

fn read(manifest: &Path) -> Result<Stock, StockError> {
    let text = fs::read(manifest).map_err(|source| unusable(manifest, source))?;
    serde_json::from_slice(&text)
        .map_err(|source| StockError::Manifest { path: manifest.to_owned(), source })
}

/// Written aside and renamed: a list that is there is complete.
fn write(manifest: &Path, stock: &Stock) -> Result<(), StockError> {
    let text = serde_json::to_vec(stock)
        .map_err(|source| StockError::Manifest { path: manifest.to_owned(), source })?;
    let aside = manifest.with_extension("new");
    let written = fs::write(&aside, text).and_then(|()| fs::rename(&aside, manifest));
    written.map_err(|source| unusable(manifest, source))
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn unusable(path: &Path, source: io::Error) -> StockError {
    StockError::Directory { path: path.to_owned(), source }
}
