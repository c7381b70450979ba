//! A stream that was granted.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use mixbed_session::{Reason, Stream};
use mixbed_telemetry::ServedMetrics;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// When something last moved. Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Moved(Arc<Mutex<Instant>>);

impl Moved {
    /// Something moves now.
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    pub(super) fn now(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    pub(super) fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when nothing has moved for so long.
    pub(super) async fn rests(&self, long: Duration) {
        loop {
            let end = self.last() + long;
            if end <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(end).await;
        }
    }
}

/// A stream that was granted to a client; its bytes are counted. As [`Stream`] otherwise: one that is
/// dropped before both directions are done is reset.
#[derive(Debug)]
pub struct Served {
    stream: Option<Stream>,
    metrics: ServedMetrics,
    /// On any stream.
    any: Moved,
    /// On this one.
    own: Moved,
    idle: Duration,
}

impl Served {
    pub(super) fn new(stream: Stream, metrics: ServedMetrics, any: Moved, idle: Duration) -> Self {
        metrics.open.inc();
        any.now();
        Self { stream: Some(stream), metrics, any, own: Moved::new(), idle }
    }

    /// Notes what moves on this stream there, too.
    pub(super) fn moves(&mut self, own: Moved) {
        own.now();
        self.own = own;
    }

    /// Ends both directions at once; the client gets the reason.
    pub fn reset(mut self, reason: Reason) {
        if let Some(stream) = self.stream.take() {
            stream.reset(reason);
        }
    }

    /// Returns when nothing has moved for as long as a stream may rest. Does not borrow the stream.
    pub fn idle(&self) -> impl Future<Output = ()> + Send + use<> {
        let (own, idle) = (self.own.clone(), self.idle);
        async move { own.rests(idle).await }
    }

    fn stream(&mut self) -> io::Result<Pin<&mut Stream>> {
        self.stream.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    fn count(&self, counter: &mixbed_telemetry::Counter, bytes: usize) {
        if bytes > 0 {
            counter.inc_by(u64::try_from(bytes).unwrap_or(u64::MAX));
            self.any.now();
            self.own.now();
        }
    }
}

impl AsyncRead for Served {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(self.stream()?.poll_read(cx, buf))?;
        self.count(&self.metrics.from_clients, buf.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Served {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(self.stream()?.poll_write(cx, data))?;
        self.count(&self.metrics.to_clients, written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_shutdown(cx)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.metrics.open.dec();
    }
}
