//! A connection whose wallet has to go on.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection that notes since when a request's head is incomplete, and since when an answer is not
/// taken. The HTTP library has one deadline for heads, which counts while a connection is idle too:
/// wallets are idle for long.
#[derive(Debug)]
pub(super) struct Guarded<S> {
    inner: S,
    watch: Watch,
}

/// What is known of a connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// Requests so far.
    requests: u64,
    /// The last one is being answered: what is read belongs to its body, or to a later one.
    busy: bool,
    head_since: Option<Instant>,
    unread_since: Option<Instant>,
}

/// A request whose head is complete, until its answer is told.
#[derive(Debug)]
pub(super) struct Busy {
    watch: Watch,
    request: u64,
}

/// An answer's body: what is read while it is told belongs to no head that is waited for, as the next
/// request's is looked at after it.
#[derive(Debug)]
pub(super) struct Told<B> {
    pub(super) body: B,
    #[expect(dead_code, reason = "being there is all it does")]
    pub(super) busy: Busy,
}

impl Watch {
    /// A request's head is complete.
    pub(super) fn handle_request(&self) -> Busy {
        let mut state = self.state();
        state.requests += 1;
        state.busy = true;
        state.head_since = None;
        Busy { watch: self.clone(), request: state.requests }
    }

    /// Waits until a head takes longer than `head`, or an answer lies for longer than `unread`.
    pub(super) async fn too_slow(&self, head: Duration, unread: Duration) -> &'static str {
        // As often as it takes to be late by a quarter at most.
        let pause = head.min(unread) / 4;
        loop {
            tokio::time::sleep(pause).await;
            let state = self.state();
            let over = |since: Option<Instant>, limit| since.is_some_and(|s| s.elapsed() >= limit);
            if over(state.head_since, head) {
                return "a request's head is not complete in time";
            }
            if over(state.unread_since, unread) {
                return "an answer is not taken in time";
            }
        }
    }

    /// Held for a look only.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut state = self.watch.state();
        state.busy &= state.requests != self.request;
    }
}

impl<B: hyper::body::Body + Unpin> hyper::body::Body for Told<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}

impl<S> Guarded<S> {
    pub(super) fn new(inner: S, watch: Watch) -> Self {
        Self { inner, watch }
    }

    fn note_written<T>(&self, written: Poll<T>) -> Poll<T> {
        let mut state = self.watch.state();
        match &written {
            Poll::Ready(_) => state.unread_since = None,
            Poll::Pending => {
                state.unread_since.get_or_insert_with(Instant::now);
            }
        }
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(cx, buf);
        if buf.filled().len() > before {
            let mut state = self.watch.state();
            if !state.busy {
                state.head_since.get_or_insert_with(Instant::now);
            }
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.note_written(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.note_written(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
