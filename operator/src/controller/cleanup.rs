//! Removes what was made with an operator, before or after it is uninstalled.

use std::collections::BTreeSet;
use std::fmt::{self, Debug};
use std::time::{Duration, Instant};

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Pod, Secret, Service};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DeleteParams, ListParams, PartialObjectMeta, PropagationPolicy};
use kube::{Client, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;

use super::uninstall::Hook;
use crate::api::{
    Broadcast, COMPONENT_LABEL, FIELD_MANAGER, MANAGED_BY_LABEL, MIXNET_LABEL, Mixnet, definitions,
};

/// How often it is looked at what is left.
const LOOK: Duration = Duration::from_secs(1);

/// How often it is said.
const SAY: Duration = Duration::from_secs(10);

/// How many of those that are left are named.
const NAMED: usize = 5;

/// What is to be removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CleanupOptions {
    /// The namespaces whose Mixnets and Broadcasts are deleted.
    pub namespaces: Vec<String>,
    /// Whether the definitions of the custom resources are deleted, if nobody needs them.
    pub crds: bool,
    /// How long their removal may take.
    pub timeout: Duration,
    /// The Job of a chart's hook that this is: nothing is removed unless its release is uninstalled.
    pub hook: Option<Hook>,
}

/// Why not everything was removed.
#[derive(Debug, thiserror::Error)]
pub enum CleanupError {
    /// A call to the API server.
    #[error("{what}: {source}")]
    Call {
        /// What was tried.
        what: String,
        /// What the API server says.
        source: Box<kube::Error>,
    },
    /// It takes too long.
    #[error(
        "after {waited:?} there still are {left}: look at them with kubectl --namespace {namespace} get all, or try again"
    )]
    Left {
        /// How long was waited.
        waited: Duration,
        /// Where.
        namespace: String,
        /// What is left.
        left: String,
    },
}

fn call(what: impl fmt::Display) -> impl FnOnce(kube::Error) -> CleanupError {
    let what = format!("cannot {what}");
    move |source| CleanupError::Call { what, source: Box::new(source) }
}

/// Removes it, and says step by step what is done and what is left and why.
pub async fn cleanup(
    client: &Client,
    options: &CleanupOptions,
    say: &mut (dyn FnMut(String) + Send),
) -> Result<(), CleanupError> {
    if let Some(hook) = &options.hook {
        let found = hook.uninstall(client).await;
        let found = found.map_err(call(format!("see what becomes of release {}", hook.release)))?;
        let Some(why) = found else {
            say(not_now(hook));
            return Ok(());
        };
        say(format!("{why}: everything that it has made is removed"));
    }
    for namespace in &options.namespaces {
        delete_all::<Broadcast>(client, namespace, say).await?;
        delete_all::<Mixnet>(client, namespace, say).await?;
    }
    for namespace in &options.namespaces {
        wait_until_gone(client, namespace, options.timeout, say).await?;
        say_what_stays(client, namespace, say).await?;
    }
    if options.crds {
        delete_definitions(client, say).await?;
    }
    Ok(())
}

/// What is said by a Job that was applied as any object is.
fn not_now(hook: &Hook) -> String {
    let Hook { job, namespace, release, .. } = hook;
    format!(
        "nothing is removed: Job {namespace}/{job} is there to clean up when release {release} is uninstalled, and nobody uninstalls it. To remove its Mixnets by hand: kubectl --namespace {namespace} delete broadcasts,mixnets --all"
    )
}

/// Deletes all of a kind in a namespace.
async fn delete_all<K>(
    client: &Client,
    namespace: &str,
    say: &mut (dyn FnMut(String) + Send),
) -> Result<(), CleanupError>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + Debug,
{
    let plural = K::plural(&()).into_owned();
    let api: Api<PartialObjectMeta<K>> = Api::namespaced(client.clone(), namespace);
    let listed = match api.list(&ListParams::default()).await {
        Ok(listed) => listed,
        // The definition is gone, and with it all there was.
        Err(kube::Error::Api(status)) if status.is_not_found() => return Ok(()),
        Err(error) => return Err(call(format!("list {plural} in {namespace}"))(error)),
    };
    let params = DeleteParams {
        propagation_policy: Some(PropagationPolicy::Background),
        ..DeleteParams::default()
    };
    let api: Api<K> = Api::namespaced(client.clone(), namespace);
    for object in listed {
        let name = object.name_any();
        match api.delete(&name, &params).await {
            Ok(_) => say(format!("deleted {} {namespace}/{name}", K::kind(&()))),
            Err(kube::Error::Api(status)) if status.is_not_found() => {}
            Err(error) => {
                return Err(call(format!("delete {plural}/{name} in {namespace}"))(error));
            }
        }
    }
    Ok(())
}

/// Waits until nothing of the operator's making is left but volumes.
async fn wait_until_gone(
    client: &Client,
    namespace: &str,
    timeout: Duration,
    say: &mut (dyn FnMut(String) + Send),
) -> Result<(), CleanupError> {
    let began = Instant::now();
    let mut said = began;
    loop {
        let left = left(client, namespace).await?;
        if left.is_empty() {
            say(format!("nothing is left in {namespace}"));
            return Ok(());
        }
        let waited = began.elapsed();
        if waited > timeout {
            let namespace = namespace.to_owned();
            return Err(CleanupError::Left { waited: timeout, namespace, left: some_of(&left) });
        }
        if said.elapsed() > SAY || said == began {
            said = Instant::now();
            say(format!("waiting in {namespace} for {}", some_of(&left)));
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn some_of(left: &[String]) -> String {
    let named = left.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match left.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

async fn left(client: &Client, namespace: &str) -> Result<Vec<String>, CleanupError> {
    let mut left = managed::<Pod>(client, namespace).await?;
    left.extend(managed::<StatefulSet>(client, namespace).await?);
    left.extend(managed::<Deployment>(client, namespace).await?);
    left.extend(managed::<Job>(client, namespace).await?);
    left.extend(managed::<Service>(client, namespace).await?);
    left.extend(managed::<Secret>(client, namespace).await?);
    left.extend(managed::<ConfigMap>(client, namespace).await?);
    Ok(left)
}

/// The objects of a kind that the operator has made.
async fn managed<K>(client: &Client, namespace: &str) -> Result<Vec<String>, CleanupError>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + Debug,
{
    let api: Api<PartialObjectMeta<K>> = Api::namespaced(client.clone(), namespace);
    let labels = ListParams::default().labels(&format!("{MANAGED_BY_LABEL}={FIELD_MANAGER}"));
    let listed = api.list(&labels).await;
    let listed = listed.map_err(call(format!("list {} in {namespace}", K::plural(&()))))?;
    Ok(listed.iter().map(|object| format!("{} {}", K::kind(&()), object.name_any())).collect())
}

async fn say_what_stays(
    client: &Client,
    namespace: &str,
    say: &mut (dyn FnMut(String) + Send),
) -> Result<(), CleanupError> {
    let api: Api<PartialObjectMeta<PersistentVolumeClaim>> =
        Api::namespaced(client.clone(), namespace);
    let claims = api.list(&ListParams::default().labels(MIXNET_LABEL)).await;
    let claims = claims.map_err(call(format!("list persistentvolumeclaims in {namespace}")))?;
    for claim in &claims.items {
        if claim.metadata.deletion_timestamp.is_none() {
            let name = claim.name_any();
            say(format!(
                "left PersistentVolumeClaim {namespace}/{name}, if storage.keep is set: kubectl --namespace {namespace} delete pvc {name}"
            ));
        }
    }
    Ok(())
}

/// Deletes the definitions, if nobody needs them.
async fn delete_definitions(
    client: &Client,
    say: &mut (dyn FnMut(String) + Send),
) -> Result<(), CleanupError> {
    let mut reasons = used::<Mixnet>(client).await?;
    reasons.extend(used::<Broadcast>(client).await?);
    let operators: Api<PartialObjectMeta<Deployment>> = Api::all(client.clone());
    let labels = format!("app.kubernetes.io/name=mixbed,{COMPONENT_LABEL}=operator");
    let operators = operators.list(&ListParams::default().labels(&labels)).await;
    for operator in operators.map_err(call("list deployments of all namespaces"))? {
        if operator.metadata.deletion_timestamp.is_none() {
            let namespace = operator.namespace().unwrap_or_default();
            reasons.insert(format!("the operator {namespace}/{} uses them", operator.name_any()));
        }
    }
    let names = definitions().map(|definition| definition.name_any());
    if !reasons.is_empty() {
        let reasons: Vec<_> = reasons.into_iter().collect();
        say(format!("left the definitions {}: {}", names.join(" and "), some_of(&reasons)));
        return Ok(());
    }
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    for name in names {
        match api.delete(&name, &DeleteParams::default()).await {
            Ok(_) => say(format!("deleted the definition {name}")),
            Err(kube::Error::Api(status)) if status.is_not_found() => {}
            Err(error) => return Err(call(format!("delete the definition {name}"))(error)),
        }
    }
    Ok(())
}

/// Why a kind is needed: there are some.
async fn used<K>(client: &Client) -> Result<BTreeSet<String>, CleanupError>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    let api: Api<PartialObjectMeta<K>> = Api::all(client.clone());
    match api.list(&ListParams::default()).await {
        Ok(listed) => Ok(listed
            .iter()
            .map(|object| {
                let (kind, namespace) = (K::kind(&()), object.namespace().unwrap_or_default());
                format!("there is {kind} {namespace}/{}", object.name_any())
            })
            .collect()),
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(BTreeSet::new()),
        Err(error) => Err(call(format!("list {} of all namespaces", K::plural(&())))(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_some_are_named() {
        let left: Vec<_> = (0..7).map(|number| format!("Pod m-{number}")).collect();
        assert_eq!(some_of(&left[..2]), "Pod m-0, Pod m-1");
        assert_eq!(some_of(&left), "Pod m-0, Pod m-1, Pod m-2, Pod m-3, Pod m-4 and 2 more");
    }
}
