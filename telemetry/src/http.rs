//! `/healthz`, `/readyz` and `/metrics`.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::health::Health;
use crate::telemetry::Telemetry;

/// Connections served at once; more wait in the system's queue. A scraper, a kubelet and some
/// curious people need few.
const CONNECTIONS: usize = 64;
/// How long a request's header may take to arrive, idle time between requests included.
const HEADER_LIMIT: Duration = Duration::from_secs(10);
/// How long a connection may last, whatever it does: a scraper dials again.
const CONNECTION_LIMIT: Duration = Duration::from_secs(600);
/// How long requests that are being answered at shutdown may take.
const DRAIN_LIMIT: Duration = Duration::from_secs(2);

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Why the HTTP side could not start.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The address cannot be listened on.
    #[error(
        "cannot listen on {addr} for health and metrics: {source}; free the port or choose another (0: any)"
    )]
    Bind {
        /// The address.
        addr: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
}

/// Listens on an address; port 0 takes any that is free.
pub async fn bind_http(addr: SocketAddr) -> Result<TcpListener, HttpError> {
    TcpListener::bind(addr).await.map_err(|source| HttpError::Bind { addr, source })
}

/// `/healthz` (200 while the process lives), `/readyz` (200, or 503 with the reasons one a line)
/// and `/metrics` (`OpenMetrics` text), to be served alone or merged into another router.
pub fn router(telemetry: Telemetry, health: Health) -> Router {
    let ready = async move || {
        let reasons = health.reasons();
        if reasons.is_empty() {
            (StatusCode::OK, "ready\n".to_owned())
        } else {
            (StatusCode::SERVICE_UNAVAILABLE, reasons.join("\n") + "\n")
        }
    };
    let metrics = async move || {
        ([(header::CONTENT_TYPE, OPENMETRICS)], telemetry.metrics_text()).into_response()
    };
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
}

/// Serves [`router`] until `shutdown` completes.
pub async fn serve_http(
    listener: TcpListener,
    telemetry: Telemetry,
    health: Health,
    shutdown: impl Future<Output = ()>,
) {
    serve_router(listener, router(telemetry, health), shutdown).await;
}

/// Serves any router over HTTP/1 until `shutdown` completes, with bounds: how many connections,
/// how long a request's header may take, how long a connection may last. Requests that are being
/// answered then get two seconds.
pub async fn serve_router(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()>,
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
                let serving = serve_connection(stream, router.clone(), stopping.clone());
                connections.spawn(async move {
                    let _permit = permit;
                    let _ = timeout(CONNECTION_LIMIT, serving).await;
                });
            }
        }
    }
    drop(listener);
    let _ = stop.send(true);
    let drained = async { while connections.join_next().await.is_some() {} };
    let _ = timeout(DRAIN_LIMIT, drained).await;
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

async fn serve_connection(stream: TcpStream, router: Router, mut stopping: watch::Receiver<bool>) {
    let service = TowerToHyperService::new(router);
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_LIMIT)
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
