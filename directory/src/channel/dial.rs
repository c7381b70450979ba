//! The other end of a channel's beginning: a node's, a client's, an admin's.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::frames::Channel;
use super::handshake::{HandshakeError, Initiator, MAX_ANSWER_BYTES};
use crate::document::Trust;

/// Begins a channel with whoever answers, if a trusted authority vouches for it. For how long to
/// wait is the caller's.
pub(crate) async fn dial<S: AsyncRead + AsyncWrite + Unpin>(
    mut io: S,
    trust: &Trust,
) -> io::Result<Channel<S>> {
    let (initiator, hello) = Initiator::hello().map_err(refused)?;
    let length = u16::try_from(hello.len()).map_err(io::Error::other)?;
    io.write_all(&[&length.to_be_bytes(), hello.as_slice()].concat()).await?;
    io.flush().await?;
    // A server of another protocol waits, says something else, or hangs up.
    let other = |error: io::Error| match error.kind() {
        io::ErrorKind::UnexpectedEof => refused(HandshakeError::OtherProtocol),
        _ => error,
    };
    let length = usize::from(io.read_u16().await.map_err(other)?);
    if length > MAX_ANSWER_BYTES {
        return Err(refused(HandshakeError::OtherProtocol));
    }
    let mut answer = vec![0; length];
    io.read_exact(&mut answer).await.map_err(other)?;
    let transport = initiator.finish(&answer, trust).map_err(refused)?;
    Ok(Channel::new(io, transport))
}

fn refused(error: HandshakeError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
