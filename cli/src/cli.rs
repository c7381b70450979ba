//! The command line.

use clap::builder::styling::{AnsiColor, Styles};
use clap::{ArgAction, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use mixbed_telemetry::{LevelFilter, LogFormat};

use crate::commands::{
    address, admin_key, broadcast, broadcasts, chat, client, config, connect, demo, directory,
    fund, impair, miner, node, nodes, operator, parameters, receive, report, run_broadcast, send,
    status, trace, up,
};
use crate::settings;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold());

const AFTER_HELP: &str = "\
Start here:
  mixbed demo                      see real transactions cross a mixnet, and the proof
  mixbed up                        keep such a mixnet running on this machine
  mixbed broadcast tx.hex          send a transaction through it
  mixbed status                    how its nodes are
  mixbed trace TXID                a transaction's way, hop by hop
  mixbed chat ADDRESS              talk to another user; mixbed address, send, receive
  mixbed impair add --loss 5%      make its links slow, lossy, narrow or cut
  mixbed parameters set --cover off send no cover traffic: sooner there, and it shows

The same network as separate processes: mixbed directory, node, nodes, client.

Exit codes: 0 it worked, 1 it did not, 2 the command line or a configuration is wrong.";

/// A private mixnet for Monero transactions, on one machine or many.
#[derive(Debug, Parser)]
#[command(name = "mixbed", version, after_help = AFTER_HELP, styles = STYLES)]
pub(crate) struct Cli {
    #[command(flatten, next_help_heading = "Log")]
    pub(crate) log: Log,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What is said besides results, all of it on standard error.
#[derive(Clone, Debug, clap::Args)]
#[expect(clippy::doc_markdown, reason = "printed as help, where backticks would show")]
#[expect(clippy::struct_field_names, reason = "the flag is --log-format")]
pub(crate) struct Log {
    /// How the log is written: text for people, json for collectors
    #[arg(long, global = true, env = "MIXBED_LOG_FORMAT", default_value = "text")]
    #[arg(value_name = "FORMAT", hide_env_values = true)]
    log_format: LogFormat,
    /// Say more; twice for even more. The variable MIXBED_LOG chooses in detail, such as
    /// info,mixbed_node=debug
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
    /// Say nothing but results and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
}

impl Log {
    /// Sets the log up. `usual`: from which level on, if nobody says otherwise.
    pub(crate) fn init(&self, usual: LevelFilter) -> Result<(), mixbed_telemetry::LogError> {
        let levels = [
            LevelFilter::ERROR,
            LevelFilter::WARN,
            LevelFilter::INFO,
            LevelFilter::DEBUG,
            LevelFilter::TRACE,
        ];
        let usual = levels.iter().position(|level| *level == usual).unwrap_or_default();
        let level = if self.quiet { 0 } else { usual + usize::from(self.verbose) };
        mixbed_telemetry::init_logs(self.log_format, levels[level.min(levels.len() - 1)])
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Demo(demo::Args),
    Up(up::Args),
    Broadcast(broadcast::Args),
    Broadcasts(broadcasts::Args),
    Status(status::Args),
    Trace(trace::Args),
    Address(address::Args),
    Chat(chat::Args),
    Send(send::Args),
    Receive(receive::Args),
    Impair(impair::Args),
    Parameters(parameters::Args),
    Nodes(nodes::Args),
    AdminKey(admin_key::Args),
    Directory(directory::Args),
    Node(node::Args),
    Client(client::Args),
    Connect(connect::Args),
    Report(report::Args),
    Miner(miner::Args),
    Fund(fund::Args),
    RunBroadcast(run_broadcast::Args),
    Operator(operator::Args),
    Config(config::Args),
}

/// Reads the command line. What is wrong with it ends the process with code 2, as does asking for
/// help with code 0.
pub(crate) fn parse() -> Cli {
    let matches = settings::complete(Cli::command()).get_matches();
    Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        settings::complete(Cli::command()).debug_assert();
    }
}
