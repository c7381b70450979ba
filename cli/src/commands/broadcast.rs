//! `mixbed broadcast`

use std::time::{Duration, Instant};

use mixbed_client::BroadcastOptions;

use super::client;
use crate::cluster::{ClusterArgs, InCluster, Session};
use crate::control::{
    BroadcastQuery, BroadcastReply, ControlArgs, NO_DEADLINE, Outcome, Tracing, accepted, failed,
    is_deadline,
};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::settings::{ClientSettings, Period, PeriodError};
use crate::trace::{duration, packet_count};
use crate::{net, output, transaction};

/// How long telemetry may take to send its last spans.
const LAST_SPANS: Duration = Duration::from_secs(2);

const AFTER_HELP: &str = "\
Examples:
  mixbed broadcast tx.hex                    a file with hexadecimal digits, or the raw bytes
  mixbed broadcast 020001...                 the digits themselves
  wallet ... | mixbed broadcast -            standard input
  mixbed broadcast tx.hex --json             for scripts
  mixbed broadcast tx.hex --context kind-kind    through a Mixnet in Kubernetes, from here

Success (exit code 0) means that monerod said so: it has the transaction in its pool or in a block.
To broadcast the same transaction again is safe.";

/// Send a signed transaction through the network to monerod, and say what it said
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// A file with the transaction, its hexadecimal digits, or - for standard input
    #[arg(value_name = "FILE|HEX|-")]
    transaction: String,
    #[command(flatten)]
    control: ControlArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// When to give up: after 1 ms to 300 s
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = deadline)]
    deadline: Period,
    /// The provider, by name; without one, any, and another when it fails
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// Do not trace it, even if the network allows it
    #[arg(long)]
    no_trace: bool,
    /// Print the result as one line of JSON
    #[arg(long)]
    json: bool,
}

/// A deadline that is taken.
pub(super) fn deadline(text: &str) -> Result<Period, String> {
    let period: Period = text.parse().map_err(|error: PeriodError| error.to_string())?;
    if is_deadline(period.0) { Ok(period) } else { Err(NO_DEADLINE.to_owned()) }
}

pub(crate) async fn run(args: Args, quiet: bool) -> Result<(), Failure> {
    let raw = transaction::read(&args.transaction).map_err(Failure::usage)?;
    if args.cluster.is_given() {
        return told(&from_here(&args, &raw, quiet).await?, args.json);
    }
    let client = args.control.client().map_err(Failure::usage)?;
    let query = BroadcastQuery {
        deadline_ms: Some(u64::try_from(args.deadline.0.as_millis()).unwrap_or(u64::MAX)),
        trace: if args.no_trace { Tracing::Never } else { Tracing::Allowed },
        provider: args.provider,
    };
    let step = Progress::new(quiet || args.json).step("broadcasting");
    let reply = client.broadcast(raw, &query).await;
    drop(step);
    told(&reply.map_err(Failure::failed)?, args.json)
}

/// By a client of this process, through a cluster's mixnet.
async fn from_here(args: &Args, raw: &[u8], quiet: bool) -> Result<BroadcastReply, Failure> {
    let progress = Progress::new(quiet || args.json);
    let step = progress.step("looking for a way into the cluster");
    let found = InCluster::find(&args.cluster).await.map_err(Failure::failed)?;
    let session = Session::open(&found, None).await.map_err(Failure::failed)?;
    let mut settings = ClientSettings::default();
    session.lead(&mut settings);
    let telemetry = net::telemetry(settings.otlp.clone(), settings.memory_spans)?;
    let client = client::start(&settings, None, &telemetry)?;
    let began = Instant::now();
    client.wait_ready(args.deadline.0).await.map_err(Failure::failed)?;
    step.done(format!("at {}", session.gateway().unwrap_or_default()));

    let step = progress.step("broadcasting");
    let document = client.directory().current();
    let allowed = document.is_some_and(|document| document.parameters.tracing_allowed);
    let options = BroadcastOptions {
        deadline: args.deadline.0.saturating_sub(began.elapsed()),
        traced: allowed && !args.no_trace,
        provider: args.provider.clone(),
        ..BroadcastOptions::default()
    };
    let reply = match client.broadcast(raw, options).await {
        Ok(report) => accepted(&report),
        Err(error) => failed(&error, raw, began.elapsed()),
    };
    drop(step);
    client.stop().await;
    telemetry.shutdown(LAST_SPANS).await;
    Ok(reply)
}

fn told(reply: &BroadcastReply, json: bool) -> Result<(), Failure> {
    if json {
        output::print_json(reply);
    } else {
        output::print(tell(reply));
    }
    if reply.outcome.is_accepted() { Ok(()) } else { Err(Failure::Told) }
}

fn tell(reply: &BroadcastReply) -> String {
    let word = match reply.outcome {
        Outcome::Accepted | Outcome::AlreadyKnown => "accepted",
        Outcome::Rejected => "rejected",
        Outcome::Failed => "failed",
    };
    let mut lines = vec![format!("{word}: {}", reply.words)];
    if let Some(txid) = &reply.txid {
        lines.push(format!("txid {txid}"));
    }
    let micros = Duration::from_micros;
    let by = reply.provider.as_ref().map(|name| format!(" by {name}")).unwrap_or_default();
    let took = duration(micros(reply.elapsed_us));
    lines.push(match &reply.packets {
        Some(packets) => format!(
            "took {took}{by}: {} there and {} back, {} of it mixing delays, {} monerod",
            packet_count(packets.sent),
            packet_count(packets.received),
            duration(micros(packets.mixing_delay_us)),
            duration(micros(packets.monerod_us)),
        ),
        None => format!("took {took}{by}"),
    });
    if let Some(trace) = &reply.trace_id {
        let id = reply.txid.as_ref().unwrap_or(trace);
        lines.push(format!("trace {trace}; see it with: mixbed trace {id}"));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_told_in_words() {
        let reply = BroadcastReply {
            outcome: Outcome::Rejected,
            words: "monerod rejects the transaction: the fee is too low".to_owned(),
            txid: Some("ab".repeat(32)),
            trace_id: Some("cd".repeat(16)),
            provider: Some("provider-0".to_owned()),
            elapsed_us: 700_000,
            packets: None,
        };
        let text = tell(&reply);
        assert!(text.starts_with("rejected: ") && text.contains("fee is too low"), "{text}");
        assert!(text.contains(&format!("mixbed trace {}", "ab".repeat(32))), "{text}");
        assert!(text.contains("took 700 ms by provider-0"), "{text}");
    }
}
