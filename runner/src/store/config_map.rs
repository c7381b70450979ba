//! A report in a `ConfigMap`, which the operator has made.
//!
//! Each write names the version that it replaces, and who wrote it is in the `ConfigMap` too: of two
//! pods at once only the newer can write, and the older one notices.

use std::error::Error as _;
use std::fmt;
use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, Patch, PatchParams};
use kube::{Client, Config};
use mixbed_operator::broadcast::{CANCELLED_ANNOTATION, REPORT_KEY, UNRESOLVED_KEY};
use serde_json::json;

use super::StoreError;
use crate::core::Saved;

/// The key of who writes.
const WRITER_KEY: &str = "writer";

/// How long the API server may take.
const ANSWER: Duration = Duration::from_secs(5);

/// A `ConfigMap` with the report, and with what is to be sent again.
pub struct ConfigMapStore {
    maps: Api<ConfigMap>,
    name: String,
    namespace: String,
    /// Who we are.
    us: String,
    version: Option<String>,
}

impl fmt::Debug for ConfigMapStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigMapStore").field("place", &self.place()).finish_non_exhaustive()
    }
}

impl ConfigMapStore {
    /// The `ConfigMap` of this name in the pod's own namespace; outside of a pod, in that of the
    /// kubeconfig. Nothing is asked yet.
    pub async fn connect(name: &str) -> Result<Self, StoreError> {
        let refused = |error: &dyn std::error::Error| StoreError::Refused {
            place: format!("the ConfigMap {name}"),
            why: format!("there is no cluster here ({error}): give --report FILE instead"),
        };
        let mut config = Config::infer().await.map_err(|error| refused(&error))?;
        config.connect_timeout = Some(ANSWER);
        config.read_timeout = Some(ANSWER);
        config.write_timeout = Some(ANSWER);
        let client = Client::try_from(config).map_err(|error| refused(&error))?;
        Ok(Self::new(client, name))
    }

    /// The `ConfigMap` of this name, by this client.
    #[must_use]
    pub fn new(client: Client, name: &str) -> Self {
        let namespace = client.default_namespace().to_owned();
        Self {
            maps: Api::namespaced(client, &namespace),
            name: name.to_owned(),
            namespace,
            us: hex::encode(rand::random::<[u8; 8]>()),
            version: None,
        }
    }

    pub(super) fn place(&self) -> String {
        format!("the ConfigMap {}/{}", self.namespace, self.name)
    }

    pub(super) async fn open(&mut self) -> Result<Option<Saved>, StoreError> {
        let map = self.get().await?;
        let saved = self.read(&map)?;
        self.version = map.metadata.resource_version;
        match self.put(json!({ WRITER_KEY: self.us })).await {
            // By the operator, or by the pod before in its last moment: to be read again.
            Err(StoreError::Taken { .. }) => Err(self.away("it was changed meanwhile")),
            put => put.map(|()| saved),
        }
    }

    pub(super) async fn save(&mut self, saved: &Saved) -> Result<(), StoreError> {
        let unwritable = |error: serde_json::Error| StoreError::Refused {
            place: self.place(),
            why: error.to_string(),
        };
        let report = serde_json::to_string(&saved.report).map_err(unwritable)?;
        let unresolved = serde_json::to_string(&saved.unresolved).map_err(unwritable)?;
        let data = json!({ REPORT_KEY: report, UNRESOLVED_KEY: unresolved, WRITER_KEY: self.us });
        self.put(data).await
    }

    pub(super) async fn is_cancelled(&mut self) -> Result<bool, StoreError> {
        let map = self.get().await?;
        let annotations = map.metadata.annotations.unwrap_or_default();
        Ok(annotations.get(CANCELLED_ANNOTATION).is_some_and(|value| value == "true"))
    }

    fn read(&self, map: &ConfigMap) -> Result<Option<Saved>, StoreError> {
        let data = map.data.as_ref();
        let text = |key: &str| data.and_then(|data| data.get(key)).filter(|text| !text.is_empty());
        let unreadable = |key: &str, error: &serde_json::Error| StoreError::Refused {
            place: self.place(),
            why: format!("its {key} cannot be read ({error}): remove the key to begin anew"),
        };
        let Some(report) = text(REPORT_KEY) else { return Ok(None) };
        let report = serde_json::from_str(report).map_err(|e| unreadable(REPORT_KEY, &e))?;
        let unresolved = match text(UNRESOLVED_KEY) {
            Some(text) => serde_json::from_str(text).map_err(|e| unreadable(UNRESOLVED_KEY, &e))?,
            None => Vec::new(),
        };
        Ok(Some(Saved { report, unresolved }))
    }

    /// Writes these keys, over the version that we know; whose version it is, is found out if it
    /// is another.
    async fn put(&mut self, data: serde_json::Value) -> Result<(), StoreError> {
        let patch = json!({
            "metadata": { "resourceVersion": self.version },
            "data": data,
        });
        let patch = Patch::Merge(patch);
        let parameters = PatchParams::default();
        match self.answered(self.maps.patch(&self.name, &parameters, &patch)).await {
            Ok(map) => {
                self.version = map.metadata.resource_version;
                Ok(())
            }
            Err(Trouble::Changed) => {
                let map = self.get().await?;
                let writer = map.data.as_ref().and_then(|data| data.get(WRITER_KEY));
                if writer.is_some_and(|writer| *writer != self.us) {
                    return Err(StoreError::Taken { place: self.place() });
                }
                // The operator has changed an annotation, or an answer to us was lost.
                self.version = map.metadata.resource_version;
                Err(self.away("it was changed meanwhile"))
            }
            Err(Trouble::Away(why)) => Err(self.away(&why)),
            Err(Trouble::Refused(why)) => Err(StoreError::Refused { place: self.place(), why }),
        }
    }

    async fn get(&self) -> Result<ConfigMap, StoreError> {
        match self.answered(self.maps.get(&self.name)).await {
            Ok(map) => Ok(map),
            Err(Trouble::Changed) => Err(self.away("it was changed meanwhile")),
            Err(Trouble::Away(why)) => Err(self.away(&why)),
            Err(Trouble::Refused(why)) => Err(StoreError::Refused { place: self.place(), why }),
        }
    }

    async fn answered(
        &self,
        call: impl Future<Output = kube::Result<ConfigMap>>,
    ) -> Result<ConfigMap, Trouble> {
        match tokio::time::timeout(ANSWER, call).await {
            Ok(answer) => answer.map_err(|error| trouble(&error)),
            Err(_) => Err(Trouble::Away(format!("the API server gave no answer in {ANSWER:?}"))),
        }
    }

    fn away(&self, why: &str) -> StoreError {
        StoreError::Away { place: self.place(), why: why.to_owned() }
    }
}

enum Trouble {
    Away(String),
    Changed,
    Refused(String),
}

fn trouble(error: &kube::Error) -> Trouble {
    let kube::Error::Api(status) = error else {
        let mut text = format!("the API server cannot be reached: {error}");
        let mut cause = error.source();
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        return Trouble::Away(text.chars().take(300).collect());
    };
    let said: String = status.message.chars().filter(|c| !c.is_control()).take(300).collect();
    match status.code {
        409 => Trouble::Changed,
        // Deleted by somebody: the operator makes it again.
        404 => Trouble::Away("it is not there (yet); the operator makes it".to_owned()),
        408 | 429 | 500.. => {
            Trouble::Away(format!("the API server answers {}: {said}", status.code))
        }
        401 | 403 => Trouble::Refused(format!(
            "the API server refuses ({said}): this pod's service account has to get and patch it"
        )),
        code => Trouble::Refused(format!("the API server answers {code}: {said}")),
    }
}

#[cfg(test)]
mod tests;
