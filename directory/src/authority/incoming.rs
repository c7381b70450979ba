//! Accepts connections: not more than a number at once, and none that says nothing.

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

/// A client begins with the whole preface of HTTP/2, at once; after that, pings tell whether it is
/// alive.
const PREFACE_WITHIN: Duration = Duration::from_secs(10);

/// The preface's length: `PRI * HTTP/2.0` and the empty lines and `SM` around.
const PREFACE_BYTES: usize = 24;

/// After a failed accept (out of file descriptors, mostly) there is no use in trying at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The listener's connections. With `max` of them open, others wait in the system's queue.
pub(super) fn incoming(
    listener: TcpListener,
    max: usize,
) -> impl Stream<Item = io::Result<Connection>> + Send {
    let permits = Arc::new(Semaphore::new(max.min(Semaphore::MAX_PERMITS)));
    let (connections, incoming) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        let accept = async {
            while let Ok(permit) = permits.clone().acquire_owned().await {
                match listener.accept().await {
                    Ok((tcp, _)) => {
                        if connections.send(Ok(Connection::new(tcp, permit))).await.is_err() {
                            return;
                        }
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

/// One connection, counted until it is dropped.
pub(super) struct Connection {
    tcp: TcpStream,
    /// Runs until the client has sent a preface.
    silence: Option<Pin<Box<Sleep>>>,
    /// How much of the preface is still to come.
    missing: usize,
    _permit: OwnedSemaphorePermit,
}

impl Connection {
    fn new(tcp: TcpStream, permit: OwnedSemaphorePermit) -> Self {
        if let Err(error) = tcp.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY not set");
        }
        let silence = Some(Box::pin(tokio::time::sleep(PREFACE_WITHIN)));
        Self { tcp, silence, missing: PREFACE_BYTES, _permit: permit }
    }
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.tcp.connect_info()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.tcp).poll_read(cx, buf);
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
        Pin::new(&mut self.tcp).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio_stream::StreamExt as _;

    use super::*;

    const PREFACE: &[u8; PREFACE_BYTES] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

    /// A client that has said so much and then is silent for a minute; what the server makes of it.
    async fn after_a_minute(said: &[u8]) -> Option<io::Result<usize>> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut connections = Box::pin(incoming(listener, 1));
        let mut connection = connections.next().await.unwrap().unwrap();
        client.write_all(said).await.unwrap();
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
}
