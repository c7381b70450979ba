//! The stock of transactions that the other tests use.

use std::time::Duration;

use mixbed_monero::{PreparedTransfer, TxId, Verdict};

use crate::common::stocked;

#[tokio::test]
async fn every_transaction_in_stock_can_be_mined() {
    let (stock, monerod) = stocked().await;
    let others = [&stock.one_input, &stock.sweep, &stock.big, &stock.generous];
    let all: Vec<&PreparedTransfer> = stock.transfers.iter().chain(others).collect();
    for transfer in &all {
        let verdict = monerod.daemon().submit(&transfer.raw).await.unwrap();
        assert_eq!(verdict, Verdict::Accepted { already_known: false }, "{}", transfer.txid);
    }
    let ids: Vec<TxId> = all.iter().map(|transfer| transfer.txid).collect();
    let deadline = Duration::from_secs(30);
    let mined = monerod.daemon().mine_until_included(&ids, &stock.address, deadline).await.unwrap();
    assert_eq!(mined.iter().map(|found| found.txid).collect::<Vec<_>>(), ids);
    assert!(mined.iter().all(|found| found.height > 120 && found.confirmations > 0), "{mined:?}");
}

#[tokio::test]
async fn the_sizes_in_stock_are_those_of_real_wallets() {
    let stock = crate::common::stock().await;
    assert!(stock.transfers.iter().all(|transfer| (2_150..2_180).contains(&transfer.raw.len())));
    assert!((1_490..1_520).contains(&stock.one_input.raw.len()), "{}", stock.one_input.raw.len());
    assert!((27_800..27_900).contains(&stock.sweep.raw.len()), "{}", stock.sweep.raw.len());
    assert!((140_000..149_400).contains(&stock.big.raw.len()), "{}", stock.big.raw.len());
}

#[tokio::test]
async fn the_id_computed_from_the_bytes_is_the_wallets() {
    let stock = crate::common::stock().await;
    let others =
        [&stock.one_input, &stock.sweep, &stock.big, &stock.generous, &stock.double_spend[0]];
    for transfer in stock.transfers.iter().chain(others) {
        assert_eq!(TxId::of(&transfer.raw).unwrap(), transfer.txid);
    }
}
