//! A live follower against a directory that serves whatever a test wants.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use mixbed_wire::LinkSecret;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_stream::wrappers::{TcpListenerStream, WatchStream};
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status};

use super::{HOUR, authority, document, sign, trust};
use crate::channel::{Credential, accept};
use crate::clock::ClockOffset;
use crate::document::{Document, SignedDocument};
use crate::follower::{Follower, FollowerConfig, FollowerState};
use crate::identity::IdentitySecret;
use crate::proto;
use crate::proto::directory_server::{Directory, DirectoryServer};
use crate::time::to_millis;

const SOON: Duration = Duration::from_secs(20);

struct Liar {
    said: watch::Receiver<proto::SignedDocument>,
    /// What it says that its clock shows, if anything.
    clock: fn() -> Option<SystemTime>,
}

#[tonic::async_trait]
impl Directory for Liar {
    async fn register(
        &self,
        _: Request<proto::RegisterRequest>,
    ) -> Result<Response<proto::RegisterResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn unregister(
        &self,
        _: Request<proto::UnregisterRequest>,
    ) -> Result<Response<proto::UnregisterResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn get_document(
        &self,
        _: Request<proto::GetDocumentRequest>,
    ) -> Result<Response<proto::GetDocumentResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    type WatchDocumentStream =
        Pin<Box<dyn Stream<Item = Result<proto::WatchDocumentResponse, Status>> + Send>>;

    async fn watch_document(
        &self,
        _: Request<proto::WatchDocumentRequest>,
    ) -> Result<Response<Self::WatchDocumentStream>, Status> {
        let sent_at_ms = (self.clock)().map_or(0, to_millis);
        let documents = WatchStream::new(self.said.clone()).map(move |document| {
            Ok(proto::WatchDocumentResponse { document: Some(document), sent_at_ms })
        });
        Ok(Response::new(Box::pin(documents)))
    }
}

/// What the directory says, to be changed at will.
type Words = watch::Sender<proto::SignedDocument>;

async fn liar(first: &SignedDocument) -> (Words, SocketAddr) {
    liar_with_clock(first, || None).await
}

async fn liar_with_clock(
    first: &SignedDocument,
    clock: fn() -> Option<SystemTime>,
) -> (Words, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (words, said) = watch::channel(first.into());
    let key = LinkSecret::generate(&mut rand::rng());
    let credential = Arc::new(Credential::new("testnet", key, &[&authority()]));
    let connections = TcpListenerStream::new(listener).then(move |tcp| {
        let credential = Arc::clone(&credential);
        async move { accept(tcp?, &credential).await }
    });
    tokio::spawn(
        tonic::transport::Server::builder()
            .add_service(DirectoryServer::new(Liar { said, clock }))
            .serve_with_incoming(connections),
    );
    (words, address)
}

fn follow(address: SocketAddr) -> Follower {
    Follower::start(FollowerConfig::new(format!("mixbed://{address}"), trust())).unwrap()
}

/// Waits until the follower's state satisfies a condition.
async fn until(follower: &Follower, condition: impl Fn(&FollowerState) -> bool) -> FollowerState {
    let mut follower = follower.clone();
    let reached = async {
        loop {
            let state = follower.state();
            if condition(&state) {
                return state;
            }
            follower.changed().await;
        }
    };
    let reached = tokio::time::timeout(SOON, reached).await;
    reached.unwrap_or_else(|_| panic!("still {:?}", follower.state()))
}

async fn refused_at_once(signed: &SignedDocument) -> String {
    let (_words, address) = liar(signed).await;
    let follower = follow(address);
    let state = until(&follower, |state| {
        matches!(state, FollowerState::Connecting { last_error: Some(_), .. })
    })
    .await;
    assert_eq!(follower.current(), None);
    assert!(follower.counters().refused.load(std::sync::atomic::Ordering::Relaxed) > 0);
    state.to_string()
}

fn now() -> SystemTime {
    SystemTime::now()
}

#[tokio::test]
async fn another_keys_document_is_refused() {
    let signed =
        SignedDocument::sign(&document(1, 1, now()), &[&IdentitySecret::from_bytes([8; 32])]);
    let said = refused_at_once(&signed.unwrap()).await;
    assert!(said.contains("not a trusted authority"), "{said}");
}

#[tokio::test]
async fn an_expired_document_is_refused() {
    let said = refused_at_once(&sign(&document(1, 1, now() - 5 * HOUR))).await;
    assert!(said.contains("expired"), "{said}");
}

#[tokio::test]
async fn a_flipped_bit_is_refused() {
    let mut signed = sign(&document(1, 1, now()));
    signed.bytes[5] ^= 0x10;
    let said = refused_at_once(&signed).await;
    assert!(said.contains("altered"), "{said}");
}

#[tokio::test]
async fn another_networks_document_is_refused() {
    let other = Document { network: "othernet".to_owned(), ..document(1, 1, now()) };
    let said = refused_at_once(&sign(&other)).await;
    assert!(said.contains("othernet"), "{said}");
}

#[tokio::test]
async fn an_empty_document_is_refused() {
    let said = refused_at_once(&SignedDocument { bytes: vec![], signatures: vec![] }).await;
    assert!(said.contains("no signatures"), "{said}");
}

#[tokio::test]
async fn what_was_good_is_kept_when_the_directory_turns_bad_and_recovers_with_it() {
    let (words, address) = liar(&sign(&document(5, 50, now()))).await;
    let follower = follow(address);
    until(&follower, |state| *state == FollowerState::Following).await;
    let kept = follower.current().unwrap();

    words.send_replace((&sign(&document(4, 40, now()))).into());
    let rollback = until(&follower, |state| matches!(state, FollowerState::Stale { .. })).await;
    assert!(rollback.to_string().contains("older than the known"), "{rollback}");
    assert_eq!(follower.current(), Some(kept.clone()));

    let mut flipped = sign(&document(6, 60, now()));
    flipped.signatures[0].authority = IdentitySecret::from_bytes([8; 32]).public();
    words.send_replace((&flipped).into());
    until(&follower, |state| state.to_string().contains("not a trusted authority")).await;
    assert_eq!(follower.current(), Some(kept));

    words.send_replace((&sign(&document(6, 60, now()))).into());
    until(&follower, |state| *state == FollowerState::Following).await;
    assert_eq!(follower.current().unwrap().version(), (6, 60));
}

#[tokio::test]
async fn clocks_that_differ_are_named_and_the_document_not_used() {
    let behind = || now().checked_sub(Duration::from_secs(75));
    let start = now() - HOUR / 2;
    let (_words, address) = liar_with_clock(&sign(&document(5, 50, start)), behind).await;
    let follower = follow(address);
    let skewed = until(&follower, |state| matches!(state, FollowerState::Skewed { .. })).await;
    let words = skewed.to_string();
    assert!(words.contains("this machine's clock is "), "{words}");
    assert!(words.contains("s ahead of the directory's"), "{words}");
    assert!(follower.clock().is_some_and(|clock| clock.millis() >= 75_000));
    assert_eq!((follower.epoch(), follower.current()), (None, None));
    assert_eq!(follower.last().map(|document| document.epoch), Some(5), "to be shown");
}

/// Follows three directories with these clocks, the first one first.
async fn follow_three(clocks: [fn() -> Option<SystemTime>; 3]) -> (Follower, Vec<Words>) {
    let signed = sign(&document(5, 50, now() - HOUR / 2));
    let (mut urls, mut kept) = (Vec::new(), Vec::new());
    for clock in clocks {
        let (words, address) = liar_with_clock(&signed, clock).await;
        urls.push(format!("mixbed://{address}"));
        kept.push(words);
    }
    (Follower::start(FollowerConfig::new(urls.join(","), trust())).unwrap(), kept)
}

#[tokio::test]
async fn one_of_three_directories_neither_stops_nor_moves_a_follower_by_its_clock() {
    let right = || Some(now());
    let far_off = || now().checked_sub(Duration::from_secs(3600));
    let a_little = || now().checked_add(Duration::from_secs(9));
    for wrong in [far_off as fn() -> Option<SystemTime>, a_little] {
        let (mut follower, _words) = follow_three([wrong, right, right]).await;
        let heard = async {
            while follower.clock().is_none_or(|clock| clock == ClockOffset::default()) {
                assert!(!matches!(follower.state(), FollowerState::Skewed { .. }));
                let _ = tokio::time::timeout(Duration::from_millis(5), follower.changed()).await;
            }
        };
        tokio::time::timeout(SOON, heard).await.expect("the others are asked");
        let clock = follower.clock().unwrap();
        assert!(clock.distance < Duration::from_secs(5), "{clock}");
        assert_eq!(follower.state(), FollowerState::Following);
        assert_eq!(follower.epoch(), Some(5));
    }
}

#[tokio::test]
async fn two_of_three_directories_that_have_another_time_stop_a_follower() {
    let behind = || now().checked_sub(Duration::from_secs(75));
    let (follower, _words) = follow_three([|| Some(now()), behind, behind]).await;
    let skewed = until(&follower, |state| matches!(state, FollowerState::Skewed { .. })).await;
    assert!(skewed.to_string().contains("s ahead of the directory's"), "{skewed}");
    assert_eq!(follower.current(), None);
}

#[tokio::test]
async fn an_expired_document_is_not_gone_by() {
    // Valid for an instant more: the skew that is tolerated, less what is over of it.
    let start = now() - 4 * HOUR;
    let (_words, address) = liar(&sign(&document(5, 50, start))).await;
    let mut config = FollowerConfig::new(format!("mixbed://{address}"), trust());
    config.tolerated_skew = Duration::from_secs(5);
    let follower = Follower::start(config).unwrap();
    let expired = |state: &FollowerState| matches!(state, FollowerState::Expired { .. });
    until(&follower, expired).await;
    assert_eq!(follower.current(), None);
    assert_eq!(follower.last().unwrap().version(), (5, 50));
}

#[tokio::test]
async fn peers_that_are_no_directory_are_said_to_be_away() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let garbage = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (silent_at, garbage_at) = (silent.local_addr().unwrap(), garbage.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = garbage.accept().await {
            let _ = tokio::io::AsyncWriteExt::write_all(&mut tcp, &[0xa5; 4096]).await;
        }
    });
    for address in [garbage_at, silent_at] {
        let follower = follow(address);
        let state = until(&follower, |state| {
            matches!(state, FollowerState::Connecting { last_error: Some(_), .. })
        })
        .await;
        assert!(state.to_string().contains("cannot be reached"), "{state}");
    }
}
