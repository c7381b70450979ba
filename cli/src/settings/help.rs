//! Completes the flags' help from the same declarations: defaults and variables.

use clap::{Arg, Command};

use super::print::defaults;
use super::{ClientSettings, Described, DirectorySettings, NodeSettings, UpSettings};

/// Adds to each role's flags their defaults and environment variables.
pub(crate) fn complete(command: Command) -> Command {
    command
        .mut_subcommand("directory", flags::<DirectorySettings>)
        .mut_subcommand("node", flags::<NodeSettings>)
        .mut_subcommand("client", flags::<ClientSettings>)
        .mut_subcommand("up", flags::<UpSettings>)
}

fn flags<S: Described>(mut command: Command) -> Command {
    for (key, default) in defaults::<S>() {
        command = command.mut_arg(key, |arg| flag(arg, key, &default));
    }
    command
}

fn flag(arg: Arg, key: &str, default: &str) -> Arg {
    let help = arg.get_long_help().or_else(|| arg.get_help()).map(ToString::to_string);
    let help = help.unwrap_or_default();
    let help = match default {
        "null" | "[]" => help,
        default => format!("{help} [default: {default}]"),
    };
    // A handful of names, made once in the life of the process: clap keeps references to them.
    let variable: &'static str = Box::leak(variable(key).into_boxed_str());
    arg.help(help.clone()).long_help(help).env(variable).hide_env_values(true)
}

/// The environment variable of a field.
fn variable(key: &str) -> String {
    format!("MIXBED_{}", key.to_uppercase())
}
