//! A client in this process: it seals packets for a provider and opens its replies, as if all hops
//! between them were here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mixbed_session::{BlockNo, ClientEnd, End, Limits, Shared, Stream};
use mixbed_telemetry::{Options, ProviderMetrics, Telemetry};
use mixbed_wire::message::{Forward, SessionId};
use mixbed_wire::{
    DropReason, Exit, HOPS, HopAddress, NodeId, REPLY_BLOCK_SIZE, ReplyBlock, ReplyKey, Route,
    RouteHop, SealedReply, SphinxSecret, Unwrapped,
};
use tokio::sync::mpsc;

use crate::provider::{Delivery, Provider, ProviderConfig, ReplySink};

/// A provider, and where its replies come out.
pub(super) struct Far {
    provider: Arc<Mutex<Provider>>,
    pub(super) telemetry: Telemetry,
    route: Arc<Vec<SphinxSecret>>,
    ways: Arc<Ways>,
}

/// A reply at the end of its way, the number of its block, and when it came.
type Reply = (u64, Exit, Instant);

/// Each client's replies, by the first bytes of their identifiers.
#[derive(Default)]
struct Ways {
    secrets: Mutex<Arc<Vec<SphinxSecret>>>,
    clients: Mutex<HashMap<[u8; 8], mpsc::UnboundedSender<Reply>>>,
}

impl ReplySink for Ways {
    fn send(&self, reply: SealedReply, _came: Instant) {
        let secrets = Arc::clone(&self.secrets.lock().expect("whole"));
        let mut packet = reply.packet;
        for secret in secrets.iter() {
            match packet.open(secret).expect("for this hop").unwrap(packet).expect("well made") {
                Unwrapped::Forward { packet: inner, .. } => packet = inner,
                Unwrapped::Exit(exit) => {
                    let (client, block) = exit.identifier.as_chunks::<8>().0.split_at(1);
                    let block = u64::from_be_bytes(block[0]);
                    if let Some(client) = self.clients.lock().expect("whole").get(&client[0]) {
                        // Who is gone hears nothing.
                        let _ = client.send((block, exit, Instant::now()));
                    }
                    return;
                }
            }
        }
        panic!("the way has no end")
    }
}

impl Far {
    pub(super) fn new(config: ProviderConfig) -> Self {
        let telemetry = Telemetry::new(&Options::default()).expect("telemetry");
        let route: Vec<_> = (0..HOPS).map(|_| SphinxSecret::generate(&mut rand::rng())).collect();
        let route = Arc::new(route);
        let ways =
            Arc::new(Ways { secrets: Mutex::new(Arc::clone(&route)), clients: Mutex::default() });
        let provider = Arc::new(Mutex::new(Self::start(config, &telemetry, &ways)));
        Self { provider, telemetry, route, ways }
    }

    fn start(config: ProviderConfig, telemetry: &Telemetry, ways: &Arc<Ways>) -> Provider {
        let spans = telemetry.service("provider", "provider-0");
        let metrics = ProviderMetrics::new(telemetry, "provider-0");
        Provider::start(config, Arc::clone(ways) as Arc<dyn ReplySink>, spans, metrics)
    }

    /// The provider is another one now, which knows nothing.
    pub(super) fn restart(&self, config: ProviderConfig) {
        let new = Self::start(config, &self.telemetry, &self.ways);
        *self.provider.lock().expect("whole") = new;
    }

    pub(super) fn provider(&self) -> Provider {
        self.provider.lock().expect("whole").clone()
    }

    /// A block for a client's reply, and the key to read it with.
    fn block(
        route: &[SphinxSecret],
        client: [u8; 8],
        number: u64,
    ) -> ([u8; REPLY_BLOCK_SIZE], ReplyKey) {
        let hops: Route = std::array::from_fn(|hop| RouteHop {
            address: address(hop),
            key: route[hop].public(),
            delay: Duration::ZERO,
        });
        let mut identifier = [0; 16];
        identifier[..8].copy_from_slice(&client);
        identifier[8..].copy_from_slice(&number.to_be_bytes());
        let wait = Duration::ZERO;
        let made = ReplyBlock::create(&hops, address(4), identifier, wait, &mut rand::rng());
        let (block, key) = made.expect("a good route");
        (block.to_bytes().try_into().expect("one size"), key)
    }

    /// Hands the provider a packet.
    pub(super) fn deliver(
        &self,
        session: SessionId,
        number: u32,
        blocks: &[[u8; REPLY_BLOCK_SIZE]],
        frames: &[u8],
    ) -> Result<(), DropReason> {
        let plaintext = Forward::Session { session, number, blocks, frames }.encode();
        self.provider().deliver(Delivery { plaintext, trace: None })
    }

    /// A client with a session of its own, which runs until it is dropped.
    pub(super) fn client(&self) -> Near {
        self.client_of(Limits::default())
    }

    pub(super) fn client_of(&self, limits: Limits) -> Near {
        let session = SessionId::generate(&mut rand::rng());
        let name: [u8; 8] = session.as_bytes()[..8].try_into().expect("eight");
        let (send, replies) = mpsc::unbounded_channel();
        self.ways.clients.lock().expect("whole").insert(name, send);
        let shared = Shared::new(ClientEnd::new(limits, Instant::now()));
        let run = Run {
            shared: Arc::clone(&shared),
            session,
            name,
            route: Arc::clone(&self.route),
            keys: HashMap::new(),
            next: 0,
        };
        let provider = Arc::clone(&self.provider);
        let task = tokio::spawn(run.run(provider, replies));
        Near { shared, task }
    }
}

fn address(hop: usize) -> HopAddress {
    HopAddress { node: NodeId::from_bytes([u8::try_from(hop).expect("few"); 8]), trace: None }
}

/// A client.
pub(super) struct Near {
    pub(super) shared: Arc<Shared<ClientEnd>>,
    task: tokio::task::JoinHandle<()>,
}

impl Near {
    pub(super) fn open(&self, service: &str, target: &str) -> Stream {
        self.shared.open(service, target, Instant::now()).expect("there is room")
    }
}

impl Drop for Near {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A client's task.
struct Run {
    shared: Arc<Shared<ClientEnd>>,
    session: SessionId,
    name: [u8; 8],
    route: Arc<Vec<SphinxSecret>>,
    keys: HashMap<u64, ReplyKey>,
    next: u64,
}

impl Run {
    async fn run(
        mut self,
        provider: Arc<Mutex<Provider>>,
        mut replies: mpsc::UnboundedReceiver<Reply>,
    ) {
        loop {
            // What is here is known before what time says.
            while let Ok(reply) = replies.try_recv() {
                self.hear(reply);
            }
            self.shared.lock().handle_timeout(Instant::now());
            let _ = self.shared.wake();
            if let Some(draft) = { self.shared.lock().poll_transmit(Instant::now()) } {
                self.send(&provider, &draft);
                tokio::task::yield_now().await;
                continue;
            }
            while let Some(BlockNo(number)) = { self.shared.lock().poll_forget() } {
                self.keys.remove(&number);
            }
            let next = self.shared.lock().poll_timeout();
            let far = Instant::now() + Duration::from_secs(3600);
            tokio::select! {
                () = self.shared.changed() => {}
                () = tokio::time::sleep_until(next.unwrap_or(far).into()) => {}
                reply = replies.recv() => {
                    let Some(reply) = reply else { return };
                    self.hear(reply);
                }
            }
        }
    }

    fn hear(&mut self, (number, exit, arrived): Reply) {
        if let Some(key) = self.keys.remove(&number) {
            let plaintext = key.read(exit).expect("its key");
            let _ = self.shared.lock().handle_reply(BlockNo(number), &plaintext, arrived);
        }
    }

    fn send(&mut self, provider: &Mutex<Provider>, draft: &mixbed_session::Draft) {
        let (mut blocks, mut backs) = (Vec::new(), Vec::new());
        for _ in 0..draft.blocks {
            let (block, key) = Far::block(&self.route, self.name, self.next);
            blocks.push(block);
            backs.push((BlockNo(self.next), Duration::ZERO));
            self.keys.insert(self.next, key);
            self.next += 1;
        }
        let (session, number, frames) = (self.session, draft.number, &draft.frames);
        let packet = Forward::Session { session, number, blocks: &blocks, frames }.encode();
        let now = Instant::now();
        self.shared.lock().handle_sent(number, Duration::ZERO, &backs, now);
        // Packets that it drops are lost, as any.
        let _ =
            provider.lock().expect("whole").deliver(Delivery { plaintext: packet, trace: None });
    }
}
