//! Tools that apply what the chart renders, without Helm and its hooks.

use std::io::Write as _;
use std::time::Duration;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;
use kube::api::{DeleteParams, ListParams};
use mixbed_e2e::{Place, until, until_some};
use mixbed_operator::api::Mixnet;
use serde_json::json;

/// How long a Job may take that does nothing.
const JOB: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a cluster: make e2e"]
async fn what_is_applied_again_and_again_stays_until_it_is_deleted() {
    let place = Place::new("plain").await;
    let rendered = place.render(json!({ "jaeger": { "enabled": false } })).await.ok();
    // The test would send a transaction: it is not what this is about.
    let objects: Vec<&str> =
        rendered.split("\n---\n").filter(|object| !object.contains("helm.sh/hook: test")).collect();
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(objects.join("\n---\n").as_bytes()).expect("written");
    let file = file.path().to_str().expect("a path in UTF-8");
    // The first time, Mixnets may not be known yet.
    until_some("it is applied", JOB, || async {
        place.kubectl(&["apply", "-f", file]).await.success.then_some(())
    })
    .await;
    place.kubectl(&["apply", "-f", file]).await.ok();

    let jobs = place.api::<Job>();
    let cleanups = ListParams::default().labels("app.kubernetes.io/component=cleanup");
    let hooks = jobs.list(&cleanups).await.expect("jobs").items;
    assert_eq!(hooks.len(), 2, "before and after an uninstall");
    for job in &hooks {
        let done = |job: &Job| job.status.as_ref().and_then(|status| status.succeeded) == Some(1);
        until(&jobs, &job.name_any(), "it ends, having done nothing", JOB, done).await;
        let said = place.kubectl(&["logs", &format!("job/{}", job.name_any())]).await.ok();
        assert!(said.contains("nothing is removed") && said.contains("mixbed"), "{said}");
    }
    let before = place.mixnet_ready().await.uid();
    place.kubectl(&["apply", "-f", file]).await.ok();
    assert_eq!(place.mixnet_ready().await.uid(), before, "it is the same Mixnet");

    let mixnets = place.api::<Mixnet>();
    mixnets
        .delete_collection(&DeleteParams::default(), &ListParams::default())
        .await
        .expect("deleted");
    until_some("its pods are gone", Duration::from_secs(120), || async {
        let pods = place.api::<Pod>();
        let ours = ListParams::default().labels("app.kubernetes.io/managed-by=mixbed-operator");
        pods.list(&ours).await.ok()?.items.is_empty().then_some(())
    })
    .await;
    // But the definitions, which other tests have too.
    let ours: Vec<_> = objects
        .into_iter()
        .filter(|object| !object.contains("CustomResourceDefinition\n"))
        .collect();
    std::fs::write(file, ours.join("\n---\n")).expect("written");
    place.kubectl(&["delete", "--ignore-not-found", "-f", file]).await.ok();
    place.remove().await;
}
