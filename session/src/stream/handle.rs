//! A stream as tokio's traits want it.

use std::{
    fmt,
    future::poll_fn,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{Code, End, Read, Reason, StreamId};

use super::Shared;

/// The ends of both kinds, as a stream uses them.
pub(super) trait Ends: Send + Sync {
    fn read(&self, id: StreamId, into: &mut [u8], waker: &Waker) -> Poll<Result<usize, Reason>>;
    fn write(&self, id: StreamId, data: &[u8], waker: &Waker) -> Poll<Result<usize, Reason>>;
    fn granted(&self, id: StreamId, waker: &Waker) -> Poll<Result<(), Reason>>;
    fn finish(&self, id: StreamId);
    fn release(&self, id: StreamId, reset: Option<Reason>);
}

impl<E: End + Send> Ends for Shared<E> {
    fn read(&self, id: StreamId, into: &mut [u8], waker: &Waker) -> Poll<Result<usize, Reason>> {
        let read = ready!(self.poll(id, waker, |end| match end.read(id, into) {
            Ok(Read::Data(bytes)) => Some(Ok(bytes)),
            Ok(Read::End) => Some(Ok(0)),
            Ok(Read::Nothing) => None,
            Err(reason) => Some(Err(reason)),
        }));
        if matches!(read, Ok(1..)) {
            // There may be more room to tell of.
            self.touch();
        }
        Poll::Ready(read)
    }

    fn write(&self, id: StreamId, data: &[u8], waker: &Waker) -> Poll<Result<usize, Reason>> {
        let written = ready!(self.poll(id, waker, |end| match end.write(id, data) {
            Ok(0) => None,
            written => Some(written),
        }));
        self.touch();
        Poll::Ready(written)
    }

    fn granted(&self, id: StreamId, waker: &Waker) -> Poll<Result<(), Reason>> {
        self.poll(id, waker, |end| end.is_granted(id).then_some(Ok(())))
    }

    fn finish(&self, id: StreamId) {
        self.lock().finish(id);
        self.touch();
    }

    fn release(&self, id: StreamId, reset: Option<Reason>) {
        self.forget(id, |end| match reset {
            Some(reason) => end.reset(id, reason),
            None => end.release(id),
        });
    }
}

/// One stream of a session, in both directions.
///
/// `shutdown` finishes the own direction; the other one can still be read. Errors are
/// [`io::Error`]s with the [`Reason`] inside. A stream that is dropped before both directions are
/// done is reset ([`Code::Closed`]); if it was shut down before, what was written arrives first.
///
/// Whoever reads and writes in different tasks uses [`tokio::io::split`].
pub struct Stream {
    ends: Arc<dyn Ends>,
    id: StreamId,
    finished: bool,
    ended: bool,
    released: bool,
}

impl Stream {
    pub(super) fn new(ends: Arc<dyn Ends>, id: StreamId) -> Self {
        Self { ends, id, finished: false, ended: false, released: false }
    }

    /// Which stream of its session it is.
    #[must_use]
    pub fn id(&self) -> StreamId {
        self.id
    }

    /// Waits until the provider has granted the stream. May be given up and called again.
    ///
    /// # Errors
    /// Why it was refused, or the session ended.
    pub async fn granted(&mut self) -> Result<(), Reason> {
        poll_fn(|cx| self.ends.granted(self.id, cx.waker())).await
    }

    /// Ends both directions at once; the other side gets the reason.
    pub fn reset(mut self, reason: Reason) {
        self.released = true;
        self.ends.release(self.id, Some(reason));
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.ended || buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let read = ready!(self.ends.read(self.id, buf.initialize_unfilled(), cx.waker()))?;
        buf.advance(read);
        self.ended = read == 0;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        if data.is_empty() {
            return Poll::Ready(Ok(0));
        }
        if self.finished {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        self.ends.write(self.id, data, cx.waker()).map_err(io::Error::from)
    }

    /// There is nothing to flush: what is written is on its way.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.finished {
            self.finished = true;
            self.ends.finish(self.id);
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if !self.released {
            let open = !self.finished;
            self.ends.release(self.id, open.then(|| Code::Closed.into()));
        }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("id", &self.id).finish_non_exhaustive()
    }
}
