//! A byte stream in encrypted frames.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use snow::TransportState;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tonic::transport::server::Connected;

use super::HEAD;

/// Bytes of a frame's encrypted part at most: what a connection holds each way.
const MAX_FRAME: usize = 4 << 10;
/// What authenticates a frame.
const TAG: usize = 16;

/// A stream over `io` that nobody on the way reads or changes: what was changed, left out or
/// repeated ends it with an error.
///
/// A frame is its length in two bytes, and that many encrypted ones.
#[derive(Debug)]
pub(crate) struct Channel<S> {
    io: S,
    noise: TransportState,
    incoming: Incoming,
    outgoing: Outgoing,
}

impl<S> Channel<S> {
    pub(super) fn new(io: S, noise: TransportState) -> Self {
        Self { io, noise, incoming: Incoming::default(), outgoing: Outgoing::default() }
    }
}

/// A frame that comes in, and what is left of the last one.
#[derive(Debug, Default)]
struct Incoming {
    sealed: Vec<u8>,
    filled: usize,
    plain: Vec<u8>,
    taken: usize,
}

impl Incoming {
    /// Reads until a frame is whole; not, if the stream ended before one.
    fn poll_fill<S: AsyncRead + Unpin>(
        &mut self,
        io: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<bool>> {
        loop {
            let wanted = if self.filled < HEAD { HEAD } else { HEAD + self.length()? };
            if self.filled == wanted {
                return Poll::Ready(Ok(true));
            }
            self.sealed.resize(wanted, 0);
            let mut part = ReadBuf::new(&mut self.sealed[self.filled..]);
            ready!(Pin::new(&mut *io).poll_read(cx, &mut part))?;
            match part.filled().len() {
                0 if self.filled == 0 => return Poll::Ready(Ok(false)),
                0 => return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
                read => self.filled += read,
            }
        }
    }

    /// An empty frame would say nothing, again and again.
    fn length(&self) -> io::Result<usize> {
        let length = usize::from(u16::from_be_bytes([self.sealed[0], self.sealed[1]]));
        if (TAG + 1..=MAX_FRAME).contains(&length) {
            return Ok(length);
        }
        Err(invalid(format!("a frame of {length} bytes")))
    }

    fn open(&mut self, noise: &mut TransportState) -> io::Result<()> {
        let sealed = &self.sealed[HEAD..self.filled];
        self.plain.resize(sealed.len() - TAG, 0);
        let length = noise.read_message(sealed, &mut self.plain).map_err(|_| {
            self.plain.clear();
            invalid("a frame that was changed on its way".to_owned())
        })?;
        debug_assert_eq!(length, self.plain.len());
        (self.filled, self.taken) = (0, 0);
        Ok(())
    }
}

/// A frame that goes out.
#[derive(Debug, Default)]
struct Outgoing {
    sealed: Vec<u8>,
    sent: usize,
}

impl Outgoing {
    fn seal(&mut self, noise: &mut TransportState, plain: &[u8]) -> io::Result<()> {
        let length = u16::try_from(plain.len() + TAG).map_err(io::Error::other)?;
        self.sealed.resize(HEAD + plain.len() + TAG, 0);
        let (head, sealed) = self.sealed.split_at_mut(HEAD);
        head.copy_from_slice(&length.to_be_bytes());
        noise.write_message(plain, sealed).map_err(io::Error::other)?;
        self.sent = 0;
        Ok(())
    }

    fn poll_drain<S: AsyncWrite + Unpin>(
        &mut self,
        io: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while self.sent < self.sealed.len() {
            match ready!(Pin::new(&mut *io).poll_write(cx, &self.sealed[self.sent..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.sent += written,
            }
        }
        Poll::Ready(Ok(()))
    }
}

fn invalid(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

impl<S: Connected> Connected for Channel<S> {
    type ConnectInfo = S::ConnectInfo;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.io.connect_info()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Channel<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { io, noise, incoming, .. } = &mut *self;
        if incoming.taken == incoming.plain.len() {
            if !ready!(incoming.poll_fill(io, cx))? {
                return Poll::Ready(Ok(()));
            }
            incoming.open(noise)?;
        }
        let rest = &incoming.plain[incoming.taken..];
        let taken = rest.len().min(buf.remaining());
        buf.put_slice(&rest[..taken]);
        incoming.taken += taken;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Channel<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Self { io, noise, outgoing, .. } = &mut *self;
        ready!(outgoing.poll_drain(io, cx))?;
        let plain = &buf[..buf.len().min(MAX_FRAME - TAG)];
        if plain.is_empty() {
            return Poll::Ready(Ok(0));
        }
        outgoing.seal(noise, plain)?;
        // What does not go now goes with the next write or flush.
        if let Poll::Ready(Err(error)) = outgoing.poll_drain(io, cx) {
            return Poll::Ready(Err(error));
        }
        Poll::Ready(Ok(plain.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { io, outgoing, .. } = &mut *self;
        ready!(outgoing.poll_drain(io, cx))?;
        Pin::new(io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { io, outgoing, .. } = &mut *self;
        ready!(outgoing.poll_drain(io, cx))?;
        Pin::new(io).poll_shutdown(cx)
    }
}
