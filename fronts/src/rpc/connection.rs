//! One connection, request after request.

use std::convert::Infallible;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{EXPECT, WWW_AUTHENTICATE};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use mixbed_guard::{Guard, Passed, Refusal, Refused};
use mixbed_monero::calls::{self, judge};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::answer::{Body, answer, error, last, whole};
use super::ask::Questions;
use super::direct::Direct;
use super::guarded::{Guarded, Told, Watch};
use super::mixnet::Mixnet;
use super::readings::Tally;
use super::request::Kind;
use super::submit::{self, Taken};
use super::{RpcConfig, body};
use crate::port::Tasks;

/// The most of a connection that is read before it is looked at.
const BUFFER: usize = 64 * 1024;

/// The most headers of a request; wallets send six.
const HEADERS: usize = 64;

const HELLO: &str = "This is mixbed's daemon RPC endpoint: give it to a Monero wallet as its daemon \
                     (--daemon-address). What a wallet asks goes to a provider's monerod through \
                     the mixnet.\n";

/// What requests are answered by.
#[derive(Clone, Debug)]
pub(super) struct Desk<M> {
    pub(super) mixnet: M,
    pub(super) questions: Questions<M>,
    /// Whose turn it is to submit.
    pub(super) submissions: Arc<Semaphore>,
    pub(super) direct: Option<Direct>,
    pub(super) config: Arc<RpcConfig>,
    pub(super) guard: Guard,
    pub(super) tally: Tally,
    /// What goes on after a wallet has its answer.
    pub(super) aftermath: Aftermath,
}

/// Transactions that are being confirmed.
#[derive(Clone, Debug)]
pub(super) struct Aftermath {
    pub(super) tasks: Tasks,
    pub(super) turns: Arc<Semaphore>,
}

/// Serves a connection to its end. Once `closing`, it ends after the request that it is at.
pub(super) async fn serve<M: Mixnet>(
    socket: TcpStream,
    desk: &Desk<M>,
    closing: &CancellationToken,
) {
    // Without it the last part of each answer would wait for an acknowledgement.
    let _ = socket.set_nodelay(true);
    let watch = Watch::default();
    let service = service_fn(|request| {
        let busy = watch.handle_request();
        async move {
            let answer = desk.answer(request).await;
            Ok::<_, Infallible>(answer.map(|body| Told { body, busy }))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(desk.config.idle)
        .max_buf_size(BUFFER)
        .max_headers(HEADERS)
        .serve_connection(TokioIo::new(Guarded::new(socket, watch.clone())), service);
    let mut connection = std::pin::pin!(connection);
    let slow = watch.too_slow(desk.config.head, desk.config.body);
    let mut slow = std::pin::pin!(slow);
    let mut told = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(why) = ended {
                    // A wallet that tries TLS first, or one that has left.
                    tracing::debug!(%why, "a wallet's connection ended");
                }
                return;
            }
            why = slow.as_mut() => return tracing::debug!(why, "a wallet's connection is closed"),
            () = closing.cancelled(), if !told => {
                told = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

impl<M: Mixnet> Desk<M> {
    async fn submit(&self, body: &[u8]) -> Response<Body> {
        let Self { mixnet, submissions, config, tally, .. } = self;
        let not = self.questions.asked_of();
        let (answer, taken) = submit::submit(mixnet, body, submissions, config, tally, not).await;
        if let Some(taken) = taken {
            self.confirm(taken);
        }
        answer
    }

    fn confirm(&self, Taken { raw, report }: Taken) {
        let Aftermath { tasks, turns } = &self.aftermath;
        let Ok(turn) = Arc::clone(turns).try_acquire_owned() else {
            return tracing::warn!("too many at once: a wallet's transaction is not confirmed");
        };
        let (mixnet, closing) = (self.mixnet.clone(), tasks.closing().clone());
        tasks.spawn(async move {
            closing.run_until_cancelled(mixnet.confirm(&raw, report)).await;
            drop(turn);
        });
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let (head, incoming) = request.into_parts();
        let judged = self.judge(&head);
        let asks_first = head.headers.contains_key(EXPECT);
        // Read in any case: an answer to half a request is lost on some wallets.
        let body = match body::read(incoming, asks_first, self.config.body).await {
            Ok(body) => body,
            Err(why) => {
                tracing::warn!(%why, "a wallet's request is not taken");
                return last(error(why.status(), &why.to_string()));
            }
        };
        let (mut answer, headers) = match judged {
            Ok(Passed { headers, preflight: Some(_) }) => {
                (answer(StatusCode::NO_CONTENT, "", whole("")), headers)
            }
            Ok(Passed { headers, preflight: None }) => (self.hear(head, body).await, headers),
            Err(not) => (refused(&not.refusal), not.headers),
        };
        answer.headers_mut().extend(headers);
        answer
    }

    fn judge(&self, head: &Parts) -> Result<Passed, Box<Refused>> {
        let now = std::time::Instant::now();
        self.guard.judge(&head.method, &head.uri, &head.headers, now, &mut rand::rng())
    }

    /// Answers somebody who may ask.
    async fn hear(&self, head: Parts, body: Vec<u8>) -> Response<Body> {
        let path = match Kind::of(&head.method, &head.uri) {
            Ok(Kind::Hello) => return answer(StatusCode::OK, "text/plain", whole(HELLO)),
            Ok(Kind::Submission) => return self.submit(&body).await,
            Ok(Kind::Question { path }) => path,
            Err(why) => {
                tracing::warn!(%why, "a request that is no wallet's");
                return error(why.status(), &why.to_string());
            }
        };
        // What is not on the list stays here: who asks might be a page that wants to be recognised.
        match (judge(&path, &body), &self.direct) {
            (Ok(call), Some(direct)) => direct.ask(call).await,
            (Ok(call), None) => self.questions.ask(call).await,
            (Err(why), _) => {
                tracing::info!("a wallet asks what no provider is asked");
                error(status_of(&why), &why.to_string())
            }
        }
    }
}

fn status_of(why: &calls::Refusal) -> StatusCode {
    match why {
        calls::Refusal::Path(_) | calls::Refusal::Method(_) => StatusCode::FORBIDDEN,
        _ => StatusCode::BAD_REQUEST,
    }
}

fn refused(refusal: &Refusal) -> Response<Body> {
    let mut answer = error(refusal.status(), &refusal.to_string());
    if let Refusal::Login(challenge) = refusal {
        // Each wallet's first request: nothing to be warned of.
        if let Ok(value) = challenge.header().parse() {
            answer.headers_mut().insert(WWW_AUTHENTICATE, value);
        }
    } else {
        tracing::warn!(%refusal, "a request to the daemon RPC endpoint is refused");
    }
    answer
}
