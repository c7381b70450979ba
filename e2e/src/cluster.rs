//! The cluster that `make e2e` names, and what it has to offer.

use std::path::PathBuf;

use kube::Client;
use serde::Deserialize;

/// What `scripts/e2e` says of the cluster, by variables.
#[derive(Clone)]
pub struct Cluster {
    /// Speaks with it as an administrator, by `KUBECONFIG`.
    pub client: Client,
    /// The images that its machines have.
    pub images: Images,
    /// The program `helm`.
    pub helm: PathBuf,
    /// The program `mixbed` on this machine.
    pub mixbed: PathBuf,
}

/// Names of images with their tags.
#[derive(Clone, Debug, Deserialize)]
pub struct Images {
    /// Every role and tool.
    pub mixbed: String,
    /// The same image under another tag, to upgrade to.
    pub mixbed_next: String,
    /// monerod and monero-wallet-rpc.
    pub monero: String,
    /// Jaeger, all in one.
    pub jaeger: String,
    /// Says what can be reached from where it runs.
    pub probe: String,
}

impl Cluster {
    /// The cluster of this run.
    pub async fn of_this_run() -> Self {
        let images = std::fs::read_to_string(variable("MIXBED_E2E_IMAGES")).expect("the images");
        Self {
            client: Client::try_default().await.expect("KUBECONFIG names a cluster"),
            images: serde_json::from_str(&images).expect("names of images"),
            helm: variable("MIXBED_E2E_HELM"),
            mixbed: variable("MIXBED_E2E_MIXBED"),
        }
    }
}

fn variable(name: &str) -> PathBuf {
    let value = std::env::var_os(name);
    value.unwrap_or_else(|| panic!("{name} is not set: run these tests by `make e2e`")).into()
}
