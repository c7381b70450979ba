//! `mixbed broadcast`

use std::time::{Duration, Instant};

use clap::ValueEnum;

use mixbed_client::BroadcastOptions;
use mixbed_monero::TxId;

use super::client;
use crate::cluster::{ClusterArgs, InCluster, Session};
use crate::control::{
    BroadcastQuery, BroadcastReply, ControlArgs, ControlClient, NO_DEADLINE, NO_RANDOM_WAIT,
    Outcome, Tracing, Wait, accepted, failed, is_deadline, is_random_wait,
};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::settings::{ClientSettings, Period, PeriodError};
use crate::trace::{duration, packet_count};
use crate::{net, output, signals, transaction};

/// How long telemetry may take to send its last spans.
const LAST_SPANS: Duration = Duration::from_secs(2);

/// How often it is looked how a broadcast stands.
const LOOK: Duration = Duration::from_millis(200);

const AFTER_HELP: &str = "\
Examples:
  mixbed broadcast tx.hex                    a file with hexadecimal digits, or the raw bytes
  mixbed broadcast 020001...                 the digits themselves
  wallet ... | mixbed broadcast -            standard input
  mixbed broadcast tx.hex --json             for scripts
  mixbed broadcast tx.hex --wait mined       until it is in a block
  mixbed broadcast tx.hex --wait no          order it, and see later: mixbed broadcasts
  mixbed broadcast tx.hex --random-wait 30s  the provider waits about so long before it hands it on
  mixbed broadcast tx.hex --context kind-kind    through a Mixnet in Kubernetes, from here

Success (exit code 0) means that monerod said so: it has the transaction in its pool or in a block.
Where the network has two providers or more, another one is asked whether it knows of it; one that
said so and did nothing is named, and the transaction goes to another one. However long this command
waits, the client goes on until the transaction is in a block (three days at most).
To broadcast the same transaction again is safe.";

/// Send a signed transaction through the network to monerod, and say what it said
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
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
    /// What to wait for
    #[arg(long, value_name = "WHAT", default_value = "accepted")]
    wait: Until,
    /// Have the provider wait before it hands the transaction to its monerod: a random time with
    /// this mean (1 ms to 120 s), ten minutes at most. It unlinks the transaction's arrival there
    /// from its appearance in Monero's network. The deadline counts without it
    #[arg(long, value_name = "TIME", value_parser = random_wait)]
    random_wait: Option<Period>,
    /// Do not ask another provider whether it knows of the transaction
    #[arg(long)]
    no_confirm: bool,
    /// Trace it, if the network allows it: `mixbed trace` then shows its way. Any two nodes on that way
    /// can see that it is the same packet, whether they send spans or not. `mixbed up` traces without this
    #[arg(long, conflicts_with = "no_trace")]
    trace: bool,
    /// Do not trace it
    #[arg(long)]
    no_trace: bool,
    /// Print the result as one line of JSON
    #[arg(long)]
    json: bool,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Until {
    /// It is in a block, or has failed
    Mined,
    /// monerod has it, and another provider knows of it, if there is one to be asked
    Accepted,
    /// It is written down; with a state directory it survives the client
    No,
}

/// A mean that is taken.
fn random_wait(text: &str) -> Result<Period, String> {
    let period: Period = text.parse().map_err(|error: PeriodError| error.to_string())?;
    if is_random_wait(period.0) { Ok(period) } else { Err(NO_RANDOM_WAIT.to_owned()) }
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
        deadline_ms: Some(millis(args.deadline)),
        trace: match (args.trace, args.no_trace) {
            (true, _) => Some(Tracing::Allowed),
            (_, true) => Some(Tracing::Never),
            _ => None,
        },
        provider: args.provider.clone(),
        // It is followed from here, so that there is something to see meanwhile.
        wait: Wait::No,
        confirm: Some(!args.no_confirm),
        random_wait_ms: args.random_wait.map(millis),
    };
    let progress = Progress::new(quiet || args.json);
    let step = progress.step("broadcasting");
    let txid = TxId::of(&raw).map(|txid| txid.to_string()).unwrap_or_default();
    let interrupted = signals::shutdown().map_err(Failure::failed)?;
    let broadcasting = async {
        let ordered = client.broadcast(raw, &query).await.map_err(Failure::failed)?;
        followed(&client, ordered, args.wait, |how_far| step.tell(how_far)).await
    };
    let Some(reply) = interrupted.run_until_cancelled(broadcasting).await else {
        drop(step);
        output::say(format!("the client goes on with it: mixbed broadcasts {txid}"));
        return Err(Failure::Interrupted);
    };
    let reply = reply?;
    drop(step);
    if args.wait == Until::No && reply.outcome == Outcome::Pending {
        ordered_only(&reply, args.json);
        return Ok(());
    }
    told(&reply, args.json)
}

fn millis(period: Period) -> u64 {
    u64::try_from(period.0.as_millis()).unwrap_or(u64::MAX)
}

/// Waits until a broadcast is as far as wished, and shows what becomes of it.
async fn followed(
    client: &ControlClient,
    mut reply: BroadcastReply,
    until: Until,
    show: impl Fn(&str),
) -> Result<BroadcastReply, Failure> {
    let mut shown = String::new();
    // What has no id was sent at once, and is over.
    while let (Some(txid), Some(_)) = (&reply.txid, &reply.state) {
        if is_enough(&reply, until) {
            break;
        }
        let now = tell_step(&reply, until);
        if now != shown {
            show(&now);
            shown = now;
        }
        tokio::time::sleep(LOOK).await;
        reply = client.broadcast_of(txid).await.map_err(Failure::failed)?;
    }
    Ok(reply)
}

fn is_enough(reply: &BroadcastReply, until: Until) -> bool {
    match until {
        Until::No => true,
        Until::Accepted => !reply.under_way,
        Until::Mined => match reply.outcome {
            Outcome::Pending | Outcome::Accepted | Outcome::AlreadyKnown => false,
            Outcome::Mined | Outcome::Rejected | Outcome::Failed => true,
        },
    }
}

/// How far it is, in a line.
fn tell_step(reply: &BroadcastReply, until: Until) -> String {
    let by = reply.provider.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
    let found_out = match &reply.found_out[..] {
        [] => String::new(),
        names => format!("; {} said so and did nothing", names.join(", ")),
    };
    let state = reply.state.as_deref().unwrap_or("sent");
    let next = match until {
        Until::Mined if reply.outcome.is_accepted() => "; waiting for a block",
        _ => "",
    };
    format!("{state}{by}: {}{found_out}{next}", reply.words)
}

/// It is written down, and that is all that was wished.
fn ordered_only(reply: &BroadcastReply, json: bool) {
    if json {
        output::print_json(reply);
    } else {
        let txid = reply.txid.as_deref().unwrap_or_default();
        output::print(format!("ordered: see what becomes of it with: mixbed broadcasts {txid}"));
    }
}

/// By a client of this process, through a cluster's mixnet.
async fn from_here(args: &Args, raw: &[u8], quiet: bool) -> Result<BroadcastReply, Failure> {
    let progress = Progress::new(quiet || args.json);
    let step = progress.step("looking for a way into the cluster");
    let found = InCluster::find(&args.cluster).await.map_err(Failure::failed)?;
    let session = Session::open(&found, None).await.map_err(Failure::failed)?;
    let mut settings = ClientSettings { traced: args.trace, ..ClientSettings::default() };
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
        traced: allowed && args.trace,
        provider: args.provider.clone(),
        confirm: !args.no_confirm,
        random_wait: args.random_wait.map(|mean| mean.0),
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
        Outcome::Mined => "mined",
        Outcome::Pending => "pending",
        Outcome::Rejected => "rejected",
        Outcome::Failed => "failed",
    };
    let mut lines = vec![format!("{word}: {}", reply.words)];
    if let Some(txid) = &reply.txid {
        lines.push(format!("txid {txid}"));
    }
    if !reply.found_out.is_empty() {
        lines.push(format!(
            "{} said before that monerod had it, which was not so",
            reply.found_out.join(", ")
        ));
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
            found_out: vec!["provider-7".to_owned()],
            ..BroadcastReply::default()
        };
        let text = tell(&reply);
        assert!(text.starts_with("rejected: ") && text.contains("fee is too low"), "{text}");
        assert!(text.contains(&format!("mixbed trace {}", "ab".repeat(32))), "{text}");
        assert!(text.contains("took 700 ms by provider-0"), "{text}");
        assert!(text.contains("provider-7 said before"), "{text}");
    }

    #[test]
    fn it_is_waited_for_what_was_wished() {
        let reply =
            |outcome, under_way| BroadcastReply { outcome, under_way, ..BroadcastReply::default() };
        let enough = |reply: BroadcastReply| {
            [Until::No, Until::Accepted, Until::Mined].map(|until| is_enough(&reply, until))
        };
        assert_eq!(enough(reply(Outcome::Pending, true)), [true, false, false]);
        assert_eq!(enough(reply(Outcome::Accepted, true)), [true, false, false], "not confirmed");
        assert_eq!(enough(reply(Outcome::Accepted, false)), [true, true, false]);
        for end in [Outcome::Mined, Outcome::Rejected, Outcome::Failed] {
            assert_eq!(enough(reply(end, false)), [true; 3]);
        }
    }
}
