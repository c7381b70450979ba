//! The far end, played by hand. What is to happen is the target's name.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::socks::dial::{Dial, Refused};
use crate::socks::protocol::{Isolation, Refusal, Target};

/// Bytes that a stream takes before its far end reads any.
const PIPE: usize = 64 * 1024;

/// `echo` says all back, `far` waits in [`Played::far`], `slow` waits for a permit of
/// [`Played::slow`] first, `deaf` never comes, `refuse-N` is refused with SOCKS 5's code N.
#[derive(Clone)]
pub(super) struct Played(Arc<Inner>);

struct Inner {
    seen: Mutex<Vec<(String, Option<String>)>>,
    far: (mpsc::UnboundedSender<Far>, tokio::sync::Mutex<mpsc::UnboundedReceiver<Far>>),
    slow: Semaphore,
    begun: Semaphore,
    abandoned: Notify,
    reset: Mutex<Vec<String>>,
    was_reset: Notify,
}

/// The provider's end.
pub(super) struct Far {
    pub(super) stream: DuplexStream,
    /// Resets it.
    pub(super) reset: CancellationToken,
}

impl Played {
    pub(super) fn new() -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        Self(Arc::new(Inner {
            seen: Mutex::default(),
            far: (sender, tokio::sync::Mutex::new(receiver)),
            slow: Semaphore::new(0),
            begun: Semaphore::new(0),
            abandoned: Notify::new(),
            reset: Mutex::default(),
            was_reset: Notify::new(),
        }))
    }

    /// What was dialled: target, and isolation.
    pub(super) fn seen(&self) -> Vec<(String, Option<String>)> {
        self.0.seen.lock().unwrap().clone()
    }

    /// The next far end.
    pub(super) async fn far(&self) -> Far {
        self.0.far.1.lock().await.recv().await.expect("the sender is here")
    }

    /// Waits until `slow` or `deaf` is being dialled.
    pub(super) async fn begun(&self) {
        self.0.begun.acquire().await.unwrap().forget();
    }

    /// Lets a slow one through.
    pub(super) fn let_through(&self) {
        self.0.slow.add_permits(1);
    }

    /// Waits until a dialling is given up.
    pub(super) async fn abandoned(&self) {
        self.0.abandoned.notified().await;
    }

    /// Waits until a stream was reset from this end; with which words.
    pub(super) async fn reset(&self) -> String {
        loop {
            if let Some(why) = self.0.reset.lock().unwrap().pop() {
                return why;
            }
            self.0.was_reset.notified().await;
        }
    }

    fn connect(&self, host: &str) -> Stream {
        let (near, far) = tokio::io::duplex(PIPE);
        let reset = CancellationToken::new();
        if host.starts_with("echo") {
            tokio::spawn(async move {
                let (mut read, mut write) = tokio::io::split(far);
                let _ = tokio::io::copy(&mut read, &mut write).await;
                let _ = tokio::io::AsyncWriteExt::shutdown(&mut write).await;
            });
        } else {
            let far = Far { stream: far, reset: reset.clone() };
            assert!(self.0.far.0.send(far).is_ok());
        }
        Stream { near, reset: Box::pin(reset.cancelled_owned()), by: self.clone() }
    }
}

impl Dial for Played {
    type Stream = Stream;

    async fn dial(
        &self,
        target: &Target,
        isolation: Option<&Isolation>,
        _deadline: Duration,
    ) -> Result<Stream, Refused> {
        let shown = target.to_string();
        let isolation = isolation.map(|name| name.0.clone());
        self.0.seen.lock().unwrap().push((shown.clone(), isolation));
        let host = shown.rsplit_once(':').map_or("", |(host, _)| host);
        if host == "slow" || host == "deaf" {
            let guard = Guard(self);
            self.0.begun.add_permits(1);
            if host == "deaf" {
                std::future::pending::<()>().await;
            }
            self.0.slow.acquire().await.unwrap().forget();
            std::mem::forget(guard);
        }
        let codes = [
            Refusal::General,
            Refusal::Forbidden,
            Refusal::NetworkUnreachable,
            Refusal::HostUnreachable,
            Refusal::Refused,
            Refusal::TimedOut,
        ];
        match codes.into_iter().find(|code| host == format!("refuse-{}", *code as u8)) {
            Some(code) => Err(Refused { code, why: "as the test wants it".to_owned() }),
            None => Ok(self.connect(host)),
        }
    }

    fn reset(stream: Stream, why: &str) {
        let inner = &stream.by.0;
        inner.reset.lock().unwrap().push(why.to_owned());
        inner.was_reset.notify_one();
    }
}

/// Tells of a dialling that is dropped.
struct Guard<'a>(&'a Played);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.0.0.abandoned.notify_one();
    }
}

/// The client's end.
pub(super) struct Stream {
    near: DuplexStream,
    reset: Pin<Box<WaitForCancellationFutureOwned>>,
    by: Played,
}

impl Stream {
    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.reset.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::Error::other("reset by the test")),
            Poll::Pending => Ok(()),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.near).poll_read(cx, into)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        Pin::new(&mut self.near).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.near).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.near).poll_shutdown(cx)
    }
}
