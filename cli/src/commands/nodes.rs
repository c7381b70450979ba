//! `mixbed nodes`

use std::path::PathBuf;

use mixbed_directory::{Admission, IdentityPublic};

use crate::failure::Failure;
use crate::nodes::{Listed, read_nodes, table};
use crate::output;
use crate::target::{Directory, DirectoryArgs};

const AFTER_HELP: &str = "\
Examples, each with --directory URL --authority-key KEY, and all but the first with
--admin-key-file FILE:
  mixbed nodes list                 who may be a node, and who is one
  mixbed nodes list --json >nodes.json; mixbed nodes set nodes.json
                                    these, and nobody else from now on
  mixbed nodes set nodes.yaml       those in a file, instead of all that were listed
  mixbed nodes remove mix-1-0       out of the next document, and off the list
  mixbed nodes open                 no list: whoever knows the join secret may join

A nodes.yaml:
  - {name: gateway-0, identity: 64 HEXADECIMAL DIGITS, role: gateway}
  - {name: mix-1-0, identity: 64 HEXADECIMAL DIGITS, role: mix, layer: 1}

A node's identity is what it says when the directory does not have it on its list. A listed node
needs no join secret, and a join secret lets nobody in who is not listed.";

/// Show or change who may be a node of a network
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    #[command(flatten)]
    directory: DirectoryArgs,
    /// Print who may be a node as one line of JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    action: Action,
}

/// What to do.
#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Who may be a node, and who is one
    List,
    /// The nodes in a YAML file and nobody else; who is not in it leaves the next document
    Set {
        /// A list of nodes, each with name, identity, role and, for a mix, layer; - reads standard
        /// input
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Take a node out of the next document, and off the list. Without a list, a node that still
    /// runs and knows the join secret comes back
    Remove {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Have no list: whoever knows the join secret may be a node
    Open,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let wanted = match &args.action {
        Action::Set { file } => Some(Admission::Listed(read_nodes(file).map_err(Failure::usage)?)),
        Action::Open => Some(Admission::Open),
        Action::List | Action::Remove { .. } => None,
    };
    let directory = args.directory.reach()?;
    if let Some(wanted) = &wanted {
        directory.admit(wanted).await?;
    }
    if let Action::Remove { name } = &args.action {
        let identity = identity_of(&directory, name).await?;
        directory.remove(identity).await?;
    }
    let admission = directory.admission().await.map_err(Failure::failed)?;
    let document = directory.document().await.map_err(Failure::failed)?;
    let listed = Listed::new(&admission, &document);
    if args.json {
        output::print_json(&listed);
    } else {
        output::print(table(&listed));
    }
    Ok(())
}

/// Whose name it is: by the list, or else by the document.
async fn identity_of(directory: &Directory, name: &str) -> Result<IdentityPublic, Failure> {
    let admission = directory.admission().await.map_err(Failure::failed)?;
    if let Some(node) = admission.list().and_then(|list| list.by_name(name)) {
        return Ok(node.identity);
    }
    let document = directory.document().await.map_err(Failure::failed)?;
    let node = document.by_name(name).map(|node| node.identity);
    node.ok_or_else(|| {
        Failure::failed(format!("there is no node {name:?}: `mixbed nodes list` shows them"))
    })
}
