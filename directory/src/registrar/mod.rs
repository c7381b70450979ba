//! Keeps a node on a directory's list.

mod several;
mod shell;
mod state;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

pub use state::{RegistrarError, RegistrarState};

use crate::client::{ClientError, Directories};
use crate::document::{Descriptor, Trust};
use crate::identity::IdentitySecret;
use crate::join::JoinSecret;

/// What a registrar is given.
#[derive(Clone, Debug)]
pub struct RegistrarConfig {
    /// Where the directory is: `mixbed://host:port`. With several, with commas between, the node
    /// registers with each.
    pub url: String,
    /// Which network the node is of, and whom it believes to be its directory.
    pub trust: Trust,
    /// The node's identity.
    pub identity: IdentitySecret,
    /// What lets the node in; a listed node needs none.
    pub join_secret: Option<JoinSecret>,
}

/// What a registrar counts, to be read into metrics.
#[derive(Debug, Default)]
pub struct RegistrarCounters {
    /// Registrations and renewals that succeeded.
    pub registered: AtomicU64,
    /// Tries that the directory refused.
    pub rejected: AtomicU64,
    /// Tries that did not reach the directory.
    pub unreachable: AtomicU64,
}

/// Keeps a node on the list from [`Registrar::start`] to [`Registrar::unregister`]. When it is
/// dropped, the node goes off the list as its lease ends.
#[derive(Debug)]
pub struct Registrar {
    descriptor: watch::Sender<Descriptor>,
    /// One for each directory.
    leave: Vec<mpsc::Sender<oneshot::Sender<Result<(), ClientError>>>>,
    state: watch::Receiver<RegistrarState>,
    counters: Arc<RegistrarCounters>,
}

impl Registrar {
    /// Starts to register, and keeps trying while the directory is away. Must be called within a
    /// tokio runtime.
    pub fn start(config: RegistrarConfig, descriptor: Descriptor) -> Result<Self, RegistrarError> {
        check(&config.identity, &descriptor)?;
        let clients = Directories::new(&config.url, &config.trust)?.into_clients();
        Ok(several::spawn(config, clients, descriptor))
    }

    /// Registers with another descriptor at once: a new address, new keys.
    pub fn update(&self, descriptor: Descriptor) -> Result<(), RegistrarError> {
        descriptor.validate()?;
        if descriptor.identity != self.descriptor.borrow().identity {
            return Err(RegistrarError::OtherIdentity);
        }
        self.descriptor.send_replace(descriptor);
        Ok(())
    }

    /// How the node stands now.
    #[must_use]
    pub fn state(&self) -> RegistrarState {
        self.state.borrow().clone()
    }

    /// The states as they change.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<RegistrarState> {
        self.state.clone()
    }

    /// Waits until the node is on the list, or the directory refuses for good.
    pub async fn wait_registered(&self, within: Duration) -> Result<(), RegistrarError> {
        let mut state = self.state.clone();
        let settled = state.wait_for(|state| {
            !matches!(state, RegistrarState::Connecting { .. } | RegistrarState::Lapsing { .. })
        });
        if let Ok(Ok(state)) = tokio::time::timeout(within, settled).await {
            return match &*state {
                RegistrarState::Rejected { reason, message } => {
                    Err(RegistrarError::Rejected { reason: *reason, message: message.clone() })
                }
                RegistrarState::Unregistered => Err(RegistrarError::Left),
                _ => Ok(()),
            };
        }
        let why = match self.state() {
            RegistrarState::Connecting { last_error: Some(why), .. }
            | RegistrarState::Lapsing { why, .. } => why,
            _ => "the directory has not answered".to_owned(),
        };
        Err(RegistrarError::NotInTime { waited: within, why })
    }

    /// Takes the node off the list and stops. If the directory cannot be reached (it is tried
    /// once), the lease has to end by itself.
    pub async fn unregister(&self) -> Result<(), RegistrarError> {
        let mut outcomes = Vec::new();
        for leave in &self.leave {
            let (done, outcome) = oneshot::channel();
            leave.send(done).await.map_err(|_| RegistrarError::Left)?;
            outcomes.push(outcome);
        }
        let (mut left, mut failed) = (0, None);
        for outcome in outcomes {
            match outcome.await.map_err(|_| RegistrarError::Left)? {
                Ok(()) => left += 1,
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            // What a majority does not list is not in the document.
            Some(error) if left <= self.leave.len() / 2 => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// What it counts.
    #[must_use]
    pub fn counters(&self) -> &Arc<RegistrarCounters> {
        &self.counters
    }
}

fn check(identity: &IdentitySecret, descriptor: &Descriptor) -> Result<(), RegistrarError> {
    descriptor.validate()?;
    if descriptor.identity != identity.public() {
        return Err(RegistrarError::OtherIdentity);
    }
    Ok(())
}
