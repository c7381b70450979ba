//! Impairments of a Mixnet: its spec is changed, and its operator does the rest.

use std::time::Duration;

use kube::api::{Patch, PatchParams};
use mixbed_directory::ImpairmentRule;
use mixbed_operator::api::{Impairment, Mixnet};

use super::{ClusterError, InCluster, Session};
use crate::impairments::{Impairments, Order, list};

/// How long the operator may take to bring a change into the document.
const IN_FORCE: Duration = Duration::from_secs(20);

/// How often to look.
const LOOK: Duration = Duration::from_millis(200);

/// Others may change the spec at the same time, but hardly that often.
const TRIES: u32 = 5;

/// Shows the rules, after changing them if there is an order.
pub(crate) async fn impair(
    mut found: InCluster,
    order: Option<Order>,
) -> Result<Impairments, ClusterError> {
    if let Some(order) = &order {
        change(&mut found, order).await?;
    }
    let session = Session::to_directory(&found).await?;
    let wanted = rules(&found.mixnet)?;
    let looking = async {
        loop {
            let document = session.document().await?;
            if order.is_none() || document.parameters.impairments == wanted {
                return Ok(Impairments { rules: list(&document) });
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    let looked = tokio::time::timeout(IN_FORCE, looking).await;
    looked.unwrap_or_else(|_| {
        Err(found.not_ready(format!(
            "the rules are in its spec, but not in force after {} s; is its operator running?",
            IN_FORCE.as_secs()
        )))
    })
}

fn rules(mixnet: &Mixnet) -> Result<Vec<ImpairmentRule>, ClusterError> {
    let rules = mixnet.spec.impairments.iter().map(ImpairmentRule::try_from);
    rules.collect::<Result<_, _>>().map_err(ClusterError::Other)
}

/// Changes the spec: of what it is at that moment, so that nobody's change is undone.
async fn change(found: &mut InCluster, order: &Order) -> Result<(), ClusterError> {
    let api = found.api::<Mixnet>();
    let mut tries = 1;
    loop {
        let mut rules = rules(&found.mixnet)?;
        order.apply(&mut rules).map_err(|error| ClusterError::Other(error.to_string()))?;
        let spec: Vec<Impairment> = rules
            .iter()
            .map(Impairment::try_from)
            .collect::<Result<_, _>>()
            .map_err(|error| ClusterError::Other(error.to_string()))?;
        let patch = serde_json::json!({
            "metadata": { "resourceVersion": found.mixnet.metadata.resource_version },
            "spec": { "impairments": spec },
        });
        match api.patch(&found.name(), &PatchParams::default(), &Patch::Merge(patch)).await {
            Ok(changed) => {
                found.mixnet = changed;
                return Ok(());
            }
            Err(kube::Error::Api(status)) if status.code == 409 && tries < TRIES => {
                tries += 1;
                found.mixnet = api.get(&found.name()).await?;
            }
            Err(error) => return Err(error.into()),
        }
    }
}
