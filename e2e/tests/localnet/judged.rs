//! Transactions that monerod does not take: it is the judge, and its verdict arrives in words.

use mixbed_client::BroadcastError;
use mixbed_monero::Flag;
use mixbed_monero::testing::{corrupt_signature, make_heavier};

use crate::world::{World, options};

/// Broadcasts what must be refused; returns the words and flags.
async fn refused(world: &World, what: &str, raw: &[u8]) -> (String, Vec<Flag>) {
    match world.client.broadcast(raw, options()).await {
        Err(BroadcastError::Rejected { words, flags, .. }) => (words, flags),
        other => panic!("{what}: wanted a refusal, not {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_bad_transaction_is_refused_in_words_and_a_good_one_passes_after_it() {
    let world = World::new().await;
    let [spend, second] = &world.stock.double_spend;
    world.client.broadcast(&spend.raw, options()).await.expect("accepted");
    let good = &world.stock.transfers[0];
    let corrupt = corrupt_signature(&good.raw).expect("a transaction");
    let cheap = make_heavier(&good.raw, 60_000).expect("a transaction");
    let truncated = &good.raw[..good.raw.len() - 1];
    let noise = vec![0xa5; 200_000];

    let cases: [(&str, &[u8], &[Flag], &str); 5] = [
        ("double spend", &second.raw, &[Flag::DoubleSpend], "spent"),
        ("corrupted signature", &corrupt, &[Flag::InvalidInput], "input"),
        ("low fee", &cheap, &[Flag::FeeTooLow], "fee"),
        ("truncated", truncated, &[Flag::SanityCheckFailed], "complete"),
        ("200 kB of noise", &noise, &[Flag::SanityCheckFailed], "complete"),
    ];
    for (what, raw, flags, word) in cases {
        let (words, found) = refused(&world, what, raw).await;
        assert!(flags.iter().all(|flag| found.contains(flag)), "{what}: {found:?}");
        assert!(words.contains(word), "{what}: {words}");
    }
    assert!(matches!(world.client.broadcast(&[], options()).await, Err(BroadcastError::Empty)));

    world.mined(spend.txid).await;
    let (_, flags) = refused(&world, "double spend of the chain", &second.raw).await;
    assert!(flags.contains(&Flag::DoubleSpend), "{flags:?}");

    let report = world.client.broadcast(&good.raw, options()).await.expect("accepted");
    world.mined(report.txid).await;
    world.at_rest().await;
}
