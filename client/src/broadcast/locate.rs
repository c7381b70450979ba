//! Where a transaction is, by the word of a provider that did not submit it.

use std::time::{Duration, Instant};

use mixbed_directory::Descriptor;
use mixbed_monero::TxId;
use mixbed_wire::message::{KNOWN_SERVICE, KnownAnswer, KnownRequest};

use crate::client::{Asked, Client, providers};
use crate::request::RequestError;

/// How long one provider is waited for, besides the mixing delays: others can be asked.
const PATIENCE: Duration = Duration::from_secs(5);

/// So many mean delays of a hop a question and its answer never take together.
const DELAYS: u32 = 24;

/// Where a provider's monerod has a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sighting {
    /// Nowhere. One that was just handed to another monerod may still be on its way.
    Unknown,
    /// It waits for a block.
    InPool,
    /// It is in a block.
    Mined {
        /// The block's height.
        height: u64,
        /// Blocks from that one to the newest, both included.
        confirmations: u64,
    },
}

/// A provider's word on where a transaction is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// The provider.
    pub provider: String,
    /// Where it is.
    pub sighting: Sighting,
}

/// Why nobody says where a transaction is.
#[derive(Debug, thiserror::Error)]
pub enum LocateError {
    /// A provider could not be asked.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// Its monerod could not be asked.
    #[error("{provider} cannot say: {words}")]
    Unavailable {
        /// The provider.
        provider: String,
        /// Why.
        words: String,
    },
    /// Its answer cannot be read.
    #[error("{0} gave an answer that cannot be read: its version may be another")]
    BadAnswer(String),
}

impl Client {
    /// Asks where a transaction is: one provider after another until one says something, for at
    /// most `limit` in all. Those in `not` (the one that submitted it, for one) are asked only if
    /// there is no other, and those that were found out last of all.
    pub async fn locate(
        &self,
        txid: TxId,
        not: &[String],
        limit: Duration,
    ) -> Result<Located, LocateError> {
        let end = Instant::now() + limit;
        self.document(limit).await?;
        let mut candidates = self.others(not)?;
        if candidates.is_empty() {
            candidates = self.offering(KNOWN_SERVICE, None)?;
        }
        let mut last = None;
        for provider in candidates {
            if last.is_some() && Instant::now() >= end {
                break;
            }
            match self.locate_at(txid, &provider, end).await {
                Err(error) => last = Some(error),
                located => return located,
            }
        }
        let unknown = || RequestError::NoProvider {
            service: KNOWN_SERVICE.to_owned(),
            provider: None,
            known: Vec::new(),
        };
        Err(last.unwrap_or_else(|| unknown().into()))
    }

    /// Those that can be asked for a transaction, besides these and those whose word is worth
    /// nothing or who did not answer just now: in random order by weight.
    pub(crate) fn others(&self, not: &[String]) -> Result<Vec<Descriptor>, RequestError> {
        let mut found = self.offering(KNOWN_SERVICE, None)?;
        let now = Instant::now();
        let book = self.book();
        found.retain(|provider| {
            let id = provider.id();
            !not.contains(&provider.name) && !book.is_suspect(id, now) && !book.is_silent(id, now)
        });
        Ok(found)
    }

    /// Who offers a service by the document of now, in random order by weight; nobody while there
    /// is no document yet.
    ///
    /// # Errors
    /// [`RequestError::NoProvider`], also if it is only the one with this name that does not.
    pub fn offering(
        &self,
        service: &str,
        wanted: Option<&str>,
    ) -> Result<Vec<Descriptor>, RequestError> {
        let Some(document) = self.directory().current() else { return Ok(Vec::new()) };
        let found = providers(&document, service, wanted)?;
        Ok(self.by_weight(found).into_iter().cloned().collect())
    }

    /// Asks one provider.
    pub(super) async fn locate_at(
        &self,
        txid: TxId,
        provider: &Descriptor,
        end: Instant,
    ) -> Result<Located, LocateError> {
        let question = KnownRequest::Transaction(*txid.as_bytes());
        let sighting = match self.ask_known(question, provider, PATIENCE, end).await? {
            KnownAnswer::Unknown => Sighting::Unknown,
            KnownAnswer::InPool => Sighting::InPool,
            KnownAnswer::Mined { height, confirmations } => {
                Sighting::Mined { height, confirmations }
            }
            KnownAnswer::Ready => return Err(LocateError::BadAnswer(provider.name.clone())),
            KnownAnswer::Unavailable { words } => {
                return Err(LocateError::Unavailable { provider: provider.name.clone(), words });
            }
        };
        Ok(Located { provider: provider.name.clone(), sighting })
    }

    /// One question and its answer, a packet each; what comes of it is remembered of the provider.
    pub(super) async fn ask_known(
        &self,
        question: KnownRequest,
        provider: &Descriptor,
        patience: Duration,
        end: Instant,
    ) -> Result<KnownAnswer, LocateError> {
        let began = Instant::now();
        let delay = self.directory().current().map(|now| now.parameters.mean_hop_delay);
        let patience = patience + DELAYS * delay.unwrap_or_default();
        let asked = Asked {
            service: KNOWN_SERVICE,
            payload: &question.encode(),
            provider,
            deadline: end.min(began + patience),
            unheard: None,
            expected: 0,
            trace: None,
        };
        let answer = self.ask(asked, began).await;
        let now = Instant::now();
        match &answer {
            Ok(_) => self.book().handle_heard(provider.id(), now),
            // Less time than it was to have says nothing of it.
            Err(RequestError::DeadlinePassed { tried, .. })
                if tried.packets_received == 0 && now >= began + patience =>
            {
                self.book().handle_silent(provider.id(), now);
            }
            Err(_) => {}
        }
        let answer = answer?;
        KnownAnswer::decode(&answer.data).map_err(|_| LocateError::BadAnswer(answer.provider))
    }
}
