//! The same on a stream: a question, and an answer that may be longer than a message.

use std::sync::Arc;
use std::time::Duration;

use mixbed_monero::calls::{Call, judge};
use mixbed_monero::rpc::{Forwarded, RpcError};
use mixbed_session::{Code, Reason};
use mixbed_wire::message::{RPC_SERVICE, Request, RpcAnswer, RpcHead, RpcRequest};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::{RESERVE, Rpc, Said};
use crate::provider::{Asked, Served, Serving, StreamService};

/// How long an answer's beginning may take, and each silence of monerod's after it: a wallet waits 210 s
/// for an answer, and again for each part of it.
const LIMIT: Duration = Duration::from_secs(200);

/// How long all of it may take: 100 MB at 30 kB/s, so that a wallet that is far behind gets on through
/// a slow mixnet.
const WHOLE: Duration = Duration::from_secs(3600);

/// The longest answer, in bytes: more than the 100 MB of blocks that monerod gives at once.
const MOST: usize = 128 << 20;

/// Answers at a time, each a connection to monerod; others are refused.
const AT_A_TIME: usize = 32;

/// Answers wallets' questions on streams.
#[derive(Debug)]
pub struct RpcStream {
    rpc: Arc<Rpc>,
    turns: Arc<Semaphore>,
}

impl RpcStream {
    /// The same service as `rpc`.
    #[must_use]
    pub fn new(rpc: Arc<Rpc>) -> Self {
        Self { rpc, turns: Arc::new(Semaphore::new(AT_A_TIME)) }
    }
}

impl StreamService for RpcStream {
    fn name(&self) -> &'static str {
        RPC_SERVICE
    }

    fn serve(&self, _target: String, asked: Asked) -> Serving {
        let rpc = Arc::clone(&self.rpc);
        let turn = Arc::clone(&self.turns).try_acquire_owned();
        Box::pin(async move {
            let Ok(_turn) = turn else {
                let words = format!("the provider gives {AT_A_TIME} long answers already");
                return asked.refuse(Reason::new(Code::Busy, words));
            };
            let mut stream = asked.grant();
            let (idle, begun) = (stream.idle(), Instant::now());
            let served = tokio::select! {
                served = timeout_at(begun + WHOLE, rpc.serve(&mut stream, begun + LIMIT)) => served,
                () = idle => Ok(Err(Code::IdleTooLong.into())),
            };
            let late = |_| Err(Reason::new(Code::TimedOut, "the answer took too long"));
            if let Err(reason) = served.unwrap_or_else(late) {
                stream.reset(reason);
            }
        })
    }
}

impl Rpc {
    /// From the question's first byte to the answer's last one; its beginning comes until `end`.
    async fn serve(&self, stream: &mut Served, end: Instant) -> Result<(), Reason> {
        let most = Request::max_payload(RPC_SERVICE);
        let mut question = Vec::new();
        // One byte more shows that it is too long. If the client gives up there is nobody to tell.
        (&mut *stream).take(most as u64 + 1).read_to_end(&mut question).await.map_err(closed)?;
        let Ok(request) = RpcRequest::decode(&question) else {
            let words = format!("what came is no request of {RPC_SERVICE}");
            return Err(Reason::new(Code::Failed, words));
        };
        let call = match judge(&request.path, &request.body) {
            Ok(call) => call,
            Err(refusal) => return say(stream, &Said::of_refusal(&refusal)).await,
        };
        let asked = self.ask(call, end - RESERVE, |endpoint, asked| async move {
            let Call { path, content_type, body, .. } = asked;
            endpoint.begin_forward(path, content_type, body, MOST).await
        });
        match asked.await {
            Ok(answer) => pass_on(stream, answer).await,
            Err(error) => say(stream, &Said::of_error(&error)).await,
        }
    }
}

/// monerod's answer, piece by piece: no faster than the client takes it.
async fn pass_on(stream: &mut Served, mut answer: Forwarded) -> Result<(), Reason> {
    let (status, content_type) = (answer.status(), answer.content_type());
    begin(stream, &RpcHead { status, content_type, length: answer.length() }).await?;
    let broke = |error: RpcError| Reason::new(Code::Failed, error.public_words());
    while let Some(piece) = answer.piece().await.map_err(broke)? {
        stream.write_all(piece.as_ref()).await.map_err(closed)?;
    }
    stream.shutdown().await.map_err(closed)
}

/// The provider's own words.
async fn say(stream: &mut Served, said: &Said) -> Result<(), Reason> {
    let RpcAnswer { status, content_type, body } = said.answer();
    begin(stream, &RpcHead { status, content_type, length: Some(body.len() as u64) }).await?;
    stream.write_all(&body).await.map_err(closed)?;
    stream.shutdown().await.map_err(closed)
}

async fn begin(stream: &mut Served, head: &RpcHead) -> Result<(), Reason> {
    let head = head.encode().map_err(|error| Reason::new(Code::Failed, error.to_string()))?;
    stream.write_all(&head).await.map_err(closed)
}

/// The client gave up, or its session is lost.
fn closed(_: std::io::Error) -> Reason {
    Code::Closed.into()
}
