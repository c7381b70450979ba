//! The wallet's client, and funding one from nothing.

use std::collections::HashSet;
use std::time::Duration;

use mixbed_monero::wallet::{Destination, Priority};
use mixbed_monero::{
    FundError, FundedWallet, Monerod, MonerodOptions, TxId, Verdict, Wallet, WalletError,
    WalletRpc, WalletRpcOptions,
};

use crate::common::{nobody, stocked};

async fn empty() -> (Monerod, WalletRpc) {
    let monerod = Monerod::start(MonerodOptions::default()).await.unwrap();
    let rpc = WalletRpc::start(monerod.daemon(), WalletRpcOptions::default()).await.unwrap();
    (monerod, rpc)
}

async fn send(wallet: &Wallet, amount: u64) -> WalletError {
    let to = Destination { amount, address: wallet.address().await.unwrap() };
    wallet.transfer(&[to], Priority::Default, true).await.unwrap_err()
}

#[tokio::test]
async fn a_wallet_is_funded_from_nothing_and_its_transfers_can_all_be_mined() {
    let (monerod, rpc) = empty().await;
    let mut seen = Vec::new();
    let progress = |mined, of| seen.push((mined, of));
    let funded = FundedWallet::new(monerod.daemon(), rpc.wallet(), "w", progress).await.unwrap();
    assert_eq!(seen.last(), Some(&(120, 120)));
    let transfers = funded.prepare_independent(3).await.unwrap();
    let spent: HashSet<_> = transfers.iter().flat_map(|transfer| &transfer.key_images).collect();
    let total: usize = transfers.iter().map(|transfer| transfer.key_images.len()).sum();
    assert_eq!(spent.len(), total, "no two spend the same output");
    // In another order than they were made: none needs another's change.
    for transfer in transfers.iter().rev() {
        let verdict = monerod.daemon().submit(&transfer.raw).await.unwrap();
        assert_eq!(verdict, Verdict::Accepted { already_known: false });
    }
    let ids: Vec<TxId> = transfers.iter().map(|transfer| transfer.txid).collect();
    funded.mine_until_included(&ids, Duration::from_secs(20)).await.unwrap();
}

#[tokio::test]
async fn too_few_blocks_are_told_from_no_money() {
    let (monerod, rpc) = empty().await;
    let wallet = rpc.wallet();
    wallet.create("w").await.unwrap();
    assert!(matches!(send(wallet, 1).await, WalletError::NotEnoughMoney));
    let address = wallet.address().await.unwrap();
    // A few at a time: on a busy machine a block may take seconds.
    for _ in 0..31 {
        monerod.daemon().generate_blocks(2, &address).await.unwrap();
    }
    wallet.refresh().await.unwrap();
    assert!(matches!(send(wallet, 1).await, WalletError::NotEnoughDecoys));
}

#[tokio::test]
async fn locked_money_is_told_from_no_money() {
    let (stock, monerod) = stocked().await;
    let (_rpc, funded) = stock.wallet(&monerod).await.unwrap();
    let balance = funded.wallet().balance().await.unwrap();
    assert!(balance.unlocked < balance.total && balance.blocks_to_unlock > 0, "{balance:?}");
    assert!(matches!(send(funded.wallet(), balance.unlocked + 1).await, WalletError::Locked));
    assert!(matches!(send(funded.wallet(), balance.total).await, WalletError::NotEnoughMoney));
}

#[tokio::test]
async fn a_restored_wallet_finds_its_money() {
    let (stock, monerod) = stocked().await;
    let (rpc, funded) = stock.wallet(&monerod).await.unwrap();
    let wallet = rpc.wallet();
    let seed = funded.wallet().seed().await.unwrap();
    let owned = async || -> HashSet<String> {
        let outputs = wallet.outputs().await.unwrap().into_iter();
        outputs.map(|output| output.key_image).collect()
    };
    let before = owned().await;
    wallet.close().await.unwrap();
    wallet.restore("again", &seed).await.unwrap();
    wallet.refresh().await.unwrap();
    assert_eq!(wallet.address().await.unwrap(), stock.address);
    assert_eq!(owned().await, before);
    assert!(wallet.balance().await.unwrap().unlocked > 0);
}

#[tokio::test]
async fn a_stocked_wallet_spends_nothing_that_the_stock_spends_until_it_is_released() {
    let (stock, monerod) = stocked().await;
    let (_rpc, funded) = stock.wallet(&monerod).await.unwrap();
    let reserved: HashSet<&String> =
        stock.transfers.iter().flat_map(|transfer| &transfer.key_images).collect();
    let fresh = funded.prepare(1).await.unwrap();
    assert!(fresh.key_images.iter().all(|key_image| !reserved.contains(key_image)));
    funded.release(&fresh).await.unwrap();
    let outputs = funded.wallet().outputs().await.unwrap();
    let frozen: HashSet<&String> =
        outputs.iter().filter(|output| output.frozen).map(|output| &output.key_image).collect();
    assert!(fresh.key_images.iter().all(|key_image| !frozen.contains(key_image)));
    assert!(reserved.iter().all(|key_image| frozen.contains(key_image)));
}

#[tokio::test]
async fn a_wallet_whose_money_is_all_reserved_mines_more() {
    let (stock, monerod) = stocked().await;
    let (_rpc, funded) = stock.wallet(&monerod).await.unwrap();
    for output in funded.wallet().outputs().await.unwrap() {
        if output.unlocked && !output.frozen {
            funded.wallet().freeze(&output.key_image).await.unwrap();
        }
    }
    let direct = funded.prepare(1).await.unwrap_err();
    assert!(matches!(direct, FundError::Wallet(WalletError::Locked)), "{direct:?}");
    let transfers = funded.prepare_independent(1).await.unwrap();
    let verdict = monerod.daemon().submit(&transfers[0].raw).await.unwrap();
    assert_eq!(verdict, Verdict::Accepted { already_known: false });
}

#[tokio::test]
async fn what_the_wallet_refuses_is_said_in_words() {
    let (monerod, rpc) = empty().await;
    let wallet = rpc.wallet();
    assert!(matches!(wallet.address().await, Err(WalletError::NotOpen)));
    wallet.create("w").await.unwrap();
    assert!(matches!(wallet.create("w").await, Err(WalletError::Exists(name)) if name == "w"));
    let to = Destination { amount: 1, address: "nobody".to_owned() };
    let error = wallet.transfer(&[to], Priority::Default, true).await.unwrap_err();
    assert!(matches!(&error, WalletError::Address(address) if address == "nobody"), "{error:?}");
    let error = wallet.open("absent").await.unwrap_err();
    assert!(error.to_string().contains("open_wallet failed"), "{error}");
    drop(monerod);
}

#[tokio::test]
async fn no_wallet_is_made_while_its_daemon_is_away() {
    let (_, rpc) = empty().await;
    let error = FundedWallet::new(&nobody(), rpc.wallet(), "w", |_, _| {}).await.unwrap_err();
    assert!(error.to_string().contains("cannot connect"), "{error}");
    assert!(matches!(rpc.wallet().address().await, Err(WalletError::NotOpen)));
}
