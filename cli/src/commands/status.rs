//! `mixbed status`

use std::time::{Duration, SystemTime};

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};

use crate::cluster::{self, ClusterArgs, InCluster};
use crate::control::{
    AuthorityStatus, ControlArgs, DocumentStatus, Inside, NodeStatus, SegmentLoops, SenderLoops,
    Status,
};
use crate::failure::Failure;
use crate::output;
use crate::trace::{duration, rough};

const AFTER_HELP: &str = "\
Examples:
  mixbed status
  mixbed status --json | jq .nodes[].inside.dropped
  mixbed status --json | jq .loops.suspect       what takes packets, if the loops tell
  mixbed status --context kind-kind              of a Mixnet in Kubernetes

Asks a running `mixbed up`, or a `mixbed client`: that one knows of the nodes what the directory's
document says; their packets are in their own metrics.";

/// Show how the network is: its directory, its nodes and their packets, its client
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    #[command(flatten)]
    control: ControlArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Print everything as one line of JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let status = if args.cluster.is_given() {
        let found = InCluster::find(&args.cluster).await.map_err(Failure::failed)?;
        cluster::status(&found).await.map_err(Failure::failed)?
    } else {
        let client = args.control.client().map_err(Failure::usage)?;
        client.status().await.map_err(Failure::failed)?
    };
    if args.json {
        output::print_json(&status);
    } else {
        output::print(tell(&status, SystemTime::now()));
    }
    Ok(())
}

fn tell(status: &Status, now: SystemTime) -> String {
    let ready = if status.ready { "ready".to_owned() } else { status.reasons.join("; ") };
    let directory = &status.directory;
    let mut lines = vec![
        format!("network    {}: {ready}", status.network),
        format!("directory  {}, {}", directory.url, directory.words),
    ];
    // Of one alone, the line above says it all.
    for one in directory.inside.iter().filter(|_| directory.inside.len() > 1) {
        let AuthorityStatus { name, url, epoch, revision, .. } = one;
        lines.push(format!("           {name} {url}: epoch {epoch}, revision {revision}"));
    }
    if let Some(document) = &directory.document {
        lines.push(format!("document   {}", tell_document(document, now)));
        for rule in &document.impairments {
            lines.push(format!("impaired   {} {}: {}", rule.number, rule.links, rule.effects));
        }
    }
    if let Some(client) = &status.client {
        lines.push(format!("client     {}, {}", client.id, client.words));
        lines.extend(client.suspects.iter().map(|words| format!("suspect    {words}")));
    }
    if let Some(monerod) = &status.monerod {
        lines.push(format!("monerod    {monerod}"));
    }
    if let Some(suspect) = &status.loops.suspect {
        lines.push(format!("suspect    {}", suspect.words));
    }
    if !status.nodes.is_empty() {
        lines.push(String::new());
        lines.push(nodes(&status.nodes));
    }
    if !status.loops.senders.is_empty() {
        lines.push(String::new());
        lines.push(loops(&status.loops.senders));
    }
    lines.join("\n")
}

/// Each sender's loops, and the link on their ways by which the fewest of them came back.
fn loops(senders: &[SenderLoops]) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header([
        "loops of",
        "sent",
        "back",
        "lost",
        "of the last",
        "fewest by way of",
        "suspect",
    ]);
    for sender in senders {
        let share =
            |segment: &SegmentLoops| f64::from(segment.returned) / f64::from(segment.ended.max(1));
        let lossy = sender.segments.iter().filter(|segment| segment.returned < segment.ended);
        let worst = lossy.min_by(|a, b| share(a).total_cmp(&share(b)));
        table.add_row([
            sender.sender.clone(),
            sender.sent.to_string(),
            sender.returned.to_string(),
            sender.lost.to_string(),
            format!("{} of {}", sender.recent_returned, sender.recent_ended),
            worst.map_or_else(
                || "-".to_owned(),
                |SegmentLoops { from, to, returned, ended }| {
                    format!("{from} -> {to}: {returned} of {ended}")
                },
            ),
            sender.suspect.as_ref().map_or_else(|| "-".to_owned(), |suspect| suspect.name.clone()),
        ]);
    }
    for column in 1..4 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}

fn tell_document(document: &DocumentStatus, now: SystemTime) -> String {
    let until = SystemTime::UNIX_EPOCH + Duration::from_millis(document.valid_until_ms);
    let valid = match until.duration_since(now) {
        Ok(left) => format!("valid for {}", rough(left)),
        Err(past) => format!("expired {} ago", rough(past.duration())),
    };
    let traced = if document.tracing_allowed { "allowed" } else { "not allowed" };
    let delay = duration(Duration::from_micros(document.mean_hop_delay_us));
    format!(
        "epoch {}, revision {}, {valid}; mean delay a hop {delay}; tracing {traced}",
        document.epoch, document.revision
    )
}

fn nodes(nodes: &[NodeStatus]) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header([
        "node",
        "role",
        "address",
        "state",
        "received",
        "made",
        "sent",
        "delivered",
        "held",
        "dropped",
    ]);
    for node in nodes {
        let role = match node.layer {
            Some(layer) => format!("{} {layer}", node.role),
            None => node.role.clone(),
        };
        let mut row = vec![node.name.clone(), role, node.address.clone()];
        row.extend(node.inside.as_ref().map_or_else(unknown, tell_inside));
        table.add_row(row);
    }
    for column in 4..9 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}

/// Of a node in another process.
fn unknown() -> Vec<String> {
    let mut row = vec!["listed".to_owned()];
    row.resize(7, "-".to_owned());
    row
}

fn tell_inside(inside: &Inside) -> Vec<String> {
    let state = if inside.ready { "ready".to_owned() } else { inside.reasons.join("; ") };
    let drops: Vec<_> =
        inside.dropped.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    let dropped = if drops.is_empty() { "0".to_owned() } else { drops.join(", ") };
    let numbers = [inside.received, inside.made, inside.sent, inside.delivered, inside.held];
    let numbers = numbers.iter().map(u64::to_string);
    std::iter::once(state).chain(numbers).chain(std::iter::once(dropped)).collect()
}
