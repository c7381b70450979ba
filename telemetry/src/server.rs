//! A small HTTP server with bounds for what strangers can make it do.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Connections served at once; more wait in the system's queue. A scraper, a kubelet and some
/// curious people need few.
const CONNECTIONS: usize = 64;
/// How long a request's header may take to arrive, idle time between requests included.
const HEADER_LIMIT: Duration = Duration::from_secs(10);
/// How long a connection may last, whatever it does: a scraper dials again.
const CONNECTION_LIMIT: Duration = Duration::from_secs(600);
/// How long requests that are being answered at shutdown may take.
const DRAIN_LIMIT: Duration = Duration::from_secs(2);

/// What bounds a server's work for strangers.
#[derive(Clone, Copy)]
struct Limits {
    header: Duration,
    connection: Duration,
    drain: Duration,
}

const LIMITS: Limits =
    Limits { header: HEADER_LIMIT, connection: CONNECTION_LIMIT, drain: DRAIN_LIMIT };

/// Serves any router over HTTP/1 until `shutdown` completes, with bounds: how many connections,
/// how long a request's header may take, how long a connection may last. Requests that are being
/// answered then get two seconds.
pub async fn serve_router(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()>,
) {
    serve(listener, router, shutdown, LIMITS).await;
}

async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()>,
    limits: Limits,
) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    let (stop, stopping) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let next = async {
            // The semaphore is never closed.
            let permit = permits.clone().acquire_owned().await;
            (accept(&listener).await, permit)
        };
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            (stream, permit) = next => {
                let serving = serve_connection(stream, router.clone(), stopping.clone(), limits.header);
                connections.spawn(async move {
                    let _permit = permit;
                    let _ = timeout(limits.connection, serving).await;
                });
            }
        }
    }
    drop(listener);
    let _ = stop.send(true);
    let drained = async { while connections.join_next().await.is_some() {} };
    let _ = timeout(limits.drain, drained).await;
}

/// The next connection. Errors of single connections are passed over; when the system has no
/// room (too many open files), it tries again after a moment.
async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                tracing::debug!(%error, "health and metrics: a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn serve_connection(
    stream: TcpStream,
    router: Router,
    mut stopping: watch::Receiver<bool>,
    header: Duration,
) {
    let service = TowerToHyperService::new(router);
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(header)
            .serve_connection(TokioIo::new(stream), service)
    );
    // Errors are the peer's: a broken request, a connection that was cut.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopping.wait_for(|stop| *stop) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::{Health, Telemetry, bind_http, router};

    const PATIENCE: Duration = Duration::from_secs(20);

    async fn start(limits: Limits) -> (SocketAddr, watch::Sender<bool>, JoinSet<()>) {
        let listener = bind_http(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (stop, mut stopped) = watch::channel(false);
        let mut server = JoinSet::new();
        let router = router(Telemetry::disabled(), Health::new());
        server.spawn(async move {
            let stopped = async { drop(stopped.wait_for(|stop| *stop).await) };
            serve(listener, router, stopped, limits).await;
        });
        (addr, stop, server)
    }

    async fn until_closed(mut stream: TcpStream) -> String {
        let mut bytes = Vec::new();
        let read = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await;
        // A reset is a way to close, too.
        let _ = read.expect("the server must close the connection");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    #[tokio::test]
    async fn half_a_request_is_cut_off() {
        let limits = Limits { header: Duration::from_millis(50), ..LIMITS };
        let (addr, _stop, _server) = start(limits).await;
        let mut stream = TcpStream::connect(addr).await.unwrap();
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: ").await.unwrap();
        assert!(!until_closed(stream).await.contains("200"));
    }

    #[tokio::test]
    async fn garbage_is_refused_and_others_are_served() {
        let (addr, _stop, _server) = start(LIMITS).await;
        let mut garbage = TcpStream::connect(addr).await.unwrap();
        garbage.write_all(&[0xff; 64]).await.unwrap();
        let answer = until_closed(garbage).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer}");

        let mut polite = TcpStream::connect(addr).await.unwrap();
        let request = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        polite.write_all(request).await.unwrap();
        assert!(until_closed(polite).await.starts_with("HTTP/1.1 200"));
    }

    #[tokio::test]
    async fn an_idle_connection_does_not_hold_up_the_end() {
        let (addr, stop, mut server) = start(LIMITS).await;
        let idle = TcpStream::connect(addr).await.unwrap();
        stop.send(true).unwrap();
        timeout(PATIENCE, server.join_next()).await.expect("the server must end").unwrap().unwrap();
        until_closed(idle).await;
    }

    #[tokio::test]
    async fn a_port_in_use_is_named() {
        let (addr, _stop, _server) = start(LIMITS).await;
        let error = bind_http(addr).await.unwrap_err().to_string();
        assert!(error.contains(&addr.to_string()) && error.contains("in use"), "{error}");
    }
}
