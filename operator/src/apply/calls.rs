//! The calls by which an object is made, changed and deleted.

use kube::api::{
    Api, DeleteParams, DynamicObject, Patch, PatchParams, PostParams, Preconditions,
    PropagationPolicy,
};

use super::memory::Whose;
use super::outcome::{Change, Outcome};
use super::refusal::{Refusal, judge};
use super::{Engine, Ours, PreparedChild, prepared};
use crate::api::FIELD_MANAGER;
use crate::child::OnlyIf;
use crate::controller::facts::{Cached, controller};

/// How the making of an object ended early.
pub(super) enum Ended {
    Outcome(Outcome),
    Error(kube::Error),
}

impl From<kube::Error> for Ended {
    fn from(error: kube::Error) -> Self {
        Self::Error(error)
    }
}

impl Engine {
    /// Makes an object that the cache does not know. It may be there all the same: somebody
    /// else's, or ours, and the watch is behind or its label was taken off.
    pub(super) async fn create(
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

    /// Whether an object that pods rely on is there and of our making, as the cluster says now.
    pub(super) async fn still_ours(&self, ours: &Ours, child: &PreparedChild) -> Outcome {
        let there = match self.api(child).get_metadata_opt(&child.key.name).await {
            Ok(Some(there)) => there,
            Ok(None) => return Outcome::Waiting("it was removed a moment ago".to_owned()),
            Err(error) => return judge(&child.key, &error).into(),
        };
        match ours.judge(controller(&there.metadata).as_ref()) {
            Whose::Others => Outcome::Refused(Refusal::foreign(&child.key)),
            Whose::Ours if there.metadata.deletion_timestamp.is_none() => Outcome::Unchanged,
            Whose::Ours | Whose::Predecessors => Outcome::Waiting("it is being removed".to_owned()),
        }
    }

    pub(super) async fn write(
        &self,
        child: &PreparedChild,
        force: bool,
    ) -> kube::Result<DynamicObject> {
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

    pub(super) async fn delete(&self, object: &Cached) -> Outcome {
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
