//! The node under test, in a process and on a core of its own.

use std::process::Stdio;

use anyhow::Context;
use clap::Args;
use mixbed_directory::{IdentityPublic, IdentitySecret, JoinSecret, Role, Trust};
use mixbed_localnet::LocalNet;
use mixbed_monero::rpc::http_client;
use mixbed_node::mailbox::MailboxConfig;
use mixbed_node::{Limits, Node, NodeConfig};
use mixbed_telemetry::{Step, Telemetry, bind_http, serve_http};
use mixbed_wire::LinkSecret;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

#[derive(Args)]
pub(crate) struct ServeMix {
    directory: String,
    authority: IdentityPublic,
    join_secret: String,
}

/// Runs one mix of layer 2, with one worker, until it is killed.
pub(crate) fn serve(args: ServeMix) -> anyhow::Result<()> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let config = NodeConfig {
            name: "tested".to_owned(),
            role: Role::Mix { layer: 2 },
            advertise: None,
            directory: args.directory,
            trust: Trust::single("local", args.authority),
            join_secret: Some(JoinSecret::new(args.join_secret)?),
            identity: IdentitySecret::generate(&mut rand::rng()),
            link_key: LinkSecret::generate(&mut rand::rng()),
            monerod: None,
            monerod_restricted: None,
            tcp: mixbed_node::provider::TcpConfig::default(),
            mailboxes: MailboxConfig::default(),
            keep_document_in: None,
            limits: Limits { workers: Some(1), ..Limits::default() },
        };
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let telemetry = Telemetry::disabled();
        let node = Node::start(config, socket, &telemetry)?;
        let http = bind_http("127.0.0.1:0".parse()?).await?;
        println!("http://{}/metrics", http.local_addr()?);
        serve_http(http, telemetry, node.health().clone(), Step::LIVE, std::future::pending())
            .await;
        Ok(())
    })
}

/// The running child: killed when dropped.
pub(crate) struct Tested {
    _child: Child,
    metrics: String,
}

impl Tested {
    /// Starts this program as the node under test, on the first core.
    pub(crate) async fn spawn(net: &LocalNet) -> anyhow::Result<Self> {
        let secret = String::from_utf8(net.join_secret().expose().to_vec())?;
        let mut child = Command::new("taskset")
            .args(["-c", "0"])
            .arg(std::env::current_exe()?)
            .args(["serve-mix", &net.directory_url(), &net.authority_key(), &secret])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start the node under test")?;
        let output = child.stdout.take().context("it was piped")?;
        let line = BufReader::new(output).lines().next_line().await?;
        let metrics = line.context("the node under test ended at once")?;
        Ok(Self { _child: child, metrics })
    }

    /// Packets that it shed at its entrance so far.
    pub(crate) async fn shed(&self) -> anyhow::Result<f64> {
        let answer = http_client().build()?.get(&self.metrics).send().await?;
        let text = answer.error_for_status()?.text().await?;
        let sample = text.lines().find(|line| {
            line.starts_with("mixbed_packets_dropped_total{") && line.contains("\"queue_full\"")
        });
        let value = sample.and_then(|line| line.split_whitespace().last());
        Ok(value.context("the node counts what it sheds")?.parse()?)
    }
}
