//! A YAML file with a list of nodes.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use mixbed_directory::{ListedNode, NodeList, NodeListError};
use serde_yaml::Value;

/// A longer file is a mistake: 1,000 nodes are about 200 KiB.
const MAX_BYTES: u64 = 1 << 20;

/// What is wrong with a file of nodes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// It cannot be read.
    #[error("cannot read the nodes {path}: {source}", path = shown(path))]
    Read { path: PathBuf, source: io::Error },
    /// It is something else.
    #[error("{path} is longer than 1 MiB: is it a file of nodes?", path = shown(path))]
    TooLong { path: PathBuf },
    /// It is not YAML.
    #[error("{path}: {what}", path = shown(path))]
    Yaml { path: PathBuf, what: String },
    /// It is YAML of another shape.
    #[error(
        "{path}: nodes are a list, such as `- {{name: mix-1-0, identity: 64 HEX DIGITS, role: mix, layer: 1}}`, and this is not",
        path = shown(path)
    )]
    NoList { path: PathBuf },
    /// A node is wrong in itself.
    #[error("{path}: node {number}: {what}", path = shown(path))]
    Node { path: PathBuf, number: usize, what: String },
    /// All of them together.
    #[error("{path}: {source}", path = shown(path))]
    Nodes { path: PathBuf, source: NodeListError },
}

fn shown(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() }
}

/// Reads nodes from a file, or from standard input if it is `-`: a list, or one under the key
/// `nodes`, as `mixbed nodes list --json` prints it.
pub(crate) fn read_nodes(path: &Path) -> Result<NodeList, FileError> {
    let failed = |source| FileError::Read { path: path.to_owned(), source };
    let source: Box<dyn io::Read> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(std::fs::File::open(path).map_err(failed)?)
    };
    let mut text = String::new();
    source.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(FileError::TooLong { path: path.to_owned() });
    }
    parse(path, &text)
}

fn parse(path: &Path, text: &str) -> Result<NodeList, FileError> {
    let path = || path.to_owned();
    let mut value: Value = serde_yaml::from_str(text)
        .map_err(|error| FileError::Yaml { path: path(), what: error.to_string() })?;
    if let Value::Mapping(mapping) = &mut value
        && let Some(list) = mapping.remove("nodes")
    {
        value = list;
    }
    let Value::Sequence(list) = value else {
        return Err(FileError::NoList { path: path() });
    };
    let node = |(number, value)| {
        serde_yaml::from_value::<ListedNode>(value).map_err(|error| FileError::Node {
            path: path(),
            number,
            what: error.to_string(),
        })
    };
    let nodes = (1..).zip(list).map(node).collect::<Result<Vec<_>, _>>()?;
    NodeList::new(nodes).map_err(|source| FileError::Nodes { path: path(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_alone_or_under_its_key_and_what_is_wrong_with_it() {
        let read = |text: &str| parse(Path::new("nodes.yaml"), text);
        let identity = "ab".repeat(32);
        let row = format!("{{name: mix-1-0, identity: {identity}, role: mix, layer: 1}}");
        assert_eq!(read(&format!("- {row}")).unwrap().iter().count(), 1);
        assert_eq!(read(&format!("nodes: [{row}]\nlisted: true")).unwrap().iter().count(), 1);
        assert_eq!(read("[]").unwrap(), NodeList::default());
        let refused = |text: &str| read(text).unwrap_err().to_string();
        let twice = refused(&format!("- {row}\n- {row}"));
        assert!(twice.contains("nodes.yaml") && twice.contains("twice"), "{twice}");
        assert!(refused("name: a").contains("nodes are a list"));
        assert!(refused("").contains("nodes are a list"), "an empty file is hardly meant");
        let layer = refused(&format!("- {}", row.replace("layer: 1", "layer: 9")));
        assert!(layer.contains("node 1") && layer.contains("1 to 3"), "{layer}");
    }
}
