//! The gRPC client that follower, registrar and command line share.

mod admission;
mod change;
mod connect;
mod directories;
mod error;

use std::time::{Duration, SystemTime};

use tokio_stream::StreamExt;
use tonic::transport::Channel;
use tonic::{Status, Streaming};

pub use change::ChangeError;
pub use directories::Directories;
pub use error::ClientError;
pub(crate) use error::REASON_HEADER;

use crate::document::{Document, SignedDocument, Trust};
use crate::limits::{MAX_MESSAGE_BYTES, TOLERATED_SKEW};
use crate::messages::{Departure, Order, Registration};
use crate::proto;
use crate::proto::admin_client::AdminClient;
use crate::proto::directory_client::DirectoryClient as Stub;
use crate::proto::voting_client::VotingClient;
use crate::time::from_millis;
use crate::voting::Envelope;

/// A directory that does not answer for this long counts as away.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Speaks with a directory. Connects when first used, and again after each failure. Cheap to
/// clone.
#[derive(Clone, Debug)]
pub struct DirectoryClient {
    url: String,
    channel: Channel,
}

/// What an authority grants a node that registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The node stays listed this long.
    pub length: Duration,
    /// The authority's current epoch.
    pub epoch: u64,
}

impl DirectoryClient {
    /// Prepares to speak with the directory at `url` (`mixbed://host:port`), or with whoever else
    /// answers there and proves a trusted authority's key. Must be called within a tokio runtime.
    pub fn new(url: &str, trust: &Trust) -> Result<Self, ClientError> {
        let invalid = || ClientError::Url(url.chars().take(200).collect());
        let channel = connect::endpoint(url)
            .ok_or_else(invalid)?
            .http2_keep_alive_interval(TIMEOUT)
            .keep_alive_timeout(TIMEOUT)
            .keep_alive_while_idle(true)
            .connect_with_connector_lazy(connect::connector(trust.clone(), TIMEOUT));
        Ok(Self { url: url.to_owned(), channel })
    }

    /// The directory's address, as given.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Registers a node or renews its lease.
    pub async fn register(&self, registration: &Registration) -> Result<Lease, ClientError> {
        let request = proto::RegisterRequest::from(registration);
        let answer = self.within(self.stub().register(request)).await?;
        Ok(Lease { length: Duration::from_millis(answer.lease_ms), epoch: answer.epoch })
    }

    /// Takes a node off the list.
    pub async fn unregister(&self, departure: &Departure) -> Result<(), ClientError> {
        let request = proto::UnregisterRequest::from(departure);
        self.within(self.stub().unregister(request)).await?;
        Ok(())
    }

    /// The current document, or an epoch's last one; not verified yet.
    pub async fn document(&self, epoch: Option<u64>) -> Result<SignedDocument, ClientError> {
        let request = proto::GetDocumentRequest { epoch: epoch.unwrap_or(0) };
        let answer = self.within(self.stub().get_document(request)).await?;
        received(answer.document)
    }

    /// The current document, verified.
    pub async fn current(&self, trust: &Trust) -> Result<Document, ClientError> {
        let signed = self.document(None).await?;
        Ok(signed.verify(trust, SystemTime::now(), TOLERATED_SKEW)?)
    }

    /// The current document and then each new one; not verified yet.
    pub async fn watch(&self) -> Result<DocumentStream, ClientError> {
        let mut stub = self.stub();
        let answer = self.within(stub.watch_document(proto::WatchDocumentRequest {}));
        Ok(DocumentStream { url: self.url.clone(), stream: answer.await? })
    }

    /// What its clock shows, if it answers.
    pub(crate) async fn time(&self) -> Option<SystemTime> {
        self.watch().await.ok()?.first().await.ok()?.sent_at
    }

    /// Gives an admin's order.
    pub async fn order(&self, order: &Order) -> Result<(), ClientError> {
        let mut stub = self.admin();
        self.within(stub.order(proto::OrderRequest::from(order))).await?;
        Ok(())
    }

    fn admin(&self) -> AdminClient<Channel> {
        AdminClient::new(self.channel.clone()).max_decoding_message_size(MAX_MESSAGE_BYTES)
    }

    /// Hands another directory of the network a message over.
    pub(crate) async fn deliver(&self, envelope: &Envelope) -> Result<(), ClientError> {
        let mut stub = VotingClient::new(self.channel.clone());
        let request = proto::DeliverRequest::from(envelope);
        self.within(stub.deliver(request)).await?;
        Ok(())
    }

    fn stub(&self) -> Stub<Channel> {
        Stub::new(self.channel.clone()).max_decoding_message_size(MAX_MESSAGE_BYTES)
    }

    async fn within<T>(
        &self,
        call: impl Future<Output = Result<tonic::Response<T>, Status>>,
    ) -> Result<T, ClientError> {
        match tokio::time::timeout(TIMEOUT, call).await {
            Ok(Ok(response)) => Ok(response.into_inner()),
            Ok(Err(status)) => Err(ClientError::of(&self.url, &status)),
            Err(_) => Err(ClientError::silent(&self.url, TIMEOUT)),
        }
    }
}

/// A document as a directory served it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// The document, not verified yet.
    pub signed: SignedDocument,
    /// When it was sent by the directory's clock. The channel vouches for it, and for its being new
    /// but for what the network delays.
    pub sent_at: Option<SystemTime>,
}

/// The documents of a directory as they appear; not verified yet.
#[derive(Debug)]
pub struct DocumentStream {
    url: String,
    stream: Streaming<proto::WatchDocumentResponse>,
}

impl DocumentStream {
    /// The current document, which the directory has at once, or an error that it is silent.
    pub async fn first(&mut self) -> Result<Served, ClientError> {
        match tokio::time::timeout(TIMEOUT, self.next()).await {
            Ok(document) => document,
            Err(_) => Err(ClientError::silent(&self.url, TIMEOUT)),
        }
    }

    /// The next document, whenever there is one. May be cancelled.
    pub async fn next(&mut self) -> Result<Served, ClientError> {
        match self.stream.next().await {
            Some(Ok(message)) => Ok(Served {
                signed: received(message.document)?,
                sent_at: from_millis(message.sent_at_ms).filter(|_| message.sent_at_ms > 0),
            }),
            Some(Err(status)) => Err(ClientError::of(&self.url, &status)),
            None => Err(ClientError::Ended { url: self.url.clone() }),
        }
    }
}

fn received(document: Option<proto::SignedDocument>) -> Result<SignedDocument, ClientError> {
    Ok(document.unwrap_or_default().try_into()?)
}
