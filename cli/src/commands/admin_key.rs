//! `mixbed admin-key`

use std::path::PathBuf;

use serde_json::json;

use crate::failure::Failure;
use crate::{keys, output};

const AFTER_HELP: &str = "\
Examples:
  mixbed admin-key ~/admin.key                     draw a key, if the file is not there
  mixbed directory --admin-key $(mixbed admin-key ~/admin.key) --state-dir ./directory
  mixbed parameters set --cover off --directory mixbed://host:7100 --authority-key KEY \\
      --admin-key-file ~/admin.key

Whoever has the file can change the network: keep it where you are the only one who reads it. To
replace a key, start the directory with both, then with the new one alone.";

/// Draw the key that a network's admin signs orders with, and print its public half
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// File that keeps the key; made when missing, readable for its owner only
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print it as one line of JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let key = keys::drawn_key(&args.file).map_err(Failure::failed)?.public();
    if args.json {
        output::print_json(&json!({ "admin_key": key.to_string() }));
    } else {
        output::print(key.to_string());
    }
    Ok(())
}
