//! Fresh routes through the network of a document.

use std::sync::Arc;
use std::time::Duration;

use mixbed_directory::{Descriptor, Document};
use mixbed_wire::{
    HopAddress, NodeId, Route, RouteHop, SphinxPublic, TraceContext, exponential_delay,
};
use rand::Rng;

use super::Weights;

/// The network as this client sees it now.
#[derive(Clone, Debug)]
pub struct Net {
    /// Its document.
    pub document: Arc<Document>,
    /// The epoch whose packet keys are to be used: the document's, or a later one if no newer
    /// document came.
    pub epoch: u64,
    /// The gateway that the client has a link to.
    pub gateway: NodeId,
    /// How readily each mix is to be chosen; see [`Suspicion`](super::Suspicion) for what uneven
    /// weights cost.
    pub weights: Weights,
}

/// Why there is no route.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// A node that the route needs is not in the document.
    #[error("the directory's document lists no node {0}")]
    UnknownNode(NodeId),
    /// A layer is empty.
    #[error("the directory's document lists no mix in layer {0}")]
    EmptyLayer(u8),
    /// There is nobody at the end of it.
    #[error("the directory's document lists no provider")]
    NoProvider,
    /// A node has no key for this epoch.
    #[error("the directory's document has no packet key of {0} for its epoch")]
    NoKey(String),
    /// The provider has left, or has no key.
    #[error("provider {0} is no longer in the directory's document, or has no packet key there")]
    ProviderGone(NodeId),
}

impl Net {
    /// A route to a provider: own gateway, a random mix of each layer, the provider. And the sum
    /// of its delays. It ends at the provider: what the packet brings waits there as the reply blocks
    /// say that it brings, see [`back`](Self::back).
    pub fn there<R: Rng + ?Sized>(
        &self,
        provider: NodeId,
        trace: Option<TraceContext>,
        rng: &mut R,
    ) -> Result<(Route, Duration), RouteError> {
        let [one, two, three] = self.mixes(trace, rng)?;
        let gateway = self.hop(self.node(self.gateway)?, trace, rng)?;
        let exit = self.node(provider).and_then(|node| self.hop(node, trace, rng));
        let mut exit = exit.map_err(|_| RouteError::ProviderGone(provider))?;
        exit.delay = Duration::ZERO;
        let route = [gateway, one, two, three, exit];
        Ok((route, delay_of(&route)))
    }

    /// A way back to the client: a random mix of each layer, own gateway, the client.
    pub fn back<R: Rng + ?Sized>(
        &self,
        client: NodeId,
        key: SphinxPublic,
        trace: Option<TraceContext>,
        rng: &mut R,
    ) -> Result<Back, RouteError> {
        let [one, two, three] = self.mixes(trace, rng)?;
        let gateway = self.hop(self.node(self.gateway)?, trace, rng)?;
        let address = HopAddress { node: client, trace };
        let exit = RouteHop { address, key, delay: Duration::ZERO };
        let route = [one, two, three, gateway, exit];
        let wait = exponential_delay(self.document.parameters.mean_hop_delay, rng);
        Ok(Back { route, wait })
    }

    fn mixes<R: Rng + ?Sized>(
        &self,
        trace: Option<TraceContext>,
        rng: &mut R,
    ) -> Result<[RouteHop; 3], RouteError> {
        let mut mix = |layer| {
            let node = self.choose(self.document.mixes(layer), rng);
            self.hop(node.ok_or(RouteError::EmptyLayer(layer))?, trace, rng)
        };
        Ok([mix(1)?, mix(2)?, mix(3)?])
    }

    /// A random one by weight; one without a key only if no other is there.
    pub(super) fn choose<'a, R: Rng + ?Sized>(
        &self,
        nodes: impl Iterator<Item = &'a Descriptor>,
        rng: &mut R,
    ) -> Option<&'a Descriptor> {
        let (keyed, others): (Vec<_>, Vec<_>) =
            nodes.partition(|node| node.sphinx_key(self.epoch).is_some());
        let nodes = if keyed.is_empty() { others } else { keyed };
        let at = self.weights.choose(nodes.iter().map(|node| node.id()), rng)?;
        nodes.get(at).copied()
    }

    fn node(&self, id: NodeId) -> Result<&Descriptor, RouteError> {
        self.document.node(&id).ok_or(RouteError::UnknownNode(id))
    }

    fn hop<R: Rng + ?Sized>(
        &self,
        node: &Descriptor,
        trace: Option<TraceContext>,
        rng: &mut R,
    ) -> Result<RouteHop, RouteError> {
        let key = node.sphinx_key(self.epoch);
        Ok(RouteHop {
            address: HopAddress { node: node.id(), trace },
            key: *key.ok_or_else(|| RouteError::NoKey(node.name.clone()))?,
            delay: exponential_delay(self.document.parameters.mean_hop_delay, rng),
        })
    }
}

/// A way back to the client.
#[derive(Clone, Debug)]
pub struct Back {
    /// The hops.
    pub route: Route,
    /// How long the reply waits at whoever makes it: a hop's delay, as it is one to whoever watches.
    pub wait: Duration,
}

impl Back {
    /// How long a reply waits in all, from when it was made.
    #[must_use]
    pub fn delays(&self) -> Duration {
        self.wait + delay_of(&self.route)
    }
}

fn delay_of(route: &Route) -> Duration {
    route.iter().map(|hop| hop.delay).sum()
}
