//! `mixbed config`

use clap::ValueEnum;

use crate::output;
use crate::settings::{self, ClientSettings, DirectorySettings, NodeSettings, UpSettings};

const AFTER_HELP: &str = "\
A configuration file gives the same as the flags; a flag wins over its environment variable, which
wins over the file. A key that does not exist is an error.

Examples:
  mixbed config node > node.yaml   write the defaults down, to change some
  mixbed node --config node.yaml   start with them";

/// Print a role's configuration: every key with its meaning and default, as a YAML file
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// Which configuration
    which: Which,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Which {
    Directory,
    Node,
    Client,
    Up,
}

pub(crate) fn run(args: &Args) {
    let text = match args.which {
        Which::Directory => settings::print::<DirectorySettings>(),
        Which::Node => settings::print::<NodeSettings>(),
        Which::Client => settings::print::<ClientSettings>(),
        Which::Up => settings::print::<UpSettings>(),
    };
    output::print(text.trim_end());
}
