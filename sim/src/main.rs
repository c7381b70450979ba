//! `mixbed-sim`: runs a network under a virtual clock and says what came of it.

use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::{Parser, ValueEnum};
use mixbed_directory::ImpairmentRule;
use mixbed_sim::{Config, Report, Sim, SimPacket, Transparent, Workload};
use mixbed_wire::Packet;

/// Run the real cores of a mixnet's nodes, clients and directory under a virtual clock.
///
/// The same options give the same run, to the byte: compare the transcripts' hashes.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// Everything random follows from it
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Clients, each with a link to a gateway
    #[arg(long, default_value_t = 500)]
    clients: usize,
    /// Nodes: a fifth gateways, a tenth providers, the rest mixes in three layers
    #[arg(long, default_value_t = 30)]
    nodes: usize,
    /// Virtual minutes
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// Loss on each link, in percent
    #[arg(long, default_value_t = 0.0)]
    loss: f64,
    /// What else links suffer: a rule of the directory's in JSON, such as
    /// '{"from": "mix-1", "to": "mix-2", "latency": "20ms"}' (may be given several times)
    #[arg(long, value_name = "RULE", value_parser = rule)]
    impair: Vec<ImpairmentRule>,
    /// What packets are made of
    #[arg(long, value_enum, default_value_t = Format::Transparent)]
    packet: Format,
    /// No cover traffic
    #[arg(long)]
    no_cover: bool,
    /// Seconds between a client's requests, on average; 0: none
    #[arg(long, default_value_t = 60.0)]
    every: f64,
    /// Directories: one, or an odd number of which a majority signs
    #[arg(long, default_value_t = 1)]
    directories: usize,
    /// Seconds of an epoch
    #[arg(long, default_value_t = 600.0)]
    epoch: f64,
    /// Write all that happens to this file, a line each
    #[arg(long, value_name = "FILE")]
    transcript: Option<PathBuf>,
    /// The report as JSON
    #[arg(long)]
    json: bool,
    /// Fail if the run took more CPU than this, in seconds
    #[arg(long, value_name = "SECONDS")]
    at_most: Option<f64>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// The real one: about a millisecond of CPU a packet
    Sphinx,
    /// In the clear, for large runs
    Transparent,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    match options.packet {
        Format::Sphinx => run::<Packet>(&options),
        Format::Transparent => run::<Transparent>(&options),
    }
}

fn run<P: SimPacket>(options: &Options) -> anyhow::Result<()> {
    let length = seconds(options.minutes * 60.0).context("--minutes")?;
    let began = Instant::now();
    let mut sim = Sim::<P>::new(config(options)?, began)?;
    if let Some(path) = &options.transcript {
        let file = std::fs::File::create(path)
            .with_context(|| format!("cannot write the transcript to {}", path.display()))?;
        let mut file = BufWriter::new(file);
        let path = path.clone();
        sim.transcript_mut().listen(move |happening| {
            if let Err(error) = writeln!(file, "{happening}") {
                eprintln!("{}: {error}", path.display());
                std::process::exit(1);
            }
        });
    }
    sim.run_until(length);
    let report = sim.report();
    // A run has one thread, which never waits but for a transcript's disk.
    let cpu = cpu_seconds().unwrap_or_else(|| began.elapsed().as_secs_f64());
    if options.json {
        let mut json = serde_json::to_value(&report)?;
        json["cpu_seconds"] = cpu.into();
        println!("{}", serde_json::to_string_pretty(&json)?);
    } else {
        print(&report, cpu);
    }
    anyhow::ensure!(report.packets.close(), "the accounts do not close: {:?}", report.packets);
    anyhow::ensure!(
        report.requests.executed_again == 0,
        "{} requests were worked on more than once",
        report.requests.executed_again
    );
    if let Some(most) = options.at_most {
        anyhow::ensure!(cpu <= most, "{cpu:.1} s of CPU are more than the {most} s allowed");
    }
    Ok(())
}

fn config(options: &Options) -> anyhow::Result<Config> {
    let mut config = Config::large(options.seed);
    config.clients = options.clients;
    config.directories = options.directories;
    config.gateways = (options.nodes / 5).max(1);
    config.providers = (options.nodes / 10).max(1);
    let mixes = options.nodes.saturating_sub(config.gateways + config.providers);
    config.mixes_a_layer = (mixes / 3).max(1);
    if options.no_cover {
        config.parameters.rates = mixbed_directory::Rates::default();
    }
    config.parameters.epoch_length = seconds(options.epoch).context("--epoch")?;
    config.parameters.impairments.clone_from(&options.impair);
    config.node_links.loss = options.loss / 100.0;
    config.client_links.loss = options.loss / 100.0;
    let every = seconds(options.every).context("--every")?;
    config.workload = Workload { every: (!every.is_zero()).then_some(every), ..config.workload };
    Ok(config)
}

fn rule(text: &str) -> Result<ImpairmentRule, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

fn seconds(seconds: f64) -> anyhow::Result<Duration> {
    Duration::try_from_secs_f64(seconds).with_context(|| format!("{seconds} is no time"))
}

fn print(report: &Report, cpu: f64) {
    let Report { packets, requests, loops, .. } = report;
    println!(
        "{} nodes, {} clients, {} packets, {:.0} virtual seconds, seed {}",
        report.nodes, report.clients, report.packet, report.seconds, report.seed
    );
    println!("events       {} in {cpu:.1} s of CPU", report.events);
    println!(
        "packets      {} made by clients, {} by nodes, {} hops",
        packets.made_by_clients, packets.made_by_nodes, packets.hops
    );
    println!(
        "             {} delivered, {} dropped, {} held, {} under way: {}",
        packets.delivered,
        packets.dropped(),
        packets.held,
        packets.under_way,
        if packets.close() { "the accounts close" } else { "THE ACCOUNTS DO NOT CLOSE" }
    );
    for (reason, count) in &packets.dropped {
        println!("             {count} {reason}");
    }
    println!(
        "requests     {} asked, {} answered, {} not; {} packets sent, {} of them again",
        requests.asked,
        requests.answered,
        requests.unanswered,
        requests.sends,
        requests.retransmissions
    );
    if let Some((median, p95)) = requests.median.zip(requests.p95) {
        println!("             median {median:.3} s, 95 of 100 within {p95:.3} s");
    }
    println!("loops        {} sent, {} returned, {} lost", loops.sent, loops.returned, loops.lost);
    println!("directory    epoch {}, {} documents", report.epoch, report.documents);
    println!("transcript   {} entries, sha256 {}", report.happenings, report.transcript);
}

/// What this process has used of the processors so far, in seconds, where the system says so.
fn cpu_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/schedstat").ok()?;
    let nanos: u64 = text.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanos).as_secs_f64())
}
