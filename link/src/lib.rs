//! Noise links over TCP: the I/O that nodes and clients share.
//!
//! All cryptography is in [`mixbed_wire`]; here are only the sockets. A link carries frames of one
//! size from its first byte on. It fails closed: there is no link without both keys, and after the
//! first frame that does not verify there is none any more.

mod alarm;

use std::time::Duration;

use mixbed_wire::{
    FRAME_SIZE, Frame, Handshake, LinkError, LinkOpener, LinkPublic, LinkSealer, LinkSecret, Step,
};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

pub use self::alarm::Alarm;

/// Frames read from the socket at a time, unless the owner asks for more: 12 KiB.
const READ_AHEAD: usize = 4;

/// Bytes that a writer keeps for the next batch: eight frames.
const KEPT_BUFFER: usize = 8 * FRAME_SIZE;

/// Why a link could not be made, or ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The socket failed.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The peer is not who it should be, or does not speak the protocol.
    #[error("{0}")]
    Link(#[from] LinkError),
    /// No answer in time.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// The peer sent something where it has nothing to say.
    #[error("the peer sent a frame on a link that leads the other way")]
    Unexpected,
    /// The peer closed the link between two frames.
    #[error("the peer closed the link")]
    Closed,
    /// The peer closed the connection in the middle of a frame.
    #[error("the peer closed the connection in the middle of a frame")]
    Truncated,
}

impl Error {
    /// The kind, as a metric's label.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Io(_) => "io",
            Self::Link(LinkError::Crypto(_)) => "crypto",
            Self::Link(LinkError::Version(_)) => "version",
            Self::Link(LinkError::UnknownFrame) => "unknown_frame",
            Self::TimedOut(_) => "timed_out",
            Self::Unexpected => "unexpected",
            Self::Closed => "closed",
            Self::Truncated => "truncated",
        }
    }

    /// The labels that [`kind`](Self::kind) gives.
    pub const KINDS: &'static [&'static str] = &[
        "io",
        "crypto",
        "version",
        "unknown_frame",
        "timed_out",
        "unexpected",
        "closed",
        "truncated",
    ];
}

/// An authenticated link, both ways.
#[derive(Debug)]
pub struct Link {
    /// Whom it leads to.
    pub peer: LinkPublic,
    /// What comes in.
    pub reader: LinkReader,
    /// What goes out.
    pub writer: LinkWriter,
}

/// Connects to `address` (`host:port`) and proves both ends' keys, all within `limit`.
pub async fn dial(
    address: &str,
    network: &str,
    own: &LinkSecret,
    peer: &LinkPublic,
    limit: Duration,
) -> Result<Link, Error> {
    within(limit, async {
        let stream = TcpStream::connect(address).await?;
        shake_hands(stream, Handshake::dial(network, own, peer)?).await
    })
    .await
}

/// Proves both ends' keys on a connection that came in, within `limit`. Who the peer is, and
/// whether it may have a link, is the caller's to decide by [`Link::peer`].
pub async fn accept(
    stream: TcpStream,
    network: &str,
    own: &LinkSecret,
    limit: Duration,
) -> Result<Link, Error> {
    within(limit, async { shake_hands(stream, Handshake::listen(network, own)?).await }).await
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    tokio::time::timeout(limit, work).await.unwrap_or(Err(Error::TimedOut(limit)))
}

async fn shake_hands(mut stream: TcpStream, mut step: Step) -> Result<Link, Error> {
    stream.set_nodelay(true)?;
    // A peer that vanished without a word is noticed within a minute and a half.
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(60))
        .with_interval(Duration::from_secs(10))
        .with_retries(3);
    SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
    loop {
        step = match step {
            Step::Send(frame, handshake) => {
                stream.write_all(&frame).await?;
                handshake.next()?
            }
            Step::Read(handshake) => {
                let mut frame = [0; FRAME_SIZE];
                stream.read_exact(&mut frame).await.map_err(|error| match error.kind() {
                    std::io::ErrorKind::UnexpectedEof => Error::Truncated,
                    _ => error.into(),
                })?;
                handshake.handle_frame(&frame)?
            }
            Step::Done { peer, sealer, opener } => {
                let (incoming, outgoing) = stream.into_split();
                return Ok(Link {
                    peer,
                    reader: LinkReader::new(incoming, opener),
                    writer: LinkWriter { stream: outgoing, sealer, buffer: Vec::new() },
                });
            }
        };
    }
}

/// The incoming half of a link.
pub struct LinkReader {
    stream: OwnedReadHalf,
    opener: LinkOpener,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
}

impl std::fmt::Debug for LinkReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LinkReader({} bytes ahead)", self.end - self.start)
    }
}

impl LinkReader {
    fn new(stream: OwnedReadHalf, opener: LinkOpener) -> Self {
        let buffer = vec![0; READ_AHEAD * FRAME_SIZE].into_boxed_slice();
        Self { stream, opener, buffer, start: 0, end: 0 }
    }

    /// Reads up to this many frames (of [`FRAME_SIZE`] bytes each) from the socket at a time: for
    /// links that are seldom quiet.
    #[must_use]
    pub fn read_ahead(mut self, frames: usize) -> Self {
        let mut buffer = vec![0; frames.max(1) * FRAME_SIZE].into_boxed_slice();
        let ahead = self.start..self.end;
        if ahead.len() > buffer.len() {
            return self;
        }
        buffer[..ahead.len()].copy_from_slice(&self.buffer[ahead.clone()]);
        (self.start, self.end, self.buffer) = (0, ahead.len(), buffer);
        self
    }

    /// The next frame; `None` when the peer closed the link between two frames.
    ///
    /// Cancel safe: what was read stays for the next call. Half a frame that is never completed
    /// holds this future up, and nothing else.
    pub async fn read(&mut self) -> Result<Option<Frame>, Error> {
        while self.end - self.start < FRAME_SIZE {
            if self.start > 0 {
                self.buffer.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
            }
            match self.stream.read(&mut self.buffer[self.end..]).await? {
                0 if self.end == 0 => return Ok(None),
                0 => return Err(Error::Truncated),
                count => self.end += count,
            }
        }
        let mut frame = [0; FRAME_SIZE];
        frame.copy_from_slice(&self.buffer[self.start..self.start + FRAME_SIZE]);
        self.start += FRAME_SIZE;
        Ok(Some(self.opener.open(&frame)?))
    }
}

/// The outgoing half of a link: frames are collected, then written together.
pub struct LinkWriter {
    stream: OwnedWriteHalf,
    sealer: LinkSealer,
    buffer: Vec<u8>,
}

impl std::fmt::Debug for LinkWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LinkWriter({} bytes collected)", self.buffer.len())
    }
}

impl LinkWriter {
    /// Encrypts a frame into the batch that [`flush`](Self::flush) writes.
    pub fn push(&mut self, frame: &Frame) -> Result<(), Error> {
        Ok(self.sealer.seal(frame, &mut self.buffer)?)
    }

    /// Writes what was pushed. Not cancel safe: a link whose flush was cancelled is of no more use.
    pub async fn flush(&mut self) -> Result<(), Error> {
        self.stream.write_all(&self.buffer).await?;
        self.buffer.clear();
        Ok(())
    }

    /// [`flush`](Self::flush), unless the peer takes nothing for `limit`.
    pub async fn flush_within(&mut self, limit: Duration) -> Result<(), Error> {
        let flushed = within(limit, self.flush()).await;
        self.buffer.shrink_to(KEPT_BUFFER);
        flushed
    }

    /// Pushes and flushes one frame.
    pub async fn write(&mut self, frame: &Frame) -> Result<(), Error> {
        self.push(frame)?;
        self.flush().await
    }
}
