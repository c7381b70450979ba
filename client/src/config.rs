//! What a client is told when it starts.

use mixbed_directory::Follower;
use mixbed_telemetry::Telemetry;
use mixbed_wire::LinkSecret;

use crate::core::Limits;

/// Everything a client needs to know.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Its name in spans, metrics and logs; nobody else hears it. Default `client`.
    pub name: String,
    /// Keeps up with the network's document.
    pub directory: Follower,
    /// The gateway to use, by name. Default: a random one, and another when it fails.
    pub gateway: Option<String>,
    /// The address (`host:port`) by which that gateway is reached, instead of the one in the
    /// document: behind a port forward, say. It is still the document's key that has to answer.
    /// Of no effect without [`gateway`](Self::gateway). Default: the document's.
    pub gateway_at: Option<String>,
    /// The key that its link is authenticated with, and that its id is made of. Default: a new
    /// one, so that a gateway does not recognise the client when it comes again.
    pub link_key: LinkSecret,
    /// Where spans and metrics go. Default: nowhere.
    pub telemetry: Telemetry,
    /// How much it takes on.
    pub limits: Limits,
}

impl ClientConfig {
    /// The defaults.
    #[must_use]
    pub fn new(directory: Follower) -> Self {
        Self {
            name: "client".to_owned(),
            directory,
            gateway: None,
            gateway_at: None,
            link_key: LinkSecret::generate(&mut rand::rng()),
            telemetry: Telemetry::disabled(),
            limits: Limits::default(),
        }
    }
}
