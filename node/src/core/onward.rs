//! Where an unwrapped packet may go at a node.

use std::time::{Duration, Instant};

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

/// Mean delays of a hop that a reply waits at most: an honest client draws more once in 10⁸ times.
const LONGEST_WAIT: u32 = 20;

/// For so long a service may work before it shows: the answers to all packets, also to those for which
/// there is nothing to do, begin to wait so long after the packet came. What monerod says to a usual
/// question or transaction takes less.
const SERVICE: Duration = Duration::from_millis(20);

/// A reply block, and when it came.
#[derive(Clone, Debug)]
pub(crate) struct Came<B> {
    pub(crate) block: B,
    pub(crate) at: Instant,
}

/// When a reply leaves that is made now by a block that came at some time, if the block asks for this
/// wait and hops hold packets for this mean delay.
///
/// No reply waits for longer than any honest client has one wait: nobody is to fill the pool with
/// answers that wait for a minute each, as those of all clients share it.
pub(crate) fn reply_leaves(came: Instant, wait: Duration, mean: Duration, now: Instant) -> Instant {
    let service = if mean.is_zero() { Duration::ZERO } else { SERVICE };
    now.max(came + service) + wait.min(mean.saturating_mul(LONGEST_WAIT))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test needs some time to start from")]
mod tests {
    use super::*;

    const MEAN: Duration = Duration::from_millis(50);

    #[test]
    fn no_reply_waits_for_longer_than_an_honest_client_would_have_it_wait() {
        let came = Instant::now();
        let waits = |wait, mean| reply_leaves(came, wait, mean, came + SERVICE) - (came + SERVICE);
        for wait in [Duration::ZERO, MEAN, Duration::from_millis(999)] {
            assert_eq!(waits(wait, MEAN), wait);
        }
        assert_eq!(waits(Duration::from_secs(60), MEAN), Duration::from_secs(1));
        assert_eq!(waits(Duration::from_secs(60), Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn what_a_fast_service_says_leaves_when_an_empty_answer_would() {
        let came = Instant::now();
        let leaves = |took| reply_leaves(came, MEAN, MEAN, came + took) - came;
        for took in [0, 1, 20].map(Duration::from_millis) {
            assert_eq!(leaves(took), SERVICE + MEAN, "{took:?}");
        }
        assert_eq!(leaves(2 * SERVICE), 2 * SERVICE + MEAN);
        let at_once = reply_leaves(came, Duration::ZERO, Duration::ZERO, came);
        assert_eq!(at_once, came, "a network without delays hides nothing");
    }
}
