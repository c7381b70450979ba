//! What the tests share.

use std::path::Path;

use mixbed_monero::testing::Stock;
use mixbed_monero::{Daemon, Monerod, MonerodOptions};
use tokio::sync::OnceCell;

/// The stock of transactions, opened once a run.
pub(crate) async fn stock() -> &'static Stock {
    static STOCK: OnceCell<Stock> = OnceCell::const_new();
    let open = || async { Stock::open(Path::new(env!("CARGO_TARGET_TMPDIR"))).await.unwrap() };
    STOCK.get_or_init(open).await
}

/// The stock, and a monerod of the test's own on its chain.
pub(crate) async fn stocked() -> (&'static Stock, Monerod) {
    let stock = stock().await;
    let monerod = stock.monerod(MonerodOptions::default()).await.unwrap();
    (stock, monerod)
}

/// A client for a monerod that all tests share that change nothing in it.
pub(crate) async fn shared() -> Daemon {
    static SHARED: OnceCell<Monerod> = OnceCell::const_new();
    let start = || async {
        // Statics are not dropped: the chain's copy is removed by the next run instead.
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("monero-shared");
        let _ = std::fs::remove_dir_all(&dir);
        let options = MonerodOptions { data_dir: Some(dir), ..MonerodOptions::default() };
        stock().await.monerod(options).await.unwrap()
    };
    // A client of the test's own: connections belong to the runtime that made them.
    Daemon::new(SHARED.get_or_init(start).await.url()).unwrap()
}

/// A daemon on whose port nothing listens.
pub(crate) fn nobody() -> Daemon {
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    Daemon::new(&held.local_addr().unwrap().to_string()).unwrap()
}
