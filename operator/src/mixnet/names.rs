//! The names of a Mixnet's objects.

/// The objects of the Mixnet with this name. All begin with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Names<'a>(pub &'a str);

impl Names<'_> {
    /// The directory's StatefulSet and Service; with the Mixnet's uid behind it, its account.
    #[must_use]
    pub fn directory(self) -> String {
        format!("{}-directory", self.0)
    }

    /// The Secret in which the directory keeps its state, without the Mixnet's uid.
    #[must_use]
    pub fn directory_state(self) -> String {
        format!("{}-directory-state", self.0)
    }

    /// The gateways' StatefulSet, and the Service for clients.
    #[must_use]
    pub fn gateway(self) -> String {
        format!("{}-gateway", self.0)
    }

    /// A layer's StatefulSet.
    #[must_use]
    pub fn mix(self, layer: u8) -> String {
        format!("{}-mix-{layer}", self.0)
    }

    /// The providers' StatefulSet.
    #[must_use]
    pub fn provider(self) -> String {
        format!("{}-provider", self.0)
    }

    /// The Service of one provider's monerod, which is the provider's pod's name too.
    #[must_use]
    pub fn provider_pod(self, number: i32) -> String {
        format!("{}-provider-{number}", self.0)
    }

    /// The ConfigMap that tells each monerod its peers, without the Mixnet's uid.
    #[must_use]
    pub fn monerod(self) -> String {
        format!("{}-monerod", self.0)
    }

    /// The miner's Deployment and Service.
    #[must_use]
    pub fn miner(self) -> String {
        format!("{}-miner", self.0)
    }

    /// The headless Service of all nodes.
    #[must_use]
    pub fn nodes(self) -> String {
        format!("{}-nodes", self.0)
    }

    /// The NetworkPolicy of the Broadcasts' pods.
    #[must_use]
    pub fn broadcast(self) -> String {
        format!("{}-broadcast", self.0)
    }

    /// The NetworkPolicy of those of them whose wallets ask monerods directly.
    #[must_use]
    pub fn broadcast_monerod(self) -> String {
        format!("{}-broadcast-monerod", self.0)
    }

    /// The Secret with the directory's key, without the Mixnet's uid.
    #[must_use]
    pub fn authority(self) -> String {
        format!("{}-authority", self.0)
    }

    /// The Secret with the admin key, which no pod mounts, without the Mixnet's uid.
    #[must_use]
    pub fn admin(self) -> String {
        format!("{}-admin", self.0)
    }

    /// The Secret in which earlier operators kept all of these.
    #[must_use]
    pub fn network(self) -> String {
        format!("{}-network", self.0)
    }
}

/// The Secret with the keys of the pods of the StatefulSet with this name, without the Mixnet's uid.
#[must_use]
pub(super) fn keys_secret(set: &str) -> String {
    format!("{set}-keys")
}
