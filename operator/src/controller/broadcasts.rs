//! A Broadcast's reconcile.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use kube::api::{Api, Patch, PatchParams};

use super::cache::{Cache, Place};
use super::events::Notice;
use super::facts::{Cached, Facts};
use super::queue::Again;
use super::status::{Statuses, Written};
use crate::api::{Broadcast, BroadcastPhase, Report};
use crate::apply::{Applied, Change, Engine, Ours, Prepared};
use crate::broadcast::{Observed, Step, look_again, read_report, report_name, status, step};
use crate::child::Owner;
use crate::mixnet::{Defaults, Reconciled};

/// When to look again at what others have to do something about, and no watch tells of.
const REFUSED: Duration = Duration::from_secs(30);
/// When to look again at what is about to change.
const WAITING: Duration = Duration::from_secs(1);

/// What a reconcile needs besides what it observes.
#[derive(Clone)]
pub(crate) struct Broadcasts {
    pub(crate) client: Client,
    pub(crate) cache: Cache,
    pub(crate) engine: Engine,
    pub(crate) statuses: Statuses,
    pub(crate) defaults: Defaults,
}

/// What the caches know of one.
struct Seen {
    broadcast: Broadcast,
    mixnet: Option<Arc<crate::api::Mixnet>>,
    ours: Ours,
    objects: Vec<Arc<Cached>>,
    job: Option<Box<Job>>,
    report: Option<Report>,
    troubles: Vec<String>,
}

impl Seen {
    fn observed(&self) -> Observed<'_> {
        Observed {
            broadcast: &self.broadcast,
            mixnet: self.mixnet.as_deref(),
            job: self.job.as_deref(),
            report: self.report.as_ref(),
            troubles: &self.troubles,
        }
    }
}

impl Broadcasts {
    /// Does for one what is to be done now; nothing if there is none.
    pub(crate) async fn reconcile(&self, place: &Place) -> Option<Reconciled> {
        let seen = self.observe(place)?;
        let now = Time(Timestamp::now());
        let defaults = self.defaults.with_account(self.cache.account_secrets(&place.namespace));
        let applied = self.apply(&seen, step(seen.observed(), &defaults, &now)).await;
        Some(self.update_status(&seen, applied, &now).await)
    }

    fn observe(&self, place: &Place) -> Option<Seen> {
        let mut broadcast = Broadcast::clone(&*self.cache.broadcast(place)?);
        if broadcast.metadata.deletion_timestamp.is_some() {
            return None;
        }
        broadcast.status = self.statuses.broadcast(&broadcast);
        let Place { namespace, name } = place;
        let ours = Ours {
            kind: "Broadcast",
            namespace: namespace.clone(),
            name: name.clone(),
            uid: broadcast.metadata.uid.clone()?,
        };
        let mixnet = Place { namespace: namespace.clone(), name: broadcast.spec.mixnet.clone() };
        let mixnet = self.cache.mixnet(&mixnet);
        let objects =
            self.cache.objects(namespace, |object| object.broadcast.as_deref() == Some(&**name));
        let is_ours = |object: &Cached| {
            object.controller.as_ref().is_some_and(|controller| controller.uid == ours.uid)
        };
        let owner = Owner::new(&broadcast, &broadcast.spec.mixnet);
        let report_map = owner.as_ref().map(report_name);
        let (mut job, mut report, mut troubles) = (None, None, Vec::new());
        for object in &objects {
            match &object.facts {
                Facts::Job(found) if is_ours(object) && object.key.name == *name => {
                    job = Some(found.clone());
                }
                Facts::ConfigMap(map)
                    if is_ours(object) && Some(&object.key.name) == report_map.as_ref() =>
                {
                    report = read_report(map);
                }
                Facts::Pod(pod) => {
                    if let Some(trouble) = pod.trouble.as_ref().filter(|trouble| trouble.lasting) {
                        let message = match trouble.message.as_str() {
                            "" => String::new(),
                            message => format!(": {message}"),
                        };
                        troubles.push(format!("{}{message}", trouble.reason));
                    }
                }
                _ => {}
            }
        }
        let refused = self.cache.refusals(namespace, name).into_iter();
        let refused = refused.filter(|(workload, _)| workload == name);
        if troubles.is_empty() {
            troubles.extend(refused.map(|(_, why)| format!("its pod is refused: {why}")));
        }
        Some(Seen { broadcast, mixnet, ours, objects, job, report, troubles })
    }

    async fn apply(&self, seen: &Seen, step: Step) -> Applied {
        match step {
            Step::Leave => Applied::default(),
            Step::Make(children) => {
                self.engine.apply(&seen.ours, Prepared::new(children), &seen.objects).await
            }
            Step::Cancel { children, job } => {
                let prepared = Prepared::new(children);
                let mut applied = self.engine.apply(&seen.ours, prepared, &seen.objects).await;
                if applied.unreachable.is_none() {
                    self.stop(seen, &job, &mut applied).await;
                }
                applied
            }
        }
    }

    async fn stop(&self, seen: &Seen, patch: &serde_json::Value, applied: &mut Applied) {
        let Ours { namespace, name, .. } = &seen.ours;
        let api: Api<Job> = Api::namespaced(self.client.clone(), namespace);
        let stopped = api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await;
        match stopped {
            Ok(_) => {
                let key = seen.objects.iter().map(|object| &object.key);
                let key = key.filter(|key| key.kind == "Job" && key.name == *name);
                applied.changes.extend(key.map(|key| (key.clone(), Change::Changed)));
            }
            Err(kube::Error::Api(status)) if status.is_not_found() => {}
            Err(error) => applied.unreachable = Some(error.to_string()),
        }
    }

    async fn update_status(&self, seen: &Seen, applied: Applied, now: &Time) -> Reconciled {
        let before = seen.broadcast.status.clone();
        let mut status = status(seen.observed(), now);
        let mut notices = BTreeSet::new();
        if let Some(refusal) = applied.refusals.first() {
            status.message.clone_from(&refusal.message);
        }
        for refusal in &applied.refusals {
            notices.insert(Notice::warning(refusal.reason, refusal.message.clone()));
        }
        for trouble in &seen.troubles {
            notices.insert(Notice::warning("PodTrouble", trouble.clone()));
        }
        notices.extend(ended(status.phase, &status.message));
        let again = look_again(seen.observed(), now);
        let written = self.statuses.write_broadcast(&seen.broadcast, before, status, notices).await;
        let again = if applied.unreachable.is_some() || written == Written::Failed {
            Again::Failed
        } else if !applied.waiting.is_empty() {
            Again::In(WAITING)
        } else if !applied.refusals.is_empty() {
            Again::In(REFUSED)
        } else {
            again.map_or(Again::WhenChanged, |at| {
                let wait = Duration::try_from(at.0.duration_since(now.0)).unwrap_or_default();
                Again::In(wait + Duration::from_millis(100))
            })
        };
        Reconciled { applied, valid: true, written, again }
    }
}

/// What is told of a run's end.
fn ended(phase: BroadcastPhase, message: &str) -> Option<Notice> {
    match phase {
        BroadcastPhase::Succeeded => Some(Notice::normal("Succeeded", message)),
        BroadcastPhase::Cancelled => Some(Notice::normal("Cancelled", message)),
        BroadcastPhase::Failed => Some(Notice::warning("Failed", message)),
        BroadcastPhase::Pending
        | BroadcastPhase::Funding
        | BroadcastPhase::Running
        | BroadcastPhase::Mining => None,
    }
}
