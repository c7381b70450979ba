//! One connection, request after request.

use std::convert::Infallible;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::EXPECT;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use mixbed_wire::message::RpcRequest;
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
        let (answer, taken) = submit::submit(mixnet, body, submissions, config, tally).await;
        if let Some(taken) = taken {
            self.confirm(taken);
        }
        answer
    }

    fn confirm(&self, Taken { raw, report }: Taken) {
        let Aftermath { tasks, turns } = &self.aftermath;
        let Ok(turn) = Arc::clone(turns).try_acquire_owned() else {
            let txid = report.txid;
            return tracing::warn!(%txid, "too many at once: a wallet's transaction is not confirmed");
        };
        let (mixnet, closing) = (self.mixnet.clone(), tasks.closing().clone());
        tasks.spawn(async move {
            closing.run_until_cancelled(mixnet.confirm(&raw, report)).await;
            drop(turn);
        });
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let (head, incoming) = request.into_parts();
        let kind = Kind::of(&head.method, &head.uri, &head.headers);
        let asks_first = head.headers.contains_key(EXPECT);
        // Read in any case: an answer to half a request is lost on some wallets.
        let body = match body::read(incoming, asks_first, self.config.body).await {
            Ok(body) => body,
            Err(why) => {
                tracing::warn!(path = head.uri.path(), %why, "a wallet's request is not taken");
                return last(error(why.status(), &why.to_string()));
            }
        };
        match kind {
            Ok(Kind::Hello) => answer(StatusCode::OK, "text/plain", whole(HELLO)),
            Ok(Kind::Submission) => self.submit(&body).await,
            Ok(Kind::Question { path, content_type }) => match &self.direct {
                Some(direct) => direct.ask(head.method, &path, &content_type, body).await,
                None => self.questions.ask(RpcRequest { path, content_type, body }).await,
            },
            Err(why) => {
                tracing::warn!(path = head.uri.path(), %why, "a request that is no wallet's");
                error(why.status(), &why.to_string())
            }
        }
    }
}
