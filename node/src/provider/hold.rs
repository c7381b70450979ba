//! `monero.hold`: transactions that wait before monerod gets them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use mixbed_monero::{Daemon, MAX_RAW_BYTES, Outcome, TxId};
use mixbed_telemetry::ProviderMetrics;
use mixbed_wire::message::{HOLD_SERVICE, HoldAnswer, HoldRequest, MAX_HOLD, Response};

use super::service::{Answering, Question, Reply, Service};

/// What is held at most.
const MAX_HELD: usize = 1000;
const MAX_HELD_BYTES: usize = 32 << 20;

/// Holds transactions in memory, each as long as its sender drew, and hands them to a monerod then.
/// A provider that ends forgets them: their senders ask what became of them, and send them again.
pub struct Hold {
    inner: Arc<Inner>,
}

struct Inner {
    daemon: Daemon,
    patience: Duration,
    metrics: ProviderMetrics,
    held: Mutex<Held>,
}

impl std::fmt::Debug for Hold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hold").field("daemon", &self.inner.daemon).finish_non_exhaustive()
    }
}

impl Hold {
    /// The service in front of `daemon`, which may be away or busy for as long as `patience`.
    #[must_use]
    pub fn new(daemon: Daemon, patience: Duration, metrics: ProviderMetrics) -> Self {
        let held = Mutex::new(Held::new(MAX_HELD, MAX_HELD_BYTES));
        Self { inner: Arc::new(Inner { daemon, patience, metrics, held }) }
    }

    fn hold(&self, question: &Question) -> Reply {
        let taken = match read(&question.payload) {
            Ok((txid, request)) => {
                let now = Instant::now();
                let taken = self.inner.held().handle(txid, request.raw.len(), request.wait, now);
                if let Taken::New = taken {
                    let (inner, raw) = (Arc::downgrade(&self.inner), request.raw.to_vec());
                    tokio::spawn(Inner::submit_at(inner, txid, raw, now + request.wait));
                }
                taken.wait(request.wait).map(|wait| HoldAnswer { wait, txid: *txid.as_bytes() })
            }
            Err(words) => {
                return Reply { response: Response::Refused(words), outcome: "refused" };
            }
        };
        let Some(answer) = taken else {
            let words = format!("it holds {MAX_HELD} transactions already, or too large ones");
            return Reply { response: Response::Failed(words), outcome: "full" };
        };
        Reply { response: Response::Ok(answer.encode()), outcome: "held" }
    }
}

impl Service for Hold {
    fn name(&self) -> &'static str {
        HOLD_SERVICE
    }

    fn handle(&self, question: Question) -> Answering<'_> {
        let reply = self.hold(&question);
        Box::pin(std::future::ready(reply))
    }
}

/// What is asked for, if it can be done.
fn read(payload: &[u8]) -> Result<(TxId, HoldRequest<'_>), String> {
    let Ok(request) = HoldRequest::decode(payload) else {
        return Err("a request is a time in 4 bytes and a transaction".to_owned());
    };
    if request.wait > MAX_HOLD {
        return Err(format!("no transaction is held for more than {} s", MAX_HOLD.as_secs()));
    }
    if request.raw.len() > MAX_RAW_BYTES {
        return Err(format!("{} bytes are more than monerod takes", request.raw.len()));
    }
    // What cannot be asked for later is not held.
    let txid = TxId::of(request.raw).map_err(|error| error.to_string())?;
    Ok((txid, request))
}

impl Inner {
    /// Held for one step, never while anything waits.
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends without a word when the service has ended meanwhile.
    async fn submit_at(inner: Weak<Self>, txid: TxId, raw: Vec<u8>, at: Instant) {
        tokio::time::sleep_until(at.into()).await;
        let Some(inner) = inner.upgrade() else { return };
        let report = mixbed_monero::submit(&inner.daemon, &raw, inner.patience).await;
        inner.held().forget(txid);
        for call in &report.calls {
            inner.metrics.monerod_seconds.observe(call.took);
        }
        inner.metrics.monerod_retries.inc_by(u64::from(report.attempts.saturating_sub(1)));
        // Whoever sent it asks for it by its id; nobody is told which of them it was.
        match &report.outcome {
            Outcome::Accepted { .. } => tracing::debug!("a held transaction is accepted"),
            other => tracing::warn!(outcome = %other, "a held transaction is not accepted"),
        }
    }
}

/// What is held, and until when. No I/O, no clock.
#[derive(Debug)]
struct Held {
    most: usize,
    most_bytes: usize,
    bytes: usize,
    until: HashMap<TxId, (Instant, usize)>,
}

#[derive(Debug, PartialEq, Eq)]
enum Taken {
    /// It is to be handed to monerod when its time has passed.
    New,
    /// It was here already, and waits so long as it did.
    Already(Duration),
    /// There is no room.
    Full,
}

impl Taken {
    fn wait(&self, asked: Duration) -> Option<Duration> {
        match self {
            Self::New => Some(asked),
            Self::Already(left) => Some(*left),
            Self::Full => None,
        }
    }
}

impl Held {
    fn new(most: usize, most_bytes: usize) -> Self {
        Self { most, most_bytes, bytes: 0, until: HashMap::new() }
    }

    fn handle(&mut self, txid: TxId, bytes: usize, wait: Duration, now: Instant) -> Taken {
        if let Some((until, _)) = self.until.get(&txid) {
            return Taken::Already(until.saturating_duration_since(now));
        }
        if self.until.len() >= self.most || self.bytes + bytes > self.most_bytes {
            return Taken::Full;
        }
        self.bytes += bytes;
        self.until.insert(txid, (now + wait, bytes));
        Taken::New
    }

    fn forget(&mut self, txid: TxId) {
        if let Some((_, bytes)) = self.until.remove(&txid) {
            self.bytes -= bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn txid(number: u8) -> TxId {
        TxId::from([number; 32])
    }

    #[test]
    fn what_comes_twice_waits_once_and_there_is_an_end_to_it() {
        let now = Instant::now();
        let mut held = Held::new(2, 100);
        assert_eq!(held.handle(txid(1), 60, 10 * SECOND, now), Taken::New);
        let again = held.handle(txid(1), 60, 500 * SECOND, now + 4 * SECOND);
        assert_eq!(again, Taken::Already(6 * SECOND));
        assert_eq!(held.handle(txid(2), 41, SECOND, now), Taken::Full, "too many bytes");
        assert_eq!(held.handle(txid(2), 40, SECOND, now), Taken::New);
        assert_eq!(held.handle(txid(3), 0, SECOND, now), Taken::Full, "too many");
        held.forget(txid(1));
        held.forget(txid(1));
        assert_eq!(held.handle(txid(3), 60, SECOND, now), Taken::New);
    }

    #[test]
    fn what_cannot_be_held_is_refused_in_words() {
        let refused = |wait, raw: &[u8]| read(&HoldRequest { wait, raw }.encode()).unwrap_err();
        assert!(refused(MAX_HOLD + SECOND, &[]).contains("600 s"));
        assert!(refused(SECOND, &vec![0; MAX_RAW_BYTES + 1]).contains("500001 bytes"));
        assert!(!refused(SECOND, b"garbage").is_empty());
        assert!(read(&[1, 2]).is_err());
    }
}
