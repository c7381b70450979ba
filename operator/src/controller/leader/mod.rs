//! Which of several replicas works: a Lease says it.

mod core;

use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use kube::api::{Api, ObjectMeta, PostParams};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::core::{Election, LENGTH, Record, Step};

/// How long the API server may take for an answer: less than what is between two looks.
const ANSWER: Duration = Duration::from_secs(3);

/// Where the lease is, and who we are.
#[derive(Clone, Debug)]
pub(crate) struct LeaseName {
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// This replica's own.
    pub(crate) identity: String,
}

/// Takes part until `stop`, then releases the lease if it is held. `leads` says when this replica
/// works.
pub(crate) async fn take_part(
    client: Client,
    lease: LeaseName,
    leads: watch::Sender<bool>,
    stop: CancellationToken,
) {
    let mut shell = Shell {
        api: Api::namespaced(client, &lease.namespace),
        election: Election::new(lease.identity.clone()),
        lease,
        last: None,
        complained: false,
    };
    while !stop.is_cancelled() {
        let until = shell.election.until(Instant::now());
        tokio::select! {
            () = shell.round() => {}
            () = stop.cancelled() => break,
            // Also while the API server does not answer.
            () = expiry(until) => {}
        }
        let now = Instant::now();
        let until = shell.election.until(now);
        leads
            .send_if_modified(|leads| std::mem::replace(leads, until.is_some()) != until.is_some());
        tokio::select! {
            () = tokio::time::sleep(shell.election.pause(now)) => {}
            () = expiry(until) => {
                leads.send_replace(false);
            }
            () = stop.cancelled() => {}
        }
    }
    let led = leads.send_replace(false);
    if led {
        shell.release().await;
    }
}

async fn expiry(until: Option<Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until.into()).await,
        None => std::future::pending().await,
    }
}

struct Shell {
    api: Api<Lease>,
    lease: LeaseName,
    election: Election,
    /// As it was last read or written.
    last: Option<Lease>,
    complained: bool,
}

impl Shell {
    /// Looks, and writes if it is ours to.
    async fn round(&mut self) {
        match tokio::time::timeout(ANSWER, self.try_round()).await {
            Ok(Ok(())) => self.complained = false,
            Ok(Err(error)) => self.complain(&error.to_string()),
            Err(_) => self.complain(&format!("no answer within {ANSWER:?}")),
        }
    }

    fn complain(&mut self, why: &str) {
        let LeaseName { namespace, name, .. } = &self.lease;
        if !std::mem::replace(&mut self.complained, true) {
            tracing::warn!("Lease {namespace}/{name} cannot be read or written: {why}");
        }
    }

    async fn try_round(&mut self) -> kube::Result<()> {
        // What we hold we know: a write says whether that is so.
        let held = self.election.until(Instant::now()).is_some();
        if !held || self.last.is_none() {
            self.last = self.api.get_opt(&self.lease.name).await?;
        }
        let found = self.last.as_ref().map(record);
        if self.election.handle_lease(found, Instant::now()) == Step::Stand {
            return Ok(());
        }
        let began = Instant::now();
        match self.write(&self.lease.identity, LENGTH).await {
            Ok(lease) => {
                self.election.handle_written(record(&lease), began);
                self.last = Some(lease);
                Ok(())
            }
            // Somebody else was faster, or it was deleted: look before anything else.
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {
                self.last = None;
                self.election.handle_lost();
                Ok(())
            }
            Err(error) => {
                self.last = None;
                Err(error)
            }
        }
    }

    async fn write(&self, holder: &str, length: Duration) -> kube::Result<Lease> {
        let now = MicroTime(Timestamp::now());
        let mut lease = self.last.clone().unwrap_or_else(|| Lease {
            metadata: ObjectMeta { name: Some(self.lease.name.clone()), ..ObjectMeta::default() },
            spec: None,
        });
        let spec = lease.spec.get_or_insert_with(LeaseSpec::default);
        if spec.holder_identity.as_deref() != Some(holder) {
            spec.acquire_time = Some(now.clone());
            spec.lease_transitions = Some(spec.lease_transitions.unwrap_or_default() + 1);
        }
        spec.holder_identity = Some(holder.to_owned());
        spec.renew_time = Some(now);
        spec.lease_duration_seconds = i32::try_from(length.as_secs()).ok();
        let params = PostParams::default();
        if self.last.is_some() {
            self.api.replace(&self.lease.name, &params, &lease).await
        } else {
            self.api.create(&params, &lease).await
        }
    }

    /// So that another can begin at once.
    async fn release(&mut self) {
        let released = tokio::time::timeout(ANSWER / 3, self.write("", Duration::from_secs(1)));
        if let Ok(Ok(_)) = released.await {
            tracing::info!("released the lease");
        } else {
            tracing::info!("the lease could not be released: another takes it in {LENGTH:?}");
        }
    }
}

fn record(lease: &Lease) -> Record {
    let spec = lease.spec.as_ref();
    let seconds = spec.and_then(|spec| spec.lease_duration_seconds).unwrap_or(15);
    Record {
        holder: spec.and_then(|spec| spec.holder_identity.clone()).unwrap_or_default(),
        version: lease.metadata.resource_version.clone().unwrap_or_default(),
        length: Duration::from_secs(u64::try_from(seconds).unwrap_or(15)),
    }
}
