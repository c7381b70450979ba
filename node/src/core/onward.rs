//! Where an unwrapped packet may go at a node.

use mixbed_directory::Role;
use mixbed_wire::{DropReason, Identifier};

/// Whom a link leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// Another node, which the document lists.
    Node,
    /// A client of this gateway.
    Client,
}

/// Whom a packet may go on to, whose next hop is at the end of a link of this kind, if of any. What
/// a client hands in has to cross the mixes, so that nobody is taken a short cut by the sender's
/// route. `is_listed`: whether the document knows the next hop.
///
/// What has crossed them goes to a client, or to mix 1: that is how a node's
/// [loop](crate::cover) closes its circle. It opens no other way. A gateway's only links to
/// nodes lead to mix 1, only mix 3 and its own loops reach it here, and five hops are all that
/// a route has: a client's packet ends where it has crossed the mixes, and a reply that is
/// sent to mix 1 in a client's place ends there, at a node that has no use for it.
pub(crate) fn pass_on(
    role: Role,
    from_client: bool,
    next: Option<LinkKind>,
    is_listed: impl FnOnce() -> bool,
) -> Result<LinkKind, DropReason> {
    if role == Role::Provider {
        return Err(DropReason::UnknownNextHop);
    }
    let crossed = role == Role::Gateway && !from_client;
    match next {
        Some(LinkKind::Node) => Ok(LinkKind::Node),
        Some(LinkKind::Client) if crossed => Ok(LinkKind::Client),
        None if crossed && !is_listed() => Err(DropReason::ClientOffline),
        Some(LinkKind::Client) | None => Err(DropReason::UnknownNextHop),
    }
}

/// What a route that ends at a node is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The node's service, a provider's or a gateway's.
    Service,
    /// A loop of the node's own: it has a name, what is for a service has none.
    Loop,
}

/// What a route that ends here is for. `serves`: whether the node has a service. What a client
/// hands in has to cross the mixes, wherever its route ends.
pub(crate) fn ends_here(
    from_client: bool,
    serves: bool,
    identifier: &Identifier,
) -> Result<Ending, DropReason> {
    if from_client {
        return Err(DropReason::NotForThisRole);
    }
    let named = *identifier != Identifier::default();
    Ok(if serves && !named { Ending::Service } else { Ending::Loop })
}
