//! The `mixbed` binary: every role and tool a subcommand.
//!
//! - [`cli`] is the command line, [`commands`] has one file a subcommand.
//! - [`settings`] are the roles' configurations: flags, variables, a YAML file, defaults.
//! - [`control`] is the API by which `broadcast`, `status` and `trace` talk to a running `up` or
//!   `client`.
//! - [`trace`] reads a transaction's way from its spans; [`demo`] sends some, and proves it.

mod authority_secret;
mod chat;
mod cli;
mod cluster;
mod commands;
mod control;
mod demo;
mod failure;
mod fronts;
mod glue;
mod impairments;
mod keys;
mod keys_file;
mod login;
mod monerod_access;
mod money;
mod net;
mod nodes;
mod output;
mod parameters;
mod places;
mod progress;
mod reachable;
mod secret_state;
mod settings;
mod sidecar;
mod signals;
mod target;
mod trace;
mod transaction;

use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = cli::parse();
    match commands::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
