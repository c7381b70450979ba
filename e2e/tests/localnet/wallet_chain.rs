//! A chain of more than three hundred blocks with two people's money on it, made once and copied
//! for each test.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use mixbed_monero::testing::Stock;
use mixbed_monero::{Daemon, Monerod, MonerodOptions, WalletRpc, WalletRpcOptions};
use serde::{Deserialize, Serialize};

/// Counted up when the making changes, so that an older chain is not used.
const FORMAT: u32 = 1;

/// Rewards that each of the two gets: more than a sweep of forty inputs after a transfer takes.
const REWARDS: u64 = 48;

/// Blocks on top, to the stock's wallet: rewards can be spent after sixty, and it makes more than
/// three hundred blocks in all.
const ON_TOP: u64 = 70;

/// Mined in steps of so many: monerod answers within a client's patience.
const STEP: u64 = 10;

/// Somebody with money.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Person {
    pub(crate) address: String,
    /// 25 words.
    pub(crate) seed: String,
}

/// What is on disk.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct WalletChain {
    pub(crate) alice: Person,
    pub(crate) bob: Person,
    /// Whose blocks those are that a test mines.
    pub(crate) miner: String,
    #[serde(skip)]
    dir: PathBuf,
}

impl WalletChain {
    /// Made in about half a minute if it is not there yet.
    pub(crate) async fn open() -> Self {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("wallet-chain-{FORMAT}"));
        fs::create_dir_all(&dir).expect("a directory");
        let stock = Stock::open(Path::new(env!("CARGO_TARGET_TMPDIR"))).await.expect("a stock");
        // Tests run side by side: one makes it, the others wait.
        let lock = File::create(dir.join("lock")).expect("a file");
        let lock = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await;
        let _lock = lock.expect("no panic").expect("a lock");
        let told = dir.join("people.json");
        if !told.exists() {
            let made = make(&dir, &stock).await;
            let aside = dir.join("people.new");
            fs::write(&aside, serde_json::to_vec(&made).expect("JSON")).expect("room on the disk");
            fs::rename(aside, &told).expect("the same directory");
        }
        let told = fs::read(told).expect("it is there");
        Self { dir, ..serde_json::from_slice(&told).expect("written by this") }
    }

    /// A monerod on a copy of it, in `dir`.
    pub(crate) async fn monerod(&self, dir: &Path) -> Monerod {
        copy(&self.dir.join("chain"), dir);
        let data_dir = Some(dir.to_owned());
        Monerod::start(MonerodOptions { data_dir, ..MonerodOptions::default() })
            .await
            .expect("a monerod")
    }
}

async fn make(dir: &Path, stock: &Stock) -> WalletChain {
    let chain = dir.join("chain");
    let _ = fs::remove_dir_all(&chain);
    let options = MonerodOptions { data_dir: Some(chain), ..MonerodOptions::default() };
    let mut monerod = stock.monerod(options).await.expect("a monerod");
    let wallets = WalletRpc::start(monerod.daemon(), WalletRpcOptions::default()).await;
    let wallets = wallets.expect("a wallet");
    let mut people = Vec::new();
    for name in ["alice", "bob"] {
        let wallet = wallets.wallet();
        wallet.create(name).await.expect("made");
        let address = wallet.address().await.expect("open");
        let seed = wallet.seed().await.expect("open");
        wallet.close().await.expect("open");
        mine(monerod.daemon(), REWARDS, &address).await;
        people.push(Person { address, seed });
    }
    mine(monerod.daemon(), ON_TOP, &stock.address).await;
    let height = monerod.daemon().get_info().await.expect("it answers").height;
    assert!(height > 300, "a refresh is to have 300 blocks: {height}");
    monerod.stop().await.expect("it stops");
    let [alice, bob] = people.try_into().expect("two");
    WalletChain { alice, bob, miner: stock.address.clone(), dir: dir.to_owned() }
}

async fn mine(daemon: &Daemon, mut blocks: u64, address: &str) {
    while blocks > 0 {
        let some = blocks.min(STEP);
        daemon.generate_blocks(some, address).await.expect("mined");
        blocks -= some;
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a chain") {
        let entry = entry.expect("a file");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("of some kind").is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("room on the disk");
        }
    }
}
