//! (e) and (f): what an idle node takes, and how soon a whole net is there.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context;
use mixbed_localnet::{LocalNet, LocalNetConfig, Shape};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::report::Report;

const SOON: Duration = Duration::from_secs(20);

pub(crate) async fn measure(report: &mut Report, mixbed: &Path) -> anyhow::Result<()> {
    let memory = idle_memory(mixbed).await?;
    report.at_most("memory of an idle node process", memory, "MiB", 25.0);
    let start = Instant::now();
    let arguments = ["up", "--monerod", "none", "--control", "127.0.0.1:0", "--json"];
    let mut child = spawn(mixbed, &arguments, &[])?;
    let output = child.stdout.take().context("it was piped")?;
    let line = tokio::time::timeout(SOON, BufReader::new(output).lines().next_line()).await??;
    line.context("mixbed up ended at once")?;
    report.at_most("mixbed up, ready after", start.elapsed().as_secs_f64(), "s", 2.0);
    child.kill().await?;
    Ok(())
}

/// The resident memory of `mixbed node` when it is registered, in MiB.
async fn idle_memory(mixbed: &Path) -> anyhow::Result<f64> {
    let shape = Shape { gateways: 0, mixes_per_layer: 0, providers: 0 };
    let net = LocalNet::start(LocalNetConfig { shape, ..LocalNetConfig::default() }).await?;
    let (directory, key) = (net.directory_url(), net.authority_key());
    let node = ["--quiet", "node", "--role", "mix", "--layer", "2", "--name", "idle"];
    let at = ["--network", "local", "--directory", &directory, "--authority-key", &key];
    let secret = String::from_utf8(net.join_secret().expose().to_vec())?;
    let http = ["--http", "127.0.0.1:0"];
    let arguments = [node.as_slice(), &at, &http].concat();
    let mut child = spawn(mixbed, &arguments, &[("MIXBED_JOIN_SECRET", &secret)])?;
    net.follower().wait_for(SOON, |document| document.by_name("idle").is_some()).await?;
    let process = child.id().context("the node ended")?;
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()).context("no VmRSS")?;
    child.kill().await?;
    Ok(kib.parse::<f64>()? / 1024.0)
}

fn spawn(mixbed: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> anyhow::Result<Child> {
    Command::new(mixbed)
        .args(arguments)
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot start {}", mixbed.display()))
}
