//! Runs in one world, so that its chain is made once.

use std::collections::BTreeSet;
use std::time::Duration;

use mixbed_operator::api::{BroadcastPhase, Report, TransactionState};
use mixbed_runner::{End, RunError};
use tokio_util::sync::CancellationToken;

use crate::world::{PATIENCE, Plan, SOON, World};

const WANTED: u32 = 10;

const HIDDEN: u32 = 2;

/// Each number once, each id once, all mined, and told of with trace, provider and latency.
fn all_mined(report: &Report) -> BTreeSet<String> {
    assert_eq!(report.phase, BroadcastPhase::Succeeded, "{report:#?}");
    let numbers: Vec<u32> = report.transactions.iter().map(|one| one.number).collect();
    assert_eq!(numbers, (1..=report.wanted).collect::<Vec<_>>());
    let ids: BTreeSet<_> = report.transactions.iter().map(|one| one.txid.clone()).collect();
    assert_eq!(ids.len(), numbers.len(), "an id twice: {report:#?}");
    for one in &report.transactions {
        assert_eq!(one.state, TransactionState::Mined, "{one:?}");
        assert!(one.height.is_some() && one.reason.is_none(), "{one:?}");
    }
    ids
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_end_with_every_transaction_mined_once_or_say_why_not() {
    let mut world = World::new().await;
    let before = world.mined().await;
    let go_on = CancellationToken::new();

    // Two at once: one on a network that loses a provider, one that is stopped and killed.
    let plain = world.plan("plain", WANTED).await;
    let mut killed = world.plan("killed", WANTED).await;
    killed.each(Duration::from_secs(1));
    let plain_run = plain.start(&go_on);
    // And one that is stopped when it has made three and sent one, to go on when nobody mines.
    let mut late = world.plan("late", 3).await;
    late.each(PATIENCE);
    let stop_late = CancellationToken::new();
    let late_run = late.start(&stop_late);

    let stop = CancellationToken::new();
    let run = killed.start(&stop);
    killed.until("one accepted", |report| report.latency.is_some()).await;
    // Their monerod forgets what it had accepted, as one does that dies with its data.
    world.monerod.daemon().flush_pool().await.expect("flushed");
    stop.cancel();
    let ended = run.await.expect("no panic");
    assert!(matches!(ended, Err(RunError::Interrupted(_))), "{ended:?}");
    let stopped = killed.report();
    assert!(!stopped.phase.is_over() && !stopped.transactions.is_empty(), "{stopped:#?}");
    late.until("one sent", |report| report.transactions.len() == 1).await;
    late.kept(2).await;
    stop_late.cancel();
    let _ = late_run.await;

    killed.each(Duration::from_millis(200));
    // The next process goes on with what was sent, and is killed before it has made anything.
    let run = killed.start(&go_on);
    killed.until("one mined", |r| r.transactions.iter().any(|one| one.height.is_some())).await;
    run.abort();
    let _ = run.await;
    let halfway = killed.report();

    world.net.stop_node("provider-0", Duration::ZERO).await;
    let last_run = killed.start(&go_on);
    assert_eq!(plain_run.await.expect("no panic").expect("an end"), End::Complete);
    assert_eq!(last_run.await.expect("no panic").expect("an end"), End::Complete);
    world.net.start_node("provider-0").await.expect("a provider");

    let plain_ids = all_mined(&plain.report());
    let killed_ids = all_mined(&killed.report());
    assert!(plain_ids.is_disjoint(&killed_ids));
    for one in stopped.transactions.iter().chain(&halfway.transactions) {
        assert!(killed_ids.contains(&one.txid), "given up by a later process: {one:?}");
    }
    for one in &plain.report().transactions {
        assert!(one.latency_ms.is_some() && one.provider.is_some(), "{one:?}");
        let trace = one.trace_id.as_deref().expect("traced");
        let trace: [u8; 16] = std::array::from_fn(|n| {
            u8::from_str_radix(&trace[2 * n..2 * n + 2], 16).expect("hexadecimal digits")
        });
        let spans = world.telemetry.spans().trace(trace);
        assert!(spans.iter().any(|span| span.node == "plain"), "{spans:#?}");
    }

    // Whoever starts a run that is over is told how it ended, and nothing more happens.
    let again = tokio::time::timeout(SOON, plain.start(&go_on)).await.expect("at once");
    assert_eq!(again.expect("no panic").expect("an end"), End::Complete);

    // One that reaches no monerod but through the mixnet, wallet and all.
    let hidden = world.hidden_plan("hidden", HIDDEN).await;
    let ended = hidden.start(&go_on).await.expect("no panic");
    assert_eq!(ended.expect("an end"), End::Complete);
    assert!(all_mined(&hidden.report()).is_disjoint(&plain_ids));

    let mined = not_mined_by_the_deadline(&world, &mut late).await;
    assert_eq!(world.mined().await - before, u64::from(2 * WANTED + HIDDEN) + mined);
}

/// Returns how many were.
async fn not_mined_by_the_deadline(world: &World, late: &mut Plan) -> u64 {
    world.stop_mining();
    late.each(Duration::from_millis(100));
    late.within(Duration::from_secs(15));
    let ended = late.start(&CancellationToken::new()).await.expect("no panic").expect("an end");
    let End::Failed { reason, message } = ended else { panic!("{ended:?}") };
    assert_eq!(reason, "DeadlineExceeded");
    assert!(message.starts_with("deadline of 15s passed, "), "{message}");
    let report = late.report();
    assert_eq!(report.phase, BroadcastPhase::Failed);
    let last = report.transactions.last().and_then(|one| one.reason.clone());
    assert_eq!(last.as_deref(), Some("not mined before the deadline"));
    let mined = report.transactions.iter().filter(|one| one.height.is_some());
    u64::try_from(mined.count()).expect("few")
}
