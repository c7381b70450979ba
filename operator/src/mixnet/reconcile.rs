//! A Mixnet's reconcile: observe, validate, build, apply, update status.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::build::build;
use super::observe::Observed;
use super::status::{Made, ParametersState, Running};
use super::{Defaults, NetworkSecrets, Problem, ValidMixnet, validate};
use crate::apply::{Applied, Engine, Prepared};
use crate::controller::cache::{Cache, Place};
use crate::controller::directories::Directories;
use crate::controller::queue::Again;
use crate::controller::status::{Statuses, Written};

/// When to look again at what others have to do something about, and no watch tells of.
const REFUSED: Duration = Duration::from_secs(30);
/// When to look again at what is about to change.
const WAITING: Duration = Duration::from_secs(1);
/// When to tell a directory again what it did not take.
const UNANSWERED: Duration = Duration::from_secs(3);

/// What a reconcile needs besides what it observes.
#[derive(Clone)]
pub(crate) struct Reconciler {
    pub(crate) cache: Cache,
    pub(crate) engine: Engine,
    pub(crate) directories: Directories,
    pub(crate) statuses: Statuses,
    pub(crate) defaults: Defaults,
}

/// What came of a reconcile.
#[derive(Clone, Debug)]
pub(crate) struct Reconciled {
    pub(crate) applied: Applied,
    pub(crate) valid: bool,
    pub(crate) written: Written,
    pub(crate) again: Again,
}

impl Reconciler {
    /// Makes one Mixnet as its spec says; nothing if there is none.
    pub(crate) async fn reconcile(&self, place: &Place) -> Option<Reconciled> {
        let observed = Observed::new(&self.cache, place)?;
        let defaults = self.defaults.with_account(self.cache.account_secrets(&place.namespace));
        let made = match plan(&observed, &defaults) {
            Ok(plan) => self.apply(&observed, plan).await,
            Err(problems) => Made::Invalid(problems),
        };
        Some(self.update_status(&observed, made).await)
    }

    async fn apply(&self, observed: &Observed, plan: Plan) -> Made {
        let Plan { valid, secrets, prepared, only_secrets } = plan;
        let (engine, ours, objects) = (&self.engine, &observed.ours, &observed.objects);
        let applied = if only_secrets {
            // Pods are made with what was drawn as soon as the watch tells of it: until then the
            // next reconcile would draw again.
            let mut applied = engine.apply(ours, prepared, objects).await;
            applied.waiting.push("the secrets were drawn just now".to_owned());
            applied
        } else {
            engine.apply_and_prune(ours, prepared, objects).await
        };
        let (document, parameters) = self.instruct(observed, &valid, &secrets).await;
        let authority = secrets.authority_key().to_owned();
        Made::Applied(Box::new(Running { valid, authority, applied, document, parameters }))
    }

    async fn update_status(&self, observed: &Observed, made: Made) -> Reconciled {
        let now = Time(k8s_openapi::jiff::Timestamp::now());
        let before = self.statuses.mixnet(&observed.mixnet);
        let (status, notices) = super::status::status(observed, &before, &made, &now);
        let written = self.statuses.write_mixnet(&observed.mixnet, before, status, notices).await;
        let (applied, parameters) = match made {
            Made::Applied(running) => (running.applied, Some(running.parameters)),
            Made::Invalid(_) => {
                let valid = false;
                let again =
                    if written == Written::Failed { Again::Failed } else { Again::WhenChanged };
                return Reconciled { applied: Applied::default(), valid, written, again };
            }
        };
        let again = if applied.unreachable.is_some() || written == Written::Failed {
            Again::Failed
        } else if !applied.waiting.is_empty() {
            Again::In(WAITING)
        } else if matches!(parameters, Some(ParametersState::Failed(_))) {
            Again::In(UNANSWERED)
        } else if !applied.refusals.is_empty() {
            Again::In(REFUSED)
        } else {
            Again::WhenChanged
        };
        Reconciled { applied, valid: true, written, again }
    }
}

/// What is to be there.
struct Plan {
    valid: ValidMixnet,
    secrets: NetworkSecrets,
    prepared: Prepared,
    /// Only what was drawn is to be applied now.
    only_secrets: bool,
}

/// Validates and builds.
fn plan(observed: &Observed, defaults: &Defaults) -> Result<Plan, Vec<Problem>> {
    let valid = validate(&observed.mixnet, defaults)?;
    let secrets = NetworkSecrets::complete(&valid, observed.secrets(), &mut rand::rng())
        .map_err(|error| vec![Problem::new("secrets", error.to_string(), "see there")])?;
    let mut children = build(&valid, &secrets);
    let only_secrets = secrets.drawn() > 0;
    if only_secrets {
        children.retain(|child| child.kind() == "Secret");
    }
    Ok(Plan { valid, secrets, prepared: Prepared::new(children), only_secrets })
}
