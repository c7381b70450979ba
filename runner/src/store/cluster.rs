//! A run's report in a `ConfigMap`, for everyone who may look at the namespace, and what the run goes
//! on from in a `Secret`: transactions that were not sent yet are for nobody else. The operator has
//! made both.
//!
//! The Secret is written first and has all of it, so that what is written down is never half a state;
//! the ConfigMap only shows it.

mod fenced;

use std::fmt;

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{Client, Config};
use mixbed_operator::api::REPORT_KEY;
use mixbed_operator::broadcast::{CANCELLED_ANNOTATION, UNRESOLVED_KEY};

use self::fenced::{ANSWER, Fenced, Texts as _};
use super::StoreError;
use crate::core::Saved;

/// The `ConfigMap` and the `Secret` of a run.
pub struct ClusterStore {
    report: Fenced<ConfigMap>,
    run: Fenced<Secret>,
}

impl fmt::Debug for ClusterStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterStore").field("place", &self.place()).finish_non_exhaustive()
    }
}

impl ClusterStore {
    /// The `ConfigMap` and the `Secret` of these names in the pod's own namespace; outside of a pod,
    /// in that of the kubeconfig. Nothing is asked yet.
    pub async fn connect(report: &str, run: &str) -> Result<Self, StoreError> {
        let refused = |error: &dyn std::error::Error| StoreError::Refused {
            place: format!("the ConfigMap {report}"),
            why: format!("there is no cluster here ({error}): give --report FILE instead"),
        };
        let mut config = Config::infer().await.map_err(|error| refused(&error))?;
        config.connect_timeout = Some(ANSWER);
        config.read_timeout = Some(ANSWER);
        config.write_timeout = Some(ANSWER);
        let client = Client::try_from(config).map_err(|error| refused(&error))?;
        Ok(Self::new(client, report, run))
    }

    /// Those of these names, by this client.
    #[must_use]
    pub fn new(client: Client, report: &str, run: &str) -> Self {
        let us = hex::encode(rand::random::<[u8; 8]>());
        Self {
            report: Fenced::new(client.clone(), report, &us),
            run: Fenced::new(client, run, &us),
        }
    }

    pub(super) fn place(&self) -> String {
        format!("{} and {}", self.report.place(), self.run.place())
    }

    pub(super) async fn open(&mut self) -> Result<Option<Saved>, StoreError> {
        let run = self.run.take().await?;
        self.report.take().await?;
        let unreadable = |key: &str, error: &serde_json::Error| {
            let why = format!("its {key} cannot be read ({error}): remove the key to begin anew");
            self.run.refused(why)
        };
        let Some(report) = run.text(REPORT_KEY) else { return Ok(None) };
        let report = serde_json::from_str(report).map_err(|e| unreadable(REPORT_KEY, &e))?;
        let unresolved = match run.text(UNRESOLVED_KEY) {
            Some(text) => serde_json::from_str(text).map_err(|e| unreadable(UNRESOLVED_KEY, &e))?,
            None => Vec::new(),
        };
        Ok(Some(Saved { report, unresolved }))
    }

    pub(super) async fn save(&mut self, saved: &Saved) -> Result<(), StoreError> {
        let unwritable = |error: serde_json::Error| self.run.refused(error.to_string());
        let report = serde_json::to_string(&saved.report).map_err(unwritable)?;
        let unresolved = serde_json::to_string(&saved.unresolved).map_err(unwritable)?;
        self.run.put([(REPORT_KEY, report.clone()), (UNRESOLVED_KEY, unresolved)]).await?;
        self.report.put([(REPORT_KEY, report)]).await
    }

    pub(super) async fn is_cancelled(&mut self) -> Result<bool, StoreError> {
        let annotations = self.report.get().await?.metadata.annotations.unwrap_or_default();
        Ok(annotations.get(CANCELLED_ANNOTATION).is_some_and(|value| value == "true"))
    }
}

#[cfg(test)]
mod tests;
