use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mixbed_monero::Daemon;
use mixbed_telemetry::{Options, ProviderMetrics, Telemetry};
use mixbed_wire::message::{
    Answer, Forward, HOLD_SERVICE, HoldAnswer, HoldRequest, KNOWN_SERVICE, KnownAnswer, MessageId,
    Request, Response, SUBMIT_SERVICE, SubmitAnswer, SubmitOutcome,
};
use mixbed_wire::{
    DropReason, HOPS, HopAddress, NodeId, Packet, REPLY_BLOCK_SIZE, ReplyBlock, ReplyKey, Route,
    RouteHop, SealedReply, SphinxSecret, TraceContext, Unwrapped,
};
use tokio::sync::mpsc;

use super::*;

const TRACE: TraceContext = TraceContext { trace_id: [7; 16], span_id: [8; 8] };

/// A client that holds all keys of the way back.
struct Far {
    provider: Provider,
    replies: mpsc::UnboundedReceiver<Packet>,
    secrets: Vec<SphinxSecret>,
    telemetry: Telemetry,
}

struct Sink(Mutex<mpsc::UnboundedSender<Packet>>);

impl ReplySink for Sink {
    fn send(&self, reply: SealedReply, _came: Instant) {
        assert_eq!(reply.first_hop.node, NodeId::from_bytes([0; 8]));
        self.0.lock().expect("whole").send(reply.packet).expect("the test waits");
    }
}

impl Far {
    fn new(config: ProviderConfig, more: Vec<Arc<dyn Service>>) -> Self {
        let telemetry = Telemetry::new(&Options { memory_spans: 100, ..Options::default() })
            .expect("telemetry");
        let (send, replies) = mpsc::unbounded_channel();
        let sink = Arc::new(Sink(Mutex::new(send)));
        let spans = telemetry.service("provider", "provider-0");
        let metrics = ProviderMetrics::new(&telemetry, "provider-0");
        let provider = if more.is_empty() {
            Provider::start(config, sink, spans, metrics)
        } else {
            Provider::with_services(&config, more, sink, spans, metrics)
        };
        let secrets = (0..HOPS).map(|_| SphinxSecret::generate(&mut rand::rng())).collect();
        Self { provider, replies, secrets, telemetry }
    }

    fn block(&self) -> ([u8; REPLY_BLOCK_SIZE], ReplyKey) {
        let route: Route = std::array::from_fn(|hop| RouteHop {
            address: address(hop),
            key: self.secrets[hop].public(),
            delay: Duration::ZERO,
        });
        let wait = Duration::ZERO;
        let made = ReplyBlock::create(&route, address(4), [1; 16], wait, &mut rand::rng());
        let (block, key) = made.expect("a good route");
        (block.to_bytes().try_into().expect("one size"), key)
    }

    fn deliver(&self, message: u8, service: &str, payload: &[u8]) -> ReplyKey {
        let (block, key) = self.block();
        let data = Request { service, payload }.encode().expect("a good request");
        let message = MessageId::from_bytes([message; 16]);
        let blocks = [block];
        let fragment =
            Forward::Fragment { message, index: 0, count: 1, blocks: &blocks, data: &data };
        let delivery = Delivery { plaintext: fragment.encode(), trace: Some(TRACE) };
        self.provider.deliver(delivery).expect("taken");
        key
    }

    /// The next reply, read at the end of its way.
    async fn answer(&mut self, key: &ReplyKey) -> Answer {
        let mut packet = self.replies.recv().await.expect("the provider lives");
        for secret in &self.secrets {
            match packet.open(secret).expect("for this hop").unwrap().expect("well made") {
                Unwrapped::Forward { packet: inner, .. } => packet = inner,
                Unwrapped::Exit(exit) => {
                    return Answer::decode(&key.read(exit).expect("its key")).expect("an answer");
                }
            }
        }
        panic!("the way has no end")
    }

    async fn ask(&mut self, message: u8, service: &str, payload: &[u8]) -> Response {
        let key = self.deliver(message, service, payload);
        match self.answer(&key).await {
            Answer::Response { index: 0, count: 1, data, .. } => {
                Response::decode(&data).expect("a response")
            }
            other => panic!("{other:?}"),
        }
    }
}

fn address(hop: usize) -> HopAddress {
    HopAddress { node: NodeId::from_bytes([u8::try_from(hop).expect("few"); 8]), trace: None }
}

/// Does what its payload says.
struct Moody;

impl Service for Moody {
    fn name(&self) -> &'static str {
        "moody"
    }

    fn handle(&self, question: Question) -> Answering<'_> {
        Box::pin(async move {
            match question.payload.as_slice() {
                b"panic" => panic!("as asked"),
                b"sleep" => std::future::pending().await,
                b"nap" => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    Reply::ok(b"rested".to_vec())
                }
                _ => Reply::ok(b"fine".to_vec()),
            }
        })
    }
}

fn moody() -> Vec<Arc<dyn Service>> {
    vec![Arc::new(Moody)]
}

#[tokio::test]
async fn a_request_is_answered_by_its_reply_block() {
    let mut far = Far::new(ProviderConfig::default(), Vec::new());
    assert_eq!(far.provider.services(), ["echo"]);
    assert_eq!(far.ask(1, "echo", b"hello").await, Response::Ok(b"hello".to_vec()));
    assert_eq!(far.ask(2, "nonsense", b"").await, Response::UnknownService);
    assert_eq!(far.ask(3, SUBMIT_SERVICE, b"").await, Response::UnknownService);
    let text = far.telemetry.metrics_text();
    for line in [
        r#"provider_requests_total{node="provider-0",service="echo",outcome="ok"} 1"#,
        r#"provider_requests_total{node="provider-0",service="unknown",outcome="unknown_service"} 2"#,
    ] {
        assert!(text.contains(line), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_busy_until_what_it_has_begun_is_answered() {
    let mut far = Far::new(ProviderConfig::default(), moody());
    assert!(!far.provider.is_busy());
    let key = far.deliver(1, "moody", b"nap");
    assert!(far.provider.is_busy());
    let answer = far.answer(&key).await;
    assert!(matches!(answer, Answer::Response { .. }), "{answer:?}");
    assert!(!far.provider.is_busy());
}

#[tokio::test]
async fn what_is_no_message_is_dropped_by_name() {
    let far = Far::new(ProviderConfig::default(), Vec::new());
    let deliver = |plaintext| far.provider.deliver(Delivery { plaintext, trace: None });
    assert_eq!(deliver(vec![0; 100]), Ok(()), "cover");
    assert_eq!(deliver(Vec::new()), Err(DropReason::UnknownMessage));
    assert_eq!(deliver(vec![9; 2000]), Err(DropReason::UnknownMessage));
}

#[tokio::test]
async fn a_service_that_panics_or_hangs_is_told_on() {
    let limit = Duration::from_millis(200);
    let mut far = Far::new(ProviderConfig { limit, ..ProviderConfig::default() }, moody());
    let Response::Failed(words) = far.ask(1, "moody", b"panic").await else { panic!("no failure") };
    assert!(words.contains("moody failed"), "{words}");
    let Response::Failed(words) = far.ask(2, "moody", b"sleep").await else { panic!("no failure") };
    assert_eq!(words, "moody gave no answer within 0.2 s");
    assert_eq!(far.ask(3, "moody", b"").await, Response::Ok(b"fine".to_vec()));
}

#[tokio::test]
async fn requests_that_find_no_turn_in_time_are_told() {
    let limit = Duration::from_millis(200);
    let config = ProviderConfig { limit, concurrency: 1, ..ProviderConfig::default() };
    let mut far = Far::new(config, moody());
    let began = Instant::now();
    far.deliver(1, "moody", b"sleep");
    let key = far.deliver(2, "moody", b"");
    // The first one ends with its limit, as the second's wait for a turn does.
    let mut read = 0;
    while read < 2 {
        far.replies.recv().await.expect("the provider lives");
        read += 1;
    }
    assert!(began.elapsed() >= limit);
    drop(key);
    assert_eq!(far.ask(3, "moody", b"").await, Response::Ok(b"fine".to_vec()));
}

#[tokio::test]
async fn a_monerod_that_is_away_is_unavailable_and_the_trace_says_so() {
    // A port that was free a moment ago: nobody listens there.
    let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a socket");
    let url = format!("http://{}", socket.local_addr().expect("bound"));
    drop(socket);
    let address = url.trim_start_matches("http://").to_owned();
    let config = ProviderConfig {
        monerod: Some(Daemon::new(&url).expect("an address")),
        monerod_patience: Duration::from_secs(1),
        ..ProviderConfig::default()
    };
    let mut far = Far::new(config, Vec::new());
    assert!(far.provider.services().iter().any(|service| service == SUBMIT_SERVICE));
    let Response::Ok(data) = far.ask(1, SUBMIT_SERVICE, b"transaction").await else {
        panic!("no answer")
    };
    let answer = SubmitAnswer::decode(&data).expect("an answer");
    let SubmitOutcome::Unavailable { words } = &answer.outcome else { panic!("{answer:?}") };
    assert!(words.contains("connect") && !words.contains(&address), "{words}");
    assert!(answer.attempts >= 2, "it was tried again: {answer:?}");
    let whole = |spans: &[mixbed_telemetry::SpanRecord]| spans.len() == 2;
    let waited = far.telemetry.spans().wait_for(TRACE.trace_id, whole);
    let spans = tokio::time::timeout(Duration::from_secs(5), waited).await.expect("two spans");
    let find = |name| spans.iter().find(|span| span.name == name).expect("recorded");
    let (submit, monerod) = (find("provider submit"), find("monerod"));
    assert_eq!(submit.parent, Some(TRACE.span_id));
    assert_eq!(monerod.parent, Some(submit.span_id));
    assert!(!format!("{spans:?}").contains(&address), "the address is the operator's: {spans:?}");
    assert!(
        monerod.events.len() >= 2 && matches!(submit.status, mixbed_telemetry::Status::Error(_))
    );
}

#[tokio::test]
async fn it_can_be_used_from_threads_that_know_no_runtime() {
    let mut far = Far::new(ProviderConfig::default(), Vec::new());
    let (block, key) = far.block();
    let provider = far.provider.clone();
    let thread = std::thread::spawn(move || {
        let data = Request { service: "echo", payload: b"x" }.encode().expect("a good request");
        let message = MessageId::from_bytes([1; 16]);
        let blocks = [block];
        let fragment =
            Forward::Fragment { message, index: 0, count: 1, blocks: &blocks, data: &data };
        provider.deliver(Delivery { plaintext: fragment.encode(), trace: None })
    });
    assert!(matches!(far.answer(&key).await, Answer::Response { .. }));
    assert_eq!(thread.join().expect("no panic"), Ok(()));
}

/// Block 0's only transaction.
fn transaction() -> Vec<u8> {
    let digits = "013c01ff0001ffffffffffff03029b2e4c0281c0b02e7c53291a94d1d0cbff8883f8024f5142ee494f\
                  fbbd08807121017767aafcde9be00dcfd098715ebcf7f410daebc582fda69d24a28e9d0bc890d1";
    let digit = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).expect("digits");
    (0..digits.len()).step_by(2).map(digit).collect()
}

/// A port that nobody listens on: what is asked of this monerod fails at once.
async fn away() -> Daemon {
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    Daemon::new(&socket.local_addr().expect("bound").to_string()).expect("an address")
}

#[tokio::test]
async fn what_is_held_is_acknowledged_at_once_and_once_for_each_transaction() {
    let config = ProviderConfig { monerod: Some(away().await), ..ProviderConfig::default() };
    let mut far = Far::new(config, Vec::new());
    let wait = Duration::from_secs(500);
    let request = HoldRequest { wait, raw: &transaction() }.encode();
    let Response::Ok(data) = far.ask(1, HOLD_SERVICE, &request).await else { panic!("refused") };
    let first = HoldAnswer::decode(&data).expect("an answer");
    assert_eq!(first.wait, wait);
    let request = HoldRequest { wait: Duration::from_secs(1), raw: &transaction() }.encode();
    let Response::Ok(data) = far.ask(2, HOLD_SERVICE, &request).await else { panic!("refused") };
    let again = HoldAnswer::decode(&data).expect("an answer");
    assert!(again.txid == first.txid && again.wait > wait / 2, "the first wait counts: {again:?}");
    let request = HoldRequest { wait, raw: b"garbage" }.encode();
    assert!(matches!(far.ask(3, HOLD_SERVICE, &request).await, Response::Refused(_)));
    assert!(matches!(far.ask(4, HOLD_SERVICE, b"").await, Response::Refused(_)));
}

#[tokio::test]
async fn a_monerod_that_cannot_be_asked_knows_nothing_and_does_not_deny_it() {
    let config = ProviderConfig { monerod: Some(away().await), ..ProviderConfig::default() };
    let mut far = Far::new(config, Vec::new());
    for (message, question) in [(1, &[7; 32][..]), (2, &[])] {
        let Response::Ok(data) = far.ask(message, KNOWN_SERVICE, question).await else {
            panic!("no answer")
        };
        let answer = KnownAnswer::decode(&data).expect("an answer");
        assert!(matches!(answer, KnownAnswer::Unavailable { .. }), "{answer:?}");
    }
    assert!(matches!(far.ask(3, KNOWN_SERVICE, &[7; 31]).await, Response::Refused(_)));
}
