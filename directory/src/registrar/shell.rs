//! The task that registers again and again.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, SystemTime};

use tokio::sync::{mpsc, oneshot, watch};

use super::{Registrar, RegistrarConfig, RegistrarCounters, RegistrarState};
use crate::backoff::Backoff;
use crate::client::{ClientError, DirectoryClient, Lease};
use crate::document::Descriptor;
use crate::messages::{Departure, Registration};

/// A node renews this many times in a lease: two may fail.
const RENEWALS_A_LEASE: u32 = 3;

/// However short a directory says its leases are, not more often than this.
const MIN_RENEWAL: Duration = Duration::from_millis(100);

type Done = oneshot::Sender<Result<(), ClientError>>;

pub(super) fn spawn(
    config: RegistrarConfig,
    client: DirectoryClient,
    descriptor: Descriptor,
) -> Registrar {
    let (descriptor, descriptors) = watch::channel(descriptor);
    let (leave, departures) = mpsc::channel(1);
    let connecting = RegistrarState::Connecting { since: SystemTime::now(), last_error: None };
    let (state_tx, state) = watch::channel(connecting);
    let counters = Arc::new(RegistrarCounters::default());
    let shell = Shell {
        config,
        client,
        descriptors,
        departures,
        state: state_tx,
        counters: counters.clone(),
        last_issued: SystemTime::UNIX_EPOCH,
        lease_end: None,
        backoff: Backoff::default(),
    };
    tokio::spawn(shell.run());
    Registrar { descriptor, leave, state, counters }
}

struct Shell {
    config: RegistrarConfig,
    client: DirectoryClient,
    descriptors: watch::Receiver<Descriptor>,
    departures: mpsc::Receiver<Done>,
    state: watch::Sender<RegistrarState>,
    counters: Arc<RegistrarCounters>,
    last_issued: SystemTime,
    lease_end: Option<SystemTime>,
    backoff: Backoff,
}

impl Shell {
    async fn run(mut self) {
        loop {
            let descriptor = self.descriptors.borrow_and_update().clone();
            // A registration under way is not abandoned for a departure: the directory could get
            // it after the departure, and list the node again.
            let outcome = self.register(descriptor).await;
            let wait = self.judge(outcome);
            tokio::select! {
                () = sleep(wait) => {}
                changed = self.descriptors.changed() => if changed.is_err() { return },
                Some(done) = self.departures.recv() => {
                    let outcome = self.depart().await;
                    self.state.send_replace(RegistrarState::Unregistered);
                    let _ = done.send(outcome);
                    return;
                }
            }
        }
    }

    async fn register(&mut self, descriptor: Descriptor) -> Result<Lease, ClientError> {
        let issued_at = self.issue();
        let RegistrarConfig { network, identity, join_secret, .. } = &self.config;
        let registration = Registration::new(descriptor, network, issued_at, identity, join_secret);
        self.client.register(&registration).await
    }

    async fn depart(&mut self) -> Result<(), ClientError> {
        let issued_at = self.issue();
        let departure = Departure::new(&self.config.network, issued_at, &self.config.identity);
        self.client.unregister(&departure).await
    }

    /// The time now, later than any time before.
    fn issue(&mut self) -> SystemTime {
        self.last_issued = SystemTime::now().max(self.last_issued + Duration::from_millis(1));
        self.last_issued
    }

    /// Says how the node stands now, and how long to wait; without end if it is pointless.
    fn judge(&mut self, outcome: Result<Lease, ClientError>) -> Option<Duration> {
        match outcome {
            Ok(Lease { length, epoch }) => {
                self.counters.registered.fetch_add(1, Relaxed);
                self.backoff.reset();
                self.lease_end = SystemTime::now().checked_add(length);
                self.set(RegistrarState::Registered { epoch });
                Some((length / RENEWALS_A_LEASE).max(MIN_RENEWAL))
            }
            Err(ClientError::Rejected { reason, message }) if reason.is_permanent() => {
                self.counters.rejected.fetch_add(1, Relaxed);
                self.set(RegistrarState::Rejected { reason, message });
                None
            }
            Err(error) => {
                let counter = match error {
                    ClientError::Rejected { .. } => &self.counters.rejected,
                    _ => &self.counters.unreachable,
                };
                counter.fetch_add(1, Relaxed);
                self.set_failing(error.to_string());
                Some(self.backoff.next(&mut rand::rng()))
            }
        }
    }

    fn set_failing(&self, why: String) {
        let since = match &*self.state.borrow() {
            RegistrarState::Connecting { since, .. } => *since,
            _ => SystemTime::now(),
        };
        self.set(match self.lease_end {
            Some(lease_end) => RegistrarState::Lapsing { lease_end, why },
            None => RegistrarState::Connecting { since, last_error: Some(why) },
        });
    }

    fn set(&self, state: RegistrarState) {
        self.state.send_if_modified(|old| {
            let modified = *old != state;
            if modified {
                let name = &self.descriptors.borrow().name;
                match &state {
                    RegistrarState::Rejected { reason, message } => {
                        tracing::error!(node = name, %reason, message, "the directory refuses this node");
                    }
                    RegistrarState::Connecting { last_error: Some(why), .. }
                    | RegistrarState::Lapsing { why, .. } => {
                        tracing::warn!(node = name, why, "not registered with the directory");
                    }
                    _ => tracing::debug!(node = name, ?state, "registration"),
                }
            }
            *old = state;
            modified
        });
    }
}

async fn sleep(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}
