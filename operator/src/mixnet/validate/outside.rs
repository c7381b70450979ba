//! Nodes that no pod of the Mixnet is.

use mixbed_directory::{ListedNode, NodeList, Role};

use super::Problems;
use crate::api::{MixnetSpec, OutsideNode};
use crate::mixnet::NodeSet;

/// So many fit beside all pods that a Mixnet can have, those on their way out included.
const MOST: usize = 64;

/// The nodes, as a directory lists them.
pub(super) fn check(mixnet: &str, spec: &MixnetSpec, problems: &mut Problems) -> Vec<ListedNode> {
    let nodes = &spec.directory.nodes;
    if nodes.len() > MOST {
        let what = format!("{} nodes are more than {MOST}", nodes.len());
        problems.add("spec.directory.nodes", what, "leave some out");
        return Vec::new();
    }
    let pods = NodeSet::all(mixnet, spec);
    let is_pods = |name: &str| pods.iter().any(|set| set.may_be_called(name));
    let mut listed = Vec::new();
    for (number, node) in nodes.iter().enumerate() {
        let path = format!("spec.directory.nodes[{number}]");
        match in_list(node) {
            Ok(node) if is_pods(&node.name) => {
                let what = format!("{:?} is the name of a pod of this Mixnet", node.name);
                problems.add(path, what, "give it another name, such as outside-0");
            }
            Ok(node) => listed.push(node),
            Err(what) => problems.add(
                path,
                what,
                "change it: the node says its identity while it is not listed",
            ),
        }
    }
    if let Err(error) = NodeList::new(listed.clone()) {
        problems.add("spec.directory.nodes", error.to_string(), "change it");
    }
    listed
}

fn in_list(node: &OutsideNode) -> Result<ListedNode, String> {
    let OutsideNode { name, identity, role, layer } = node;
    let role = Role::parse(role, *layer).map_err(|error| error.to_string())?;
    let identity = identity.parse().map_err(|_| "its identity is no key of a node's".to_owned())?;
    Ok(ListedNode { name: name.clone(), identity, role })
}
