//! How many links there may be: of clients in all, from one address, and of one node.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mixbed_wire::LinkPublic;
use tokio_util::sync::CancellationToken;

/// Links of one node: its own, and one that it has lost and this end has not noticed yet.
const OF_ONE_NODE: usize = 2;

/// Counts the links that stand. Those of nodes have no common bound, as the document's has 1,000
/// nodes at most: however many clients there are, they keep no node out.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    clients: usize,
    from_one_address: usize,
    inside: Arc<Mutex<Inside>>,
}

#[derive(Debug, Default)]
struct Inside {
    clients: usize,
    by_address: HashMap<IpAddr, usize>,
    nodes: HashMap<LinkPublic, VecDeque<CancellationToken>>,
}

/// A client's link, until dropped.
#[derive(Debug)]
pub(super) struct ClientPlace {
    door: Door,
    address: IpAddr,
}

/// A node's link, until dropped.
#[derive(Debug)]
pub(super) struct NodePlace {
    door: Door,
    key: LinkPublic,
    /// Cancelled when newer links of the same node take its place.
    pub(super) replaced: CancellationToken,
}

impl Door {
    pub(crate) fn new(clients: usize, from_one_address: usize) -> Self {
        Self { clients, from_one_address, inside: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        // Held for a look-up, and whole at every point.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for another client from this address; nothing if there are too many.
    pub(super) fn client(&self, address: IpAddr) -> Option<ClientPlace> {
        let address = network_of(address);
        let mut inside = self.lock();
        let here = inside.by_address.get(&address).copied().unwrap_or_default();
        if inside.clients >= self.clients || here >= self.from_one_address {
            return None;
        }
        inside.clients += 1;
        inside.by_address.insert(address, here + 1);
        Some(ClientPlace { door: self.clone(), address })
    }

    /// A place for another link of a node; its oldest makes room.
    pub(super) fn node(&self, key: LinkPublic) -> NodePlace {
        let replaced = CancellationToken::new();
        let mut inside = self.lock();
        let links = inside.nodes.entry(key).or_default();
        links.push_back(replaced.clone());
        while links.len() > OF_ONE_NODE {
            if let Some(oldest) = links.pop_front() {
                oldest.cancel();
            }
        }
        NodePlace { door: self.clone(), key, replaced }
    }
}

/// Whoever has one IPv6 address has the 2^64 of its network.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let bits = address.to_bits() & !u128::from(u64::MAX);
            std::net::Ipv6Addr::from_bits(bits).into()
        }
    }
}

impl Drop for ClientPlace {
    fn drop(&mut self) {
        let mut inside = self.door.lock();
        inside.clients -= 1;
        let left = inside.by_address.get(&self.address).map_or(0, |here| here - 1);
        if left == 0 {
            inside.by_address.remove(&self.address);
        } else {
            inside.by_address.insert(self.address, left);
        }
    }
}

impl Drop for NodePlace {
    fn drop(&mut self) {
        self.replaced.cancel();
        let mut inside = self.door.lock();
        if let Some(links) = inside.nodes.get_mut(&self.key) {
            links.retain(|link| !link.is_cancelled());
            if links.is_empty() {
                inside.nodes.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn clients_are_bounded_in_all_and_from_one_address() {
        let door = Door::new(3, 2);
        let one = address("10.0.0.1");
        let held = [door.client(one), door.client(one)];
        assert!(held.iter().all(Option::is_some));
        assert!(door.client(one).is_none(), "a third from there");
        let other = door.client(address("10.0.0.2")).expect("another address");
        assert!(door.client(address("10.0.0.3")).is_none(), "a fourth in all");
        drop(held);
        assert!(door.client(one).is_some());
        drop(other);
        assert!(door.lock().by_address.is_empty() && door.lock().clients == 0);
    }

    #[test]
    fn an_ipv6_network_is_one_address_and_a_mapped_one_is_ipv4() {
        let door = Door::new(9, 1);
        let _held = door.client(address("2001:db8::1")).expect("the first");
        assert!(door.client(address("2001:db8::ffff:2")).is_none());
        let _held = door.client(address("2001:db8:0:1::1")).expect("another network");
        let _held = door.client(address("::ffff:10.0.0.1")).expect("the first");
        assert!(door.client(address("10.0.0.1")).is_none());
    }

    #[test]
    fn a_nodes_newest_links_stay() {
        let door = Door::new(1, 1);
        let key = LinkPublic::from_bytes([1; 32]);
        let links = [door.node(key), door.node(key), door.node(key)];
        assert_eq!(links.each_ref().map(|link| link.replaced.is_cancelled()), [true, false, false]);
        let other = door.node(LinkPublic::from_bytes([2; 32]));
        assert!(!other.replaced.is_cancelled());
        drop((links, other));
        assert!(door.lock().nodes.is_empty());
    }
}
