//! Whether a chart's release is really being uninstalled.
//!
//! Helm makes the Jobs of its delete hooks only then. Tools that render the chart and apply what comes
//! out make them like any other object, at the installation and again and again. So a Job looks for
//! what only an uninstall leaves behind, and does nothing if there is none.

#![deny(clippy::disallowed_methods)]

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::api::{Api, ListParams, ObjectMeta, PartialObjectMeta};
use kube::{Client, Error, ResourceExt as _};

/// Annotation that `kubectl apply` and tools like it leave on what they apply.
const APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The Job of a chart's hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Its name.
    pub job: String,
    /// Its namespace, which is the release's.
    pub namespace: String,
    /// The release.
    pub release: String,
    /// The Deployment of the release's operator.
    pub operator: String,
}

/// What tells of an uninstall.
#[derive(Clone, Debug, Default, PartialEq)]
struct Signs {
    /// The Job itself.
    job: ObjectMeta,
    /// The state of the release's newest record, if Helm keeps any.
    release: Option<String>,
    /// The operator's Deployment is being deleted.
    operator_leaves: bool,
}

impl Hook {
    /// Why its release is being uninstalled; nothing if it is not.
    pub(super) async fn uninstall(&self, client: &Client) -> Result<Option<String>, Error> {
        let jobs: Api<Job> = Api::namespaced(client.clone(), &self.namespace);
        let job = jobs.get_metadata_opt(&self.job).await?.map(|job| job.metadata);
        let operators: Api<Deployment> = Api::namespaced(client.clone(), &self.namespace);
        let operator = operators.get_metadata_opt(&self.operator).await?;
        let deleted = |object: PartialObjectMeta<_>| object.metadata.deletion_timestamp.is_some();
        let signs = Signs {
            job: job.unwrap_or_default(),
            release: self.release_state(client).await?,
            operator_leaves: operator.is_some_and(deleted),
        };
        Ok(uninstall(&self.release, &signs))
    }

    /// The state of the newest record that Helm keeps of the release, in Secrets or `ConfigMaps`.
    async fn release_state(&self, client: &Client) -> Result<Option<String>, Error> {
        let labels = ListParams::default().labels(&format!("owner=helm,name={}", self.release));
        let secrets: Api<Secret> = Api::namespaced(client.clone(), &self.namespace);
        let maps: Api<ConfigMap> = Api::namespaced(client.clone(), &self.namespace);
        let secrets = secrets.list_metadata(&labels).await?.items.into_iter();
        let maps = maps.list_metadata(&labels).await?.items.into_iter();
        let records = secrets.map(|record| record.labels().clone());
        Ok(newest(records.chain(maps.map(|record| record.labels().clone()))))
    }
}

/// The state of the newest of Helm's records, by their labels.
fn newest(records: impl Iterator<Item = BTreeMap<String, String>>) -> Option<String> {
    let version = |labels: &BTreeMap<String, String>| {
        labels.get("version").and_then(|version| version.parse::<u64>().ok())
    };
    records.max_by_key(version)?.remove("status")
}

/// Why the release is being uninstalled; nothing if it is not.
fn uninstall(release: &str, signs: &Signs) -> Option<String> {
    if signs.release.as_deref() == Some("uninstalling") {
        return Some(format!("Helm uninstalls the release {release}"));
    }
    if signs.operator_leaves {
        return Some("the operator is being deleted".to_owned());
    }
    let maker = maker(&signs.job)?;
    // These make a Job of a delete hook in no other case: Argo CD for PreDelete and PostDelete, and
    // a Helm that keeps its records elsewhere (another namespace, a database).
    let runs_hooks = maker.starts_with("argocd") || maker.starts_with("helm");
    runs_hooks.then(|| format!("{maker} runs this as a hook of a deletion"))
}

/// What made the Job as a hook; nothing if it was applied, as objects are that stay.
fn maker(job: &ObjectMeta) -> Option<&str> {
    if job.annotations.as_ref().is_some_and(|annotations| annotations.contains_key(APPLIED)) {
        return None;
    }
    // Of those who have set fields, who has set the spec.
    let sets_spec = |entry: &&ManagedFieldsEntry| {
        entry.subresource.is_none()
            && entry.fields_v1.as_ref().is_some_and(|fields| fields.0.get("f:spec").is_some())
    };
    let entries = job.managed_fields.iter().flatten();
    let maker = entries.clone().find(sets_spec)?;
    let by = maker.manager.as_deref()?;
    // Argo CD creates hooks, and applies the rest.
    let created = maker.operation.as_deref() == Some("Update");
    (created || by.starts_with("helm")).then_some(by)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{FieldsV1, Time};

    use super::*;

    fn entry(manager: &str, operation: &str) -> ManagedFieldsEntry {
        ManagedFieldsEntry {
            manager: Some(manager.to_owned()),
            operation: Some(operation.to_owned()),
            fields_v1: Some(FieldsV1(serde_json::json!({ "f:spec": { "f:template": {} } }))),
            ..ManagedFieldsEntry::default()
        }
    }

    fn made_by(manager: &str, operation: &str) -> Signs {
        // The Job's controller writes its status, as always.
        let status = ManagedFieldsEntry {
            fields_v1: Some(FieldsV1(serde_json::json!({ "f:status": {} }))),
            subresource: Some("status".to_owned()),
            ..entry("kube-controller-manager", "Update")
        };
        let job = ObjectMeta {
            managed_fields: Some(vec![status, entry(manager, operation)]),
            creation_timestamp: Some(Time(k8s_openapi::jiff::Timestamp::UNIX_EPOCH)),
            ..ObjectMeta::default()
        };
        Signs { job, ..Signs::default() }
    }

    fn applied(mut signs: Signs) -> Signs {
        signs.job.annotations = Some([(APPLIED.to_owned(), "{}".to_owned())].into());
        signs
    }

    #[test]
    fn a_plain_object_is_no_uninstall_whoever_applies_it() {
        for signs in [
            Signs::default(),
            applied(made_by("kubectl-client-side-apply", "Update")),
            made_by("kubectl", "Apply"),
            made_by("kubectl-create", "Update"),
            applied(made_by("argocd-controller", "Update")),
            made_by("argocd-controller", "Apply"),
            made_by("kustomize-controller", "Apply"),
            made_by("kapp", "Update"),
        ] {
            for release in [None, Some("deployed"), Some("pending-upgrade"), Some("uninstalled")] {
                let signs = Signs { release: release.map(str::to_owned), ..signs.clone() };
                assert_eq!(uninstall("r", &signs), None, "{signs:#?}");
            }
        }
    }

    #[test]
    fn an_uninstall_is_seen_whoever_does_it() {
        let state = |state: &str, signs| Signs { release: Some(state.to_owned()), ..signs };
        for (what, signs) in [
            ("helm", state("uninstalling", made_by("helm", "Update"))),
            ("a Helm of another name", state("uninstalling", made_by("fleetagent", "Update"))),
            ("Flux, its records elsewhere", made_by("helm-controller", "Update")),
            ("a Helm that applies", made_by("helm", "Apply")),
            ("Argo CD", made_by("argocd-application-controller", "Update")),
            ("kubectl delete", Signs { operator_leaves: true, ..made_by("kubectl", "Apply") }),
        ] {
            assert!(uninstall("r", &signs).is_some(), "{what}");
        }
    }

    #[test]
    fn the_newest_record_counts_and_not_an_uninstall_that_failed_once() {
        let record = |version: &str, status: &str| {
            [("version", version), ("status", status)].map(crate::child::owned).into()
        };
        let records =
            [record("9", "uninstalling"), record("10", "deployed"), record("2", "superseded")];
        assert_eq!(newest(records.into_iter()).as_deref(), Some("deployed"));
        assert_eq!(newest(std::iter::empty()), None);
    }
}
