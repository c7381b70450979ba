//! The directory's end of a channel's beginning.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::frames::Channel;
use super::handshake::{Credential, HELLO_BYTES, HandshakeError, answer};

/// Answers whoever connected. For how long to wait is the caller's.
pub(crate) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
    mut io: S,
    credential: &Credential,
) -> io::Result<Channel<S>> {
    if usize::from(io.read_u16().await?) != HELLO_BYTES {
        return Err(refused(HandshakeError::OtherProtocol));
    }
    let mut hello = [0; HELLO_BYTES];
    io.read_exact(&mut hello).await?;
    let answered = answer(&hello, credential).map_err(refused)?;
    let length = u16::try_from(answered.answer.len()).map_err(io::Error::other)?;
    io.write_all(&[&length.to_be_bytes(), answered.answer.as_slice()].concat()).await?;
    io.flush().await?;
    Ok(Channel::new(io, answered.transport))
}

fn refused(error: HandshakeError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
