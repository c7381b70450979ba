//! `mixbed operator test`

mod story;

use std::time::{Duration, Instant};

use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::{Api, Client, Resource, ResourceExt as _};
use mixbed_operator::api::{
    Broadcast, BroadcastPhase, BroadcastSpec, BroadcastStatus, BroadcastWallet, Mixnet, Period,
    Rate, is_true,
};
use serde_json::json;

use crate::cluster::ClusterError;
use crate::failure::Failure;
use crate::output;
use crate::settings;

/// How often it looks. It asks for one object by its name, as that is all that it may.
const LOOK: Duration = Duration::from_millis(500);

/// What a Broadcast's deadline is at least.
const SHORTEST: Duration = Duration::from_secs(10);

const AFTER_HELP: &str = "\
Examples:
  mixbed operator test --mixnet mixnet --timeout 3m

What `helm test` runs in the cluster. A run that went wrong stays there as a Broadcast, to be looked
at: `kubectl describe broadcast`; one that went well is deleted.";

/// Send one real transaction through a Mixnet in Kubernetes, and see it mined
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// Namespace of the Mixnet; without it, the kubeconfig's, or in a pod the pod's own
    #[arg(long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// The Mixnet
    #[arg(long, value_name = "NAME", default_value = "mixnet")]
    mixnet: String,
    /// How long it may take, the wait until the Mixnet is ready included
    #[arg(long, value_name = "TIME", default_value = "3m")]
    timeout: settings::Period,
    /// The pod that this runs in: it will go when the Mixnet does
    #[arg(long, value_name = "NAME")]
    pod: Option<String>,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let client = Client::try_default().await;
    let client = client.map_err(|error| Failure::failed(ClusterError::from(error)))?;
    let namespace = args.namespace.unwrap_or_else(|| client.default_namespace().to_owned());
    let timeout = args.timeout.0;
    let test =
        Test { client, namespace, mixnet: args.mixnet, timeout, until: Instant::now() + timeout };
    test.run(args.pod.as_deref()).await
}

/// One transaction's test.
struct Test {
    client: Client,
    namespace: String,
    mixnet: String,
    timeout: Duration,
    until: Instant,
}

impl Test {
    async fn run(&self, pod: Option<&str>) -> Result<(), Failure> {
        let mixnet = self.ready().await?;
        if let Some(pod) = pod
            && let Err(error) = self.goes_with(pod, &mixnet).await
        {
            // The test is worth as much; only its pod has to be deleted by hand.
            output::say(format!(
                "{pod} will stay when the Mixnet goes: {}",
                ClusterError::from(error)
            ));
        }
        let broadcast = self.send(&mixnet).await?;
        let name = broadcast.name_any();
        let status = self.over(&name).await?;
        output::print(story::of(&mixnet, &name, &status));
        if status.phase != BroadcastPhase::Succeeded {
            return Err(Failure::failed(self.look_at(&name, &status.message)));
        }
        let broadcasts: Api<Broadcast> = self.api();
        let deleted = broadcasts.delete(&name, &DeleteParams::background()).await;
        deleted.map(drop).map_err(|error| Failure::failed(ClusterError::from(error)))
    }

    fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// The Mixnet, when it carries transactions.
    async fn ready(&self) -> Result<Mixnet, Failure> {
        let mut said = String::new();
        loop {
            let why = match self.api::<Mixnet>().get_opt(&self.mixnet).await {
                Ok(Some(mixnet)) if is_ready(&mixnet) => return Ok(mixnet),
                Ok(Some(mixnet)) => mixnet.status.map(|status| status.message).unwrap_or_default(),
                Ok(None) => format!("there is none in namespace {}", self.namespace),
                Err(error) => ClusterError::from(error).to_string(),
            };
            tell(&mut said, format!("Mixnet {} is not ready: {}", self.mixnet, or_unseen(&why)));
            if !self.wait().await {
                let what = format!(
                    "{said}; `kubectl --namespace {} describe mixnet {}` tells more",
                    self.namespace, self.mixnet
                );
                return Err(self.too_late(&what));
            }
        }
    }

    /// Makes the test's pod the Mixnet's: Helm leaves it for its log, and never removes it.
    async fn goes_with(&self, pod: &str, mixnet: &Mixnet) -> Result<(), kube::Error> {
        let owners = json!({ "metadata": { "ownerReferences": [mixnet.owner_ref(&())] } });
        let pods: Api<k8s_openapi::api::core::v1::Pod> = self.api();
        pods.patch(pod, &PatchParams::default(), &Patch::Merge(owners)).await.map(drop)
    }

    /// Orders the transaction.
    async fn send(&self, mixnet: &Mixnet) -> Result<Broadcast, Failure> {
        let name = format!("{}-test-{:04x}", self.mixnet, rand::random::<u16>());
        let left = self.until.saturating_duration_since(Instant::now()).max(SHORTEST);
        let mut broadcast = Broadcast::new(
            &name,
            BroadcastSpec {
                mixnet: self.mixnet.clone(),
                transactions: 1,
                rate: Rate::per_second(1),
                // Whole seconds: anything finer is no time that people would write.
                deadline: Period::from_secs(left.as_secs()),
                traced: true,
                wallet: BroadcastWallet::default(),
                cancelled: false,
                resources: None,
            },
        );
        broadcast.owner_references_mut().extend(mixnet.owner_ref(&()));
        let broadcasts: Api<Broadcast> = self.api();
        let made = broadcasts.create(&PostParams::default(), &broadcast).await;
        output::say(format!("Broadcast {name}: one transaction through Mixnet {}", self.mixnet));
        made.map_err(|error| Failure::failed(ClusterError::from(error)))
    }

    /// How the Broadcast ended.
    async fn over(&self, name: &str) -> Result<BroadcastStatus, Failure> {
        let mut said = String::new();
        loop {
            let told = match self.api::<Broadcast>().get_opt(name).await {
                Ok(Some(Broadcast { status: Some(status), .. })) if status.phase.is_over() => {
                    return Ok(status);
                }
                Ok(Some(broadcast)) => {
                    let status = broadcast.status.unwrap_or_default();
                    format!("{:?}: {}", status.phase, or_unseen(&status.message))
                }
                Ok(None) => {
                    return Err(Failure::failed(format!("somebody deleted Broadcast {name}")));
                }
                Err(error) => ClusterError::from(error).to_string(),
            };
            tell(&mut said, told);
            if !self.wait().await {
                return Err(self.too_late(&self.look_at(name, &said)));
            }
        }
    }

    fn look_at(&self, name: &str, why: &str) -> String {
        format!(
            "{why}; Broadcast {name} stays to be looked at: `kubectl --namespace {0} describe broadcast {name}`, `kubectl --namespace {0} logs job/{name}`",
            self.namespace
        )
    }

    /// Waits a little; false if there is no time left.
    async fn wait(&self) -> bool {
        tokio::time::sleep(LOOK).await;
        Instant::now() < self.until
    }

    fn too_late(&self, what: &str) -> Failure {
        Failure::failed(format!(
            "not done after {}: {what}",
            humantime::format_duration(self.timeout)
        ))
    }
}

/// Whether what its operator says is about the spec as it is now, and good.
fn is_ready(mixnet: &Mixnet) -> bool {
    mixnet.status.as_ref().is_some_and(|status| {
        status.observed_generation == mixnet.metadata.generation
            && is_true(&status.conditions, "Ready")
    })
}

/// Says it if it is news.
fn tell(said: &mut String, now: String) {
    if *said != now {
        output::say(&now);
        *said = now;
    }
}

/// An operator that has not looked has nothing to say.
fn or_unseen(message: &str) -> &str {
    if message.is_empty() { "its operator has not looked at it yet" } else { message }
}

#[cfg(test)]
mod tests;
