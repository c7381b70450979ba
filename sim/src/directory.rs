//! The authority, which may be away.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use mixbed_directory::authority::{Core, CoreConfig};
use mixbed_directory::document::SignedDocument;
use mixbed_directory::{Admission, IdentitySecret, JoinSecret, Parameters, Registration, Trust};
use rand_chacha::ChaCha20Rng;

use crate::Moment;
use crate::clock::Clock;

/// The network's name.
pub(crate) const NETWORK: &str = "sim";

/// How long a node stays listed: the directory's default.
const LEASE: Duration = Duration::from_secs(60);

/// The authority's core, with what it has published.
pub(crate) struct Directory {
    core: Core,
    config: CoreConfig,
    join_secret: JoinSecret,
    away: bool,
    published: Option<(u64, u64)>,
}

impl Directory {
    pub(crate) fn new(parameters: Parameters, now: SystemTime, rng: &mut ChaCha20Rng) -> Self {
        let secret = IdentitySecret::generate(rng);
        let join_secret = JoinSecret::generate(rng);
        let config = CoreConfig {
            network: NETWORK.to_owned(),
            join_secrets: vec![join_secret.clone()],
            admission: Admission::Open,
            admins: Vec::new(),
            parameters,
            lease: LEASE,
        };
        let core = Core::new(config.clone(), secret, now);
        Self { core, config, join_secret, away: false, published: None }
    }

    pub(crate) fn trust(&self) -> Trust {
        Trust::single(NETWORK, self.core.public_key())
    }

    pub(crate) fn join_secret(&self) -> &JoinSecret {
        &self.join_secret
    }

    pub(crate) fn is_away(&self) -> bool {
        self.away
    }

    /// It is killed.
    pub(crate) fn leave(&mut self) {
        self.away = true;
    }

    /// It is started again with what it had written down.
    pub(crate) fn come_back(&mut self, now: SystemTime) -> Result<(), mixbed_directory::Rejection> {
        self.core = Core::restore(self.config.clone(), self.core.snapshot(), now)?;
        self.away = false;
        self.published = None;
        Ok(())
    }

    /// Lists a node; says for how long.
    pub(crate) fn register(
        &mut self,
        registration: &Registration,
        now: SystemTime,
    ) -> Option<Duration> {
        if self.away {
            return None;
        }
        self.core.handle_register(registration, now).ok().map(|registered| registered.lease)
    }

    /// The document that is to be sent to everyone now, if there is a new one.
    pub(crate) fn poll(&mut self, now: SystemTime) -> Option<Arc<SignedDocument>> {
        // Of nodes that hold to the limits a document can always be made.
        if self.away || self.core.poll(now).is_err() {
            return None;
        }
        self.core.set_saved();
        let newest = self.core.documents().back()?;
        let version = Some(newest.document.version());
        if self.published == version {
            return None;
        }
        self.published = version;
        Some(Arc::clone(&newest.signed))
    }

    /// When to poll again.
    pub(crate) fn poll_at(&self) -> Moment {
        Clock::moment_of(self.core.poll_at())
    }
}
