//! Moves bytes and time for the [`core`](crate::core): one task with the messenger, one with the
//! link.

mod ahead;
mod carrier;
mod link;
mod sealing;
mod state;
mod streams;
mod task;
mod traces;

use std::sync::Arc;
use std::time::{Duration, Instant};

use mixbed_telemetry::{ClientMetrics, Context, Service};
use mixbed_wire::message::RequestError;
use mixbed_wire::{DropReason, NodeId, SphinxSecret};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::ClientConfig;
use crate::core::{
    Cover, Delivered, Drops, FailedGateways, LoopReport, Loops, Messenger, Return, Suspicion, Tried,
};
use crate::letters::WaysBack;
use crate::state::State;

/// Requests that wait for the task to take them; it takes them at once unless it is stuck.
const COMMANDS: usize = 64;

/// Packets from the gateway that wait to be read: a window's worth of answers.
const INBOUND: usize = 256;

/// A request to be sent.
pub(crate) struct Command {
    pub(crate) provider: NodeId,
    pub(crate) service: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) deadline: Instant,
    pub(crate) unheard: Option<Duration>,
    pub(crate) expected: usize,
    pub(crate) trace: Option<Context>,
    pub(crate) reply: oneshot::Sender<Result<Delivered, Ended>>,
}

/// Why a request was not answered.
pub(crate) enum Ended {
    DeadlinePassed(Tried),
    ProviderGone(Tried),
    Invalid(RequestError),
    TooManyMessages(usize),
}

pub(crate) use streams::Opening;

/// The handles of a started client.
pub(crate) struct Started {
    pub(crate) id: NodeId,
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) openings: mpsc::Sender<Opening>,
    pub(crate) state: watch::Receiver<State>,
    pub(crate) suspicion: watch::Receiver<Suspicion>,
    pub(crate) loops: watch::Receiver<LoopReport>,
    /// To be told when somebody no longer waits for an answer.
    pub(crate) abandoned: Arc<Notify>,
    pub(crate) ways_back: Arc<WaysBack>,
    pub(crate) metrics: ClientMetrics,
}

/// Starts both tasks.
pub(crate) fn start(
    config: ClientConfig,
    spans: Service,
    stop: &CancellationToken,
    tasks: &TaskTracker,
) -> Started {
    let ClientConfig { name, directory, gateway, gateway_at, link_key, telemetry, limits } = config;
    let metrics = ClientMetrics::new(&telemetry, &name, DropReason::NAMES);
    let secret = SphinxSecret::generate(&mut rand::rng());
    let id = NodeId::of_key(link_key.public().as_bytes());
    let own = Return { id, key: secret.public() };
    let ways_back = Arc::new(WaysBack::new(own));
    let (commands, orders) = mpsc::channel(COMMANDS);
    let (openings, to_open) = mpsc::channel(COMMANDS);
    let (from_link, inbound) = mpsc::channel(INBOUND);
    let (state, shown) = watch::channel(State::Connecting);
    let (suspected, suspicion) = watch::channel(Suspicion::default());
    let abandoned = Arc::new(Notify::new());
    let (looped, loops) = watch::channel(LoopReport::default());

    let keeper = link::Keeper {
        directory: directory.clone(),
        at: gateway_at.filter(|_| gateway.is_some()),
        wanted: gateway,
        own: link_key,
        metrics: metrics.clone(),
        events: from_link,
        failed: FailedGateways::default(),
        suspicion: suspicion.clone(),
        lingering: None,
    };
    // The link outlives the task: what is sent last still leaves.
    let linking = CancellationToken::new();
    let stopped = linking.clone();
    tasks.spawn(async move {
        tokio::select! {
            () = stopped.cancelled() => {}
            () = keeper.run() => {}
        }
    });
    let task = task::Task {
        messenger: Messenger::new(limits),
        streams: streams::Streams::new(to_open),
        _linking: Some(linking.drop_guard()),
        cover: Cover::default(),
        ahead: sealing::Ahead::default(),
        unsealed_until: Instant::now(),
        loops: Loops::default(),
        drops: Drops::default(),
        own,
        secret,
        ways_back: Arc::clone(&ways_back),
        directory,
        link: None,
        trouble: None,
        waiting: std::collections::HashMap::new(),
        traces: traces::Traces::new(spans),
        metrics: metrics.clone(),
        state,
        suspected,
        looped,
        abandoned: Arc::clone(&abandoned),
    };
    tasks.spawn(task.run(orders, inbound, stop.clone()));
    Started {
        id,
        commands,
        openings,
        state: shown,
        suspicion,
        loops,
        abandoned,
        ways_back,
        metrics,
    }
}

#[cfg(test)]
mod tests;
