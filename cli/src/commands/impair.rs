//! `mixbed impair`

use std::path::PathBuf;

use mixbed_directory::ImpairmentRule;
use serde_json::{Map, Value};

use crate::cluster::{self, ClusterArgs, InCluster};
use crate::failure::Failure;
use crate::impairments::{Impairments, Order, list, read_rules, table, warnings};
use crate::output;
use crate::target::{Reached, Target};

const AFTER_HELP: &str = "\
Examples:
  mixbed impair                                        the rules that hold
  mixbed impair add --loss 5%                          on every link
  mixbed impair add --from mix-1 --to mix-2 --latency 'normal(20ms, 5ms)' --jitter 5ms
  mixbed impair add --node provider-0 --bandwidth 1MB/s
  mixbed impair add --from client --to gateway-0 --partition
  mixbed impair add --node mix-1-0 --only-from gateway-0    a dishonest mix: an n-1 attack
  mixbed impair --file rules.yaml                      these rules and no others
  mixbed impair clear 2                                without the second one
  mixbed impair clear                                  every link as it is
  mixbed impair add --loss 5% --context kind-kind      of a Mixnet in Kubernetes: changes its spec

A rules.yaml:
  - {from: mix-1, to: mix-2, latency: 'normal(20ms, 5ms)', loss: 5%}
  - {node: provider-0, partition: true}

Who is meant: a node's name or id, a client's id, gateway, mix, provider, client, or a layer: mix-1,
mix-2, mix-3. Several rules for one link add up. A change reaches the nodes within a moment, and
holds until it is changed again. docs/impairments.md has the rest.";

/// Make links slow, lossy, narrow or cut, while the network runs; or show which are
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// YAML file with the rules that are to hold, instead of all that do; - reads standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Print the rules as one line of JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten, next_help_heading = "Network")]
    target: Target,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// What to change.
#[derive(Debug, clap::Subcommand)]
enum Action {
    Add(Box<RuleArgs>),
    Clear(ClearArgs),
}

const ADD_HELP: &str = "\
Examples:
  mixbed impair add --loss 5%
  mixbed impair add --from mix-1 --to mix-2 --latency 'normal(20ms, 5ms)' --jitter 5ms
  mixbed impair add --node mix-2-1 --latency 'exponential(100ms)' --bandwidth 500kB/s
  mixbed impair add --from client --partition

Without --from, --to and --node it is about every link.";

/// Add one rule to those that hold
#[derive(Debug, clap::Args)]
#[command(after_help = ADD_HELP)]
struct RuleArgs {
    /// Links that begin there: a node's name or id, a client's id, gateway, mix, provider, client,
    /// or a layer (mix-1, mix-2, mix-3)
    #[arg(long, value_name = "WHO")]
    from: Option<String>,
    /// Links that lead there
    #[arg(long, value_name = "WHO")]
    to: Option<String>,
    /// All links there, both ways; instead of --from and --to
    #[arg(long, value_name = "WHO")]
    node: Option<String>,
    /// Added to each packet's way: 20ms, or 'normal(20ms, 5ms)' with mean and deviation, or
    /// 'exponential(20ms)' with its mean; up to 60s. A link keeps its order: a packet that is slow
    /// holds up those behind it
    #[arg(long)]
    latency: Option<String>,
    /// Added besides, from 0 to this, differently for each packet
    #[arg(long, value_name = "TIME")]
    jitter: Option<String>,
    /// Share of packets that are lost, such as 5% or 0.05
    #[arg(long, value_name = "SHARE")]
    loss: Option<String>,
    /// Bytes or bits a second that pass: 500kB/s, 1.5MB/s, 8Mbit/s
    #[arg(long, value_name = "RATE")]
    bandwidth: Option<String>,
    /// Nothing passes: all packets there are dropped as impaired, until the rule is cleared
    #[arg(long)]
    partition: bool,
    /// With --node: the node drops all packets but those that come by a link from there
    #[arg(long, value_name = "WHO")]
    only_from: Option<String>,
}

const CLEAR_HELP: &str = "\
Examples:
  mixbed impair clear      all of them: every link as it is
  mixbed impair clear 2    the second rule of those that `mixbed impair` shows";

/// Take rules away: all, or the one of this number
#[derive(Debug, clap::Args)]
#[command(after_help = CLEAR_HELP)]
struct ClearArgs {
    /// Number of a rule, as `mixbed impair` shows it
    number: Option<usize>,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let order = match (args.action, args.file) {
        (None, None) => None,
        (Some(Action::Add(rule)), None) => Some(Order::Add(rule.read()?)),
        (Some(Action::Clear(ClearArgs { number: None })), None) => Some(Order::Clear),
        (Some(Action::Clear(ClearArgs { number: Some(n) })), None) => Some(Order::Remove(n)),
        (None, Some(file)) => Some(Order::Replace(read_rules(&file).map_err(Failure::usage)?)),
        (Some(_), Some(_)) => {
            let why = "--file replaces all rules, so it stands without add and clear";
            return Err(Failure::usage(why));
        }
    };
    let impairments = if args.cluster.is_given() {
        let found = InCluster::find(&args.cluster).await.map_err(Failure::failed)?;
        cluster::impair(found, order).await.map_err(Failure::failed)?
    } else {
        perform(args.target.reach()?, order).await?
    };
    if args.json {
        output::print_json(&impairments);
    } else {
        output::print(table(&impairments.rules));
    }
    for warning in warnings(&impairments.rules) {
        output::say(warning);
    }
    Ok(())
}

/// Changes what is to be changed; the rules that hold then.
async fn perform(network: Reached, order: Option<Order>) -> Result<Impairments, Failure> {
    let document = match (network, order) {
        (Reached::Control(client), None) => {
            return client.impairments().await.map_err(Failure::failed);
        }
        (Reached::Control(client), Some(order)) => {
            return client.impair(&order).await.map_err(Failure::failed);
        }
        (Reached::Directory(directory), None) => {
            directory.document().await.map_err(Failure::failed)?
        }
        (Reached::Directory(directory), Some(order)) => {
            let mut refused = None;
            let changed = directory
                .change(|parameters| refused = order.apply(&mut parameters.impairments).err())
                .await?;
            if let Some(refused) = refused {
                return Err(Failure::failed(refused));
            }
            changed
        }
    };
    Ok(Impairments { rules: list(&document) })
}

impl RuleArgs {
    /// The rule that the flags make, read as one from a file.
    fn read(self) -> Result<ImpairmentRule, Failure> {
        let texts = [
            ("from", self.from),
            ("to", self.to),
            ("node", self.node),
            ("latency", self.latency),
            ("jitter", self.jitter),
            ("loss", self.loss),
            ("bandwidth", self.bandwidth),
            ("only_from", self.only_from),
        ];
        let mut fields: Map<String, Value> = texts
            .into_iter()
            .filter_map(|(key, text)| Some((key.to_owned(), text?.into())))
            .collect();
        fields.insert("partition".to_owned(), self.partition.into());
        serde_json::from_value(fields.into()).map_err(Failure::usage)
    }
}
