//! The task, without a link.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use mixbed_directory::{Follower, FollowerConfig, IdentitySecret, Trust};
use mixbed_telemetry::{ClientMetrics, Telemetry};
use mixbed_wire::{DropReason, HopAddress, NodeId, Packet, RouteHop, SphinxSecret};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::link::{FromLink, Inbound};
use super::streams::Streams;
use super::task::Task;
use super::{Command, Ended, sealing, traces};
use crate::core::{
    Cover, Delivered, Drops, Limits, LoopReport, Loops, Messenger, Return, Suspicion,
};
use crate::letters::WaysBack;
use crate::state::State;

const SOON: Duration = Duration::from_secs(20);

type Answer = oneshot::Receiver<Result<Delivered, Ended>>;

/// A task that runs, and what it hears by.
struct Running {
    orders: mpsc::Sender<Command>,
    inbound: mpsc::Sender<FromLink>,
    abandoned: Arc<Notify>,
    /// Dropped, it stops the task.
    _stop: tokio_util::sync::DropGuard,
}

fn task(limits: Limits) -> Running {
    let telemetry = Telemetry::disabled();
    let key = IdentitySecret::generate(&mut rand::rng()).public();
    let trust = Trust::single("nobody", key);
    let follower = Follower::start(FollowerConfig::new("mixbed://127.0.0.1:1", trust));
    let secret = SphinxSecret::generate(&mut rand::rng());
    let abandoned = Arc::new(Notify::new());
    let task = Task {
        messenger: Messenger::new(limits),
        streams: Streams::new(mpsc::channel(1).1),
        _linking: None,
        cover: Cover::default(),
        ahead: sealing::Ahead::default(),
        unsealed_until: Instant::now(),
        loops: Loops::default(),
        drops: Drops::default(),
        own: Return { id: NodeId::from_bytes([1; 8]), key: secret.public() },
        ways_back: Arc::new(WaysBack::new(Return {
            id: NodeId::from_bytes([1; 8]),
            key: secret.public(),
        })),
        secret,
        directory: follower.expect("a good URL"),
        link: None,
        trouble: None,
        waiting: HashMap::new(),
        traces: traces::Traces::new(telemetry.service("client", "tested")),
        metrics: ClientMetrics::new(&telemetry, "tested", DropReason::NAMES),
        state: watch::Sender::new(State::Connecting),
        suspected: watch::Sender::new(Suspicion::default()),
        looped: watch::Sender::new(LoopReport::default()),
        abandoned: Arc::clone(&abandoned),
    };
    let (orders, to_do) = mpsc::channel(64);
    let (inbound, from_link) = mpsc::channel(256);
    let stop = CancellationToken::new();
    tokio::spawn(task.run(to_do, from_link, stop.clone()));
    Running { orders, inbound, abandoned, _stop: stop.drop_guard() }
}

impl Running {
    async fn order(&self, limit: Duration) -> Answer {
        let (reply, answer) = oneshot::channel();
        let command = Command {
            provider: NodeId::from_bytes([5; 8]),
            service: "echo".to_owned(),
            payload: b"x".to_vec(),
            deadline: Instant::now() + limit,
            unheard: None,
            expected: 0,
            trace: None,
            reply,
        };
        assert!(self.orders.send(command).await.is_ok(), "it runs");
        answer
    }
}

/// What a client cannot open: it is for somebody else.
fn any_packet() -> Packet {
    let key = SphinxSecret::generate(&mut rand::rng()).public();
    let address = HopAddress { node: NodeId::from_bytes([1; 8]), trace: None };
    let route = [RouteHop { address, key, delay: Duration::ZERO }; 5];
    Packet::seal(&route, address, [0; 16], b"", &mut rand::rng()).expect("it fits")
}

/// Packets come faster than they can be opened: there is always one more. They come from a thread
/// beside, as tasks that share one would take turns.
#[tokio::test]
async fn a_gateway_that_floods_stops_neither_timers_nor_orders() {
    let running = task(Limits::default());
    let before = running.order(Duration::from_millis(500)).await;
    let packet = any_packet();
    let inbound = running.inbound.clone();
    let flood = std::thread::spawn(move || {
        let packet = || Inbound {
            packet: packet.clone(),
            arrived: Instant::now(),
            arrived_at: SystemTime::now(),
        };
        while inbound.blocking_send(FromLink::Packet(packet())).is_ok() {}
    });
    let full = async {
        while running.inbound.capacity() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, full).await.expect("it comes faster than it is opened");
    let answered = async {
        let deadline_passed = |answer| matches!(answer, Ok(Err(Ended::DeadlinePassed(_))));
        assert!(deadline_passed(before.await), "it ends at its deadline");
        for _ in 0..20 {
            let answer = running.order(Duration::from_millis(10)).await;
            assert!(deadline_passed(answer.await), "it ends at its deadline");
        }
    };
    let answered = tokio::time::timeout(SOON, answered).await;
    assert!(answered.is_ok(), "a deadline, or an order, is not noticed");
    assert!(!flood.is_finished(), "the flood goes on");
    drop(running);
    tokio::task::spawn_blocking(|| flood.join()).await.expect("no panic").expect("it ends");
}

/// No timer is due for an hour: the task is told that nobody waits.
#[tokio::test]
async fn an_abandoned_request_makes_room_at_once() {
    let running = task(Limits { messages: 1, ..Limits::default() });
    let hour = Duration::from_secs(3600);
    let abandoned = running.order(hour).await;
    let mut refused = running.order(hour).await;
    let refused = tokio::time::timeout(SOON, &mut refused).await.expect("answered at once");
    assert!(matches!(refused, Ok(Err(Ended::TooManyMessages(1)))));
    drop(abandoned);
    running.abandoned.notify_one();
    let taken = async {
        loop {
            // One that finds no room is told so at once; the other one is told nothing.
            let mut answer = running.order(hour).await;
            let told = tokio::time::timeout(Duration::from_millis(50), &mut answer).await;
            if told.is_err() {
                return;
            }
        }
    };
    tokio::time::timeout(SOON, taken).await.expect("there is room again");
}
