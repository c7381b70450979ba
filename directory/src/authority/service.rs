//! The gRPC methods: protobuf on one side, the actor on the other.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::SystemTime;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio_stream::wrappers::WatchStream;
use tokio_stream::{Stream, StreamExt};
use tonic::metadata::MetadataValue;
use tonic::{Code, Request, Response, Status};

use super::AuthorityCounters;
use super::actor::{Command, Published, Refusal, document_of};
use crate::admission::admission_to_proto;
use crate::client::REASON_HEADER;
use crate::document::SignedDocument;
use crate::identity::{IdentityPublic, Signature};
use crate::messages::{Departure, Order, Reason, Registration, Rejection};
use crate::proto;
use crate::proto::admin_server::Admin;
use crate::proto::directory_server::Directory;
use crate::proto::voting_server::Voting;
use crate::time::to_millis;
use crate::voting::{Envelope, Panel};

/// Answers for the directory and for its administration.
#[derive(Clone)]
pub(super) struct Service {
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) published: watch::Receiver<Published>,
    pub(super) watchers: Arc<Semaphore>,
    pub(super) counters: Arc<AuthorityCounters>,
    /// If it is one of several.
    pub(super) peers: Option<Arc<PeerDoor>>,
}

/// Who the other directories are, and how many of their messages may wait.
pub(super) struct PeerDoor {
    network: String,
    panel: Panel,
    places: BTreeMap<IdentityPublic, Arc<Semaphore>>,
}

impl PeerDoor {
    /// Messages of one directory that wait for the actor: more than it sends in a round.
    const PLACES: usize = 16;

    pub(super) fn new(network: String, panel: Panel) -> Self {
        let place = |key: &IdentityPublic| (*key, Arc::new(Semaphore::new(Self::PLACES)));
        let places = panel.keys().iter().map(place).collect();
        Self { network, panel, places }
    }
}

impl Service {
    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, Refusal>>) -> Command,
    ) -> Result<T, Status> {
        let (answer, outcome) = oneshot::channel();
        self.commands.try_send(command(answer)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => {
                Status::unavailable("the directory is overloaded: try again later")
            }
            mpsc::error::TrySendError::Closed(_) => stopping(),
        })?;
        match outcome.await {
            Ok(Ok(outcome)) => Ok(outcome),
            Ok(Err(Refusal::Rejected(rejection))) => Err(status_of(&rejection)),
            Ok(Err(Refusal::NotSaved)) => {
                Err(Status::unavailable("the directory cannot write its state: see its log"))
            }
            Err(_) => Err(stopping()),
        }
    }

    fn rejected(&self, rejection: &Rejection) -> Status {
        self.counters.count_rejected(rejection.reason());
        status_of(rejection)
    }
}

fn stopping() -> Status {
    Status::unavailable("the directory is stopping")
}

fn status_of(rejection: &Rejection) -> Status {
    let reason = rejection.reason();
    let code = match reason {
        Reason::WrongJoinSecret | Reason::NotAdmin | Reason::NotListed | Reason::BadSignature => {
            Code::PermissionDenied
        }
        Reason::WrongNetwork | Reason::Stale => Code::FailedPrecondition,
        Reason::Malformed => Code::InvalidArgument,
        Reason::Replayed | Reason::Replaced => Code::Aborted,
        Reason::NameTaken | Reason::LinkKeyTaken | Reason::IdTaken => Code::AlreadyExists,
        Reason::Full | Reason::TooSoon => Code::ResourceExhausted,
    };
    let mut status = Status::new(code, rejection.to_string());
    status.metadata_mut().insert(REASON_HEADER, MetadataValue::from_static(reason.as_str()));
    status
}

#[tonic::async_trait]
impl Directory for Service {
    async fn register(
        &self,
        request: Request<proto::RegisterRequest>,
    ) -> Result<Response<proto::RegisterResponse>, Status> {
        let registration = Registration::try_from(request.into_inner());
        let registration = registration.map_err(|rejection| self.rejected(&rejection))?;
        let registered = self.ask(|answer| Command::Register(registration, answer)).await?;
        Ok(Response::new(proto::RegisterResponse {
            lease_ms: u64::try_from(registered.lease.as_millis()).unwrap_or(u64::MAX),
            epoch: registered.epoch,
        }))
    }

    async fn unregister(
        &self,
        request: Request<proto::UnregisterRequest>,
    ) -> Result<Response<proto::UnregisterResponse>, Status> {
        let departure = Departure::try_from(request.into_inner());
        let departure = departure.map_err(|rejection| self.rejected(&rejection))?;
        self.ask(|answer| Command::Unregister(departure, answer)).await?;
        Ok(Response::new(proto::UnregisterResponse {}))
    }

    async fn get_document(
        &self,
        request: Request<proto::GetDocumentRequest>,
    ) -> Result<Response<proto::GetDocumentResponse>, Status> {
        let epoch = request.into_inner().epoch;
        let document = document_of(&self.published.borrow(), epoch);
        let document = document.ok_or_else(|| {
            Status::not_found(format!("there is no document of epoch {epoch} that is still valid"))
        })?;
        let document = Some((&*document).into());
        Ok(Response::new(proto::GetDocumentResponse { document }))
    }

    type WatchDocumentStream =
        Pin<Box<dyn Stream<Item = Result<proto::WatchDocumentResponse, Status>> + Send>>;

    async fn watch_document(
        &self,
        _request: Request<proto::WatchDocumentRequest>,
    ) -> Result<Response<Self::WatchDocumentStream>, Status> {
        let watching = Watching::begin(&self.watchers, &self.counters)?;
        // The channel holds one value: a slow watcher costs no memory, it skips documents.
        let documents = WatchStream::new(self.published.clone()).filter_map(move |published| {
            let _while_streaming = &watching;
            document_of(&published, 0).map(|document| Ok(response(&document)))
        });
        Ok(Response::new(Box::pin(documents)))
    }
}

fn response(document: &SignedDocument) -> proto::WatchDocumentResponse {
    let sent_at_ms = to_millis(SystemTime::now());
    proto::WatchDocumentResponse { document: Some(document.into()), sent_at_ms }
}

/// Counts as a watcher until dropped.
struct Watching {
    _permit: OwnedSemaphorePermit,
    counters: Arc<AuthorityCounters>,
}

impl Watching {
    fn begin(watchers: &Arc<Semaphore>, counters: &Arc<AuthorityCounters>) -> Result<Self, Status> {
        let permit = watchers.clone().try_acquire_owned().map_err(|_| {
            counters.watchers_refused.fetch_add(1, Relaxed);
            Status::resource_exhausted("too many watchers: try again later, or ask GetDocument")
        })?;
        counters.watchers.fetch_add(1, Relaxed);
        Ok(Self { _permit: permit, counters: counters.clone() })
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.counters.watchers.fetch_sub(1, Relaxed);
    }
}

#[tonic::async_trait]
impl Voting for Service {
    async fn deliver(
        &self,
        request: Request<proto::DeliverRequest>,
    ) -> Result<Response<proto::DeliverResponse>, Status> {
        let door = self.peers.as_ref();
        let door = door.ok_or_else(|| Status::unimplemented("this directory is the only one"))?;
        let proto::DeliverRequest { sender, message, signature } = request.into_inner();
        let foreign = || Status::permission_denied("no directory of this network has signed this");
        let sender = sender.as_slice().try_into().map_err(|_| foreign())?;
        let signature = signature.as_slice().try_into().map_err(|_| foreign())?;
        let (sender, signature) =
            (IdentityPublic::from_bytes(sender), Signature::from_bytes(signature));
        let envelope = Envelope::from_parts(sender, message, signature);
        let opened = envelope.open(&door.network, &door.panel);
        let (from, message) = opened.map_err(|_| {
            self.counters.foreign.fetch_add(1, Relaxed);
            foreign()
        })?;
        let busy = || Status::resource_exhausted("too many messages at once: say it again later");
        let place = door.places.get(&from).ok_or_else(foreign)?;
        let place = place.clone().try_acquire_owned().map_err(|_| busy())?;
        let command = Command::Peer(from, message, place);
        self.commands.try_send(command).map_err(|_| busy())?;
        Ok(Response::new(proto::DeliverResponse {}))
    }
}

#[tonic::async_trait]
impl Admin for Service {
    async fn order(
        &self,
        request: Request<proto::OrderRequest>,
    ) -> Result<Response<proto::OrderResponse>, Status> {
        let order = Order::try_from(request.into_inner());
        let order = order.map_err(|rejection| self.rejected(&rejection))?;
        self.ask(|answer| Command::Order(order, answer)).await?;
        Ok(Response::new(proto::OrderResponse {}))
    }

    async fn get_admission(
        &self,
        _request: Request<proto::GetAdmissionRequest>,
    ) -> Result<Response<proto::GetAdmissionResponse>, Status> {
        let admission = self.ask(Command::Admission).await?;
        let admission = Some(admission_to_proto(&admission));
        Ok(Response::new(proto::GetAdmissionResponse { admission }))
    }
}
