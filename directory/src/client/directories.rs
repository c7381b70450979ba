//! The directories of one network, asked together: one, or several of which a majority decides.

use std::time::{Duration, SystemTime};

use tokio::task::JoinSet;

use super::{ChangeError, ClientError, DirectoryClient};
use crate::document::{Document, Parameters, Trust};
use crate::identity::IdentitySecret;
use crate::messages::{Instruction, Order, Reason};

/// Others may change the parameters at the same time, but hardly that often.
const TRIES: u32 = 10;

/// From one try to the next: longer than a change waits for its document.
const PAUSE: Duration = Duration::from_millis(40);

/// How long several directories may take to make a document with a change.
const AGREED_WITHIN: Duration = Duration::from_secs(5);

/// The directories of one network.
#[derive(Clone, Debug)]
pub struct Directories {
    clients: Vec<DirectoryClient>,
}

impl Directories {
    /// Prepares to speak with the directories at these URLs, with commas between, or with whoever
    /// else answers there and proves a trusted authority's key. Must be called within a tokio
    /// runtime.
    pub fn new(urls: &str, trust: &Trust) -> Result<Self, ClientError> {
        let clients = urls.split(',').map(|url| DirectoryClient::new(url.trim(), trust));
        Ok(Self { clients: clients.collect::<Result<_, _>>()? })
    }

    /// Each by itself.
    #[must_use]
    pub fn into_clients(self) -> Vec<DirectoryClient> {
        self.clients
    }

    /// The newest document that any of them has, verified.
    pub async fn current(&self, trust: &Trust) -> Result<Document, ClientError> {
        let trust = trust.clone();
        let documents = self.each(move |client| {
            let trust = trust.clone();
            async move { client.current(&trust).await }
        });
        let (mut newest, mut failed) = (None::<Document>, None);
        for document in documents.await {
            match document {
                Ok(document) => {
                    let newer =
                        newest.as_ref().is_none_or(|newest| newest.version() < document.version());
                    if newer {
                        newest = Some(document);
                    }
                }
                Err(error) => failed = Some(error),
            }
        }
        newest.ok_or_else(|| failed.unwrap_or_else(|| ClientError::Url(String::new())))
    }

    /// Changes the network's parameters, knowing what they were: if others change them at the same
    /// time, `change` is applied again to what they have made of them, and nothing is lost.
    ///
    /// Returns the document that holds then: it has the change, unless somebody has changed the same
    /// again since. A change that changes nothing is not sent.
    pub async fn change_parameters(
        &self,
        trust: &Trust,
        admin: &IdentitySecret,
        mut change: impl FnMut(&mut Parameters) + Send,
    ) -> Result<Document, ChangeError> {
        let mut tries = 1;
        loop {
            let current = self.current(trust).await?;
            let mut wanted = current.parameters.clone();
            change(&mut wanted);
            if wanted == current.parameters {
                return Ok(current);
            }
            wanted.validate()?;
            let now = SystemTime::now();
            let before = Instruction::Parameters(current.parameters.clone());
            let wanted = Instruction::Parameters(wanted);
            let order = Order::replacing(&before, &wanted, &trust.network, now, admin);
            match self.order(&order).await {
                Ok(()) => return self.changed(trust, &current.parameters).await,
                // The other one's order was the same in the same millisecond, its document is not
                // out yet, or the directory has just started and this clock is behind.
                Err(ClientError::Rejected {
                    reason: Reason::Replaced | Reason::Replayed, ..
                }) if tries < TRIES => {
                    tries += 1;
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Gives an admin's order to all of them; a majority has to take it.
    pub(super) async fn order(&self, order: &Order) -> Result<(), ClientError> {
        let order = order.clone();
        let outcomes = self.each(move |client| {
            let order = order.clone();
            async move { client.order(&order).await }
        });
        self.majority(outcomes.await).map(drop)
    }

    /// What those answered that did what they were asked, if they are a majority of all.
    pub(super) fn majority<T>(
        &self,
        outcomes: Vec<Result<T, ClientError>>,
    ) -> Result<Vec<T>, ClientError> {
        let (mut done, mut failed) = (Vec::new(), None);
        for outcome in outcomes {
            match outcome {
                Ok(answer) => done.push(answer),
                // One that refuses says more than one that is away.
                Err(error @ ClientError::Rejected { .. }) => failed = Some(error),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        match failed {
            Some(error) if !self.is_majority(done.len()) => Err(error),
            _ => Ok(done),
        }
    }

    /// Whether so many are most of all.
    pub(super) const fn is_majority(&self, count: usize) -> bool {
        count > self.clients.len() / 2
    }

    /// The document after a change. One directory answers an order when it is out, several as soon
    /// as each has taken it.
    async fn changed(&self, trust: &Trust, before: &Parameters) -> Result<Document, ChangeError> {
        let began = tokio::time::Instant::now();
        loop {
            let document = self.current(trust).await?;
            // Other parameters are these, or what somebody has made of them since.
            if self.clients.len() == 1 || document.parameters != *before {
                return Ok(document);
            }
            if began.elapsed() >= AGREED_WITHIN {
                return Err(ChangeError::NotAgreed { waited: AGREED_WITHIN });
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Asks all of them at once.
    pub(super) async fn each<T, F>(
        &self,
        ask: impl Fn(DirectoryClient) -> F,
    ) -> Vec<Result<T, ClientError>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, ClientError>> + Send + 'static,
    {
        let mut asked = JoinSet::new();
        for client in &self.clients {
            asked.spawn(ask(client.clone()));
        }
        asked.join_all().await
    }
}
