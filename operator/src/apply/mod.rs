//! Makes objects be there as they were built, and does nothing where they are.
//!
//! An object is applied if what is built differs from what was last applied, or if somebody has
//! since changed one of the fields that are ours ([`fingerprint`](crate::controller::fingerprint));
//! otherwise no call is made at all. After a start of the operator each object is applied once.
//! Objects of others are never touched; objects of ours that are not built any more are deleted.

mod memory;
mod prepared;
mod refusal;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use futures::future::join_all;
use kube::Client;
use kube::api::{
    Api, DeleteParams, DynamicObject, Patch, PatchParams, PostParams, Preconditions,
    PropagationPolicy,
};

use self::memory::{Memory, Verdict, Whose};
pub(crate) use self::prepared::{Prepared, PreparedChild};
pub(crate) use self::refusal::Refusal;
use self::refusal::{Answer, judge};
use crate::api::FIELD_MANAGER;
use crate::child::OnlyIf;
use crate::controller::facts::{Cached, Controller, ObjectKey, controller};
use crate::controller::fingerprint::fingerprint;

/// Calls at once: each has a connection of its own.
const AT_ONCE: usize = 4;

/// The custom resource that the objects are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ours {
    pub(crate) kind: &'static str,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) uid: String,
}

impl Ours {
    /// Whose an object with this controller is.
    pub(crate) fn judge(&self, controller: Option<&Controller>) -> Whose {
        match controller {
            Some(controller) if controller.uid == self.uid => Whose::Ours,
            Some(controller) if controller.kind == self.kind && controller.name == self.name => {
                Whose::Predecessors
            }
            _ => Whose::Others,
        }
    }
}

/// What has become of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    Created,
    Changed,
    Deleted,
}

impl Change {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Deleted => "deleted",
        }
    }
}

/// That everything was applied, as far as it could be. Nothing else makes one: a status is made
/// from this only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Applied {
    /// What was done.
    pub(crate) changes: Vec<(ObjectKey, Change)>,
    /// What could not be done until somebody does something.
    pub(crate) refusals: Vec<Refusal>,
    /// What has to wait until something else is gone, or is to be looked at again.
    pub(crate) waiting: Vec<String>,
    /// Why the rest was not even tried.
    pub(crate) unreachable: Option<String>,
}

/// What came of one object.
enum Outcome {
    Unchanged,
    Done(Change),
    Refused(Refusal),
    Waiting(String),
    Unreachable(String),
}

impl From<Answer> for Outcome {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Refused(refusal) => Self::Refused(refusal),
            Answer::Changed(why) => Self::Waiting(why),
            Answer::Unreachable(why) => Self::Unreachable(why),
        }
    }
}

impl Applied {
    fn take(&mut self, key: &ObjectKey, outcome: Outcome) {
        match outcome {
            Outcome::Unchanged => {}
            Outcome::Done(change) => self.changes.push((key.clone(), change)),
            Outcome::Refused(refusal) => self.refusals.push(refusal),
            Outcome::Waiting(why) => self.waiting.push(format!("{key}: {why}")),
            Outcome::Unreachable(why) => self.unreachable = Some(why),
        }
    }
}

/// Applies. Cheap to clone; clones share what they remember.
#[derive(Clone)]
pub(crate) struct Engine {
    client: Client,
    memory: Arc<Mutex<Memory>>,
}

impl Engine {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, memory: Arc::default() }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An object is gone: if it is wanted, it has to be made.
    pub(crate) fn forget(&self, key: &ObjectKey) {
        self.memory().forget(key);
    }

    /// Others may have applied since.
    pub(crate) fn forget_all(&self) {
        self.memory().clear();
    }

    /// Makes all of it be there, in its order, and deletes what is ours among `observed` and is not
    /// built any more.
    pub(crate) async fn apply_and_prune(
        &self,
        ours: &Ours,
        prepared: Prepared,
        observed: &[Arc<Cached>],
    ) -> Applied {
        let mut applied = self.make(ours, &prepared, observed).await;
        if applied.unreachable.is_none() {
            self.prune(ours, &prepared, observed, &mut applied).await;
        }
        applied
    }

    /// Makes all of it be there, in its order; what else there is, stays.
    pub(crate) async fn apply(
        &self,
        ours: &Ours,
        prepared: Prepared,
        observed: &[Arc<Cached>],
    ) -> Applied {
        self.make(ours, &prepared, observed).await
    }

    async fn make(&self, ours: &Ours, prepared: &Prepared, observed: &[Arc<Cached>]) -> Applied {
        let known: HashMap<&ObjectKey, &Cached> =
            observed.iter().map(|object| (&object.key, &**object)).collect();
        let mut applied = Applied::default();
        for alike in prepared.children().chunk_by(|a, b| a.key.kind == b.key.kind) {
            for some in alike.chunks(AT_ONCE) {
                let mut calls = Vec::with_capacity(AT_ONCE);
                for child in some {
                    calls.push(self.one(ours, child, known.get(&child.key).copied()));
                }
                for (child, outcome) in some.iter().zip(join_all(calls).await) {
                    applied.take(&child.key, outcome);
                }
            }
            if applied.unreachable.is_some() {
                return applied;
            }
        }
        applied
    }

    async fn prune(
        &self,
        ours: &Ours,
        prepared: &Prepared,
        observed: &[Arc<Cached>],
        applied: &mut Applied,
    ) {
        for object in observed {
            let left_over = ours.judge(object.controller.as_ref()) == Whose::Ours
                && !object.deleting
                && !prepared.has(&object.key);
            if left_over {
                applied.take(&object.key, self.delete(object).await);
            }
        }
    }

    async fn one(&self, ours: &Ours, child: &PreparedChild, cached: Option<&Cached>) -> Outcome {
        let PreparedChild { key, hash, .. } = child;
        let verdict = self.memory().judge(key, hash, cached, ours, Instant::now());
        let outcome = match verdict {
            Verdict::Unchanged => return Outcome::Unchanged,
            Verdict::Leaving => {
                return Outcome::Waiting("an older one is being removed".to_owned());
            }
            Verdict::Foreign => return Outcome::Refused(Refusal::foreign(key)),
            Verdict::Apply => self.write(child, true).await.map(|object| (object, Change::Changed)),
            Verdict::Create => match self.create(ours, child).await {
                Ok(created) => Ok(created),
                Err(Ended::Outcome(outcome)) => return outcome,
                Err(Ended::Error(error)) => Err(error),
            },
        };
        match outcome {
            Ok((object, change)) => {
                let fingerprint = object.metadata.managed_fields.as_deref().and_then(fingerprint);
                let mut memory = self.memory();
                memory.applied(key.clone(), hash.clone(), cached, fingerprint, Instant::now());
                // An apply that the server found to change nothing.
                let same = cached.is_some_and(|cached| {
                    Some(&cached.resource_version) == object.metadata.resource_version.as_ref()
                });
                if same { Outcome::Unchanged } else { Outcome::Done(change) }
            }
            Err(error) => judge(key, &error).into(),
        }
    }

    /// Makes an object that the cache does not know. It may be there all the same: somebody
    /// else's, or ours, and the watch is behind or its label was taken off.
    async fn create(
        &self,
        ours: &Ours,
        child: &PreparedChild,
    ) -> Result<(DynamicObject, Change), Ended> {
        let api = self.api(child);
        let there = api.get_metadata_opt(&child.key.name).await?;
        let Some(there) = there else {
            let object = match child.only_if {
                OnlyIf::Absent => {
                    let params = PostParams {
                        field_manager: Some(FIELD_MANAGER.to_owned()),
                        ..PostParams::default()
                    };
                    api.create(&params, &child.object).await?
                }
                // Without force: if somebody makes one in this moment, theirs stays.
                OnlyIf::Any | OnlyIf::Version(_) => self.write(child, false).await?,
            };
            return Ok((object, Change::Created));
        };
        let outcome = match ours.judge(controller(&there.metadata).as_ref()) {
            Whose::Others => Outcome::Refused(Refusal::foreign(&child.key)),
            Whose::Predecessors => Outcome::Waiting("an older one is being removed".to_owned()),
            Whose::Ours if there.metadata.deletion_timestamp.is_some() => {
                Outcome::Waiting("it is being removed".to_owned())
            }
            // What was drawn must not be written over what the watch has not told of yet.
            Whose::Ours if child.only_if != OnlyIf::Any => {
                Outcome::Waiting("it was made a moment ago".to_owned())
            }
            Whose::Ours => return Ok((self.write(child, true).await?, Change::Changed)),
        };
        Err(Ended::Outcome(outcome))
    }

    async fn write(&self, child: &PreparedChild, force: bool) -> kube::Result<DynamicObject> {
        let params = PatchParams {
            force,
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let mut object = child.object.clone();
        if let OnlyIf::Version(version) = &child.only_if {
            object.metadata.resource_version = Some(version.clone());
        }
        self.api(child).patch(&child.key.name, &params, &Patch::Apply(&object)).await
    }

    async fn delete(&self, object: &Cached) -> Outcome {
        let Some(resource) = prepared::resource(&object.key.kind) else {
            return Outcome::Unchanged;
        };
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), &object.key.namespace, &resource);
        let params = DeleteParams {
            propagation_policy: Some(PropagationPolicy::Background),
            preconditions: Some(Preconditions {
                uid: Some(object.uid.clone()),
                resource_version: None,
            }),
            ..DeleteParams::default()
        };
        match api.delete(&object.key.name, &params).await {
            Ok(_) => Outcome::Done(Change::Deleted),
            Err(kube::Error::Api(status)) if status.is_not_found() => Outcome::Unchanged,
            Err(error) => judge(&object.key, &error).into(),
        }
    }

    fn api(&self, child: &PreparedChild) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), &child.key.namespace, &child.resource)
    }
}

/// How the making of an object ended early.
enum Ended {
    Outcome(Outcome),
    Error(kube::Error),
}

impl From<kube::Error> for Ended {
    fn from(error: kube::Error) -> Self {
        Self::Error(error)
    }
}
