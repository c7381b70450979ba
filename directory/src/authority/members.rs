//! Who is listed, and until when.

#![deny(clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::time::SystemTime;

use mixbed_wire::NodeId;

use crate::document::Descriptor;
use crate::limits::{MAX_DOCUMENT_BYTES, MAX_NODES};
use crate::messages::Rejection;

/// What a document has besides its nodes; much less than this.
const RESERVED_BYTES: usize = 4 << 10;

/// A listed node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// What it says of itself.
    pub descriptor: Descriptor,
    /// Listed until then, unless it registers again.
    pub lease_end: SystemTime,
}

/// What a registration did to the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    /// The node was not listed before.
    New,
    /// It was, and something about it is different now.
    Changed,
    /// Only its lease is longer.
    Renewed,
}

/// The listed nodes, with unique ids, names and link keys, few enough for a document.
#[derive(Clone, Debug, Default)]
pub(super) struct Members {
    by_id: BTreeMap<NodeId, Member>,
    /// Bytes that the descriptors take in a document.
    bytes: usize,
}

impl Members {
    /// Lists a node or renews its lease. A name (or link key) belongs to its identity while that
    /// one's lease runs. Addresses prove nothing: anybody can name any.
    pub(super) fn list(
        &mut self,
        descriptor: Descriptor,
        lease_end: SystemTime,
        now: SystemTime,
    ) -> Result<Listing, Rejection> {
        let id = descriptor.id();
        let mut replaced = Vec::new();
        for (other_id, other) in &self.by_id {
            let theirs = &other.descriptor;
            let same_name = theirs.name == descriptor.name;
            let same_key = theirs.link_key == descriptor.link_key;
            if theirs.identity == descriptor.identity {
                if *theirs == descriptor {
                    return Ok(self.renew(id, lease_end));
                }
            } else if *other_id == id {
                return Err(Rejection::IdTaken);
            } else if same_name || same_key {
                let lease = other.lease_end.duration_since(now).unwrap_or_default();
                if lease.is_zero() {
                    replaced.push(*other_id);
                } else if same_name {
                    let (name, holder) = (descriptor.name, other_id.to_string());
                    return Err(Rejection::NameTaken { name, holder, lease });
                } else {
                    return Err(Rejection::LinkKeyTaken { holder: theirs.name.clone() });
                }
            }
        }
        self.insert(id, Member { descriptor, lease_end }, &replaced)
    }

    fn insert(
        &mut self,
        id: NodeId,
        member: Member,
        replaced: &[NodeId],
    ) -> Result<Listing, Rejection> {
        let listed = self.by_id.contains_key(&id);
        let leaving = replaced.iter().chain(listed.then_some(&id));
        let (mut nodes, mut bytes) = (self.by_id.len() + 1, self.bytes);
        for gone in leaving {
            nodes -= 1;
            bytes -= self.by_id.get(gone).map_or(0, size);
        }
        bytes += size(&member);
        if nodes > MAX_NODES || bytes > MAX_DOCUMENT_BYTES - RESERVED_BYTES {
            return Err(Rejection::Full);
        }
        for gone in replaced {
            self.by_id.remove(gone);
        }
        self.by_id.insert(id, member);
        self.bytes = bytes;
        Ok(if listed { Listing::Changed } else { Listing::New })
    }

    /// Whether a node is listed, with just this descriptor.
    pub(super) fn has(&self, descriptor: &Descriptor) -> bool {
        self.by_id.get(&descriptor.id()).is_some_and(|member| member.descriptor == *descriptor)
    }

    fn renew(&mut self, id: NodeId, lease_end: SystemTime) -> Listing {
        if let Some(member) = self.by_id.get_mut(&id) {
            member.lease_end = lease_end;
        }
        Listing::Renewed
    }

    /// Every node stays listed until then, and no longer.
    pub(super) fn renew_all(&mut self, lease_end: SystemTime) {
        self.by_id.values_mut().for_each(|member| member.lease_end = lease_end);
    }

    /// Takes a node off the list; says what it was.
    pub(super) fn remove(&mut self, id: NodeId) -> Option<Descriptor> {
        let member = self.by_id.remove(&id)?;
        self.bytes -= size(&member);
        Some(member.descriptor)
    }

    /// Takes off the list all that `may_stay` does not let stay; says what they were.
    pub(super) fn retain(&mut self, may_stay: impl Fn(&Descriptor) -> bool) -> Vec<Descriptor> {
        let leave = |member: &&Member| !may_stay(&member.descriptor);
        let ids: Vec<_> = self.iter().filter(leave).map(|m| m.descriptor.id()).collect();
        ids.into_iter().filter_map(|id| self.remove(id)).collect()
    }

    /// Takes off the list whose lease is over.
    pub(super) fn expire(&mut self, now: SystemTime) -> Vec<Descriptor> {
        let over = |member: &Member| member.lease_end <= now;
        let ids: Vec<_> =
            self.by_id.iter().filter(|(_, member)| over(member)).map(|(id, _)| *id).collect();
        ids.into_iter().filter_map(|id| self.remove(id)).collect()
    }

    /// What a listed node says of itself.
    pub(super) fn descriptor(&self, id: NodeId) -> Option<&Descriptor> {
        self.by_id.get(&id).map(|member| &member.descriptor)
    }

    /// When the first lease ends.
    pub(super) fn next_expiry(&self) -> Option<SystemTime> {
        self.by_id.values().map(|member| member.lease_end).min()
    }

    /// The listed nodes, ascending by id.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Member> {
        self.by_id.values()
    }
}

/// Bytes that a node takes in a document: its descriptor, a tag and a length.
fn size(member: &Member) -> usize {
    member.descriptor.encoded_len() + 4
}
