//! The task that registers again and again.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, SystemTime};

use tokio::sync::{mpsc, oneshot, watch};

use super::{RegistrarConfig, RegistrarCounters, RegistrarState};
use crate::authority::FRESHNESS;
use crate::backoff::Backoff;
use crate::client::{ClientError, DirectoryClient, Lease};
use crate::document::Descriptor;
use crate::messages::{Departure, Registration};

/// A node renews this many times in a lease: two may fail.
const RENEWALS_A_LEASE: u32 = 3;

/// However short a directory says its leases are, not more often than this.
const MIN_RENEWAL: Duration = Duration::from_millis(100);

/// How often a node that was refused for good asks again: the configuration that is wrong can be
/// the directory's.
const REJECTED_RETRY: Duration = Duration::from_secs(30);

pub(super) type Done = oneshot::Sender<Result<(), ClientError>>;

/// How a node stands with one directory, and how to tell it to leave there.
pub(super) struct Standing {
    pub(super) leave: mpsc::Sender<Done>,
    pub(super) state: watch::Receiver<RegistrarState>,
}

/// Registers with one directory.
pub(super) fn spawn(
    config: RegistrarConfig,
    client: DirectoryClient,
    descriptors: watch::Receiver<Descriptor>,
    counters: Arc<RegistrarCounters>,
) -> Standing {
    let (leave, departures) = mpsc::channel(1);
    let connecting = RegistrarState::Connecting { since: SystemTime::now(), last_error: None };
    let (state_tx, state) = watch::channel(connecting);
    let shell = Shell {
        config,
        client,
        descriptors,
        departures,
        state: state_tx,
        counters,
        last_issued: SystemTime::UNIX_EPOCH,
        lease: None,
        backoff: Backoff::default(),
    };
    tokio::spawn(shell.run());
    Standing { leave, state }
}

struct Shell {
    config: RegistrarConfig,
    client: DirectoryClient,
    descriptors: watch::Receiver<Descriptor>,
    departures: mpsc::Receiver<Done>,
    state: watch::Sender<RegistrarState>,
    counters: Arc<RegistrarCounters>,
    last_issued: SystemTime,
    lease: Option<Held>,
    backoff: Backoff,
}

/// The last lease that the directory gave.
#[derive(Clone, Copy)]
struct Held {
    end: SystemTime,
    renewal: Duration,
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
                () = tokio::time::sleep(wait) => {}
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
        let RegistrarConfig { trust, identity, join_secret, .. } = &self.config;
        let registration = Registration::new(
            descriptor,
            &trust.network,
            issued_at,
            identity,
            join_secret.as_ref(),
        );
        self.client.register(&registration).await
    }

    async fn depart(&mut self) -> Result<(), ClientError> {
        let issued_at = self.issue();
        let departure =
            Departure::new(&self.config.trust.network, issued_at, &self.config.identity);
        self.client.unregister(&departure).await
    }

    fn issue(&mut self) -> SystemTime {
        self.last_issued = after(self.last_issued, SystemTime::now());
        self.last_issued
    }

    /// Says how the node stands now, and how long to wait.
    fn judge(&mut self, outcome: Result<Lease, ClientError>) -> Duration {
        match outcome {
            Ok(Lease { length, epoch }) => {
                self.counters.registered.fetch_add(1, Relaxed);
                self.backoff.reset();
                let renewal = (length / RENEWALS_A_LEASE).max(MIN_RENEWAL);
                let now = SystemTime::now();
                let end = now.checked_add(length).unwrap_or(now);
                self.lease = Some(Held { end, renewal });
                self.set(RegistrarState::Registered { epoch });
                renewal
            }
            Err(ClientError::Rejected { reason, message }) if reason.is_permanent() => {
                self.counters.rejected.fetch_add(1, Relaxed);
                // A node that was let in before has nothing wrong with it: the directory was
                // changed, and may be changed back.
                if let Some(Held { renewal, .. }) = self.lease {
                    self.set_failing(ClientError::Rejected { reason, message }.to_string());
                    return renewal;
                }
                self.set(RegistrarState::Rejected { reason, message });
                REJECTED_RETRY
            }
            Err(error) => {
                let counter = match error {
                    ClientError::Rejected { .. } => &self.counters.rejected,
                    _ => &self.counters.unreachable,
                };
                counter.fetch_add(1, Relaxed);
                self.set_failing(error.to_string());
                self.backoff.next(&mut rand::rng())
            }
        }
    }

    fn set_failing(&self, why: String) {
        let since = match &*self.state.borrow() {
            RegistrarState::Connecting { since, .. } => *since,
            _ => SystemTime::now(),
        };
        self.set(match self.lease {
            Some(Held { end, .. }) => RegistrarState::Lapsing { lease_end: end, why },
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

/// The time for a message: now, and later than the last one's, which the directory remembers. But
/// if that is of a clock that was far ahead and was set back, now: no directory would take a message
/// from so far in the future.
fn after(last: SystemTime, now: SystemTime) -> SystemTime {
    match last.duration_since(now) {
        Ok(ahead) if ahead < FRESHNESS => last + Duration::from_millis(1),
        _ => now,
    }
}

#[cfg(test)]
mod tests {
    use mixbed_wire::{LinkPublic, SphinxPublic};

    use super::*;
    use crate::document::{Role, SphinxKey, Trust};
    use crate::identity::IdentitySecret;
    use crate::join::JoinSecret;
    use crate::messages::Reason;

    /// A shell that nobody runs, and what shows its state.
    fn shell() -> (Shell, watch::Receiver<RegistrarState>) {
        let identity = IdentitySecret::from_bytes([1; 32]);
        let descriptor = Descriptor {
            name: "gateway-1".to_owned(),
            identity: identity.public(),
            role: Role::Gateway,
            link_key: LinkPublic::from_bytes([1; 32]),
            address: "127.0.0.1:9000".to_owned(),
            sphinx_keys: vec![SphinxKey { epoch: 1, key: SphinxPublic::from_bytes([1; 32]) }],
            services: Vec::new(),
            version: String::new(),
        };
        let url = "mixbed://127.0.0.1:1".to_owned();
        let trust = Trust::single("testnet", identity.public());
        let client = DirectoryClient::new(&url, &trust).unwrap();
        let join_secret = JoinSecret::new("the secret of the test network").unwrap();
        let config = RegistrarConfig { url, trust, identity, join_secret: Some(join_secret) };
        let connecting = RegistrarState::Connecting { since: SystemTime::now(), last_error: None };
        let (state, states) = watch::channel(connecting);
        let shell = Shell {
            config,
            client,
            descriptors: watch::channel(descriptor).1,
            departures: mpsc::channel(1).1,
            state,
            counters: Arc::default(),
            last_issued: SystemTime::UNIX_EPOCH,
            lease: None,
            backoff: Backoff::default(),
        };
        (shell, states)
    }

    fn refused() -> Result<Lease, ClientError> {
        Err(ClientError::Rejected { reason: Reason::WrongJoinSecret, message: "no".to_owned() })
    }

    #[test]
    fn messages_rise_in_time_unless_the_clock_was_set_back() {
        let now = SystemTime::now();
        let second = Duration::from_secs(1);
        assert_eq!(after(SystemTime::UNIX_EPOCH, now), now);
        assert_eq!(after(now, now), now + Duration::from_millis(1));
        assert_eq!(after(now + second, now), now + second + Duration::from_millis(1));
        let within = now + 50 * second;
        assert_eq!(after(within, now), within + Duration::from_millis(1), "the directory takes it");
        assert_eq!(after(now + 3600 * second, now), now);
    }

    #[tokio::test]
    async fn a_refusal_for_good_is_asked_about_again_now_and_then() {
        let (mut shell, states) = shell();
        for _ in 0..3 {
            assert_eq!(shell.judge(refused()), REJECTED_RETRY);
            assert!(matches!(*states.borrow(), RegistrarState::Rejected { .. }));
        }
    }

    #[tokio::test]
    async fn a_node_that_was_let_in_before_is_never_refused_for_good() {
        let (mut shell, states) = shell();
        let length = Duration::from_secs(60);
        let renewal = shell.judge(Ok(Lease { length, epoch: 1 }));
        for _ in 0..3 {
            assert_eq!(shell.judge(refused()), renewal, "no more often than before");
            match &*states.borrow() {
                RegistrarState::Lapsing { why, .. } => assert!(why.contains("wrong_join_secret")),
                other => panic!("{other:?}"),
            }
        }
        shell.judge(Ok(Lease { length, epoch: 2 }));
        assert_eq!(*states.borrow(), RegistrarState::Registered { epoch: 2 });
    }
}
