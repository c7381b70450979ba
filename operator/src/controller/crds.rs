//! The definitions of the custom resources, in the cluster.

use std::time::Duration;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::{conditions, wait::await_condition};
use kube::{Client, ResourceExt as _};

use super::definition_fields::fields;
use crate::api::{FIELD_MANAGER, definitions};

/// How long the API server may take to serve a definition.
const ESTABLISHED: Duration = Duration::from_secs(30);

/// Why the definitions could not be installed.
#[derive(Debug, thiserror::Error)]
pub enum CrdError {
    /// No right to.
    #[error(
        "the operator may not install the definition {name} ({said}): give its role get, list, watch, create and patch of customresourcedefinitions, or install charts/mixbed/crds and start it without --install-crds"
    )]
    Forbidden {
        /// Which one.
        name: String,
        /// The API server's words.
        said: String,
    },
    /// It was refused, or there was no answer.
    #[error("the definition {name} could not be installed: {why}")]
    Failed {
        /// Which one.
        name: String,
        /// Why.
        why: String,
    },
    /// It was taken, and is not served.
    #[error(
        "the API server does not serve {name} after {ESTABLISHED:?}: kubectl describe crd {name}"
    )]
    NotEstablished {
        /// Which one.
        name: String,
    },
}

/// Applies both, and waits until they are served. One that knows more fields than ours belongs to a
/// newer operator and stays as it is: to put ours in its place would drop what newer Mixnets say.
pub async fn install(
    client: &Client,
    say: &mut (dyn FnMut(String) + Send),
) -> Result<(), CrdError> {
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    let params = PatchParams {
        force: true,
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    for definition in definitions() {
        let name = definition.name_any();
        let found = api.get_opt(&name).await.map_err(|error| failed(&name, &error))?;
        if let Some(more) = found.and_then(|found| fields(&found).newer_than(&fields(&definition)))
        {
            say(format!(
                "left the definition {name}, which knows {more}: it is of a newer operator"
            ));
            continue;
        }
        let applied = api.patch(&name, &params, &Patch::Apply(&definition)).await;
        applied.map_err(|error| failed(&name, &error))?;
        say(format!("the definition {name} is of this version"));
    }
    for definition in definitions() {
        let name = definition.name_any();
        let served = await_condition(api.clone(), &name, conditions::is_crd_established());
        match tokio::time::timeout(ESTABLISHED, served).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(CrdError::Failed { name, why: error.to_string() }),
            Err(_) => return Err(CrdError::NotEstablished { name }),
        }
    }
    Ok(())
}

fn failed(name: &str, error: &kube::Error) -> CrdError {
    let name = name.to_owned();
    match error {
        kube::Error::Api(status) if status.is_forbidden() => {
            CrdError::Forbidden { name, said: status.message.clone() }
        }
        _ => CrdError::Failed { name, why: error.to_string() },
    }
}
