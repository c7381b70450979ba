//! Where an authority keeps its state is somebody else's; how often it writes, and what it does
//! when it cannot, is its own.

#![allow(clippy::unwrap_used, reason = "test code")]

mod common;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::{SOON, config, follower, gateway, identity, registrar, small_network, state_of};
use mixbed_directory::authority::{Pending, Snapshot, StartError, StateError, StateStore};
use mixbed_directory::{Authority, AuthorityConfig, Directories, FollowerState, Parameters};

/// A place in memory, as bytes.
#[derive(Debug, Default)]
struct Memory {
    bytes: Mutex<Option<Vec<u8>>>,
    saves: AtomicU64,
    fails: Mutex<Option<Fails>>,
}

#[derive(Clone, Copy, Debug)]
enum Fails {
    Away,
    Taken,
}

impl Memory {
    fn fail(&self, fails: Option<Fails>) {
        *self.fails.lock().unwrap() = fails;
    }
}

impl StateStore for Memory {
    fn place(&self) -> String {
        "the memory".to_owned()
    }

    fn load(&self) -> Pending<'_, Option<Snapshot>> {
        let bytes = self.bytes.lock().unwrap().clone();
        Box::pin(async move { Ok(bytes.map(|bytes| Snapshot::from_bytes(&bytes).unwrap())) })
    }

    fn save<'a>(&'a self, snapshot: &'a Snapshot) -> Pending<'a, ()> {
        Box::pin(async {
            match *self.fails.lock().unwrap() {
                Some(Fails::Away) => return Err(StateError::Failed("it is away".to_owned())),
                Some(Fails::Taken) => return Err(StateError::Taken("another writes".to_owned())),
                None => {}
            }
            self.saves.fetch_add(1, Relaxed);
            *self.bytes.lock().unwrap() = Some(snapshot.to_bytes().to_vec());
            Ok(())
        })
    }
}

fn with(store: &Arc<Memory>) -> AuthorityConfig {
    AuthorityConfig { state_store: Some(store.clone()), ..config() }
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < SOON, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_restart_goes_on_and_nothing_is_written_twice() {
    let store = Arc::new(Memory::default());
    let before = Authority::start(with(&store)).await.unwrap();
    let (key, listen) = (before.public_key(), before.address());
    let seen = follower(&before);
    let nodes: Vec<_> = small_network()
        .into_iter()
        .map(|(seed, node)| registrar(&before.url(), seed, node))
        .collect();
    for node in &nodes {
        node.wait_registered(SOON).await.unwrap();
    }
    let document = seen.wait_ready(SOON).await.unwrap();
    let client = Directories::new(&before.url(), &before.trust()).unwrap();
    let slow = |parameters: &mut Parameters| parameters.mean_hop_delay = Duration::from_millis(7);
    for _ in 0..3 {
        client.change_parameters(&before.trust(), &common::admin(), slow).await.unwrap();
    }
    let issued = before.counters().documents.load(Relaxed);
    assert_eq!(store.saves.load(Relaxed), issued, "one write a document");
    assert_eq!(before.document().unwrap().revision, issued);
    let newest = before.document().unwrap();
    assert!(newest.revision > document.revision || newest == document);
    let stopping = Instant::now();
    before.shutdown().await;
    assert!(stopping.elapsed() < Duration::from_secs(5), "{:?}", stopping.elapsed());

    let after = Authority::start(AuthorityConfig { listen, ..with(&store) }).await.unwrap();
    assert_eq!((after.public_key(), after.document()), (key, Some(newest)));
    assert_eq!(store.saves.load(Relaxed), issued, "a restart has nothing to write");
}

#[tokio::test]
async fn who_cannot_save_publishes_nothing_and_epochs_go_on() {
    let store = Arc::new(Memory::default());
    let parameters = Parameters { epoch_length: Duration::from_secs(1), ..Parameters::default() };
    let authority = Authority::start(AuthorityConfig { parameters, ..with(&store) }).await.unwrap();
    let follower = follower(&authority);
    follower.wait_for(SOON, |_| true).await.unwrap();
    store.fail(Some(Fails::Away));
    until("trouble", || authority.trouble().is_some()).await;
    assert_eq!(authority.trouble().as_deref(), Some("it is away"));
    let held = authority.document().unwrap();
    let node = registrar(&authority.url(), 1, gateway(1));
    until("the next epoch, by the clock", || follower.epoch() > Some(held.epoch)).await;
    assert_eq!(authority.document().unwrap(), held, "what it has said stays");
    assert!(authority.is_running());

    store.fail(None);
    node.wait_registered(SOON).await.unwrap();
    let next = follower.wait_for(SOON, |next| !next.nodes.is_empty()).await.unwrap();
    assert!(next.epoch > held.epoch, "and no epoch is one too few");
    assert_eq!(authority.trouble(), None);
    state_of(&follower, FollowerState::is_following).await;
}

#[tokio::test]
async fn who_finds_another_at_its_place_stops_and_says_so() {
    let store = Arc::new(Memory::default());
    let authority = Authority::start(with(&store)).await.unwrap();
    store.fail(Some(Fails::Taken));
    let held = authority.document();
    let _node = registrar(&authority.url(), 1, gateway(1));
    until("an end", || !authority.is_running()).await;
    assert_eq!(authority.trouble().as_deref(), Some("another writes"));
    assert_eq!(authority.document(), held);
    let refused = Authority::start(AuthorityConfig {
        parameters: Parameters { tracing_allowed: true, ..Parameters::default() },
        ..with(&store)
    });
    let refused = refused.await.unwrap_err();
    assert!(refused.to_string().contains("another writes"), "{refused}");
}

#[tokio::test]
async fn the_key_is_the_one_given_and_a_state_with_another_is_refused() {
    let store = Arc::new(Memory::default());
    let keyed = |seed| AuthorityConfig { signing_key: Some(identity(seed)), ..with(&store) };
    let authority = Authority::start(keyed(7)).await.unwrap();
    assert_eq!(authority.public_key(), identity(7).public());
    authority.shutdown().await;
    let again = Authority::start(keyed(7)).await.unwrap();
    assert_eq!(again.public_key(), identity(7).public());
    again.shutdown().await;
    let refused = Authority::start(keyed(8)).await.unwrap_err();
    assert!(matches!(refused, StartError::State(StateError::OtherKey { .. })), "{refused}");
    assert!(refused.to_string().contains("the memory"), "{refused}");
    let dir = tempfile::tempdir().unwrap();
    let both = AuthorityConfig { state_dir: Some(dir.path().to_owned()), ..keyed(7) };
    assert!(Authority::start(both).await.unwrap_err().to_string().contains("not in both"));
}
