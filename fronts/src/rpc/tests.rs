//! The endpoint in front of providers that do what a test says.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mixbed_client::{
    Answer, BroadcastError, BroadcastReport, NotReady, RequestError, RequestOptions, State,
    StreamError,
};
use mixbed_monero::TxId;
use mixbed_wire::message::{RpcAnswer, RpcHead, RpcRequest};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::mixnet::Mixnet;
use super::{RpcConfig, RpcFront};
use crate::FrontError;

/// Whatever takes longer hangs.
const LIMIT: Duration = Duration::from_secs(20);

/// What a provider does with a question.
#[derive(Clone, Copy)]
enum Does {
    /// monerod's answer: this status, and the question's body.
    Echoes(u16),
    Fails,
    NoSense,
    Hangs,
    /// An answer of so many bytes, on a stream only.
    Long(usize),
    /// The same, but its stream breaks after so many.
    BreaksOff(usize),
    /// An answer that is too long, and no streams.
    TooLong,
}

/// A network whose providers do what they are told.
#[derive(Clone, Default)]
struct Fake(Arc<Inner>);

#[derive(Default)]
struct Inner {
    providers: Mutex<Vec<(String, Does)>>,
    asked: Mutex<Vec<(String, RpcRequest, usize)>>,
    streams: AtomicUsize,
    submitted: Mutex<Vec<Vec<u8>>>,
    confirmed: Mutex<Vec<Vec<u8>>>,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
}

impl Fake {
    fn with(providers: &[(&str, Does)]) -> Self {
        let fake = Self::default();
        fake.tell(providers);
        fake
    }

    fn tell(&self, providers: &[(&str, Does)]) {
        let named = providers.iter().map(|(name, does)| ((*name).to_owned(), *does));
        *self.0.providers.lock().expect("whole") = named.collect();
    }

    /// Who was asked, in order.
    fn asked(&self) -> Vec<String> {
        self.0.asked.lock().expect("whole").iter().map(|(name, ..)| name.clone()).collect()
    }

    fn last(&self) -> (RpcRequest, usize) {
        let asked = self.0.asked.lock().expect("whole");
        let (_, request, expected) = asked.last().expect("something was asked");
        (request.clone(), *expected)
    }

    async fn until_under_way(&self, count: usize) {
        let reached = async {
            while self.0.under_way.load(Ordering::SeqCst) != count {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(LIMIT, reached).await.expect("the questions under way get to that number");
    }
}

/// Counts a question while it is under way.
struct UnderWay<'a>(&'a Inner);

impl<'a> UnderWay<'a> {
    fn begin(inner: &'a Inner) -> Self {
        let now = inner.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        inner.most_under_way.fetch_max(now, Ordering::SeqCst);
        Self(inner)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

fn answer(provider: &str, data: Vec<u8>) -> Answer {
    Answer {
        data,
        provider: provider.to_owned(),
        elapsed: Duration::ZERO,
        mixing_delay: Duration::ZERO,
        packets_sent: 1,
        packets_received: 1,
        retransmissions: 0,
        trace_id: None,
    }
}

fn not_ready(waited: Duration) -> NotReady {
    let why = "its gateway cannot be reached".to_owned();
    NotReady { waited, state: State::Degraded { why, sending: false } }
}

impl Mixnet for Fake {
    type Stream = DuplexStream;

    fn offering(&self) -> Vec<String> {
        self.0.providers.lock().expect("whole").iter().map(|(name, _)| name.clone()).collect()
    }

    async fn ask(&self, payload: &[u8], options: &RequestOptions) -> Result<Answer, RequestError> {
        let chosen = {
            let providers = self.0.providers.lock().expect("whole");
            let named = |(name, _): &&(String, Does)| {
                options.provider.as_ref().is_none_or(|wanted| wanted == name)
            };
            providers.iter().find(named).cloned()
        };
        let Some((name, does)) = chosen else {
            tokio::time::sleep(options.deadline).await;
            return Err(not_ready(options.deadline).into());
        };
        let request = RpcRequest::decode(payload).expect("well made");
        let asked = (name.clone(), request.clone(), options.expected);
        self.0.asked.lock().expect("whole").push(asked);
        let _under_way = UnderWay::begin(&self.0);
        tokio::task::yield_now().await;
        match does {
            Does::Echoes(status) => {
                let RpcRequest { content_type, body, .. } = request;
                let said = RpcAnswer { status, content_type, body };
                Ok(answer(&name, said.encode().expect("small enough")))
            }
            Does::Long(_) | Does::BreaksOff(_) | Does::TooLong => {
                let said = RpcAnswer { status: 507, content_type: String::new(), body: vec![] };
                Ok(answer(&name, said.encode().expect("small enough")))
            }
            Does::Fails => {
                Err(RequestError::Failed { provider: name, words: "it is broken".to_owned() })
            }
            Does::NoSense => Ok(answer(&name, vec![1])),
            Does::Hangs => {
                tokio::time::sleep(options.deadline).await;
                let (provider, deadline) = (name, options.deadline);
                let tried = mixbed_client::core::Tried { packets_sent: 3, ..Default::default() };
                Err(RequestError::DeadlinePassed { provider, deadline, tried })
            }
        }
    }

    async fn open(
        &self,
        provider: Option<String>,
        deadline: Duration,
    ) -> Result<DuplexStream, StreamError> {
        self.0.streams.fetch_add(1, Ordering::SeqCst);
        let does = {
            let providers = self.0.providers.lock().expect("whole");
            providers
                .iter()
                .find(|(name, _)| Some(name) == provider.as_ref())
                .map(|(_, does)| *does)
        };
        let (size, breaks) = match does.expect("it is asked for by name") {
            Does::Long(size) => (size, false),
            Does::BreaksOff(size) => (size, true),
            _ => {
                let provider = provider.unwrap_or_default();
                return Err(StreamError::DeadlinePassed { provider, deadline });
            }
        };
        let (near, mut far) = tokio::io::duplex(1 << 16);
        tokio::spawn(async move {
            let mut question = Vec::new();
            far.read_to_end(&mut question).await.expect("the question");
            RpcRequest::decode(&question).expect("well made");
            let length = Some(size as u64 + u64::from(breaks));
            let content_type = "application/octet-stream".to_owned();
            let head = RpcHead { status: 200, content_type, length };
            far.write_all(&head.encode().expect("well made")).await.expect("written");
            far.write_all(&vec![7; size]).await.expect("written");
        });
        Ok(near)
    }

    async fn broadcast(
        &self,
        raw: &[u8],
        deadline: Duration,
    ) -> Result<BroadcastReport, BroadcastError> {
        if self.offering().is_empty() {
            return Err(BroadcastError::NotReady { why: not_ready(deadline).to_string() });
        }
        self.0.submitted.lock().expect("whole").push(raw.to_vec());
        Ok(BroadcastReport {
            txid: TxId::from([1; 32]),
            already_known: false,
            trace_id: None,
            provider: "a".to_owned(),
            elapsed: Duration::ZERO,
            packets_sent: 1,
            packets_received: 1,
            retransmissions: 0,
            mixing_delay: Duration::ZERO,
            monerod_time: Duration::ZERO,
            monerod_attempts: 1,
            held: None,
            confirmed_by: None,
            found_out: Vec::new(),
        })
    }

    async fn confirm(&self, raw: &[u8]) {
        self.0.confirmed.lock().expect("whole").push(raw.to_vec());
    }
}

/// Short waits, any port.
fn config() -> RpcConfig {
    RpcConfig {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        deadline: Duration::from_secs(5),
        head: Duration::from_millis(300),
        body: Duration::from_millis(500),
        ..RpcConfig::default()
    }
}

async fn start(fake: &Fake, config: RpcConfig) -> RpcFront {
    RpcFront::start_with(fake.clone(), config).await.expect("it listens")
}

async fn post(front: &RpcFront, path: &str, body: impl Into<reqwest::Body>) -> (u16, Vec<u8>) {
    let url = format!("http://{}{path}", front.addr());
    let sent = reqwest::Client::new().post(url).body(body).timeout(LIMIT).send().await;
    let said = sent.expect("an answer");
    (said.status().as_u16(), said.bytes().await.expect("whole").to_vec())
}

fn words(body: &[u8]) -> String {
    let value: Value = serde_json::from_slice(body).expect("JSON");
    value["error"]["message"].as_str().expect("words").to_owned()
}

/// Writes bytes, and reads all that comes until the endpoint closes.
async fn raw(front: &RpcFront, parts: &[&[u8]]) -> String {
    let mut socket = TcpStream::connect(front.addr()).await.expect("it listens");
    for part in parts {
        socket.write_all(part).await.expect("written");
    }
    let mut said = Vec::new();
    // A reset after the answer is as good as an end.
    let _ = timeout(LIMIT, socket.read_to_end(&mut said)).await.expect("it closes in time");
    String::from_utf8_lossy(&said).into_owned()
}

fn echoing() -> Fake {
    Fake::with(&[("a", Does::Echoes(200)), ("b", Does::Echoes(200))])
}

#[tokio::test]
async fn a_question_is_one_message_and_its_answer_comes_as_it_is() {
    let fake = echoing();
    let front = start(&fake, config()).await;
    let body: Vec<u8> = (0..=255).collect();
    assert_eq!(post(&front, "/getblocks.bin", body.clone()).await, (200, body.clone()));
    let (request, expected) = fake.last();
    assert_eq!(
        (request.path.as_str(), request.body, request.content_type),
        ("/getblocks.bin", body, String::new())
    );
    assert!(expected > 10_000, "a guess from what wallets ask");
    post(&front, "/getblocks.bin", vec![1; 1600]).await;
    post(&front, "/getblocks.bin", vec![1; 10]).await;
    assert_eq!(fake.last().1, 1700, "like the answer before");

    let call = json!({ "jsonrpc": "2.0", "id": 0, "method": "get_info" }).to_string();
    let url = format!("http://{}/json_rpc", front.addr());
    let request = reqwest::Client::new().post(url).header("content-type", "application/json");
    let said = request.header("user-agent", "secret").body(call.clone()).send().await;
    let said = said.expect("an answer");
    assert_eq!(said.headers()["content-type"], "application/json");
    assert_eq!(said.text().await.expect("whole"), call);

    let said = raw(&front, &[b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"]).await;
    assert!(said.starts_with("HTTP/1.1 200") && said.contains("wallet"), "{said}");
    assert_eq!(fake.asked().len(), 4, "a look at it asks nobody");
    assert_eq!(front.readings().answered, 4);
    front.stop(LIMIT).await;
}

#[tokio::test]
async fn an_answer_that_no_message_carries_comes_on_a_stream() {
    let fake = Fake::with(&[("a", Does::Long(3_000_000))]);
    let front = start(&fake, config()).await;
    let count = || (fake.asked().len(), fake.0.streams.load(Ordering::SeqCst));
    assert_eq!(post(&front, "/getblocks.bin", "1").await, (200, vec![7; 3_000_000]));
    assert_eq!(count(), (1, 1));
    fake.tell(&[("a", Does::Long(300))]);
    assert_eq!(post(&front, "/getblocks.bin", "1").await, (200, vec![7; 300]));
    assert_eq!(count(), (1, 2), "what was long is asked for on a stream at once");
    fake.tell(&[("a", Does::Echoes(200))]);
    assert_eq!(post(&front, "/getblocks.bin", "1").await, (200, b"1".to_vec()));
    assert_eq!(count(), (2, 2), "and what was not, by a message");
    // Where no stream is to be had, the provider's word is passed on.
    fake.tell(&[("a", Does::TooLong)]);
    assert_eq!(post(&front, "/getblocks.bin", "1").await.0, 507);
    assert_eq!(post(&front, "/getblocks.bin", "1").await.0, 507);
    assert_eq!(count(), (4, 4), "each is tried once");
}

#[tokio::test]
async fn a_long_answer_that_breaks_off_is_none() {
    let fake = Fake::with(&[("a", Does::BreaksOff(200_000))]);
    let front = start(&fake, RpcConfig { questions: 1, ..config() }).await;
    let request = b"POST /getblocks.bin HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1";
    let said = raw(&front, &[request]).await;
    assert!(
        said.starts_with("HTTP/1.1 200") && said.contains("content-length: 200001"),
        "{said:.200}"
    );
    assert!(said.len() < 200_001, "the connection ends before the answer does");
    fake.tell(&[("a", Does::Echoes(200))]);
    assert_eq!(post(&front, "/get_info", "1").await.0, 200, "and its turn is another's");
}

#[tokio::test]
async fn what_a_provider_does_not_allow_is_said_with_its_reason() {
    let fake = Fake::with(&[("a", Does::Echoes(403))]);
    let front = start(&fake, config()).await;
    let reason = json!({ "error": { "code": 403, "message": "no" } }).to_string();
    assert_eq!(post(&front, "/stop_daemon", reason.clone()).await, (403, reason.into_bytes()));
    let (status, body) = post(&front, "/get_info?a=b", "").await;
    assert_eq!(status, 404);
    assert!(words(&body).contains("no query"), "{}", words(&body));
    assert_eq!(fake.asked(), ["a"]);
}

#[tokio::test]
async fn a_transaction_is_submitted_as_raw_bytes() {
    let fake = echoing();
    let front = start(&fake, config()).await;
    let body = json!({ "tx_as_hex": "00ff10", "do_not_relay": false, "do_sanity_checks": true });
    for path in ["/sendrawtransaction", "/send_raw_transaction"] {
        let (status, said) = post(&front, path, body.to_string()).await;
        let said: Value = serde_json::from_slice(&said).expect("JSON");
        assert_eq!((status, &said["status"]), (200, &json!("OK")));
    }
    assert_eq!(*fake.0.submitted.lock().expect("whole"), vec![vec![0, 255, 16]; 2]);
    let (status, said) = post(&front, "/sendrawtransaction", "nonsense").await;
    let said: Value = serde_json::from_slice(&said).expect("JSON");
    assert_eq!((status, &said["status"]), (200, &json!("Failed")));
    assert!(fake.asked().is_empty(), "no submission is a question");
    let confirmed = async {
        while fake.0.confirmed.lock().expect("whole").len() < 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(LIMIT, confirmed).await.expect("what was taken is confirmed");
    front.stop(LIMIT).await;
    let confirmed = fake.0.confirmed.lock().expect("whole").clone();
    assert_eq!(confirmed, vec![vec![0, 255, 16]; 2], "and nothing else");
}

#[tokio::test]
async fn one_provider_is_asked_for_as_long_as_it_answers() {
    let fake = echoing();
    let front = start(&fake, config()).await;
    for _ in 0..10 {
        assert_eq!(post(&front, "/get_info", "1").await.0, 200);
    }
    assert_eq!(fake.asked(), vec!["a"; 10]);
    fake.tell(&[("a", Does::Fails), ("b", Does::Echoes(200))]);
    for _ in 0..3 {
        assert_eq!(post(&front, "/get_info", "1").await.0, 200);
    }
    assert_eq!(fake.asked()[10..], ["a", "b", "b", "b"], "another answers, and is kept");
    // It left the network between two questions.
    fake.tell(&[("a", Does::Echoes(200)), ("c", Does::NoSense)]);
    assert_eq!(post(&front, "/get_info", "1").await.0, 200);
    assert_eq!(fake.asked().last().map(String::as_str), Some("a"));
}

#[tokio::test]
async fn a_provider_whose_monerod_is_away_makes_room_for_another() {
    for bad in [Does::Echoes(503), Does::Echoes(504), Does::NoSense, Does::Fails] {
        let fake = Fake::with(&[("a", bad), ("b", Does::Echoes(200))]);
        let front = start(&fake, config()).await;
        assert_eq!(post(&front, "/get_info", "1").await, (200, b"1".to_vec()));
        assert_eq!(fake.asked(), ["a", "b"]);
    }
    // If all are, it is said as the last of them says it.
    let fake = Fake::with(&[("a", Does::Echoes(503)), ("b", Does::Echoes(503))]);
    let deadline = Duration::from_millis(700);
    let front = start(&fake, RpcConfig { deadline, ..config() }).await;
    assert_eq!(post(&front, "/get_info", "why").await, (503, b"why".to_vec()));
    assert!(fake.asked().len() >= 4, "again after a pause: {:?}", fake.asked());
}

#[tokio::test]
async fn a_network_that_is_not_ready_is_waited_for_until_the_deadline() {
    let fake = Fake::with(&[]);
    let deadline = Duration::from_millis(300);
    let front = start(&fake, RpcConfig { deadline, ..config() }).await;
    let (status, body) = post(&front, "/get_info", "").await;
    assert_eq!(status, 503);
    assert!(words(&body).contains("its gateway cannot be reached"), "{}", words(&body));
    let body = json!({ "tx_as_hex": "00" }).to_string();
    let (status, body) = post(&front, "/sendrawtransaction", body).await;
    assert_eq!(status, 503);
    assert!(words(&body).contains("its gateway cannot be reached"), "{}", words(&body));
    fake.tell(&[("a", Does::Hangs)]);
    let (status, body) = post(&front, "/get_info", "").await;
    assert_eq!(status, 504);
    assert!(words(&body).contains("no answer from a"), "{}", words(&body));
}

#[tokio::test]
async fn a_body_that_is_too_large_is_told_so_however_it_comes() {
    let fake = echoing();
    let front = start(&fake, config()).await;
    let large = vec![7_u8; 2 << 20];
    let (status, body) = post(&front, "/get_outs.bin", large.clone()).await;
    assert_eq!(status, 413, "with its length");
    assert!(words(&body).contains("1048576"), "{}", words(&body));
    let chunks = large.chunks(60_000).map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec()));
    let chunks: Vec<_> = chunks.collect();
    let mut request = b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for chunk in chunks.into_iter().flatten() {
        request.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        request.extend_from_slice(&chunk);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"0\r\n\r\n");
    let said = raw(&front, &[&request]).await;
    assert!(said.starts_with("HTTP/1.1 413"), "in chunks: {said}");
    // Without end: it is not read for ever.
    let said = raw(&front, &[b"POST /x HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n"]).await;
    assert!(said.starts_with("HTTP/1.1 413"), "{said}");
    let head = b"POST /x HTTP/1.1\r\nContent-Length: 2000000\r\nExpect: 100-continue\r\n\r\n";
    let said = raw(&front, &[head]).await;
    assert!(said.starts_with("HTTP/1.1 413"), "not invited to send it: {said}");
    assert!(fake.asked().is_empty());
    // As much as a message carries is taken.
    let most = vec![1; 900_000];
    assert_eq!(post(&front, "/get_outs.bin", most.clone()).await, (200, most));
}

#[tokio::test]
async fn requests_in_every_form_that_http_has_are_understood() {
    let fake = echoing();
    let front = start(&fake, config()).await;
    let chunked = b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n\
                    3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    let said = raw(&front, &[chunked]).await;
    assert!(said.starts_with("HTTP/1.1 200") && said.ends_with("\r\n\r\nabcde"), "{said}");

    let one = b"POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\none";
    let two = b"POST /b HTTP/1.1\r\nContent-Length: 3\r\nConnection: close\r\n\r\ntwo";
    let said = raw(&front, &[&[&one[..], &two[..]].concat()]).await;
    let (first, second) = (said.find("one"), said.find("two"));
    assert!(first.is_some() && first < second, "pipelined, answered in order: {said}");

    let none = b"POST /a HTTP/1.1\r\nConnection: close\r\n\r\n";
    let said = raw(&front, &[none]).await;
    assert!(said.starts_with("HTTP/1.1 200"), "no length is no body: {said}");
    // Head and body in writes of their own, as wallets do.
    let said = raw(&front, &[&two[..two.len() - 3], b"two"]).await;
    assert!(said.ends_with("two"), "{said}");
    let origin = b"POST /a HTTP/1.1\r\nOrigin: http://example.org\r\nConnection: close\r\n\r\n";
    assert!(raw(&front, &[origin]).await.starts_with("HTTP/1.1 403"));
    let delete = b"DELETE /a HTTP/1.1\r\nConnection: close\r\n\r\n";
    assert!(raw(&front, &[delete]).await.starts_with("HTTP/1.1 405"));
}

#[tokio::test]
async fn what_is_no_http_ends_at_once() {
    let fake = echoing();
    let front = start(&fake, config()).await;
    // A wallet that tries TLS first: its ClientHello.
    let said =
        raw(&front, &[b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 and so on\r\n\r\n"]).await;
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 400"), "{said}");
    let many = "X: y\r\n".repeat(1000);
    let said = raw(&front, &[format!("GET /a HTTP/1.1\r\n{many}\r\n").as_bytes()]).await;
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 431"), "{said}");
    let said =
        raw(&front, &[format!("GET /{} HTTP/1.1\r\n", "a".repeat(1 << 20)).as_bytes()]).await;
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 4"), "{said}");
    assert!(fake.asked().is_empty());
    assert_eq!(post(&front, "/get_info", "1").await.0, 200, "and others are served");
}

/// A request that ends at each of its bytes, by a wallet that closes there, and by one that says no
/// more: neither is answered as if it were whole, and neither holds its connection.
#[tokio::test]
async fn a_request_cut_at_every_byte_holds_nothing() {
    let fake = echoing();
    let front = start(&fake, config()).await;
    let whole = b"POST /get_info HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody";
    let cut = (0..whole.len()).map(|end| {
        let address = front.addr();
        async move {
            let mut closes = TcpStream::connect(address).await.expect("it listens");
            closes.write_all(&whole[..end]).await.expect("written");
            closes.shutdown().await.expect("half closed");
            let mut said = Vec::new();
            let _ = timeout(LIMIT, closes.read_to_end(&mut said)).await.expect("it is closed");
            assert!(!said.starts_with(b"HTTP/1.1 200"), "cut at {end}");
            let mut waits = TcpStream::connect(address).await.expect("it listens");
            waits.write_all(&whole[..end]).await.expect("written");
            if end == 0 {
                return; // an idle connection may stay
            }
            let mut said = Vec::new();
            let _ = timeout(LIMIT, waits.read_to_end(&mut said)).await.expect("it is given up");
            let said = String::from_utf8_lossy(&said).into_owned();
            assert!(said.is_empty() || said.starts_with("HTTP/1.1 408"), "cut at {end}: {said}");
        }
    });
    futures::future::join_all(cut).await;
    assert!(fake.asked().is_empty());
    assert_eq!(post(&front, "/get_info", "1").await.0, 200);
}

/// A byte from time to time does not make a head or a body fast enough.
#[tokio::test]
async fn slow_heads_and_bodies_have_deadlines() {
    let fake = echoing();
    let front = start(&fake, config()).await;
    for (head, status) in
        [("", ""), ("POST /a HTTP/1.1\r\nContent-Length: 1000\r\n\r\n", "HTTP/1.1 408")]
    {
        let mut socket = TcpStream::connect(front.addr()).await.expect("it listens");
        socket.write_all(head.as_bytes()).await.expect("written");
        let (mut read, mut write) = socket.split();
        let mut said = Vec::new();
        let trickle = async {
            while write.write_all(b"G").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            std::future::pending::<()>().await;
        };
        let ended = async {
            tokio::select! {
                ended = read.read_to_end(&mut said) => drop(ended),
                () = trickle => {}
            }
        };
        timeout(LIMIT, ended).await.expect("it ends");
        let said = String::from_utf8_lossy(&said);
        assert!(said.starts_with(status), "{said}");
    }
}

/// An idle connection stays, as with monerod: a wallet's next request is minutes later, and a wallet
/// does not notice that the other end has closed.
#[tokio::test]
async fn an_idle_connection_stays() {
    let fake = echoing();
    let front = start(&fake, RpcConfig { head: Duration::from_millis(40), ..config() }).await;
    let mut socket = TcpStream::connect(front.addr()).await.expect("it listens");
    for _ in 0..3 {
        // Ten times as long as a head may take.
        tokio::time::sleep(Duration::from_millis(400)).await;
        socket.write_all(b"POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc").await.expect("open");
        let (mut said, mut chunk) = (Vec::new(), [0; 1024]);
        while !said.ends_with(b"\r\n\r\nabc") {
            let read = timeout(LIMIT, socket.read(&mut chunk)).await.expect("an answer");
            match read.expect("open") {
                0 => panic!("closed: {}", String::from_utf8_lossy(&said)),
                more => said.extend_from_slice(&chunk[..more]),
            }
        }
    }
}

#[tokio::test]
async fn an_answer_that_nobody_takes_ends_its_connection() {
    let fake = echoing();
    let front = start(&fake, RpcConfig { connections: 1, ..config() }).await;
    let mut socket = TcpStream::connect(front.addr()).await.expect("it listens");
    let body = vec![b'x'; 900_000];
    let request = format!("POST /a HTTP/1.1\r\nContent-Length: {}\r\n\r\n", body.len());
    // Ten answers are more than the system's buffers hold.
    let written = async {
        for _ in 0..10 {
            socket.write_all(request.as_bytes()).await?;
            socket.write_all(&body).await?;
        }
        Ok::<_, std::io::Error>(())
    };
    let _ = timeout(LIMIT, written).await.expect("it is closed, or all is written");
    let free = async {
        loop {
            let mut next = TcpStream::connect(front.addr()).await.expect("it listens");
            let _ = next.write_all(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n").await;
            let mut said = Vec::new();
            let _ = next.read_to_end(&mut said).await;
            if said.starts_with(b"HTTP/1.1 200") {
                return;
            }
        }
    };
    timeout(LIMIT, free).await.expect("its place is free again");
}

#[tokio::test]
async fn a_wallet_that_leaves_cancels_its_question() {
    let fake = Fake::with(&[("a", Does::Hangs)]);
    let front = start(&fake, RpcConfig { deadline: LIMIT * 10, ..config() }).await;
    let mut socket = TcpStream::connect(front.addr()).await.expect("it listens");
    socket.write_all(b"POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc").await.expect("written");
    fake.until_under_way(1).await;
    drop(socket);
    fake.until_under_way(0).await;
}

#[tokio::test]
async fn two_hundred_connections_at_once_are_served() {
    let fake = echoing();
    let front = start(&fake, RpcConfig { questions: 7, ..config() }).await;
    let sockets = (0..200).map(|n| {
        let address = front.addr();
        async move {
            let mut socket = TcpStream::connect(address).await.expect("it listens");
            let body = format!("{n:06}");
            let head = "POST /a HTTP/1.1\r\nContent-Length: 6\r\nConnection: close\r\n\r\n";
            socket.write_all(head.as_bytes()).await.expect("written");
            socket.write_all(body.as_bytes()).await.expect("written");
            let mut said = String::new();
            let read = timeout(LIMIT, socket.read_to_string(&mut said)).await;
            read.expect("in time").expect("whole");
            assert!(said.ends_with(&body), "{said}");
        }
    });
    futures::future::join_all(sockets).await;
    assert_eq!(fake.asked().len(), 200);
    let most = fake.0.most_under_way.load(Ordering::SeqCst);
    assert!(most <= 7, "{most} questions at a time");
}

#[tokio::test]
async fn stopping_lets_what_is_asked_be_answered_and_ends_the_rest() {
    let fake = Fake::with(&[("a", Does::Hangs)]);
    let deadline = Duration::from_millis(500);
    let front = start(&fake, RpcConfig { deadline, ..config() }).await;
    let mut idle = TcpStream::connect(front.addr()).await.expect("it listens");
    let mut asking = TcpStream::connect(front.addr()).await.expect("it listens");
    asking.write_all(b"POST /a HTTP/1.1\r\nContent-Length: 0\r\n\r\n").await.expect("written");
    fake.until_under_way(1).await;
    let address = front.addr();
    timeout(LIMIT, front.stop(LIMIT)).await.expect("it stops");
    let mut said = String::new();
    asking.read_to_string(&mut said).await.expect("whole");
    assert!(said.starts_with("HTTP/1.1 504"), "{said}");
    assert_eq!(idle.read(&mut [0]).await.expect("closed in order"), 0);
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");

    let front = start(&fake, RpcConfig { deadline: LIMIT * 10, ..config() }).await;
    let mut asking = TcpStream::connect(front.addr()).await.expect("it listens");
    asking.write_all(b"POST /a HTTP/1.1\r\nContent-Length: 0\r\n\r\n").await.expect("written");
    fake.until_under_way(1).await;
    timeout(LIMIT, front.stop(Duration::from_millis(10))).await.expect("it does not wait for ever");
    fake.until_under_way(0).await;
}

/// With a daemon to sync from, everything goes there but what submits.
#[tokio::test]
async fn a_daemon_to_sync_from_is_asked_directly_and_gets_no_transaction() {
    let daemon = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let url = format!("http://{}", daemon.local_addr().expect("bound"));
    let heard = Arc::new(Mutex::new(HashMap::<String, Vec<u8>>::new()));
    let notes = Arc::clone(&heard);
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = daemon.accept().await.expect("a connection");
            let (mut said, mut chunk) = (Vec::new(), [0; 4096]);
            while !said.ends_with(b"body") {
                let read = socket.read(&mut chunk).await.expect("open");
                said.extend_from_slice(&chunk[..read]);
            }
            let line = String::from_utf8_lossy(&said).lines().next().unwrap_or_default().to_owned();
            notes.lock().expect("whole").insert(line, said);
            let answer = "HTTP/1.1 201 Fine\r\nContent-Type: a/b\r\nContent-Length: 4\r\n\
                          Connection: close\r\n\r\nthat";
            socket.write_all(answer.as_bytes()).await.expect("open");
        }
    });
    let fake = echoing();
    let front = start(&fake, RpcConfig { sync: Some(url), ..config() }).await;
    let address = format!("http://{}/json_rpc", front.addr());
    let request = reqwest::Client::new().post(address).header("content-type", "application/json");
    let said = request.header("user-agent", "me").body("the body").send().await.expect("an answer");
    assert_eq!(
        (said.status().as_u16(), &said.headers()["content-type"]),
        (201, &"a/b".parse().expect("a value"))
    );
    assert_eq!(said.text().await.expect("whole"), "that");
    for path in [
        "/sendrawtransaction",
        "/send_raw_transaction",
        "//sendrawtransaction",
        "/SENDRAWTRANSACTION",
    ] {
        let (_, said) = post(&front, path, r#"{"tx_as_hex":"00"}"#).await;
        let said: Value = serde_json::from_slice(&said).expect("JSON");
        assert_eq!(said["status"], "OK", "{path}");
    }
    assert!(fake.asked().is_empty());
    let heard = heard.lock().expect("whole");
    assert_eq!(heard.keys().collect::<Vec<_>>(), ["POST /json_rpc HTTP/1.1"]);
    let request = String::from_utf8_lossy(&heard["POST /json_rpc HTTP/1.1"]).to_lowercase();
    assert!(
        request.contains("content-type: application/json") && !request.contains("user-agent"),
        "{request}"
    );
}

#[tokio::test]
async fn a_daemon_to_sync_from_that_is_away_is_no_reason_for_the_mixnet() {
    let fake = echoing();
    let unused = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let url = format!("http://{}", unused.local_addr().expect("bound"));
    drop(unused);
    let front = start(&fake, RpcConfig { sync: Some(url.clone()), ..config() }).await;
    let (status, body) = post(&front, "/get_info", "").await;
    assert_eq!(status, 502);
    assert!(words(&body).contains(&url), "{}", words(&body));
    assert!(fake.asked().is_empty());
}

#[tokio::test]
async fn what_cannot_be_started_is_told_before_anything_listens() {
    let fake = echoing();
    let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let refused = RpcFront::start_with(fake.clone(), RpcConfig { listen: everywhere, ..config() });
    let error = refused.await.expect_err("refused");
    assert!(matches!(error, FrontError::Exposed { .. }), "{error}");
    assert!(error.to_string().contains("127.0.0.1"), "{error}");
    let meant = RpcConfig { listen: everywhere, exposed: true, ..config() };
    drop(start(&fake, meant).await);
    for url in
        ["https://127.0.0.1:1", "127.0.0.1:18081", "http://", "http://a:b@c:1", "http://c:1/x"]
    {
        let sync = Some(url.to_owned());
        let error = RpcFront::start_with(fake.clone(), RpcConfig { sync, ..config() }).await;
        let error = error.expect_err(url);
        assert!(
            matches!(error, FrontError::Sync { .. }) && error.to_string().contains(url),
            "{error}"
        );
    }
    let taken = start(&fake, config()).await;
    let again = RpcFront::start_with(fake, RpcConfig { listen: taken.addr(), ..config() }).await;
    assert!(matches!(again, Err(FrontError::Listen { .. })));
}
