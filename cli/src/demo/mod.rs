//! The demo: real transactions through a whole mixnet on this machine, and what that proves.

mod proof;
mod stage;
mod transaction;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mixbed_localnet::Shape;

use crate::failure::Failure;
use crate::progress::Progress;
use crate::{net, output};
use proof::Proof;
use stage::Stage;

/// Spans kept in memory: a transaction takes 14, and all have to be there to be shown.
const MEMORY_SPANS: usize = 20_000;

/// How long telemetry may take to send its last spans.
const LAST_SPANS: Duration = Duration::from_secs(2);

/// What is to be shown.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) transactions: usize,
    pub(crate) shape: Shape,
    pub(crate) mean_hop_delay: Duration,
    pub(crate) otlp: Option<String>,
    pub(crate) keep: Option<PathBuf>,
    pub(crate) json: bool,
}

/// Shows it. Succeeds only if everything was proven.
pub(crate) async fn run(plan: Plan, progress: Progress) -> Result<(), Failure> {
    let began = Instant::now();
    net::check(plan.shape)?;
    if let Some(dir) = &plan.keep {
        check_empty(dir)?;
    }
    let telemetry = net::telemetry(plan.otlp.clone(), MEMORY_SPANS)?;
    let stage = Stage::set_up(&plan, &telemetry, progress).await?;
    let shown = stage.perform(&plan, progress).await;
    stage.tear_down().await;
    telemetry.shutdown(LAST_SPANS).await;
    let proof = Proof::new(shown?, began.elapsed());

    if let Some(dir) = &plan.keep {
        keep(dir, &proof)?;
    }
    if plan.json {
        output::print_json(&proof);
    } else if proof.ok {
        output::print(format!("\nproven: {}", proof.proven));
    }
    if proof.ok {
        return Ok(());
    }
    Err(Failure::failed(format!("not everything was proven: {}", proof.failures.join("; "))))
}

fn check_empty(dir: &Path) -> Result<(), Failure> {
    let usage = |why: String| Failure::usage(format!("--keep {}: {why}", dir.display()));
    std::fs::create_dir_all(dir).map_err(|error| usage(error.to_string()))?;
    let mut entries = std::fs::read_dir(dir).map_err(|error| usage(error.to_string()))?;
    match entries.next() {
        None => Ok(()),
        Some(_) => Err(usage("the directory is not empty; give a new one".to_owned())),
    }
}

fn keep(dir: &Path, proof: &Proof) -> Result<(), Failure> {
    let path = dir.join("demo.json");
    let text = serde_json::to_vec_pretty(proof).map_err(Failure::failed)?;
    std::fs::write(&path, text)
        .map_err(|error| Failure::failed(format!("{}: {error}", path.display())))
}
