//! A small HTTP server with bounds for what strangers can make it do, and a guard in front.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use mixbed_guard::{Guard, Passed, Refusal, Refused};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Connections served at once; more wait in the system's queue. A scraper, a kubelet and some
/// curious people need few.
const CONNECTIONS: usize = 64;
/// Of these, as many may be busy with other things than health and metrics, such as broadcasts,
/// which take minutes; the rest is for a kubelet, which restarts what does not answer.
const OTHERS: usize = 48;
/// What is answered however many other requests there are.
const ALWAYS: [&str; 3] = ["/healthz", "/readyz", "/metrics"];
/// How long a request's header may take to arrive, idle time between requests included.
const HEADER_LIMIT: Duration = Duration::from_secs(10);
/// How long a connection may take new requests: a scraper dials again.
const CONNECTION_LIMIT: Duration = Duration::from_secs(600);
/// How much longer it may last for the request that is being answered then: longer than the 300 s
/// that a broadcast may take.
const LAST_REQUEST_LIMIT: Duration = Duration::from_secs(330);
/// How long requests that are being answered at shutdown may take.
const DRAIN_LIMIT: Duration = Duration::from_secs(2);

/// What bounds a server's work for strangers.
#[derive(Clone, Copy)]
struct Limits {
    header: Duration,
    connection: Duration,
    last_request: Duration,
    drain: Duration,
}

const LIMITS: Limits = Limits {
    header: HEADER_LIMIT,
    connection: CONNECTION_LIMIT,
    last_request: LAST_REQUEST_LIMIT,
    drain: DRAIN_LIMIT,
};

/// Serves any router to those whom `guard` lets in, over HTTP/1, until `shutdown` completes, with bounds: how many connections,
/// how long a request's header may take, how long a connection may last, and how many requests for
/// anything but health and metrics there may be at once: one more gets 503. At the end, requests
/// that are being answered get two seconds.
pub async fn serve_router(
    listener: TcpListener,
    router: Router,
    guard: Guard,
    shutdown: impl Future<Output = ()>,
) {
    serve(listener, guarded(router, guard), shutdown, LIMITS).await;
}

/// Refuses whom the guard does not let in.
fn guarded(router: Router, guard: Guard) -> Router {
    router.layer(from_fn(move |request: Request, next: Next| {
        let judged = judge(&guard, &request);
        async move {
            let (mut answer, headers) = match judged {
                Ok(Passed { headers, preflight: Some(_) }) => {
                    (StatusCode::NO_CONTENT.into_response(), headers)
                }
                Ok(Passed { headers, preflight: None }) => (next.run(request).await, headers),
                Err(not) => (refused(&not.refusal), not.headers),
            };
            answer.headers_mut().extend(headers);
            answer
        }
    }))
}

fn judge(guard: &Guard, request: &Request) -> Result<Passed, Box<Refused>> {
    let (method, uri, headers) = (request.method(), request.uri(), request.headers());
    guard.judge(method, uri, headers, Instant::now(), &mut rand::rng())
}

fn refused(refusal: &Refusal) -> Response {
    let words = serde_json::json!({ "error": refusal.to_string() });
    let mut answer = (refusal.status(), Json(words)).into_response();
    if let Refusal::Login(challenge) = refusal
        && let Ok(value) = challenge.header().parse()
    {
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
    answer
}

async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()>,
    limits: Limits,
) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    let router = keep_room(router);
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
                let serving = serve_connection(stream, router.clone(), stopping.clone(), limits);
                connections.spawn(async move {
                    let _permit = permit;
                    serving.await;
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
    limits: Limits,
) {
    let service = TowerToHyperService::new(router);
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header)
            .serve_connection(TokioIo::new(stream), service)
    );
    // Errors are the peer's: a broken request, a connection that was cut.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopping.wait_for(|stop| *stop) => {}
        () = sleep(limits.connection) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(limits.last_request, connection).await;
}

/// Refuses what would leave no room for health and metrics.
fn keep_room(router: Router) -> Router {
    let others = Arc::new(Semaphore::new(OTHERS));
    router.layer(from_fn(move |request: Request, next: Next| {
        let others = others.clone();
        async move {
            if ALWAYS.contains(&request.uri().path()) {
                return next.run(request).await;
            }
            match others.try_acquire_owned() {
                Ok(_permit) => next.run(request).await,
                Err(_) => busy(),
            }
        }
    }))
}

fn busy() -> Response {
    // The connection, too, is given up.
    let close = [(header::CONNECTION, "close")];
    (StatusCode::SERVICE_UNAVAILABLE, close, "too many requests at once; try again\n")
        .into_response()
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::mpsc;

    use super::*;
    use crate::{Health, Step, Telemetry, bind_http, router};

    const PATIENCE: Duration = Duration::from_secs(20);

    type Server = (SocketAddr, watch::Sender<bool>, JoinSet<()>);

    async fn start(limits: Limits) -> Server {
        start_with(Router::new(), limits).await
    }

    /// With more to serve than health and metrics.
    async fn start_with(more: Router, limits: Limits) -> Server {
        let listener = bind_http(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (stop, mut stopped) = watch::channel(false);
        let mut server = JoinSet::new();
        let router = more.merge(router(Telemetry::disabled(), Health::new(), Step::LIVE));
        server.spawn(async move {
            let stopped = async { drop(stopped.wait_for(|stop| *stop).await) };
            serve(listener, router, stopped, limits).await;
        });
        (addr, stop, server)
    }

    /// A path whose answer waits until it is let go, and what tells of each request that waits.
    fn slow() -> (Router, mpsc::UnboundedReceiver<()>, Arc<Semaphore>) {
        let (entered, entries) = mpsc::unbounded_channel();
        let go = Arc::new(Semaphore::new(0));
        let waiting = go.clone();
        let handler = move || {
            let (entered, waiting) = (entered.clone(), waiting.clone());
            async move {
                let _ = entered.send(());
                drop(waiting.acquire().await);
                "done"
            }
        };
        (Router::new().route("/slow", get(handler)), entries, go)
    }

    async fn ask(addr: SocketAddr, path: &str) -> TcpStream {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    /// The first line of an answer.
    async fn status(stream: &mut TcpStream) -> String {
        let mut line = [0; 12];
        let read = timeout(PATIENCE, stream.read_exact(&mut line)).await;
        read.expect("the server must answer").unwrap();
        String::from_utf8_lossy(&line).into_owned()
    }

    /// A time passes, and the server sees that it is so late.
    async fn pass(time: Duration) {
        tokio::time::advance(time + Duration::from_secs(1)).await;
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn health_and_metrics_are_answered_however_many_others_wait() {
        let (more, mut entries, go) = slow();
        let (addr, _stop, _server) = start_with(more, LIMITS).await;
        let mut waiting = Vec::new();
        for _ in 0..OTHERS {
            waiting.push(ask(addr, "/slow").await);
            timeout(PATIENCE, entries.recv()).await.expect("it must be taken").unwrap();
        }
        for _ in OTHERS..2 * CONNECTIONS {
            let refused = until_closed(ask(addr, "/slow").await).await;
            assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
        }
        for path in ALWAYS {
            let answer = status(&mut ask(addr, path).await).await;
            assert!(
                ["HTTP/1.1 200", "HTTP/1.1 503"].contains(&answer.as_str()),
                "{path}: {answer}"
            );
        }
        assert_eq!(status(&mut ask(addr, "/healthz").await).await, "HTTP/1.1 200");
        go.close();
        for mut stream in waiting {
            assert_eq!(status(&mut stream).await, "HTTP/1.1 200");
        }
    }

    #[tokio::test]
    async fn an_old_connection_ends_after_the_request_it_has() {
        let (more, mut entries, go) = slow();
        let (addr, _stop, _server) = start_with(more, LIMITS).await;
        let stream = ask(addr, "/slow").await;
        entries.recv().await.unwrap();
        tokio::time::pause();
        pass(CONNECTION_LIMIT).await;
        pass(Duration::from_secs(300)).await;
        tokio::time::resume();
        go.close();
        let answer = until_closed(stream).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("done"), "{answer}");
    }

    #[tokio::test]
    async fn no_request_holds_a_connection_for_ever() {
        let (more, mut entries, _go) = slow();
        let (addr, _stop, _server) = start_with(more, LIMITS).await;
        let stream = ask(addr, "/slow").await;
        entries.recv().await.unwrap();
        tokio::time::pause();
        for limit in [CONNECTION_LIMIT, LAST_REQUEST_LIMIT] {
            pass(limit).await;
        }
        tokio::time::resume();
        assert_eq!(until_closed(stream).await, "");
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
