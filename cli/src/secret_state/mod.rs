//! A directory's state in a Kubernetes Secret: for pods without a disk that outlives them.
//!
//! Each write names the version that it replaces, so of two directories at once only one can write;
//! which one is in the Secret too, so that a write whose answer was lost is not taken for
//! another's. The newest directory to start takes the Secret over.

#[cfg(test)]
mod tests;
mod trouble;
mod value;

use std::fmt;
use std::time::Duration;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::{Client, Config};
use mixbed_directory::authority::{Pending, Snapshot, StateError, StateStore};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::trouble::{Trouble, trouble};
use self::value::Whose;

/// How long the API server may take to connect.
const CONNECT: Duration = Duration::from_secs(2);

/// How long it may take for an answer.
const ANSWER: Duration = Duration::from_secs(2);

/// How long it is waited for at the start, when there is nothing to serve yet.
const START: Duration = Duration::from_secs(20);

/// How long one save tries: nodes that register wait for it, up to 5 s.
const SAVE: Duration = Duration::from_secs(3);

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(250);

/// Why there is no such place.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretStateError {
    /// A name that no Secret has.
    #[error("--state-secret: a Secret's name is a DNS name of a-z, 0-9, - and ., not {0:?}")]
    Name(String),
    /// Not in a pod, and no kubeconfig.
    #[error(
        "--state-secret is for a directory in Kubernetes, and there is none here ({0}): give --state-dir instead"
    )]
    NoCluster(String),
}

/// The Secret.
pub(crate) struct SecretState {
    secrets: Api<Secret>,
    namespace: String,
    name: String,
    /// Who we are, drawn at the start.
    us: String,
    /// The version that we read or wrote last.
    version: Mutex<Option<String>>,
    /// The process stops: no more tries.
    stop: CancellationToken,
}

impl fmt::Debug for SecretState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretState").field("name", &self.place()).finish_non_exhaustive()
    }
}

impl SecretState {
    /// The Secret of this name in the pod's own namespace; outside of a pod, in that of the
    /// kubeconfig. Nothing is asked yet.
    pub(crate) async fn connect(
        name: &str,
        stop: CancellationToken,
    ) -> Result<Self, SecretStateError> {
        if !value::is_name(name) {
            return Err(SecretStateError::Name(name.chars().take(80).collect()));
        }
        let no_cluster =
            |error: &dyn std::error::Error| SecretStateError::NoCluster(error.to_string());
        let mut config = Config::infer().await.map_err(|error| no_cluster(&error))?;
        config.connect_timeout = Some(CONNECT);
        config.read_timeout = Some(ANSWER);
        config.write_timeout = Some(ANSWER);
        let client = Client::try_from(config).map_err(|error| no_cluster(&error))?;
        Ok(Self::new(client, name, stop))
    }

    fn new(client: Client, name: &str, stop: CancellationToken) -> Self {
        let namespace = client.default_namespace().to_owned();
        Self {
            secrets: Api::namespaced(client, &namespace),
            namespace,
            name: name.to_owned(),
            us: hex::encode(rand::random::<[u8; 16]>()),
            version: Mutex::new(None),
            stop,
        }
    }

    async fn get(&self) -> Result<Secret, Trouble> {
        self.answered(self.secrets.get(&self.name)).await
    }

    /// Writes into the Secret as we know it.
    async fn put(&self, state: Option<&ByteString>, version: &str) -> Result<Secret, Trouble> {
        let patch = Patch::Merge(value::patch(&self.us, state, version));
        let parameters = PatchParams::default();
        self.answered(self.secrets.patch(&self.name, &parameters, &patch)).await
    }

    async fn make(&self, state: Option<&ByteString>) -> Result<Secret, Trouble> {
        let secret = value::new(&self.name, &self.us, state);
        self.answered(self.secrets.create(&PostParams::default(), &secret)).await
    }

    async fn answered(
        &self,
        call: impl Future<Output = kube::Result<Secret>>,
    ) -> Result<Secret, Trouble> {
        tokio::select! {
            biased;
            outcome = tokio::time::timeout(ANSWER, call) => match outcome {
                Ok(outcome) => outcome.map_err(|error| trouble(&error)),
                Err(_) => Err(Trouble::Away(format!("no answer within {ANSWER:?}"))),
            },
            () = self.stop.cancelled() => Err(Trouble::Final("the directory stops".to_owned())),
        }
    }

    /// Waits, if to try again until then may help.
    async fn again(&self, trouble: Trouble, until: Instant) -> Result<(), StateError> {
        let may = Instant::now() + PAUSE < until && !self.stop.is_cancelled();
        let why = match trouble {
            Trouble::Taken => return Err(StateError::Taken(self.taken())),
            Trouble::Changed if may => return Ok(()),
            Trouble::Changed => "it changes all the time".to_owned(),
            Trouble::Away(_) if may => {
                tokio::time::sleep(PAUSE).await;
                return Ok(());
            }
            Trouble::Missing => format!(
                "there is none, and this directory may not make one: kubectl --namespace {} create secret generic {}",
                self.namespace, self.name
            ),
            Trouble::Away(why) | Trouble::Refused(why) | Trouble::Final(why) => why,
        };
        Err(StateError::Failed(format!("{}: {why}", self.place())))
    }

    fn taken(&self) -> String {
        format!(
            "another directory writes {}: this one stops, as the two would contradict each other; run one directory, or give each network a Secret of its own",
            self.place()
        )
    }

    /// Writes once, finding out first what happened if the Secret is not as it was.
    async fn write(
        &self,
        known: &mut Option<String>,
        state: Option<&ByteString>,
    ) -> Result<(), Trouble> {
        let written = match known {
            Some(version) => self.put(state, version).await,
            None => self.make(state).await,
        };
        match written {
            Ok(secret) => {
                *known = secret.metadata.resource_version;
                Ok(())
            }
            Err(Trouble::Missing) if known.is_some() => {
                // Somebody deleted it: what it said is still known here.
                *known = None;
                Err(Trouble::Changed)
            }
            Err(Trouble::Changed) => {
                let secret = self.get().await?;
                if value::whose(&secret, &self.us) == Whose::Anothers {
                    return Err(Trouble::Taken);
                }
                // A write of ours whose answer was lost, or labels that somebody else set.
                *known = secret.metadata.resource_version;
                Err(Trouble::Changed)
            }
            Err(Trouble::Refused(_)) if known.is_none() => Err(Trouble::Missing),
            Err(trouble) => Err(trouble),
        }
    }

    async fn read(&self) -> Result<Option<Snapshot>, StateError> {
        let until = Instant::now() + START;
        let secret = loop {
            match self.get().await {
                Ok(secret) => break secret,
                Err(Trouble::Missing) => return Ok(None),
                Err(trouble) => self.again(trouble, until).await?,
            }
        };
        let state = value::state(&secret);
        let state =
            state.map_err(|error| StateError::Failed(format!("{}: {error}", self.place())))?;
        *self.version.lock().await = secret.metadata.resource_version;
        Ok(state)
    }

    async fn store(&self, state: Option<&ByteString>, limit: Duration) -> Result<(), StateError> {
        let until = Instant::now() + limit;
        let mut version = self.version.lock().await;
        loop {
            let written = tokio::time::timeout_at(until, self.write(&mut version, state)).await;
            match written.unwrap_or_else(|_| Err(Trouble::Away(format!("no answer in {limit:?}"))))
            {
                Ok(()) => return Ok(()),
                Err(trouble) => self.again(trouble, until).await?,
            }
        }
    }
}

impl StateStore for SecretState {
    fn place(&self) -> String {
        format!("the Secret {}/{}", self.namespace, self.name)
    }

    fn load(&self) -> Pending<'_, Option<Snapshot>> {
        Box::pin(self.read())
    }

    /// The one before, should it still run, stops at its next write.
    fn claim(&self) -> Pending<'_, ()> {
        Box::pin(self.store(None, START))
    }

    fn save<'a>(&'a self, snapshot: &'a Snapshot) -> Pending<'a, ()> {
        Box::pin(async {
            let bytes = value::bytes(snapshot);
            let bytes = bytes.map_err(|error| StateError::Failed(error.to_string()))?;
            self.store(Some(&bytes), SAVE).await
        })
    }
}
