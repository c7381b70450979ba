//! `mixbed parameters`

use std::path::PathBuf;

use mixbed_directory::{Parameters, Rates};

use crate::failure::Failure;
use crate::output;
use crate::parameters::{Change, RateChanges, lines, read_change};
use crate::settings::Period;
use crate::target::{Reached, Target};

const AFTER_HELP: &str = "\
Examples:
  mixbed parameters                                    what holds
  mixbed parameters set --cover on                     cover traffic, at rates that a laptop carries
  mixbed parameters set --cover off
  mixbed parameters set --payload 10 --downlink 20     more cover, and less waiting
  mixbed parameters set --mean-hop-delay 100ms
  mixbed parameters set --file parameters.yaml

A parameters.yaml names what is to change:
  mean_hop_delay: 100ms
  rates: {payload: 10, drop: 2, client_loop: 1, node_loop: 0.5, downlink: 20}

A change reaches all nodes and clients within a moment, and holds until it is changed again.
docs/cover.md says what each rate hides and costs.";

/// Show or change how the whole network sends: delays, epochs and rates of cover traffic
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    #[command(flatten)]
    target: Target,
    /// Print the parameters as one line of JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    action: Option<Action>,
}

/// What to do with them.
#[derive(Debug, clap::Subcommand)]
enum Action {
    Set(SetArgs),
}

/// Change those that are named; the others stay as they are
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
struct SetArgs {
    /// All rates at once: on (what a laptop carries) or off; others named besides go before
    #[arg(long, value_name = "ON|OFF")]
    cover: Option<Cover>,
    /// Packets a second that a client sends on a clock: something to say, or a drop; 0 is off
    #[arg(long, value_name = "RATE")]
    payload: Option<f64>,
    /// Drops a second that a client sends besides
    #[arg(long, value_name = "RATE")]
    drop: Option<f64>,
    /// Loops a second that a client sends to itself
    #[arg(long, value_name = "RATE", visible_alias = "loop")]
    client_loop: Option<f64>,
    /// Loops a second that each gateway and mix sends to itself
    #[arg(long, value_name = "RATE")]
    node_loop: Option<f64>,
    /// Frames a second on each gateway's link down to each client: a packet, or a dummy
    #[arg(long, value_name = "RATE")]
    downlink: Option<f64>,
    /// Mean of the delay that senders draw for each hop, such as 50ms
    #[arg(long, value_name = "TIME")]
    mean_hop_delay: Option<Period>,
    /// How long an epoch lasts, 1s to 24h
    #[arg(long, value_name = "TIME")]
    epoch_length: Option<Period>,
    /// Whether packets may be traced
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    tracing_allowed: Option<bool>,
    /// YAML file that says what to change; - reads standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Cover {
    On,
    Off,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let change = match args.action {
        None => None,
        Some(Action::Set(set)) => Some(set.read()?),
    };
    let parameters = perform(args.target.reach()?, change).await?;
    if args.json {
        output::print_json(&parameters);
    } else {
        output::print(lines(&parameters));
    }
    Ok(())
}

/// Changes what is to be changed; the parameters that hold then.
async fn perform(network: Reached, change: Option<Change>) -> Result<Parameters, Failure> {
    match (network, change) {
        (Reached::Control(client), None) => client.parameters().await.map_err(Failure::failed),
        (Reached::Control(client), Some(change)) => {
            client.set_parameters(&change).await.map_err(Failure::failed)
        }
        (Reached::Directory(directory), None) => {
            Ok(directory.document().await.map_err(Failure::failed)?.parameters)
        }
        (Reached::Directory(directory), Some(change)) => {
            let changed = directory.change(|parameters| change.apply(parameters)).await?;
            Ok(changed.parameters)
        }
    }
}

impl SetArgs {
    fn read(self) -> Result<Change, Failure> {
        let mut change = match &self.file {
            Some(file) => read_change(file).map_err(Failure::usage)?,
            None => Change::default(),
        };
        if let Some(cover) = self.cover {
            let rates = match cover {
                Cover::On => Rates::COVER,
                Cover::Off => Rates::default(),
            };
            change.rates = RateChanges {
                payload: Some(rates.payload),
                drop: Some(rates.drop),
                client_loop: Some(rates.client_loop),
                node_loop: Some(rates.node_loop),
                downlink: Some(rates.downlink),
            };
        }
        let rates = &mut change.rates;
        rates.payload = self.payload.or(rates.payload);
        rates.drop = self.drop.or(rates.drop);
        rates.client_loop = self.client_loop.or(rates.client_loop);
        rates.node_loop = self.node_loop.or(rates.node_loop);
        rates.downlink = self.downlink.or(rates.downlink);
        change.mean_hop_delay = self.mean_hop_delay.or(change.mean_hop_delay);
        change.epoch_length = self.epoch_length.or(change.epoch_length);
        change.tracing_allowed = self.tracing_allowed.or(change.tracing_allowed);
        if change.is_empty() {
            return Err(Failure::usage(
                "nothing is to be set: name a parameter, such as --payload 10, or --cover on",
            ));
        }
        Ok(change)
    }
}
