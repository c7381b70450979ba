//! Who may be a node, and who is one.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use mixbed_directory::{Admission, Document, ListedNode};
use serde::Serialize;

/// Who may be a node, and who is one.
#[derive(Debug, Serialize)]
pub(crate) struct Listed {
    /// Whether the directory has a list; without one, whoever knows the join secret may join.
    #[serde(rename = "listed")]
    pub(crate) by_list: bool,
    /// Those on the list; without one, those in the document.
    pub(crate) nodes: Vec<ListedNode>,
    /// The names of those of them that are in the document.
    pub(crate) registered: Vec<String>,
}

impl Listed {
    pub(crate) fn new(admission: &Admission, document: &Document) -> Self {
        let in_document = document.nodes.iter().map(|node| ListedNode {
            name: node.name.clone(),
            identity: node.identity,
            role: node.role,
        });
        let mut nodes: Vec<_> = match admission.list() {
            Some(list) => list.iter().cloned().collect(),
            None => in_document.collect(),
        };
        nodes.sort_by(|a, b| a.name.cmp(&b.name));
        let is_registered = |node: &&ListedNode| {
            document.node(&node.identity.id()).is_some_and(|known| known.identity == node.identity)
        };
        let registered = nodes.iter().filter(is_registered).map(|node| node.name.clone());
        Self { by_list: admission.list().is_some(), registered: registered.collect(), nodes }
    }
}

/// The same for people.
pub(crate) fn table(listed: &Listed) -> String {
    let who = if listed.by_list {
        "the nodes on this list and nobody else:"
    } else {
        "whoever knows the join secret; now these:"
    };
    if listed.nodes.is_empty() {
        return format!("{who} none");
    }
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["name", "role", "layer", "in the document", "identity"]);
    for ListedNode { name, identity, role } in &listed.nodes {
        let layer = role.layer().map(|layer| layer.to_string()).unwrap_or_default();
        let there = if listed.registered.contains(name) { "yes" } else { "no" };
        let row = [name.clone(), role.to_string(), layer, there.to_owned(), identity.to_string()];
        table.add_row(row);
    }
    format!("{who}\n{}", table.trim_fmt())
}
