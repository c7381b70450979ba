//! Which mixnet in which cluster.

/// A mixnet in Kubernetes, instead of one that runs on this machine.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct ClusterArgs {
    /// Context of the kubeconfig: the network is a Mixnet in that cluster
    #[arg(long, global = true, value_name = "CONTEXT", help_heading = "Kubernetes")]
    context: Option<String>,
    /// Namespace of the Mixnet; without it, the context's
    #[arg(long, short = 'n', global = true, value_name = "NAMESPACE", help_heading = "Kubernetes")]
    namespace: Option<String>,
    /// Name of the Mixnet; needed where the namespace has several. Alone, it is looked for with the
    /// kubeconfig's current context
    #[arg(long, global = true, value_name = "NAME", help_heading = "Kubernetes")]
    mixnet: Option<String>,
}

impl ClusterArgs {
    /// Whether a cluster is meant at all.
    pub(crate) fn is_given(&self) -> bool {
        self.context.is_some() || self.namespace.is_some() || self.mixnet.is_some()
    }

    pub(super) fn context(&self) -> Option<&str> {
        self.context.as_deref()
    }

    pub(super) fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    pub(super) fn mixnet(&self) -> Option<&str> {
        self.mixnet.as_deref()
    }
}
