//! What both fronts have in common: a place where connections come in, and its end.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::FrontError;

/// How long nothing is accepted after the system refused to.
const PAUSE: Duration = Duration::from_millis(100);

/// What happens to connections.
pub(crate) trait Serve: Send + Sync + 'static {
    /// For the log.
    const NAME: &'static str;

    /// One has come. Does not wait: what takes time is a task of its own.
    fn accept(&self, socket: TcpStream, tasks: &Tasks);
}

/// All that goes on at a port, and how it is told to end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tasks {
    tracker: TaskTracker,
    closing: CancellationToken,
    ending: CancellationToken,
}

impl Tasks {
    /// Nothing more is to begin.
    pub(crate) fn closing(&self) -> &CancellationToken {
        &self.closing
    }

    /// Runs it to its end, or until all has to end: then it is dropped.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let ending = self.ending.clone();
        self.tracker.spawn(async move {
            let _ = ending.run_until_cancelled(task).await;
        });
    }
}

/// A port at work. Dropping it ends it with all its connections.
#[derive(Debug)]
pub(crate) struct Port {
    addr: SocketAddr,
    tasks: Tasks,
    _end_when_dropped: DropGuard,
}

/// Begins to listen.
pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener, FrontError> {
    TcpListener::bind(address).await.map_err(|source| FrontError::Listen { address, source })
}

impl Port {
    /// Serves what comes to `addr`, where `listener` is. Must be called within a tokio runtime.
    pub(crate) fn start(
        listener: TcpListener,
        addr: SocketAddr,
        serve: impl Serve,
        tasks: Tasks,
    ) -> Self {
        let within = tasks.clone();
        tasks.spawn(async move {
            let accepting = accept(&listener, &serve, &within);
            let _ = within.closing.run_until_cancelled(accepting).await;
        });
        tasks.tracker.close();
        let guard = tasks.ending.clone().drop_guard();
        Self { addr, tasks, _end_when_dropped: guard }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Accepts no more connections, gives those there are so long to end, and ends the others.
    pub(crate) async fn stop(self, limit: Duration) {
        let Tasks { tracker, closing, ending } = &self.tasks;
        closing.cancel();
        if tokio::time::timeout(limit, tracker.wait()).await.is_err() {
            ending.cancel();
            tracker.wait().await;
        }
    }
}

async fn accept<S: Serve>(listener: &TcpListener, serve: &S, tasks: &Tasks) {
    loop {
        match listener.accept().await {
            Ok((socket, _)) => serve.accept(socket, tasks),
            Err(error) if is_the_programs(&error) => {}
            Err(error) => {
                tracing::warn!(%error, port = S::NAME, "cannot accept connections");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// The connection ended before it was accepted; the next one may be fine.
fn is_the_programs(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}
