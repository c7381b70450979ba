//! A network whose providers do what a test says.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mixbed_client::{
    Answer, BroadcastError, BroadcastReport, NotReady, RequestError, RequestOptions, State,
    StreamError,
};
use mixbed_monero::TxId;
use mixbed_wire::message::{RpcAnswer, RpcHead, RpcRequest};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::time::timeout;

use super::LIMIT;
use crate::rpc::mixnet::Mixnet;

/// What a provider does with a question.
#[derive(Clone, Copy)]
pub(super) enum Does {
    /// monerod's answer: this status, and the question's body.
    Echoes(u16),
    Fails,
    NoSense,
    Hangs,
    /// An answer of so many bytes, on a stream only.
    Long(usize),
    /// The same, but its stream breaks after so many.
    BreaksOff(usize),
    /// An answer of 100 bytes on a stream, one each so many milliseconds.
    Slow(u64),
    /// An answer that is too long, and no streams.
    TooLong,
    /// Nothing: the client has all the messages it may.
    Crowded,
}

/// A network whose providers do what they are told.
#[derive(Clone, Default)]
pub(super) struct Fake(pub(super) Arc<Inner>);

#[derive(Default)]
pub(super) struct Inner {
    pub(super) providers: Mutex<Vec<(String, Does)>>,
    pub(super) asked: Mutex<Vec<(String, RpcRequest, usize)>>,
    pub(super) streams: AtomicUsize,
    pub(super) submitted: Mutex<Vec<Vec<u8>>>,
    /// Who was not to be given each of these if another is there.
    pub(super) not: Mutex<Vec<Vec<String>>>,
    pub(super) confirmed: Mutex<Vec<Vec<u8>>>,
    pub(super) under_way: AtomicUsize,
    pub(super) most_under_way: AtomicUsize,
}

impl Fake {
    pub(super) fn with(providers: &[(&str, Does)]) -> Self {
        let fake = Self::default();
        fake.tell(providers);
        fake
    }

    pub(super) fn tell(&self, providers: &[(&str, Does)]) {
        let named = providers.iter().map(|(name, does)| ((*name).to_owned(), *does));
        *self.0.providers.lock().expect("whole") = named.collect();
    }

    /// Who was asked, in order.
    pub(super) fn asked(&self) -> Vec<String> {
        self.0.asked.lock().expect("whole").iter().map(|(name, ..)| name.clone()).collect()
    }

    pub(super) fn last(&self) -> (RpcRequest, usize) {
        let asked = self.0.asked.lock().expect("whole");
        let (_, request, expected) = asked.last().expect("something was asked");
        (request.clone(), *expected)
    }

    pub(super) async fn until_under_way(&self, count: usize) {
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
            Does::Crowded => Err(RequestError::TooManyMessages(64)),
            Does::Long(_) | Does::BreaksOff(_) | Does::Slow(_) | Does::TooLong => {
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
        let (size, breaks, pause) = match does.expect("it is asked for by name") {
            Does::Long(size) => (size, false, None),
            Does::BreaksOff(size) => (size, true, None),
            Does::Slow(pause) => (100, false, Some(Duration::from_millis(pause))),
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
            let Some(pause) = pause else {
                return far.write_all(&vec![7; size]).await.expect("written");
            };
            for _ in 0..size {
                tokio::time::sleep(pause).await;
                far.write_all(&[7]).await.expect("written");
            }
        });
        Ok(near)
    }

    async fn broadcast(
        &self,
        raw: &[u8],
        deadline: Duration,
        _traced: bool,
        not: Vec<String>,
    ) -> Result<BroadcastReport, BroadcastError> {
        if self.offering().is_empty() {
            return Err(BroadcastError::NotReady { why: not_ready(deadline).to_string() });
        }
        let _under_way = UnderWay::begin(&self.0);
        tokio::time::sleep(Duration::from_millis(1)).await;
        self.0.submitted.lock().expect("whole").push(raw.to_vec());
        self.0.not.lock().expect("whole").push(not);
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

    async fn confirm(&self, raw: &[u8], _report: BroadcastReport) {
        self.0.confirmed.lock().expect("whole").push(raw.to_vec());
    }
}
