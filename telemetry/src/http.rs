//! `/healthz`, `/readyz` and `/metrics`.

use std::future::Future;
use std::net::SocketAddr;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use mixbed_guard::Guard;
use tokio::net::TcpListener;

use crate::health::Health;
use crate::published::{Published, Step};
use crate::server::serve_router;
use crate::telemetry::Telemetry;

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
/// and `/metrics` (`OpenMetrics` text, changing in steps), to be served alone or merged into another router.
/// Needs a tokio runtime.
pub fn router(telemetry: Telemetry, health: Health, step: Step) -> Router {
    let published = Published::start(telemetry, step);
    let ready = async move || {
        let reasons = health.reasons();
        if reasons.is_empty() {
            (StatusCode::OK, "ready\n".to_owned())
        } else {
            (StatusCode::SERVICE_UNAVAILABLE, reasons.join("\n") + "\n")
        }
    };
    let metrics =
        async move || ([(header::CONTENT_TYPE, OPENMETRICS)], published.text()).into_response();
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
}

/// `/healthz` and `/readyz` alone, and no reasons: for whoever only has to know whether the process is
/// well, as a machine's kubelet does, and is not to read more.
pub fn probes(health: Health) -> Router {
    let ready = async move || {
        if health.is_ready() {
            (StatusCode::OK, "ready\n")
        } else {
            (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
        }
    };
    Router::new().route("/healthz", get(async || "ok\n")).route("/readyz", get(ready))
}

/// Serves [`router`] until `shutdown` completes: on loopback to programs of this machine, elsewhere to whom the
/// network lets to it.
pub async fn serve_http(
    listener: TcpListener,
    telemetry: Telemetry,
    health: Health,
    step: Step,
    shutdown: impl Future<Output = ()>,
) {
    // A listener without an address would be none.
    let listens = listener.local_addr().unwrap_or_else(|_| SocketAddr::from(([127, 0, 0, 1], 0)));
    let guard = Guard::new(listens).with_any_host_from_afar();
    serve_router(listener, router(telemetry, health, step), guard, shutdown).await;
}
