//! `mixbed trace`

use crate::cluster::{self, ClusterArgs, InCluster};
use crate::control::{ControlArgs, Trace};
use crate::failure::Failure;
use crate::output;
use crate::trace::{Way, duration, render};

const AFTER_HELP: &str = "\
Examples:
  mixbed trace 5f2c…              the way of a transaction that was broadcast from there
  mixbed trace 5f2c… --json       its spans, as a collector would get them
  mixbed trace 5f2c… --context kind-kind    from the Jaeger of a Mixnet in Kubernetes

Each row is a packet's stay at one node: its wait for a worker, taking off a layer of encryption,
the delay that the sender asked for and how long it was really held, and the way onto the next link.";

/// Show a transaction's way through the network, hop by hop
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The transaction's id (64 hexadecimal digits), or the trace's (32)
    #[arg(value_name = "TXID|TRACEID", value_parser = id)]
    id: String,
    #[command(flatten)]
    control: ControlArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Print the spans as one line of JSON
    #[arg(long)]
    json: bool,
}

fn id(text: &str) -> Result<String, String> {
    let is_id = [32, 64].contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
    let why = "a transaction id is 64 hexadecimal digits, a trace id 32, and this is neither";
    if is_id { Ok(text.to_owned()) } else { Err(why.to_owned()) }
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let trace = if args.cluster.is_given() {
        let found = InCluster::find(&args.cluster).await.map_err(Failure::failed)?;
        cluster::trace(&found, &args.id).await.map_err(Failure::failed)?
    } else {
        let client = args.control.client().map_err(Failure::usage)?;
        client.trace(&args.id).await.map_err(Failure::failed)?
    };
    if args.json {
        output::print_json(&trace);
    } else {
        output::print(tell(&trace));
    }
    Ok(())
}

fn tell(trace: &Trace) -> String {
    let way = Way::read(&trace.spans);
    let mut lines = vec![format!("trace {}", trace.trace_id)];
    lines.extend(way.txid.as_ref().map(|txid| format!("transaction {txid}")));
    lines.extend(way.took.map(|took| format!("took {}", duration(took))));
    lines.extend(way.error.as_ref().map(|why| format!("failed: {why}")));
    format!("{}\n\n{}", lines.join("\n"), render(&way))
}
