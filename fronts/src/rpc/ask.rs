//! Questions: one message there, one answer back, from another provider if one fails.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::{Response, StatusCode};
use mixbed_client::{RequestError, RequestOptions};
use mixbed_monero::calls::Call;
use mixbed_wire::message::{MAX_MESSAGE, RpcAnswer, RpcMessageError, RpcRequest};
use rand::seq::IndexedRandom as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout_at};

use super::RpcConfig;
use super::answer::{Body, answer, error, whole};
use super::long;
use super::mixnet::Mixnet;
use super::readings::Tally;
use super::sizes::Sizes;

/// How long it is waited for any sign of life of one provider of several, as with broadcasts.
const UNHEARD: Duration = Duration::from_secs(8);

/// The pause after each provider has failed once, and while the client has all the messages it may.
const PAUSE: Duration = Duration::from_millis(500);

/// Asks providers. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Questions<M> {
    mixnet: M,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    deadline: Duration,
    away: Duration,
    at_a_time: usize,
    turns: Arc<Semaphore>,
    known: Mutex<Known>,
    tally: Tally,
}

#[derive(Debug, Default)]
struct Known {
    sizes: Sizes,
    /// Who answered last: asked again, so that wallets see one chain.
    provider: Option<String>,
}

/// A question that has its turn.
struct Asked {
    /// With what monerod does not get: the id of its maker.
    call: Call,
    /// What sizes are remembered by.
    name: String,
    /// The size of its body.
    question: usize,
    payload: Vec<u8>,
    begun: Instant,
    end: Instant,
    /// Kept until the answer is there, on a stream to its last byte.
    turn: Arc<OwnedSemaphorePermit>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum Unanswered {
    #[error(transparent)]
    Unfit(#[from] RpcMessageError),
    #[error(transparent)]
    Failed(#[from] RequestError),
    #[error("{0} gave an answer that cannot be read: its version may be another")]
    Unreadable(String),
    #[error("{at_a_time} questions are under way, and none ended within {} s", limit.as_secs_f32())]
    NoTurn { at_a_time: usize, limit: Duration },
}

impl<M: Mixnet> Questions<M> {
    /// As many questions at a time, each answered or given up in time, as is configured.
    pub(super) fn new(mixnet: M, config: &RpcConfig, tally: Tally) -> Self {
        let RpcConfig { questions: at_a_time, deadline, away, .. } = *config;
        let turns = Arc::new(Semaphore::new(at_a_time));
        let known = Mutex::default();
        Self { mixnet, shared: Arc::new(Shared { deadline, away, at_a_time, turns, known, tally }) }
    }

    /// Who was asked what a wallet needs for its transactions. It knows the ring of the next one before that is
    /// made, so another one is to hand it in, if there is another.
    pub(super) fn asked_of(&self) -> Vec<String> {
        self.known().provider.iter().cloned().collect()
    }

    /// Asks what a wallet asks.
    pub(super) async fn ask(&self, call: Call) -> Response<Body> {
        let name = name_of(&call);
        match self.answered(call).await {
            Ok(answer) => answer,
            Err(why) => {
                tracing::warn!(call = name, %why, "a wallet's question has no answer");
                error(why.status(), &why.to_string())
            }
        }
    }

    async fn answered(&self, call: Call) -> Result<Response<Body>, Unanswered> {
        let asked = self.begin(call).await?;
        let mut failed = Vec::new();
        loop {
            let (expected, was_long) = self.expected(&asked);
            if was_long && let Some(answer) = self.long(&asked).await {
                return Ok(answer);
            }
            let options = self.options(&failed, expected, asked.end);
            match self.once(&asked.payload, &options).await {
                Ok((provider, answer, travelled)) if !is_the_providers(&answer) => {
                    let size = if is_long(&answer) { MAX_MESSAGE } else { travelled };
                    self.learn(&asked, provider, size);
                    if is_long(&answer)
                        && !was_long
                        && let Some(answer) = self.long(&asked).await
                    {
                        return Ok(answer);
                    }
                    return Ok(said(&asked.call, answer));
                }
                // Its monerod is away: another provider's may not be. If none is, this is the answer.
                Ok((provider, answer, _)) => {
                    let patience = asked.end.min(asked.begun + self.shared.away);
                    if !self.goes_on(&mut failed, provider, patience).await {
                        tracing::warn!(call = asked.name, "no provider's monerod can be asked");
                        return Ok(said(&asked.call, answer));
                    }
                }
                // Others' messages: they end.
                Err(why @ Unanswered::Failed(RequestError::TooManyMessages(_))) => {
                    sleep(PAUSE).await;
                    if Instant::now() >= asked.end {
                        return Err(why);
                    }
                }
                Err(why) => {
                    let Some(provider) = why.may_pass(&options) else { return Err(why) };
                    tracing::info!(provider, %why, "a wallet's question goes to another provider");
                    if !self.goes_on(&mut failed, provider, asked.end).await {
                        return Err(why);
                    }
                }
            }
        }
    }

    /// Waits for the question's turn.
    async fn begin(&self, call: Call) -> Result<Asked, Unanswered> {
        let Shared { deadline, at_a_time, turns, .. } = &*self.shared;
        let begun = Instant::now();
        let end = begun + *deadline;
        let request = RpcRequest {
            path: call.path.to_owned(),
            content_type: call.content_type.to_owned(),
            body: call.body.clone(),
        };
        let (name, question, payload) = (name_of(&call), request.body.len(), request.encode()?);
        match timeout_at(end, Arc::clone(turns).acquire_owned()).await {
            Ok(Ok(turn)) => {
                Ok(Asked { call, name, question, payload, begun, end, turn: Arc::new(turn) })
            }
            _ => Err(Unanswered::NoTurn { at_a_time: *at_a_time, limit: *deadline }),
        }
    }

    /// How long the answer is likely to be, and whether the last one came on a stream.
    fn expected(&self, Asked { name, question, .. }: &Asked) -> (usize, bool) {
        let known = self.known();
        (known.sizes.expected(name, *question), known.sizes.was_long(name))
    }

    fn learn(&self, asked: &Asked, provider: String, size: usize) {
        let mut known = self.known();
        known.sizes.learn(&asked.name, asked.question, size);
        known.provider = Some(provider);
    }

    /// The answer on a stream, if there is one.
    async fn long(&self, asked: &Asked) -> Option<Response<Body>> {
        let Asked { call, name, question, payload, begun: _, end, turn } = asked;
        let provider = self.known().provider.clone();
        let (shared, learnt, question) = (Arc::clone(&self.shared), name.clone(), *question);
        let turn = Arc::clone(turn);
        let done = move |size| {
            shared.known().sizes.learn(&learnt, question, size);
            drop(turn);
        };
        let answer = long::ask(
            &self.mixnet,
            provider,
            payload,
            (*end, self.shared.deadline),
            call.clone(),
            done,
        )
        .await;
        answer
            .inspect_err(
                |why| tracing::info!(call = name, %why, "no long answer to a wallet's question"),
            )
            .ok()
    }

    /// Asks one provider: who it was, its answer, and in how many bytes it came.
    async fn once(
        &self,
        payload: &[u8],
        options: &RequestOptions,
    ) -> Result<(String, RpcAnswer, usize), Unanswered> {
        let answer = self.mixnet.ask(payload, options).await?;
        self.shared.tally.handle_answered(answer.mixing_delay);
        match RpcAnswer::decode(&answer.data) {
            Ok(decoded) => Ok((answer.provider, decoded, answer.data.len())),
            Err(_) => Err(Unanswered::Unreadable(answer.provider)),
        }
    }

    /// The one that answered last, or any other that has not failed.
    fn options(&self, failed: &[String], expected: usize, end: Instant) -> RequestOptions {
        let offering = self.mixnet.offering();
        let fresh: Vec<_> = offering.iter().filter(|name| !failed.contains(name)).collect();
        let last = self.known().provider.clone().filter(|last| fresh.contains(&last));
        // At first by the client's own choice, which knows who seems to work.
        let choice = || fresh.choose(&mut rand::rng()).map(|name| (*name).clone());
        let provider = last.or_else(|| (!failed.is_empty()).then(choice).flatten());
        RequestOptions {
            deadline: end.saturating_duration_since(Instant::now()),
            provider,
            unheard: (offering.len() > 1).then_some(UNHEARD),
            expected,
            ..RequestOptions::default()
        }
    }

    /// Whether another try is due: at once, or after a pause when all have failed.
    async fn goes_on(&self, failed: &mut Vec<String>, provider: String, end: Instant) -> bool {
        {
            let mut known = self.known();
            known.provider = known.provider.take().filter(|last| *last != provider);
        }
        failed.push(provider);
        if self.mixnet.offering().iter().all(|name| failed.contains(name)) {
            failed.clear();
            sleep(PAUSE).await;
        }
        Instant::now() < end
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.shared.known()
    }
}

impl Shared {
    /// Held for a look only.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An answer that is there.
fn said(asked: &Call, RpcAnswer { status, content_type, body }: RpcAnswer) -> Response<Body> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    answer(status, &content_type, whole(asked.with_own_id(body)))
}

impl Unanswered {
    /// The provider that is to blame, if another may do better.
    fn may_pass(&self, options: &RequestOptions) -> Option<String> {
        match self {
            Self::Failed(
                RequestError::DeadlinePassed { provider, .. }
                | RequestError::ProviderGone { provider, .. }
                | RequestError::UnknownService { provider, .. }
                | RequestError::Failed { provider, .. },
            )
            | Self::Unreadable(provider) => Some(provider.clone()),
            // It left between two looks at the document.
            Self::Failed(RequestError::NoProvider { .. }) => options.provider.clone(),
            _ => None,
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Unfit(RpcMessageError::TooLarge { .. }) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unfit(_) => StatusCode::BAD_REQUEST,
            Self::Failed(RequestError::DeadlinePassed { .. }) => StatusCode::GATEWAY_TIMEOUT,
            Self::Failed(RequestError::Refused { .. } | RequestError::TooLarge(_))
            | Self::Unreadable(_) => StatusCode::BAD_GATEWAY,
            Self::Failed(_) | Self::NoTurn { .. } => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// Whether the provider says that its monerod cannot be asked now.
fn is_the_providers(answer: &RpcAnswer) -> bool {
    matches!(answer.status, 502..=504)
}

/// Whether the provider says that no message carries it.
fn is_long(answer: &RpcAnswer) -> bool {
    answer.status == StatusCode::INSUFFICIENT_STORAGE.as_u16()
}

/// What sizes are remembered by: the path, and the method of JSON-RPC.
fn name_of(call: &Call) -> String {
    call.method.map_or_else(|| call.path.to_owned(), |method| format!("{} {method}", call.path))
}
