//! The gRPC server: which services, and their bounds.

use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::transport::Server;

use super::incoming::incoming;
use super::service::Service;
use crate::channel::Credential;
use crate::limits::MAX_MESSAGE_BYTES;
use crate::messages::Order;
use crate::proto::admin_server::AdminServer;
use crate::proto::directory_server::DirectoryServer;
use crate::proto::voting_server::VotingServer;

/// The largest request is a registration, of little more than 2 KiB.
const MAX_REQUEST_BYTES: usize = 8 << 10;
/// The largest order, with its key and signature.
const MAX_ORDER_BYTES: usize = Order::MAX_BYTES + (1 << 10);
/// The largest message of another directory has a document in it.
const MAX_PEER_BYTES: usize = MAX_MESSAGE_BYTES + (1 << 10);
/// Calls under way on a connection: a node has a watch and a registration.
const MAX_STREAMS: u32 = 64;
/// No call but a watch takes longer.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// A peer is asked whether it is alive this often, and has as long to answer.
const KEEPALIVE: Duration = Duration::from_secs(10);

/// Serves until told to stop, and then until calls under way are answered.
pub(super) fn serve(
    listener: TcpListener,
    max_connections: usize,
    credential: Credential,
    service: Service,
    stopped: oneshot::Receiver<()>,
) -> JoinHandle<()> {
    let directory = DirectoryServer::new(service.clone())
        .max_decoding_message_size(MAX_REQUEST_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES);
    let voting = service
        .peers
        .is_some()
        .then(|| VotingServer::new(service.clone()).max_decoding_message_size(MAX_PEER_BYTES));
    let admin = AdminServer::new(service).max_decoding_message_size(MAX_ORDER_BYTES);
    let router = Server::builder()
        .timeout(CALL_TIMEOUT)
        .max_concurrent_streams(MAX_STREAMS)
        .http2_keepalive_interval(Some(KEEPALIVE))
        .http2_keepalive_timeout(Some(KEEPALIVE))
        .add_service(directory)
        .add_service(admin)
        .add_optional_service(voting);
    tokio::spawn(async move {
        let stopping = async {
            let _ = stopped.await;
        };
        let connections = incoming(listener, max_connections, credential);
        let served = router.serve_with_incoming_shutdown(connections, stopping).await;
        if let Err(error) = served {
            tracing::error!(%error, "directory stopped serving");
        }
    })
}
