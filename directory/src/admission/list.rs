//! The list of a network's nodes.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::document::{ParseRoleError, Role, is_label};
use crate::identity::IdentityPublic;
use crate::limits::{LAYERS, MAX_NODES};

/// A node that a directory is told of before it comes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Row", into = "Row")]
pub struct ListedNode {
    /// Its name: 1 to 63 of `a-z`, `0-9` and `-`.
    pub name: String,
    /// Whose name it is.
    pub identity: IdentityPublic,
    /// What it may be.
    pub role: Role,
}

/// How a node is written in a file: `{name: mix-1-0, identity: …, role: mix, layer: 1}`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    identity: IdentityPublic,
    role: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    layer: Option<u8>,
}

impl TryFrom<Row> for ListedNode {
    type Error = ParseRoleError;

    fn try_from(row: Row) -> Result<Self, ParseRoleError> {
        let Row { name, identity, role, layer } = row;
        Ok(Self { name, identity, role: Role::parse(&role, layer)? })
    }
}

impl From<ListedNode> for Row {
    fn from(node: ListedNode) -> Self {
        let ListedNode { name, identity, role } = node;
        Self { name, identity, role: role.to_string(), layer: role.layer() }
    }
}

impl fmt::Display for ListedNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} {:?}", self.role, self.name)?;
        match self.role.layer() {
            Some(layer) => write!(f, " of layer {layer}"),
            None => Ok(()),
        }
    }
}

/// Nodes with unique identities and names, at most [`MAX_NODES`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<ListedNode>", into = "Vec<ListedNode>")]
pub struct NodeList(BTreeMap<IdentityPublic, ListedNode>);

/// Why nodes make no list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeListError {
    /// More than a document can have.
    #[error("a list has at most {MAX_NODES} nodes, not {0}")]
    TooMany(usize),
    /// No node can have that name.
    #[error("a node's name is 1 to 63 of a-z, 0-9 and -, not {0:?}")]
    Name(String),
    /// There is no such layer.
    #[error("{0:?}: a mix's layer is 1 to 3")]
    Layer(String),
    /// Two nodes of one name.
    #[error("the name {0:?} is there twice: a name belongs to one node")]
    NameTwice(String),
    /// Two nodes of one identity.
    #[error("{first:?} and {second:?} have the same identity: each node draws its own")]
    IdentityTwice {
        /// One of the two.
        first: String,
        /// The other.
        second: String,
    },
}

impl NodeList {
    /// A list of these nodes.
    pub fn new(nodes: impl IntoIterator<Item = ListedNode>) -> Result<Self, NodeListError> {
        let nodes: Vec<_> = nodes.into_iter().collect();
        if nodes.len() > MAX_NODES {
            return Err(NodeListError::TooMany(nodes.len()));
        }
        let mut names: Vec<_> = nodes.iter().map(|node| node.name.clone()).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(NodeListError::NameTwice(twice[0].clone()));
        }
        let mut list = BTreeMap::new();
        for node in nodes {
            if !is_label(&node.name) {
                return Err(NodeListError::Name(node.name.chars().take(80).collect()));
            }
            if node.role.layer().is_some_and(|layer| !(1..=LAYERS).contains(&layer)) {
                return Err(NodeListError::Layer(node.name));
            }
            let second = node.name.clone();
            if let Some(ListedNode { name: first, .. }) = list.insert(node.identity, node) {
                return Err(NodeListError::IdentityTwice { first, second });
            }
        }
        Ok(Self(list))
    }

    /// The node of an identity.
    #[must_use]
    pub fn get(&self, identity: &IdentityPublic) -> Option<&ListedNode> {
        self.0.get(identity)
    }

    /// The node of a name.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<&ListedNode> {
        self.0.values().find(|node| node.name == name)
    }

    /// The nodes, ascending by identity.
    pub fn iter(&self) -> impl Iterator<Item = &ListedNode> {
        self.0.values()
    }

    /// The same without one node.
    #[must_use]
    pub fn without(&self, identity: &IdentityPublic) -> Self {
        let mut nodes = self.0.clone();
        nodes.remove(identity);
        Self(nodes)
    }
}

impl TryFrom<Vec<ListedNode>> for NodeList {
    type Error = NodeListError;

    fn try_from(nodes: Vec<ListedNode>) -> Result<Self, NodeListError> {
        Self::new(nodes)
    }
}

impl From<NodeList> for Vec<ListedNode> {
    fn from(list: NodeList) -> Self {
        list.0.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, seed: u8, role: Role) -> ListedNode {
        ListedNode { name: name.to_owned(), identity: IdentityPublic::from_bytes([seed; 32]), role }
    }

    #[test]
    fn a_name_and_an_identity_are_there_once() {
        let mix = node("mix-1-0", 1, Role::Mix { layer: 1 });
        let list = NodeList::new([mix.clone(), node("gateway-0", 2, Role::Gateway)]).unwrap();
        assert_eq!(list.by_name("mix-1-0"), Some(&mix));
        assert_eq!(list.without(&mix.identity).iter().count(), 1);
        let refused = |nodes: Vec<ListedNode>| NodeList::new(nodes).unwrap_err().to_string();
        let twice = refused(vec![mix.clone(), node("mix-1-0", 3, Role::Provider)]);
        assert!(twice.contains("\"mix-1-0\" is there twice"), "{twice}");
        let same = refused(vec![mix.clone(), node("other", 1, Role::Provider)]);
        assert!(same.contains("mix-1-0") && same.contains("other"), "{same}");
        assert!(refused(vec![node("Mix", 1, Role::Gateway)]).contains("Mix"));
        assert!(refused(vec![node("mix", 1, Role::Mix { layer: 4 })]).contains("layer"));
        assert!(refused(vec![mix; MAX_NODES + 1]).contains("1000"));
    }

    #[test]
    fn a_list_is_written_as_rows() {
        let list = NodeList::new([node("mix-1-0", 1, Role::Mix { layer: 1 })]).unwrap();
        let text = serde_json::to_string(&list).unwrap();
        let identity = "01".repeat(32);
        let expected =
            format!(r#"[{{"name":"mix-1-0","identity":"{identity}","role":"mix","layer":1}}]"#);
        assert_eq!(text, expected);
        assert_eq!(serde_json::from_str::<NodeList>(&text).unwrap(), list);
        for wrong in [
            text.replace("\"mix\"", "\"relay\""),
            text.replace(":1}", ":9}"),
            text.replace("\"name\"", "\"nmae\""),
            text.replace(&identity, "abc"),
        ] {
            assert!(serde_json::from_str::<NodeList>(&wrong).is_err(), "{wrong}");
        }
    }
}
