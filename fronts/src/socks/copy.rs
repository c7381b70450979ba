//! Both directions of a connection, at the pace of whoever takes the bytes.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// Bytes under way in each direction of a connection, besides those of sockets and streams.
const BUFFER: usize = 16 * 1024;

/// Which side of a connection broke.
#[derive(Debug)]
pub(super) enum Broken {
    /// The program's.
    Program(io::Error),
    /// The stream's.
    Stream(io::Error),
}

/// Copies until both sides have ended what they say; the end of one direction leaves the other
/// open. Returns how many bytes went up and down.
pub(super) async fn copy_both<P, S>(
    program: &mut P,
    stream: &mut S,
    first: &[u8],
) -> Result<(u64, u64), Broken>
where
    P: AsyncRead + AsyncWrite + Unpin,
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut from_program, mut to_program) = tokio::io::split(program);
    let (mut from_stream, mut to_stream) = tokio::io::split(stream);
    let up = async {
        to_stream.write_all(first).await.map_err(Broken::Stream)?;
        let copied = copy(&mut from_program, &mut to_stream, Broken::Program, Broken::Stream);
        Ok::<_, Broken>(first.len() as u64 + copied.await?)
    };
    let down = copy(&mut from_stream, &mut to_program, Broken::Stream, Broken::Program);
    tokio::try_join!(up, down)
}

async fn copy(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    reading: fn(io::Error) -> Broken,
    writing: fn(io::Error) -> Broken,
) -> Result<u64, Broken> {
    let mut buffer = vec![0; BUFFER];
    let mut copied = 0;
    loop {
        let read = from.read(&mut buffer).await.map_err(reading)?;
        if read == 0 {
            to.shutdown().await.map_err(writing)?;
            return Ok(copied);
        }
        to.write_all(&buffer[..read]).await.map_err(writing)?;
        to.flush().await.map_err(writing)?;
        copied += read as u64;
    }
}
