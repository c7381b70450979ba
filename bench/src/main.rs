//! `make bench`: what mixbed costs, as ratios measured in one run. Prints a line a value and
//! writes them all to `target/bench.json`.

mod broadcast;
mod child;
mod cipher;
mod cluster;
mod cover;
mod forward;
mod replay;
mod report;
mod roles;
mod sphinx;
mod streams;
mod wallet;

use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};

use crate::report::Report;

#[derive(Parser)]
#[command(about)]
struct Args {
    /// Where the values go, as JSON.
    #[arg(long, default_value = "target/bench.json")]
    out: PathBuf,
    /// The mixbed binary that is measured.
    #[arg(long, default_value = "target/release/mixbed")]
    mixbed: PathBuf,
    /// Exit with 1 if a value misses its bar. Without it only the text tells: a shared machine
    /// has bad minutes.
    #[arg(long)]
    strict: bool,
    #[command(subcommand)]
    part: Option<Part>,
}

#[derive(Subcommand)]
enum Part {
    /// The node under test: started by the benchmark itself, in a process of its own.
    #[command(hide = true, name = "serve-mix")]
    Mix(child::ServeMix),
    /// A net, in a process of its own.
    #[command(hide = true, name = "serve-net")]
    Net(cover::ServeNet),
    /// Sphinx and the mix that forwards alone.
    Sphinx,
    /// Streams alone.
    Streams,
    /// A stock wallet's transfers alone.
    Wallet,
    /// On the Kubernetes that `make bench-cluster` names.
    Cluster,
    /// Idle clients, in a process of their own.
    #[command(hide = true, name = "serve-clients")]
    Clients(cover::ServeClients),
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    match args.part {
        Some(Part::Mix(mix)) => return child::serve(mix),
        Some(Part::Net(net)) => return cover::serve_net(&net),
        Some(Part::Clients(clients)) => return cover::serve_clients(&clients),
        Some(Part::Cluster) => return cluster(&args.out, args.strict),
        Some(Part::Sphinx) => return sphinx(&args.out, args.strict),
        Some(Part::Streams) => return streams(&args.out, args.strict),
        Some(Part::Wallet) => return wallet(&args.out, args.strict),
        None => {}
    }
    let mut report = Report::default();
    let cores = std::thread::available_parallelism()?.get();
    let one = sphinx::measure(&mut report, cores);
    cipher::measure(&mut report)?;
    replay::measure(&mut report, one);
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        Box::pin(forward::measure(&mut report)).await?;
        broadcast::measure(&mut report).await?;
        Box::pin(streams::measure(&mut report)).await?;
        Box::pin(wallet::measure(&mut report)).await?;
        cover::measure(&mut report).await?;
        roles::measure(&mut report, &args.mixbed).await
    })?;
    finish(&report, &args.out, args.strict)
}

fn cluster(out: &Path, strict: bool) -> anyhow::Result<()> {
    let mut report = Report::default();
    tokio::runtime::Runtime::new()?.block_on(cluster::measure(&mut report))?;
    finish(&report, out, strict)
}

fn sphinx(out: &Path, strict: bool) -> anyhow::Result<()> {
    let mut report = Report::default();
    sphinx::measure(&mut report, std::thread::available_parallelism()?.get());
    cipher::measure(&mut report)?;
    tokio::runtime::Runtime::new()?.block_on(forward::measure(&mut report))?;
    finish(&report, out, strict)
}

fn wallet(out: &Path, strict: bool) -> anyhow::Result<()> {
    let mut report = Report::default();
    tokio::runtime::Runtime::new()?.block_on(wallet::measure(&mut report))?;
    finish(&report, out, strict)
}

fn streams(out: &Path, strict: bool) -> anyhow::Result<()> {
    let mut report = Report::default();
    tokio::runtime::Runtime::new()?.block_on(streams::measure(&mut report))?;
    finish(&report, out, strict)
}

/// Writes everything down; a missed bar is a failure if that is wanted.
fn finish(report: &Report, out: &Path, strict: bool) -> anyhow::Result<()> {
    let met = report.write(out)?;
    println!("written to {}", out.display());
    if strict && !met {
        std::process::exit(1);
    }
    Ok(())
}
