//! Makes objects be there as they were built, and does nothing where they are.
//!
//! An object is applied if what is built differs from what was last applied, or if somebody has
//! since changed one of the fields that are ours ([`fingerprint`](crate::controller::fingerprint));
//! otherwise no call is made at all. After a start of the operator each object is applied once.
//! Objects of others are never touched; objects of ours that are not built any more are deleted.
//!
//! What pods rely on comes before them: while any of it is refused or somebody else's, no pod is made.

mod calls;
mod memory;
mod outcome;
mod prepared;
mod refusal;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use futures::future::join_all;
use kube::Client;

use self::calls::Ended;
use self::memory::{Memory, Verdict, Whose};
use self::outcome::Outcome;
pub(crate) use self::outcome::{Applied, Change};
pub(crate) use self::prepared::{Prepared, PreparedChild};
pub(crate) use self::refusal::Refusal;
use self::refusal::judge;
use crate::controller::facts::{Cached, Controller, ObjectKey};
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
        // What is not built any more may still be needed while what takes its place is not there.
        if applied.is_whole() {
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
        let (relied_upon, workloads) = prepared.parts();
        for alike in alike(relied_upon) {
            self.make_alike(ours, alike, &known, &mut applied).await;
            // Nothing is granted, and no pod is made, while what it relies on is somebody else's,
            // refused or on its way out.
            if !applied.is_whole() {
                return applied;
            }
        }
        let due = workloads.iter().any(|child| {
            let cached = known.get(&child.key).copied();
            self.judge(ours, child, cached) != Verdict::Unchanged
        });
        if due {
            self.look(ours, relied_upon, &mut applied).await;
            if !applied.is_whole() {
                return applied;
            }
        }
        for alike in alike(workloads) {
            self.make_alike(ours, alike, &known, &mut applied).await;
            if applied.unreachable.is_some() {
                return applied;
            }
        }
        applied
    }

    /// Makes objects of one kind.
    async fn make_alike(
        &self,
        ours: &Ours,
        alike: &[PreparedChild],
        known: &HashMap<&ObjectKey, &Cached>,
        applied: &mut Applied,
    ) {
        for some in alike.chunks(AT_ONCE) {
            let calls = some.iter().map(|child| {
                let cached = known.get(&child.key).copied();
                self.one(ours, child, cached)
            });
            for (child, outcome) in some.iter().zip(join_all(calls).await) {
                applied.take(&child.key, outcome);
            }
        }
    }

    /// Looks at what pods rely on just before they are made, in the cluster itself: the watches may
    /// be behind, and do not tell of what others made.
    async fn look(&self, ours: &Ours, relied_upon: &[PreparedChild], applied: &mut Applied) {
        let trusted: Vec<_> =
            relied_upon.iter().filter(|child| child.is_trusted_by_pods()).collect();
        for some in trusted.chunks(AT_ONCE) {
            let calls = some.iter().map(|child| self.still_ours(ours, child));
            for (child, outcome) in some.iter().zip(join_all(calls).await) {
                applied.take(&child.key, outcome);
            }
        }
    }

    fn judge(&self, ours: &Ours, child: &PreparedChild, cached: Option<&Cached>) -> Verdict {
        self.memory().judge(&child.key, &child.hash, cached, ours, Instant::now())
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
        let outcome = match self.judge(ours, child, cached) {
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
}

/// Objects that follow each other and are of one kind.
fn alike(children: &[PreparedChild]) -> impl Iterator<Item = &[PreparedChild]> {
    children.chunk_by(|a, b| a.key.kind == b.key.kind)
}

#[cfg(test)]
mod tests;
