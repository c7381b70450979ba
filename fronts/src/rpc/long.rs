//! Answers that no message carries: they come on a stream, and go on to the wallet as they come.

use std::io;
use std::time::Duration;

use futures::stream;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Bytes, Frame};
use hyper::header::CONTENT_LENGTH;
use hyper::{Response, StatusCode};
use mixbed_client::StreamError;
use mixbed_monero::calls::{Call, LOOKED_AT};
use mixbed_wire::message::RpcHead;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, timeout, timeout_at};

use super::answer::{Body, answer};
use super::mixnet::Mixnet;

/// Bytes that are passed on at once, at most: some replies' worth.
const PIECE: usize = 16 << 10;

/// Why there is no such answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoLongAnswer {
    #[error(transparent)]
    Unopened(#[from] StreamError),
    #[error("its stream broke: {0}")]
    Broken(#[from] io::Error),
    #[error("what came is no answer of a daemon's")]
    Unreadable,
    #[error("its beginning did not come in time")]
    Late,
}

/// Asks on a stream. Its beginning has come when this returns, at `end` at the latest. The rest may take
/// as long as it takes, while some of it comes within each `silence`: a wallet waits as long again for
/// each part. When the stream breaks, the wallet's connection breaks as well. `done` is told how many
/// bytes the body had, at its end.
pub(super) async fn ask<M: Mixnet>(
    mixnet: &M,
    provider: Option<String>,
    payload: &[u8],
    (end, silence): (Instant, Duration),
    call: Call,
    done: impl FnOnce(usize) + Send + 'static,
) -> Result<Response<Body>, NoLongAnswer> {
    let begun = timeout_at(end, begin(mixnet, provider, payload, end)).await;
    let (head, mut stream) = begun.map_err(|_| NoLongAnswer::Late)??;
    let RpcHead { status, content_type, length } = head;
    let status = StatusCode::from_u16(status).map_err(|_| NoLongAnswer::Unreadable)?;
    let mut first = Vec::new();
    if call.has_own_id() {
        let beginning = (&mut stream).take(LOOKED_AT as u64);
        let mut beginning = std::pin::pin!(beginning);
        let read = timeout_at(end, beginning.read_to_end(&mut first)).await;
        read.map_err(|_| NoLongAnswer::Late)??;
    }
    let read = first.len();
    let first = Bytes::from(call.with_own_id(first));
    let told = length.map(|length| length.saturating_sub(read as u64) + first.len() as u64);
    let coming = Coming { stream, silence, length, first, read, done: Some(done) };
    let pieces = stream::unfold(Some(coming), |coming| async {
        let mut coming = coming?;
        match coming.piece().await {
            Ok(piece) if piece.is_empty() => None,
            Ok(piece) => Some((Ok(Frame::data(piece)), Some(coming))),
            Err(error) => {
                tracing::warn!(%error, "a long answer to a wallet broke off");
                Some((Err(error), None))
            }
        }
    });
    let mut answer = answer(status, &content_type, StreamBody::new(pieces).boxed_unsync());
    if let Some(length) = told {
        answer.headers_mut().insert(CONTENT_LENGTH, length.into());
    }
    Ok(answer)
}

/// A body that comes.
struct Coming<S, F> {
    stream: S,
    silence: Duration,
    length: Option<u64>,
    /// What was read before.
    first: Bytes,
    read: usize,
    done: Option<F>,
}

impl<S: AsyncRead + Unpin, F: FnOnce(usize)> Coming<S, F> {
    /// Its next piece; nothing at its end.
    async fn piece(&mut self) -> io::Result<Bytes> {
        if !self.first.is_empty() {
            return Ok(std::mem::take(&mut self.first));
        }
        let mut piece = Vec::with_capacity(PIECE);
        let read = timeout(self.silence, self.stream.read_buf(&mut piece)).await;
        let read = read.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
        self.read += read;
        // Of a body whose length is known nobody asks for the end.
        let is_whole = read == 0 || self.length == Some(self.read as u64);
        if let Some(done) = self.done.take_if(|_| is_whole) {
            done(self.read);
        }
        Ok(piece.into())
    }
}

async fn begin<M: Mixnet>(
    mixnet: &M,
    provider: Option<String>,
    payload: &[u8],
    end: Instant,
) -> Result<(RpcHead, M::Stream), NoLongAnswer> {
    let mut stream = mixnet.open(provider, end.saturating_duration_since(Instant::now())).await?;
    stream.write_all(payload).await?;
    stream.shutdown().await?;
    let mut first = [0; RpcHead::FIRST];
    stream.read_exact(&mut first).await?;
    let mut head = first.to_vec();
    head.resize(RpcHead::FIRST + RpcHead::rest(first), 0);
    stream.read_exact(&mut head[RpcHead::FIRST..]).await?;
    let head = RpcHead::decode(&head).map_err(|_| NoLongAnswer::Unreadable)?;
    Ok((head, stream))
}
