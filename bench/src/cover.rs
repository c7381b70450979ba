//! What cover traffic costs: processor time of a client, and of the net for each client.
//!
//! The net runs in one process, the clients in another, so that each one's time can be read off.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use mixbed_client::{Client, ClientConfig};
use mixbed_directory::{Follower, FollowerConfig, IdentityPublic, Parameters, Rates, Trust};
use mixbed_localnet::{LocalNet, LocalNetConfig};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::report::Report;

const SOON: Duration = Duration::from_secs(20);
/// How long processor time is measured.
const RUN: Duration = Duration::from_secs(10);
/// Clients at once in the measurement.
const CLIENTS: usize = 10;

#[derive(Args)]
pub(crate) struct ServeNet {
    /// The parameters, as JSON.
    parameters: String,
}

#[derive(Args)]
pub(crate) struct ServeClients {
    directory: String,
    authority: IdentityPublic,
    count: usize,
}

/// Runs a net until it is killed.
pub(crate) fn serve_net(args: &ServeNet) -> anyhow::Result<()> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let parameters = serde_json::from_str(&args.parameters)?;
        let net = LocalNet::start(LocalNetConfig { parameters, ..LocalNetConfig::default() });
        let net = net.await?;
        net.wait_ready(SOON).await?;
        println!("{} {}", net.directory_url(), net.authority_key());
        std::future::pending::<anyhow::Result<()>>().await
    })
}

/// Runs clients that have nothing to say until they are killed.
pub(crate) fn serve_clients(args: &ServeClients) -> anyhow::Result<()> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let trust = Trust::single("local", args.authority);
        let follower = Follower::start(FollowerConfig::new(&args.directory, trust))?;
        let mut clients = Vec::new();
        for _ in 0..args.count {
            let client = Client::connect(ClientConfig::new(follower.clone()));
            client.wait_ready(SOON).await?;
            clients.push(client);
        }
        println!("ready");
        std::future::pending::<anyhow::Result<()>>().await
    })
}

/// Measures at the rates that a net has unless it is told others.
pub(crate) async fn measure(report: &mut Report) -> anyhow::Result<()> {
    let parameters = Parameters { rates: Rates::COVER, ..Parameters::default() };
    let parameters = serde_json::to_string(&parameters)?;
    let (net, line) = child(&["serve-net", &parameters]).await?;
    let (directory, key) = line.split_once(' ').context("the net says where it is")?;
    let alone = share(&[&net]).await?[0];
    let count = CLIENTS.to_string();
    let (clients, _) = child(&["serve-clients", directory, key, &count]).await?;
    let with_clients = share(&[&net, &clients]).await?;
    let [net_busy, clients_busy] = with_clients[..] else { anyhow::bail!("two were measured") };

    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let each = |busy: f64| busy / CLIENTS as f64;
    let (client, served) = (each(clients_busy), each(net_busy - alone));
    report.note("cover: a client, share of a core", client, "cores");
    report.note("cover: the net for each client", served, "cores");
    report.note("cover: 9 nodes without clients", alone, "cores");
    report.note("clients that a net on two cores carries", (2.0 - alone) / served, "clients");
    Ok(())
}

/// Starts this program as one part; gives the line that it says when it is ready.
async fn child(arguments: &[&str]) -> anyhow::Result<(Child, String)> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let output = child.stdout.take().context("it was piped")?;
    let line = BufReader::new(output).lines().next_line().await?.context("it ended at once")?;
    Ok((child, line))
}

/// The share of a core that each process takes over the next while.
async fn share(children: &[&Child]) -> anyhow::Result<Vec<f64>> {
    let used = || children.iter().map(|child| processor_time(child)).collect::<Result<Vec<_>, _>>();
    let (start, before) = (Instant::now(), used()?);
    tokio::time::sleep(RUN).await;
    let (after, took) = (used()?, start.elapsed().as_secs_f64());
    Ok(before.iter().zip(after).map(|(before, after)| (after - before) / took).collect())
}

/// Seconds of processor time so far: fields 14 and 15 of `/proc/PID/stat`, in ticks of 10 ms.
fn processor_time(child: &Child) -> anyhow::Result<f64> {
    let process = child.id().context("the child ended")?;
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name in parentheses may have spaces; field 3 follows it.
    let (_, rest) = stat.rsplit_once(')').context("no name in the process's state")?;
    let ticks: Result<Vec<f64>, _> =
        rest.split_whitespace().skip(11).take(2).map(str::parse).collect();
    Ok(ticks?.iter().sum::<f64>() / 100.0)
}
