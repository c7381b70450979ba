//! Accepts connections: encrypted ones only, not more than a number at once, and none that says
//! nothing.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;
use tokio_stream::Stream;
use tonic::transport::server::{Connected, TcpConnectInfo};

use crate::channel::{Channel, Credential, accept};

/// A peer has so long to begin a channel.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);

/// Then it begins with the whole preface of HTTP/2, at once; after that, pings tell whether it is
/// alive.
const PREFACE_WITHIN: Duration = Duration::from_secs(10);

/// The preface's length: `PRI * HTTP/2.0` and the empty lines and `SM` around.
const PREFACE_BYTES: usize = 24;

/// After a failed accept (out of file descriptors, mostly) there is no use in trying at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The listener's connections, each once its channel has begun. With `max` of them open, others wait
/// in the system's queue.
pub(super) fn incoming(
    listener: TcpListener,
    max: usize,
    credential: Credential,
) -> impl Stream<Item = io::Result<Connection>> + Send {
    let permits = Arc::new(Semaphore::new(max.min(Semaphore::MAX_PERMITS)));
    let credential = Arc::new(credential);
    let (connections, incoming) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        let accept = async {
            while let Ok(permit) = permits.clone().acquire_owned().await {
                match listener.accept().await {
                    Ok((tcp, _)) => {
                        let (credential, connections) = (credential.clone(), connections.clone());
                        tokio::spawn(async move {
                            if let Some(channel) = begin(tcp, &credential).await {
                                // Nobody takes it once the server stops.
                                let connection = Connection::new(channel, permit);
                                let _ = connections.send(Ok(connection)).await;
                            }
                        });
                    }
                    Err(error) => {
                        tracing::warn!(%error, "connection not accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        };
        tokio::select! {
            () = accept => {}
            () = connections.closed() => {}
        }
    });
    tokio_stream::wrappers::ReceiverStream::new(incoming)
}

/// Nothing, if the peer begins no channel in time.
async fn begin(tcp: TcpStream, credential: &Credential) -> Option<Channel<TcpStream>> {
    if let Err(error) = tcp.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY not set");
    }
    match tokio::time::timeout(HANDSHAKE_WITHIN, accept(tcp, credential)).await {
        Ok(Ok(channel)) => Some(channel),
        Ok(Err(error)) => {
            tracing::debug!(%error, "no channel");
            None
        }
        Err(_) => None,
    }
}

/// One connection, counted until it is dropped.
pub(super) struct Connection {
    channel: Channel<TcpStream>,
    /// Runs until the client has sent a preface.
    silence: Option<Pin<Box<Sleep>>>,
    /// How much of the preface is still to come.
    missing: usize,
    _permit: OwnedSemaphorePermit,
}

impl Connection {
    fn new(channel: Channel<TcpStream>, permit: OwnedSemaphorePermit) -> Self {
        let silence = Some(Box::pin(tokio::time::sleep(PREFACE_WITHIN)));
        Self { channel, silence, missing: PREFACE_BYTES, _permit: permit }
    }
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.channel.connect_info()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.channel).poll_read(cx, buf);
        self.missing = self.missing.saturating_sub(buf.filled().len() - before);
        if self.missing == 0 {
            self.silence = None;
        } else if read.is_pending()
            && let Some(silence) = &mut self.silence
            && silence.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.channel).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.channel).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.channel).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use mixbed_wire::LinkSecret;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio_stream::StreamExt as _;

    use super::*;
    use crate::channel::dial;
    use crate::document::Trust;
    use crate::identity::IdentitySecret;

    const PREFACE: &[u8; PREFACE_BYTES] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

    async fn listening() -> (TcpListener, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (listener, client)
    }

    fn credential() -> (Credential, Trust) {
        let authority = IdentitySecret::generate(&mut rand::rng());
        let trust = Trust::single("testnet", authority.public());
        let key = LinkSecret::generate(&mut rand::rng());
        (Credential::new("testnet", key, &[&authority]), trust)
    }

    /// A client that has said so much and then is silent for a minute; what the server makes of it.
    async fn after_a_minute(said: &[u8]) -> Option<io::Result<usize>> {
        let (listener, client) = listening().await;
        let (credential, trust) = credential();
        let mut connections = Box::pin(incoming(listener, 1, credential));
        let mut client = dial(client, &trust).await.unwrap();
        let mut connection = connections.next().await.unwrap().unwrap();
        client.write_all(said).await.unwrap();
        client.flush().await.unwrap();
        let mut buf = [0; 100];
        connection.read_exact(&mut buf[..said.len()]).await.unwrap();
        tokio::time::pause();
        let minute = Duration::from_secs(60);
        tokio::time::timeout(minute, connection.read(&mut buf)).await.ok()
    }

    #[tokio::test]
    async fn part_of_a_preface_does_not_hold_a_connection() {
        for said in [&PREFACE[..0], &PREFACE[..1], &PREFACE[..PREFACE_BYTES - 1]] {
            let read = after_a_minute(said).await.expect("it must be given up");
            assert_eq!(read.unwrap_err().kind(), io::ErrorKind::TimedOut);
            tokio::time::resume();
        }
    }

    #[tokio::test]
    async fn a_client_that_has_begun_may_be_silent() {
        assert!(after_a_minute(PREFACE).await.is_none());
    }

    /// There is room for one: it is the next one's as soon as the first is seen to begin nothing.
    #[tokio::test]
    async fn who_begins_no_channel_gets_no_connection() {
        for said in [&PREFACE[..], &[0, 32, 1, 2, 3]] {
            let (listener, mut stranger) = listening().await;
            let address = listener.local_addr().unwrap();
            let (credential, trust) = credential();
            let mut connections = Box::pin(incoming(listener, 1, credential));
            stranger.write_all(said).await.unwrap();
            if said.len() < PREFACE_BYTES {
                // Half a message: the server waits for the rest, for a while.
                assert!(futures_now(&mut connections).await.is_none());
                tokio::time::pause();
                tokio::time::advance(2 * HANDSHAKE_WITHIN).await;
                tokio::time::resume();
            }
            let client = TcpStream::connect(address).await.unwrap();
            let (dialled, connection) = tokio::join!(dial(client, &trust), connections.next());
            assert!(dialled.is_ok() && connection.unwrap().is_ok());
            let mut rest = Vec::new();
            let closed = stranger.read_to_end(&mut rest).await;
            assert!(rest.is_empty(), "{closed:?}");
        }
    }

    /// What is there within a moment.
    async fn futures_now<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
        tokio::time::timeout(Duration::from_millis(50), stream.next()).await.ok().flatten()
    }
}
