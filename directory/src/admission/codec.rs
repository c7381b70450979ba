//! Between admission and the protocol's messages.

use super::{Admission, ListedNode, NodeList};
use crate::document::{role_from_proto, role_to_proto};
use crate::identity::IdentityPublic;
use crate::proto;

pub(crate) fn admission_to_proto(admission: &Admission) -> proto::Admission {
    let nodes = admission.list().into_iter().flat_map(NodeList::iter).map(|node| {
        let ListedNode { name, identity, role } = node;
        let (role, layer) = role_to_proto(*role);
        let (name, identity) = (name.clone(), identity.as_bytes().to_vec());
        proto::ListedNode { name, identity, role: role.into(), layer }
    });
    proto::Admission { listed: admission.list().is_some(), nodes: nodes.collect() }
}

/// Nothing for what no admission is encoded as: it would be signed in two ways.
pub(crate) fn admission_from_proto(message: &proto::Admission) -> Option<Admission> {
    let admission = if message.listed {
        let nodes = message.nodes.iter().map(|node| {
            Some(ListedNode {
                name: node.name.clone(),
                identity: IdentityPublic::from_bytes(node.identity.as_slice().try_into().ok()?),
                role: role_from_proto(node.role(), node.layer)?,
            })
        });
        Admission::Listed(NodeList::new(nodes.collect::<Option<Vec<_>>>()?).ok()?)
    } else {
        Admission::Open
    };
    (admission_to_proto(&admission) == *message).then_some(admission)
}
