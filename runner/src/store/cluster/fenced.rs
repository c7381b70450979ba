//! An object of the cluster that one process at a time writes.
//!
//! Each write names the version that it replaces, and who wrote it is in the object too: of two pods
//! at once only the newer can write, and the older one notices.

use std::error::Error as _;
use std::fmt::Debug;
use std::time::Duration;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::{Api, Patch, PatchParams};
use kube::{Client, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::store::StoreError;

/// The key of who writes.
const WRITER_KEY: &str = "writer";

/// How long the API server may take.
pub(super) const ANSWER: Duration = Duration::from_secs(5);

/// Objects that hold texts by keys.
pub(super) trait Texts:
    Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned
{
    /// The field by which texts are written.
    const WRITTEN: &'static str;

    /// The text of this key; nothing if there is none, or it is empty.
    fn text(&self, key: &str) -> Option<&str>;
}

impl Texts for ConfigMap {
    const WRITTEN: &'static str = "data";

    fn text(&self, key: &str) -> Option<&str> {
        self.data.as_ref()?.get(key).map(String::as_str).filter(|text| !text.is_empty())
    }
}

impl Texts for Secret {
    const WRITTEN: &'static str = "stringData";

    fn text(&self, key: &str) -> Option<&str> {
        let bytes = &self.data.as_ref()?.get(key)?.0;
        std::str::from_utf8(bytes).ok().filter(|text| !text.is_empty())
    }
}

/// An object that the operator has made, and this process writes.
pub(super) struct Fenced<K> {
    objects: Api<K>,
    name: String,
    namespace: String,
    /// Who we are.
    us: String,
    version: Option<String>,
}

impl<K: Texts> Fenced<K> {
    /// The object of this name, by this client, in its namespace.
    pub(super) fn new(client: Client, name: &str, us: &str) -> Self {
        let namespace = client.default_namespace().to_owned();
        Self {
            objects: Api::namespaced(client, &namespace),
            name: name.to_owned(),
            namespace,
            us: us.to_owned(),
            version: None,
        }
    }

    pub(super) fn place(&self) -> String {
        format!("the {} {}/{}", K::kind(&()), self.namespace, self.name)
    }

    /// Takes it over from whoever wrote it; returns what it was.
    pub(super) async fn take(&mut self) -> Result<K, StoreError> {
        let object = self.get().await?;
        self.version = object.resource_version();
        match self.put([]).await {
            // By the operator, or by the pod before in its last moment: to be read again.
            Err(StoreError::Taken { .. }) => Err(self.away("it was changed meanwhile")),
            put => put.map(|()| object),
        }
    }

    /// Writes these texts, over the version that we know; whose version it is, is found out if it
    /// is another.
    pub(super) async fn put<const N: usize>(
        &mut self,
        texts: [(&str, String); N],
    ) -> Result<(), StoreError> {
        let texts = texts.into_iter().map(|(key, text)| (key.to_owned(), Value::String(text)));
        let mut texts: Map<_, _> = texts.collect();
        texts.insert(WRITER_KEY.to_owned(), Value::String(self.us.clone()));
        let patch = json!({
            "metadata": { "resourceVersion": self.version },
            K::WRITTEN: texts,
        });
        let (parameters, patch) = (PatchParams::default(), Patch::Merge(patch));
        match self.answered(self.objects.patch(&self.name, &parameters, &patch)).await {
            Ok(object) => {
                self.version = object.resource_version();
                Ok(())
            }
            Err(Trouble::Changed) => {
                let object = self.get().await?;
                if object.text(WRITER_KEY).is_some_and(|writer| *writer != self.us) {
                    return Err(StoreError::Taken { place: self.place() });
                }
                // The operator has changed an annotation, or an answer to us was lost.
                self.version = object.resource_version();
                Err(self.away("it was changed meanwhile"))
            }
            Err(Trouble::Away(why)) => Err(self.away(&why)),
            Err(Trouble::Refused(why)) => Err(self.refused(why)),
        }
    }

    pub(super) async fn get(&self) -> Result<K, StoreError> {
        match self.answered(self.objects.get(&self.name)).await {
            Ok(object) => Ok(object),
            Err(Trouble::Changed) => Err(self.away("it was changed meanwhile")),
            Err(Trouble::Away(why)) => Err(self.away(&why)),
            Err(Trouble::Refused(why)) => Err(self.refused(why)),
        }
    }

    async fn answered(&self, call: impl Future<Output = kube::Result<K>>) -> Result<K, Trouble> {
        match tokio::time::timeout(ANSWER, call).await {
            Ok(answer) => answer.map_err(|error| trouble(&error)),
            Err(_) => Err(Trouble::Away(format!("the API server gave no answer in {ANSWER:?}"))),
        }
    }

    fn away(&self, why: &str) -> StoreError {
        StoreError::Away { place: self.place(), why: why.to_owned() }
    }

    pub(super) fn refused(&self, why: String) -> StoreError {
        StoreError::Refused { place: self.place(), why }
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
