//! The `mixbed` binary: every role and tool a subcommand.

fn main() {}
