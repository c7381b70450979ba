//! One connection, from its first byte to its last.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::SocksConfig;
use super::copy::{Broken, copy_both};
use super::desk::Desk;
use super::dial::{Dial, Refused};
use super::protocol::{
    Handshake, Isolation, Malformed, Refusal, Request, Step, Target, Version, Wanted,
};

/// As much is read at once before the connection stands.
const CHUNK: usize = 512;

/// What a program still says after its refusal is read for so long, as a connection that is closed
/// on unread bytes may lose its last words.
const FAREWELL: Duration = Duration::from_secs(1);

/// So much of it is read.
const FAREWELL_BYTES: usize = 64 * 1024;

/// More than a dialler's own deadline, so that its words are heard.
const MARGIN: Duration = Duration::from_secs(1);

/// Whether there is room for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    Enough,
    /// It is heard, and refused.
    None,
}

/// Serves one connection to its end.
pub(super) async fn serve<D: Dial>(mut socket: TcpStream, desk: &Desk<D>, room: Room) {
    // Without it the last part of each request would wait for an acknowledgement.
    let _ = socket.set_nodelay(true);
    let (request, first) = match ask(&mut socket, &desk.config).await {
        Ok(asked) => asked,
        Err(Unasked::Malformed(error)) => {
            tracing::warn!(why = %error, "SOCKS: no request");
            return farewell(socket, &error.answer()).await;
        }
        // A port scan, or a check whether somebody listens.
        Err(Unasked::Closed { begun: false }) => return,
        Err(error) => return tracing::info!(why = %error, "SOCKS: no request"),
    };
    let Request { version, wanted, isolation } = request;
    let target = match wanted {
        Wanted::Connection(target) => target,
        wanted => return farewell(socket, &desk.look_up(version, wanted)).await,
    };
    // Who has said something for the other end already may have ended with that.
    let watched = first.is_empty().then_some(&socket);
    let stream = match connect(watched, desk, room, &target, isolation.as_ref()).await {
        Ok(stream) => stream,
        Err(Unconnected::Gone) => {
            return tracing::info!("SOCKS: the program left before it was connected");
        }
        Err(Unconnected::Refused(Refused { code, .. })) => {
            tracing::warn!(?code, "SOCKS: not connected");
            return farewell(socket, &version.refused(code)).await;
        }
    };
    tracing::debug!("SOCKS: connected");
    carry::<D>(socket, stream, version, &first).await;
}

/// Why there is no request.
#[derive(Debug, thiserror::Error)]
enum Unasked {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("the program closed the connection {}", if *begun { "in the middle of its request" } else { "without a word" })]
    Closed { begun: bool },
    #[error("the request was not complete after {} s", .0.as_secs_f32())]
    TooSlow(Duration),
    #[error("the connection broke: {0}")]
    Broken(#[from] io::Error),
}

/// Hears what the program wants, and what it said already for the other end.
async fn ask(socket: &mut TcpStream, config: &SocksConfig) -> Result<(Request, Vec<u8>), Unasked> {
    let asked = async {
        let mut handshake = Handshake::wanting(config.login.clone());
        let mut chunk = [0; CHUNK];
        loop {
            match handshake.poll()? {
                Step::Request(request) => return Ok((request, handshake.into_rest())),
                Step::Answer(answer) => socket.write_all(&answer).await?,
                Step::More => {
                    let read = socket.read(&mut chunk).await?;
                    if read == 0 {
                        return Err(Unasked::Closed { begun: handshake.has_begun() });
                    }
                    handshake.handle(&chunk[..read]);
                }
            }
        }
    };
    let limit = config.handshake;
    timeout(limit, asked).await.unwrap_or(Err(Unasked::TooSlow(limit)))
}

/// Why there is no stream.
enum Unconnected {
    /// The program has left.
    Gone,
    Refused(Refused),
}

/// Connects; `watched` is the program's connection, if its end means that it has left.
async fn connect<D: Dial>(
    watched: Option<&TcpStream>,
    desk: &Desk<D>,
    room: Room,
    target: &Target,
    isolation: Option<&Isolation>,
) -> Result<D::Stream, Unconnected> {
    let refused = |code, why| Unconnected::Refused(Refused { code, why });
    if room == Room::None {
        let why = format!("there are {} connections already", desk.config.connections);
        return Err(refused(Refusal::General, why));
    }
    let limit = desk.config.connect;
    let target = desk.meant(target).map_err(Unconnected::Refused)?;
    let dialling = desk.dialler.dial(&target, isolation, limit);
    tokio::select! {
        outcome = timeout(limit + MARGIN, dialling) => match outcome {
            Ok(outcome) => outcome.map_err(Unconnected::Refused),
            Err(_) => Err(refused(Refusal::General, format!("no answer after {limit:?}"))),
        },
        () = gone(watched) => Err(Unconnected::Gone),
    }
}

/// Waits until the program has closed its connection. One that has already sent something for the
/// other end is not watched any more: dialling has its deadline.
async fn gone(watched: Option<&TcpStream>) {
    if let Some(socket) = watched
        && matches!(socket.peek(&mut [0]).await, Ok(0) | Err(_))
    {
        return;
    }
    std::future::pending::<()>().await;
}

/// Tells the program that it is connected, and moves bytes until both sides have ended.
async fn carry<D: Dial>(socket: TcpStream, mut stream: D::Stream, version: Version, first: &[u8]) {
    let mut program = Program { socket, whole: false };
    let socket = &mut program.socket;
    let carried = match socket.write_all(&version.granted()).await {
        Ok(()) => copy_both(socket, &mut stream, first).await,
        Err(error) => Err(Broken::Program(error)),
    };
    match carried {
        Ok((up, down)) => {
            program.whole = true;
            tracing::debug!(up, down, "SOCKS: ended");
        }
        Err(Broken::Program(error)) => {
            tracing::debug!(%error, "SOCKS: the program broke its connection");
            D::reset(stream, "the program closed its connection");
        }
        Err(Broken::Stream(error)) => {
            tracing::warn!(why = %error, "SOCKS: the stream was reset");
        }
    }
}

/// A program's connection that stands. What is not whole must not look as if it were: unless it
/// was carried to its end, it ends by a reset, even when its task is dropped.
struct Program {
    socket: TcpStream,
    whole: bool,
}

impl Drop for Program {
    fn drop(&mut self) {
        if !self.whole {
            let _ = self.socket.set_zero_linger();
        }
    }
}

/// The last words to a program: it is given time to read them.
async fn farewell(mut socket: TcpStream, answer: &[u8]) {
    let goodbye = async {
        socket.write_all(answer).await?;
        socket.shutdown().await?;
        let (mut ignored, mut read) = ([0; CHUNK], 0);
        while read < FAREWELL_BYTES {
            match socket.read(&mut ignored).await? {
                0 => break,
                more => read += more,
            }
        }
        Ok::<_, io::Error>(())
    };
    let _ = timeout(FAREWELL, goodbye).await;
}
