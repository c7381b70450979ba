//! How runs end otherwise than by all being mined, two of them at once.

use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use mixbed_e2e::{Place, broadcast};
use mixbed_operator::api::{Broadcast, BroadcastPhase, is_true};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a cluster: make e2e"]
async fn of_two_runs_at_once_one_is_cancelled_and_the_other_runs_out_of_time() {
    let place = Place::ready("ends", json!({ "jaeger": { "enabled": false } })).await;
    let runs: Api<Broadcast> = place.api();
    place.begin("cancelled", 500, "1/s").await;
    let mut late = broadcast("late", 500, "1/s");
    // It counts from now, and both have to get under way.
    late.spec.deadline = "3m".parse().expect("a time");
    runs.create(&PostParams::default(), &late).await.expect("the Broadcast is taken");

    place.under_way("cancelled", 2).await;
    place.under_way("late", 2).await;
    let cancel = Patch::Merge(json!({ "spec": { "cancelled": true } }));
    runs.patch("cancelled", &PatchParams::default(), &cancel).await.expect("cancelled");
    let ended = place.run_is("cancelled", "the run ends", |status| status.phase.is_over()).await;
    assert_eq!(ended.phase, BroadcastPhase::Cancelled, "{ended:#?}");
    assert!(ended.accepted >= 2, "what was done stays: {ended:#?}");

    let ended = place.run_is("late", "the run ends", |status| status.phase.is_over()).await;
    assert_eq!(ended.phase, BroadcastPhase::Failed, "{ended:#?}");
    assert!(is_true(&ended.conditions, "Failed"), "{ended:#?}");
    let failed = ended.conditions.iter().find(|condition| condition.type_ == "Failed");
    assert_eq!(failed.expect("a condition").reason, "DeadlineExceeded", "{ended:#?}");
    place.done().await;
}
